//! A collector that is away, hangs or comes back: nobody who asks for something notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use test_support::{Caller, Collector, ServerProcess, poll_until};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::system::{COMMAND, System, all_in_one, creation};

/// Deliveries come soon after each other, so that a test need not wait for them.
const SOON: [(&str, &str); 2] = [("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_METRIC_EXPORT_INTERVAL", "50")];

async fn start(endpoint: &str, settings: &[(&str, &str)]) -> (tempfile::TempDir, ServerProcess) {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec![("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", endpoint)];
    all.extend(settings);
    all.extend(SOON);
    let process = all_in_one(folder.path().to_owned(), &all).start().await;
    (folder, process)
}

async fn create_cases(process: &ServerProcess, count: usize) {
    let mut client = Caller::actor("amira").commands(process.address(COMMAND));
    for _ in 0..count {
        client.create_case(creation("t", "")).await.unwrap();
    }
}

/// Takes connections and closes them at once; counts them until it is told to end.
async fn slamming() -> (SocketAddr, Arc<AtomicUsize>, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, attempts, end) =
        (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let (counted, ended) = (Arc::clone(&attempts), end.clone());
    tokio::spawn(ended.run_until_cancelled_owned(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    }));
    (address, attempts, end)
}

#[tokio::test]
async fn a_collector_that_goes_and_comes_back_is_told_once_each_however_often_it_is_tried() {
    let (address, attempts, end) = slamming().await;
    let (_folder, process) = start(&format!("http://{address}"), &[]).await;
    let transcript = process.transcript();
    create_cases(&process, 3).await;
    poll_until("many attempts", || async { (attempts.load(Ordering::Relaxed) >= 10).then_some(()) }).await;
    let told = transcript.of("telemetry_export_failed");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!((&told[0]["level"], &told[0]["endpoint"]), (&"WARN".into(), &format!("http://{address}").into()));
    assert!(told[0]["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{told:#?}");
    let noise =
        transcript.lines().into_iter().find(|line| line.contains("ExportError") || line.contains("Export.Failed"));
    assert_eq!(noise, None, "the libraries do not say it again");
    end.cancel();
    let collector = poll_until("the port", || async { Collector::try_start_at(address).await.ok() }).await;
    poll_until("the recovery", || async { (!transcript.of("telemetry_export_recovered").is_empty()).then_some(()) })
        .await;
    create_cases(&process, 1).await;
    poll_until("spans", || async { (!collector.spans().is_empty()).then_some(()) }).await;
    assert_eq!(process.terminate().await.code(), Some(0));
    assert_eq!(transcript.of("telemetry_export_failed").len(), 1);
    assert_eq!(transcript.of("telemetry_export_recovered").len(), 1);
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_nobody_and_what_is_lost_is_counted() {
    // The kernel takes connections for it; nobody ever answers on them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let small = [("OTEL_BSP_MAX_QUEUE_SIZE", "16"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")];
    let (_folder, process) = start(&endpoint, &small).await;
    let transcript = process.transcript();
    create_cases(&process, 50).await;
    let line = poll_until("the losses", || async { transcript.of("telemetry_dropped").pop() }).await;
    // Each command has several spans, and the queue has room for 16.
    assert!(line["spans_total"].as_u64().is_some_and(|lost| lost > 50), "{line}");
    create_cases(&process, 1).await;
    assert_eq!(process.terminate().await.code(), Some(0), "the end is not held up either");
}

#[tokio::test]
async fn nothing_that_delivers_telemetry_makes_any() {
    let collector = Collector::start().await;
    let (_folder, process) = start(&collector.endpoint(), &[("CASE_TRACKER__LOG__LEVEL", "trace")]).await;
    let transcript = process.transcript();
    poll_until("deliveries", || async { (collector.metric_exports() >= 10).then_some(()) }).await;
    let spans: Vec<_> = collector.spans().into_iter().map(|seen| seen.span.name).collect();
    assert!(spans.is_empty(), "an idle process has spans: {spans:?}");
    let lines = transcript.lines();
    let about_itself = |line: &&String| {
        let target = serde_json::from_str::<serde_json::Value>(line).unwrap()["target"].to_string();
        ["h2", "hyper", "opentelemetry", "tonic", "tower"]
            .iter()
            .any(|library| target.contains(&format!("\"{library}")))
    };
    assert_eq!(lines.iter().find(about_itself), None);
    create_cases(&process, 1).await;
    poll_until("control: a request has spans", || async { (!collector.spans().is_empty()).then_some(()) }).await;
    assert!(transcript.lines().len() > lines.len(), "control: and lines");
    assert_eq!(process.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn a_process_names_itself_as_the_standard_variables_say() {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let settings = [
        ("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_SERVICE_NAME", "cases-north"),
        ("OTEL_RESOURCE_ATTRIBUTES", "host.name=h1"),
    ];
    let mut system = System::all_in_one(&settings).await;
    system.commands(Caller::actor("amira")).create_case(creation("t", "")).await.unwrap();
    system.stop().await;
    assert!(collector.spans().iter().all(|seen| seen.service == "cases-north") && !collector.spans().is_empty());
}
