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

#[tokio::test]
async fn a_store_that_is_gone_is_not_founded_anew_in_silence() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("command.db");
    let mut settings = Settings::defaults().map_err(|problems| format!("{problems:?}"))?;
    settings.command.store = Configured(format!("sqlite:{}", path.display()));
    let process = Process::new(settings, CancellationToken::new());
    let health = Health::new(&[]);
    let start = || Store::open(&process, &health, health.condition("store"));
    let refused = |started: Result<Store, Exit>| {
        let refusal = started.err().expect("the start is refused");
        assert_eq!(refusal.code, ExitCode::DataCorrupt);
        let said = ["the store is gone", "back-up", "command.db.head"].map(|part| refusal.message.contains(part));
        assert_eq!(said, [true; 3], "{}", refusal.message);
    };
    start().await?.close().await;
    let Noted::Head { epoch, .. } = head_file::noted(&path) else { return Err("no head".into()) };
    let kept = folder.path().join("kept");
    std::fs::rename(&path, &kept)?;
    start().await?.close().await;
    // Of a store without an event nothing is lost. With one it is another matter.
    HeadFile::open(&path, epoch)?.write(1);
    refused(start().await);
    assert_eq!(
        head_file::noted(&path),
        Noted::Head { epoch, position: 1 },
        "another epoch, and asking again does not help"
    );
    std::fs::remove_file(&path)?;
    refused(start().await);
    assert!(!path.exists(), "nothing is in the way of the back-up");
    // The controls: the store itself is asked for its events, not refused; and who says that it is meant so is believed.
    std::fs::copy(&kept, &path)?;
    start().await?.close().await;
    std::fs::remove_file(&path)?;
    std::fs::remove_file(head_file::path_beside(&path))?;
    start().await?.close().await;
    // What nobody can read refuses nothing.
    std::fs::remove_file(&path)?;
    std::fs::write(head_file::path_beside(&path), "?")?;
    start().await?.close().await;
    Ok(())
}
