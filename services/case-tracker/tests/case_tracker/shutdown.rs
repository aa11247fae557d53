//! How a process ends when it is told to: what is open, what is in flight, what is left behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use case_api::ConsistencyToken;
use case_api::feed_pb::follow_request::Message as Said;
use case_api::feed_pb::{FollowRequest, FollowResponse, FollowStart};
use case_api::pb::{Consistency, GetCaseRequest, ListCasesRequest};
use test_support::{Caller, Collector, eventually, poll_until};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::HealthCheckResponse;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_types::StatusExt;

use crate::system::{AUDIT, COMMAND, QUERY, System, creation};

const CALLERS: usize = 4;

/// What tools and orchestrators keep open for as long as they run.
struct Onlookers {
    watches: Vec<Streaming<HealthCheckResponse>>,
    reflections: Vec<Streaming<ServerReflectionResponse>>,
    feed: Streaming<FollowResponse>,
    silent: Vec<TcpStream>,
}

impl Onlookers {
    /// All of them, at every server of the system, and each has had its first answer.
    async fn of(system: &System) -> Self {
        let (mut watches, mut reflections, mut silent) = (Vec::new(), Vec::new(), Vec::new());
        for service in [COMMAND, QUERY, AUDIT] {
            let channel = Caller::nobody().channel(system.address(service));
            let request = HealthCheckRequest { service: "readiness".to_owned() };
            let mut watch = HealthClient::new(channel.clone()).watch(request).await.unwrap().into_inner();
            assert!(eventually("a status", watch.message()).await.unwrap().is_some());
            watches.push(watch);
            let ask = Some(MessageRequest::ListServices(String::new()));
            let ask = ServerReflectionRequest { host: String::new(), message_request: ask };
            let questions = tokio_stream::iter([ask]).chain(tokio_stream::pending());
            let answers = ServerReflectionClient::new(channel).server_reflection_info(questions).await;
            let mut answers = answers.unwrap().into_inner();
            assert!(eventually("the services", answers.message()).await.unwrap().is_some());
            reflections.push(answers);
            silent.push(TcpStream::connect(system.address(service)).await.unwrap());
        }
        let start = FollowStart { consumer: "onlooker".to_owned(), after_position: 0 };
        let said = tokio_stream::iter([FollowRequest { message: Some(Said::Start(start)) }]);
        let mut feed = Caller::actor("onlooker").feed(system.address(COMMAND));
        let mut feed = feed.follow(said.chain(tokio_stream::pending())).await.unwrap().into_inner();
        assert!(eventually("the feed", feed.message()).await.unwrap().is_some());
        Self { watches, reflections, feed, silent }
    }

    /// Each is told how it ended.
    async fn check_farewells(mut self) {
        for watch in &mut self.watches {
            let last = eventually("the last status", watch.message()).await.unwrap().unwrap();
            assert_eq!(last.status().as_str_name(), "NOT_SERVING");
            assert!(eventually("the end of the watch", watch.message()).await.unwrap().is_none());
        }
        for reflection in &mut self.reflections {
            let ended = eventually("the end of the reflection", reflection.message()).await.unwrap_err();
            assert_eq!(reason(&ended).as_deref(), Some("DRAINING"));
        }
        let ended = loop {
            match eventually("the end of the feed", self.feed.message()).await {
                Ok(message) => assert!(message.is_some(), "it says why it ends"),
                Err(status) => break status,
            }
        };
        assert_eq!(reason(&ended).as_deref(), Some("DRAINING"));
        for silent in &mut self.silent {
            // Closed, with or without a farewell.
            let _ = eventually("the end of a connection", silent.read_to_end(&mut Vec::new())).await;
        }
    }
}

fn reason(status: &Status) -> Option<String> {
    status.get_error_details().error_info().map(|info| info.reason.clone())
}

/// What one caller has had acknowledged, and how its calls ended.
struct Ledger {
    cases: Vec<String>,
    last: Status,
}

/// Writes, and reads what it has written, until it is refused.
async fn work(caller: usize, system: (Caller, [std::net::SocketAddr; 2]), seen: Arc<watch::Sender<usize>>) -> Ledger {
    let (who, [command, query]) = system;
    let (mut commands, mut queries) = (who.clone().commands(command), who.queries(query));
    let mut cases = Vec::new();
    for n in 0.. {
        let created = match commands.create_case(creation("t", &format!("{caller}-{n}"))).await {
            Ok(created) => created.into_inner(),
            Err(last) => return Ledger { cases, last },
        };
        let case_id = created.case.unwrap().case_id;
        cases.push(case_id.clone());
        seen.send_modify(|count| *count += 1);
        let consistency = Some(Consistency { at_least_as_fresh: vec![created.consistency_token] });
        if let Err(last) = queries.get_case(GetCaseRequest { case_id, consistency }).await {
            return Ledger { cases, last };
        }
    }
    unreachable!("there are enough numbers")
}

