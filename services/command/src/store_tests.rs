use service_kit::settings::{Settings, StoreAddress as Configured};
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn operators_read_the_schema_the_queue_and_every_required_consumer() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut settings = Settings::defaults().map_err(|problems| format!("{problems:?}"))?;
    let address = format!("sqlite:{}", folder.path().join("command.db").display());
    settings.command.store = Configured(address.clone());
    settings.limits.commands_queued = 7;
    let process = Process::new(settings, CancellationToken::new());
    let (health, diagnostics) = (Health::new(&[]), Diagnostics::new());
    let condition = health.condition("store");
    let store = Store::open(&process, &health, condition.clone()).await?;
    health.started();
    store.report_to(&diagnostics);
    while !health.is_ready() {
        tokio::task::yield_now().await;
    }
    let reports = diagnostics.reports();
    let [Report::Store(of_store), Report::Queue(of_queue), Report::Feed(of_feed)] = reports.as_slice() else {
        return Err(format!("{reports:?}").into());
    };
    assert_eq!(
        (of_store.name, of_store.address.as_str(), of_store.problem.as_str()),
        ("command", address.as_str(), "")
    );
    assert!(of_store.schema_version > 0 && of_store.schema_version == of_store.schema_version_supported);
    assert!(of_store.size_bytes > 0);
    assert_eq!(*of_queue, QueueReport { name: "commands", depth: 0, capacity: 7 });
    assert_eq!((of_feed.consumer.as_str(), of_feed.position, of_feed.connected), ("case-audit", 0, false));
    // Whoever still holds the diagnostics does not keep the store open.
    store.close().await;
    let again = Store::open(&process, &Health::new(&[]), condition).await?;
    assert_eq!(diagnostics.reports().len(), 3);
    again.close().await;
    Ok(())
}
