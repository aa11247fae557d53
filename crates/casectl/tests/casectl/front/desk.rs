//! Three services on one port that answer with samples, refuse on demand, and remember what they were asked.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use case_api::pb;
use case_api::pb::audit_service_server::AuditServiceServer;
use case_api::pb::case_command_service_server::CaseCommandServiceServer;
use case_api::pb::case_query_service_server::CaseQueryServiceServer;
use rpc_error::{FailedCall, Failure};
use service_kit::diagnostics::pb::diagnostics_service_server::DiagnosticsServiceServer;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Status};

use super::surroundings::NOW_S;
use super::{Said, Setting};

/// The id of every refused request.
pub(super) const REQUEST_ID: &str = "0193-refused";

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: &'static str,
    /// The message in Rust's own form.
    pub(super) message: String,
    pub(super) actor: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) has_deadline: bool,
}

/// The services.
#[derive(Clone, Default)]
pub(super) struct Desk {
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    refusals: Arc<Mutex<VecDeque<Status>>>,
    pub(super) case: Arc<Mutex<pb::Case>>,
    /// How many pages each list has.
    pub(super) pages: Arc<Mutex<u32>>,
}

impl Desk {
    /// Answers with the sample case.
    pub(super) async fn open() -> (Self, SocketAddr) {
        let desk = Self { case: Arc::new(Mutex::new(sample())), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("readiness", tonic_health::ServingStatus::Serving).await;
        reporter.set_service_status("startup", tonic_health::ServingStatus::NotServing).await;
        let server = Server::builder()
            .add_service(health)
            .add_service(CaseCommandServiceServer::new(desk.clone()))
            .add_service(CaseQueryServiceServer::new(desk.clone()))
            .add_service(AuditServiceServer::new(desk.clone()))
            .add_service(DiagnosticsServiceServer::new(desk.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (desk, address)
    }

    /// Refuses the next call.
    pub(super) fn refuse(&self, failure: Failure) {
        let status = failure.into_status(FailedCall { request_id: REQUEST_ID, trace_id: "" });
        self.refusals.lock().unwrap().push_back(status);
    }

    /// The same, with a status that is not of our servers.
    pub(super) fn refuse_plainly(&self, status: Status) {
        self.refusals.lock().unwrap().push_back(status);
    }

    /// Every call so far.
    pub(super) fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Remembers a call, and refuses it if it is time to.
    pub(super) fn meet<M: Debug>(&self, method: &'static str, request: &Request<M>) -> Result<(), Status> {
        let value = |name| request.metadata().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        self.seen.lock().unwrap().push(Seen {
            method,
            message: format!("{:?}", request.get_ref()),
            actor: value("x-actor-id"),
            authorization: value("authorization"),
            request_id: value("x-request-id"),
            has_deadline: value("grpc-timeout").is_some(),
        });
        self.refusals.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }

    /// The token of the page after the one with this token; empty on the last one.
    pub(super) fn next_page(&self, token: &str) -> String {
        let page: u32 = token.parse().unwrap_or(0) + 1;
        if page < *self.pages.lock().unwrap() { page.to_string() } else { String::new() }
    }
}

/// One run against a desk of its own that refuses once.
pub(super) async fn refused(failure: Failure, arguments: &[&str]) -> Said {
    let (desk, address) = Desk::open().await;
    desk.refuse(failure);
    Setting::at(address).run(arguments).await
}

pub(super) fn at(ago_s: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: NOW_S - ago_s, nanos: 0 }
}

/// A case with everything in it.
pub(super) fn sample() -> pb::Case {
    let field = |kind| prost_types::Value { kind: Some(kind) };
    let fields = [
        ("cost".to_owned(), field(prost_types::value::Kind::NumberValue(12.5))),
        ("ticket".to_owned(), field(prost_types::value::Kind::StringValue("INC-1".to_owned()))),
        ("units".to_owned(), field(prost_types::value::Kind::NumberValue(4.0))),
    ];
    let step = |to_status: &str, requires_reason| pb::AllowedTransition {
        to_status: to_status.to_owned(),
        requires_reason,
        ..pb::AllowedTransition::default()
    };
    pb::Case {
        case_id: "CASE-001".to_owned(),
        version: 3,
        title: "Water damage in unit 4, on the first floor, by the stairs to the garden".to_owned(),
        description: "The ceiling of the kitchen is wet, and it drips.\nPlumber booked.".to_owned(),
        status: "IN_REVIEW".to_owned(),
        status_category: pb::StatusCategory::Open.into(),
        priority: pb::Priority::High.into(),
        severity: pb::Severity::Medium.into(),
        assignee: "citra".to_owned(),
        team: "facilities".to_owned(),
        reporter: "budi".to_owned(),
        tags: vec!["water".to_owned(), "leak".to_owned()],
        custom_fields: Some(prost_types::Struct { fields: fields.into() }),
        due_time: Some(at(-86_400 * 3)),
        create_time: Some(at(7_200)),
        update_time: Some(prost_types::Timestamp { seconds: NOW_S - 200, nanos: 250_000_000 }),
        close_time: None,
        allowed_transitions: vec![
            step("WAITING", false),
            step("REJECTED", true),
            pb::AllowedTransition {
                required_fields: vec!["due_time".to_owned()],
                requires_other_actor_than: "IN_REVIEW".to_owned(),
                ..step("APPROVED", false)
            },
        ],
        comment_count: 1,
        links: vec![
            pb::CaseLink { case_id: "CASE-002".to_owned(), link_type: pb::LinkType::Duplicates.into() },
            pb::CaseLink { case_id: "CASE-003".to_owned(), link_type: pb::LinkType::BlockedBy.into() },
        ],
    }
}
