//! The service itself: what one server knows about itself, at the moment of the question.

use std::time::Instant;

use tonic::{Request, Response, Status};

use super::pb::diagnostics_service_server::{DiagnosticsService, DiagnosticsServiceServer};
use super::{Diagnostics, Report, pb, wire};
use crate::health::Health;
use crate::host::Host;
use crate::identity::Identity;
use crate::program::{BUILD_SHA, Process};

/// The descriptors of the protocol, for reflection and for the names of its methods.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/diagnostics_descriptor.bin"));

/// The compiler of this build; empty if the build did not know it.
const RUSTC_VERSION: &str = env!("SERVICE_KIT_RUSTC_VERSION");

/// The service of a host that is about to serve: its uptime counts from here.
pub(crate) fn server(host: &Host) -> DiagnosticsServiceServer<impl DiagnosticsService + use<>> {
    DiagnosticsServiceServer::new(Answers {
        identity: host.identity,
        process: host.process.clone(),
        health: host.health.clone(),
        diagnostics: host.diagnostics.clone(),
        start_unix_us: host.process.clock.unix_us(),
        started: Instant::now(),
    })
}

struct Answers {
    identity: Identity,
    process: Process,
    health: Health,
    diagnostics: Diagnostics,
    start_unix_us: i64,
    started: Instant,
}

#[tonic::async_trait]
impl DiagnosticsService for Answers {
    async fn get_diagnostics(
        &self,
        _: Request<pb::GetDiagnosticsRequest>,
    ) -> Result<Response<pb::GetDiagnosticsResponse>, Status> {
        Ok(Response::new(pb::GetDiagnosticsResponse { diagnostics: Some(self.now()) }))
    }
}

impl Answers {
    fn now(&self) -> pb::Diagnostics {
        let Process { about, settings, provenance, clock, .. } = &self.process;
        let mut state = pb::Diagnostics {
            service: self.identity.name.to_owned(),
            program: about.program.to_owned(),
            version: about.version.to_owned(),
            build_sha: BUILD_SHA.unwrap_or_default().to_owned(),
            rustc_version: RUSTC_VERSION.to_owned(),
            environment: settings.environment.clone(),
            process_id: std::process::id(),
            start_time: Some(wire::timestamp(self.start_unix_us)),
            read_time: Some(wire::timestamp(clock.unix_us())),
            uptime: Some(wire::duration(self.started.elapsed())),
            health: Some(wire::health(&self.health)),
            settings: provenance.keys().map(|key| wire::setting(&key)).collect(),
            features: wire::features(settings),
            ..pb::Diagnostics::default()
        };
        for report in self.diagnostics.reports() {
            match report {
                Report::Store(store) => state.stores.push(wire::store(store)),
                Report::Queue(queue) => state.queues.push(wire::queue(queue)),
                Report::Feed(feed) => state.feeds.push(wire::feed(feed)),
                Report::Dependency(dependency) => state.dependencies.push(wire::dependency(dependency)),
            }
        }
        state
    }
}
