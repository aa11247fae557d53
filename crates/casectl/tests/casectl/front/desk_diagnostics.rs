//! What the desk says about itself.

use service_kit::diagnostics::pb;
use service_kit::diagnostics::pb::diagnostics_service_server::DiagnosticsService;
use tonic::{Request, Response, Status};

use super::desk::{Desk, at};

#[tonic::async_trait]
impl DiagnosticsService for Desk {
    async fn get_diagnostics(
        &self,
        request: Request<pb::GetDiagnosticsRequest>,
    ) -> Result<Response<pb::GetDiagnosticsResponse>, Status> {
        self.meet("GetDiagnostics", &request)?;
        Ok(Response::new(pb::GetDiagnosticsResponse { diagnostics: Some(state()) }))
    }
}

/// A service with everything in it, of which one part fails.
fn state() -> pb::Diagnostics {
    let text = ToOwned::to_owned;
    let setting =
        |key: &str, value: &str, source: &str| pb::Setting { key: text(key), value: text(value), source: text(source) };
    let lag = Some(prost_types::Duration { seconds: 61, nanos: 500_000_000 });
    let condition =
        |name: &str, reason: &str| pb::Condition { name: text(name), passing: reason.is_empty(), reason: text(reason) };
    pb::Diagnostics {
        service: text("case-query"),
        program: text("case-tracker"),
        version: text("1.2.3"),
        build_sha: text("abc123"),
        rustc_version: text("rustc 1.95.0"),
        environment: text("staging"),
        process_id: 42,
        start_time: Some(at(200)),
        read_time: Some(at(0)),
        uptime: Some(prost_types::Duration { seconds: 200, nanos: 0 }),
        health: Some(pb::Health {
            ready: false,
            started: true,
            draining: false,
            conditions: vec![condition("store", ""), condition("feed", "connection refused by 127.0.0.1:50051")],
        }),
        settings: vec![
            setting("environment", "\"staging\"", "environment variable CASE_TRACKER__ENVIRONMENT"),
            setting("log.level", "\"info\"", "default"),
        ],
        features: vec![
            pb::Feature { name: text("auth"), state: text("jwt") },
            pb::Feature { name: text("tls"), state: text("on") },
        ],
        stores: vec![pb::Store {
            name: text("query"),
            address: text("sqlite:/var/lib/case-tracker/query.db"),
            schema_version: 2,
            schema_version_supported: 3,
            size_bytes: 4_096,
            problem: text("the disk is full"),
        }],
        queues: vec![pb::Queue { name: text("reads"), depth: 0, capacity: 64 }],
        feeds: vec![pb::Feed { consumer: text("case-query"), position: 5, head_position: 9, lag, connected: false }],
        dependencies: vec![pb::Dependency {
            name: text("case-command"),
            address: text("http://127.0.0.1:50051"),
            breaker_state: pb::BreakerState::HalfOpen.into(),
            last_failure: text("connection refused"),
        }],
    }
}