/// A refusal by a server that drains, or a connection that was not there for the call any more: in neither case has the call
/// been accepted.
fn is_not_accepted(status: &Status) -> bool {
    match reason(status) {
        Some(reason) => reason == "DRAINING",
        None => !status.metadata().contains_key("x-request-id"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_and_with_everything_open_a_shutdown_loses_nothing_and_ends_by_itself() {
    let collector = Collector::start().await;
    // Not what ends it.
    let settings =
        [("CASE_TRACKER__DRAIN_TIMEOUT", "10m"), ("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", &*collector.endpoint())];
    let mut system = System::all_in_one(&settings).await;
    let onlookers = Onlookers::of(&system).await;
    let (seen, mut progress) = watch::channel(0);
    let seen = Arc::new(seen);
    let addresses = [system.address(COMMAND), system.address(QUERY)];
    let work = |n| tokio::spawn(work(n, (Caller::actor("amira"), addresses), Arc::clone(&seen)));
    let callers: Vec<_> = (0..CALLERS).map(work).collect();
    eventually("some work", progress.wait_for(|count| *count >= 50)).await.unwrap();
    system.stop().await;
    let mut acknowledged = BTreeSet::new();
    for caller in callers {
        let Ledger { cases, last } = eventually("a caller to be refused", caller).await.unwrap();
        assert!(is_not_accepted(&last), "an accepted call failed: {last:?}");
        acknowledged.extend(cases);
    }
    onlookers.check_farewells().await;
    check_spans(&collector, acknowledged.len());
    system.start_again().await;
    assert_eq!(all_cases(&system).await, acknowledged, "neither more nor fewer than were acknowledged");
    system.stop().await;
}

/// The last spans have been delivered: one of the transport for every command that succeeded.
fn check_spans(collector: &Collector, acknowledged: usize) {
    let spans = collector.spans();
    let creations = spans.iter().filter(|seen| {
        let transport = seen.scope == COMMAND && seen.span.name == "casetracker.v1.CaseCommandService/CreateCase";
        let is_ok = |value: &opentelemetry_proto::tonic::common::v1::AnyValue| format!("{value:?}").contains("\"OK\"");
        let code = seen.span.attributes.iter().find(|attribute| attribute.key == "rpc.response.status_code");
        transport && code.and_then(|code| code.value.as_ref()).is_some_and(is_ok)
    });
    assert_eq!(creations.count(), acknowledged);
}

async fn all_cases(system: &System) -> BTreeSet<String> {
    let token =
        system.commands(Caller::actor("amira")).create_case(creation("last", "last")).await.unwrap().into_inner();
    let last = token.case.unwrap().case_id;
    let consistency = Some(Consistency { at_least_as_fresh: vec![token.consistency_token] });
    let (mut cases, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request =
            ListCasesRequest { page_size: 1_000, page_token, consistency: consistency.clone(), ..Default::default() };
        let page = poll_until("a page that is fresh enough", || {
            let (mut queries, request) = (system.queries(Caller::actor("amira")), request.clone());
            async move { queries.list_cases(request).await.ok() }
        });
        let page = page.await.into_inner();
        cases.extend(page.cases.into_iter().map(|case| case.case_id).filter(|id| *id != last));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return cases;
        }
    }
}

/// A system with a read that waits, for longer than any test lasts, for a freshness that never comes.
async fn with_a_hung_read(drain_timeout: &str) -> (System, tokio::task::JoinHandle<Status>) {
    let settings = [
        ("CASE_TRACKER__DRAIN_TIMEOUT", drain_timeout),
        ("CASE_TRACKER__QUERY__FRESHNESS_WAIT", "60s"),
        ("CASE_TRACKER__LIMITS__DEADLINE_DEFAULT", "60s"),
        ("CASE_TRACKER__LOG__LEVEL", "info,service_kit=debug"),
    ];
    let system = System::all_in_one(&settings).await;
    let created = system.commands(Caller::actor("amira")).create_case(creation("t", "")).await.unwrap().into_inner();
    let now = ConsistencyToken::decode(&created.consistency_token).unwrap();
    let never = ConsistencyToken { position: now.position + 1_000, ..now }.encode();
    let consistency = Some(Consistency { at_least_as_fresh: vec![never] });
    let request = GetCaseRequest { case_id: created.case.unwrap().case_id, consistency };
    let mut queries = system.queries(Caller::actor("amira").with("x-request-id", "the-hung-read"));
    let hung = tokio::spawn(async move { queries.get_case(request).await.unwrap_err() });
    let begun = |line: &String| line.contains("request_started") && line.contains("the-hung-read");
    poll_until("the read to hang", || async { system.lines().iter().any(begun).then_some(()) }).await;
    (system, hung)
}

#[tokio::test]
async fn a_call_that_hangs_is_cut_off_when_the_time_is_up() {
    let (mut system, hung) = with_a_hung_read("1s").await;
    let process = system.process();
    process.signal("TERM").await;
    let cut = eventually("the hung read to be cut off", hung).await.unwrap();
    assert!(cut.code() != Code::Ok && reason(&cut).is_none(), "{cut:?}");
    let lines = poll_until("the last line", || async {
        let lines = process.lines();
        lines.iter().any(|line| line.contains("service_shutdown")).then_some(lines)
    })
    .await;
    let finished = |service: &str, level: &str| {
        lines.iter().any(|line| ["drain_finished", service, level].iter().all(|part| line.contains(part)))
    };
    assert!(finished(QUERY, "WARN"), "it says what it cut off: {lines:#?}");
    assert!(finished(AUDIT, "INFO"), "the control: nothing hung there");
    assert_eq!(process.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_what_hangs() {
    let (mut system, hung) = with_a_hung_read("10m").await;
    let process = system.process();
    process.signal("TERM").await;
    // It waits for the read: the others are through.
    poll_until("the others to end", || async {
        process.lines().iter().any(|line| line.contains("drain_finished") && line.contains(AUDIT)).then_some(())
    })
    .await;
    assert!(!hung.is_finished());
    process.signal("TERM").await;
    assert_eq!(process.ended().await.code(), Some(143), "128 + SIGTERM, and not 0: it did not end in good order");
}
