//! The standard protocol, `grpc.health.v1`, over a [`Health`].

use std::collections::HashMap;
use std::pin::Pin;

use futures_util::{Stream, stream};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use self::pb::health_check_response::ServingStatus;
use self::pb::health_server::HealthServer;
use self::pb::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use super::{Health, Phase};

/// The generated code. Ours rather than tonic-health's, which knows no `List`.
#[expect(unreachable_pub, clippy::pedantic, reason = "generated")]
mod pb {
    tonic::include_proto!("grpc.health.v1");
}

/// The descriptors of the protocol, for reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/health_descriptor.bin"));

/// The names that every server has beside its services.
const GENERAL: [&str; 4] = ["", "liveness", "readiness", "startup"];

/// The protocol's service.
pub(crate) fn server(health: Health) -> HealthServer<impl pb::health_server::Health> {
    HealthServer::new(Protocol(health))
}

struct Protocol(Health);

impl Protocol {
    fn knows(&self, name: &str) -> bool {
        GENERAL.contains(&name) || self.0.shared.services.contains(&name)
    }
}

#[tonic::async_trait]
impl pb::health_server::Health for Protocol {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let name = request.into_inner().service;
        if self.knows(&name) {
            Ok(Response::new(answer(status(&name, self.0.phase()))))
        } else {
            // Not one of our errors: the protocol itself demands this code and no more.
            Err(Status::not_found("no such service"))
        }
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        let phase = self.0.phase();
        let names = GENERAL.iter().chain(&self.0.shared.services);
        let statuses: HashMap<_, _> = names.map(|name| ((*name).to_owned(), answer(status(name, phase)))).collect();
        Ok(Response::new(HealthListResponse { statuses }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let name = request.into_inner().service;
        let name = if self.knows(&name) { Some(name) } else { None };
        let phases = self.0.shared.published.subscribe();
        let watcher = Watcher { name, phases, told: None };
        Ok(Response::new(Box::pin(stream::unfold(watcher, Watcher::next))))
    }
}

/// One open `Watch`.
struct Watcher {
    /// None: there is no such service.
    name: Option<String>,
    phases: watch::Receiver<Phase>,
    told: Option<ServingStatus>,
}

impl Watcher {
    /// The next change. The stream ends with the news that the server drains: an open one would hold up the shutdown.
    async fn next(mut self) -> Option<(Result<HealthCheckResponse, Status>, Self)> {
        loop {
            let phase = *self.phases.borrow_and_update();
            let now = self.name.as_deref().map_or(ServingStatus::ServiceUnknown, |name| status(name, phase));
            if self.told != Some(now) {
                self.told = Some(now);
                return Some((Ok(answer(now)), self));
            }
            if matches!(phase, Phase::Draining { .. }) {
                return None;
            }
            self.phases.changed().await.ok()?;
        }
    }
}

fn status(name: &str, phase: Phase) -> ServingStatus {
    let serving = match (name, phase) {
        ("startup", Phase::Starting) => false,
        ("liveness", _) | ("startup", Phase::NotReady | Phase::Ready) => true,
        ("startup", Phase::Draining { started }) => started,
        (_, phase) => phase == Phase::Ready,
    };
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
