//! A small case tracker in a test: three services on one port, with faults on demand.
//!
//! It keeps the rules that a replay relies on (idempotency keys, versions, one audit event per change) and notices where
//! the order within a case is broken. Its state outlives its server, as a disk would.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use case_api::pb::audit_service_server::AuditServiceServer;
use case_api::pb::case_command_service_server::CaseCommandServiceServer;
use case_api::pb::case_query_service_server::CaseQueryServiceServer;
use case_api::{ConsistencyToken, Epoch, pb};
use case_domain::Lifecycle;
use rpc_error::{FailedCall, Failure, Reason};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Notify};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status};

/// What happens to a command.
pub(super) enum Fault {
    /// It is carried out and answered.
    None,
    /// It is refused, and not carried out.
    Refuse(Status),
    /// It is carried out, and the answer is lost.
    Lose,
    /// It is carried out, and answered when so many others wait at the barrier.
    Hold(Arc<Barrier>),
    /// It is carried out and never answered; [`Fake::hung`] hears of it.
    Hang,
}

/// Decides by the number of the command, from 1, counting every attempt.
type Faults = Box<dyn FnMut(u64) -> Fault + Send>;

/// The state and the rules.
pub(super) struct Fake {
    state: Mutex<State>,
    lifecycle: pb::Lifecycle,
    pub(super) hung: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) cases: BTreeMap<u64, pb::Case>,
    pub(super) events: Vec<pb::AuditEvent>,
    /// Attempts at commands.
    pub(super) attempts: u64,
    /// Every `authorization` that came with a command.
    pub(super) authorizations: BTreeSet<Option<String>>,
    /// Reads of timelines.
    pub(super) timelines: u64,
    /// Entries that came before the entry above them was done.
    pub(super) out_of_order: Vec<String>,
    /// Every request by its key, with the actor and the text of it.
    pub(super) requests: BTreeMap<String, (String, String)>,
    answers: HashMap<String, (pb::Case, u64)>,
    faults: Option<Faults>,
}

/// A server that can be killed.
pub(super) struct Running {
    runtime: Option<Runtime>,
    pub(super) address: SocketAddr,
}

impl Running {
    /// Ends it as `kill -9` would: no answer, no drain, every connection broken, the port free when this returns.
    pub(super) async fn kill(mut self) -> SocketAddr {
        let runtime = self.runtime.take();
        tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
        self.address
    }

    pub(super) fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A runtime that is dropped waits for its threads, which a test's thread may not do.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(super) fn refusal(reason: Reason, message: &str) -> Status {
    Failure::new(reason, message).into_status(FailedCall { request_id: "req-7", trace_id: "" })
}

impl Fake {
    pub(super) fn new(lifecycle: &Lifecycle) -> Arc<Self> {
        let lifecycle = case_api::lifecycle_to_client(3, lifecycle);
        Arc::new(Self { state: Mutex::default(), lifecycle, hung: Notify::new() })
    }

    pub(super) fn with_faults(&self, faults: impl FnMut(u64) -> Fault + Send + 'static) {
        self.state().faults = Some(Box::new(faults));
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Serves on a free port.
    pub(super) async fn serve(self: &Arc<Self>) -> Running {
        self.serve_on("127.0.0.1:0".parse().unwrap()).await
    }

    /// Serves on this port, in a runtime of its own, so that all of it can go at once.
    pub(super) async fn serve_on(self: &Arc<Self>, address: SocketAddr) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (fake, handle) = (Arc::clone(self), runtime.handle().clone());
        let serving = handle.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = Server::builder()
                .add_service(CaseCommandServiceServer::from_arc(Arc::clone(&fake)))
                .add_service(CaseQueryServiceServer::from_arc(Arc::clone(&fake)))
                .add_service(AuditServiceServer::from_arc(fake));
            tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
            address
        });
        Running { address: serving.await.unwrap(), runtime: Some(runtime) }
    }

    pub(super) fn lifecycle(&self) -> &pb::Lifecycle {
        &self.lifecycle
    }

    /// Carries a command out, once for each key, unless a fault says otherwise.
    pub(super) async fn command<M: std::fmt::Debug>(
        &self,
        request: &Request<M>,
        key: &str,
        apply: impl FnOnce(&mut State, &str) -> Result<pb::Case, Status>,
    ) -> Result<(pb::Case, bool, String), Status> {
        let actor = request.metadata().get("x-actor-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let actor = actor.ok_or_else(|| refusal(Reason::CredentialsMissing, "nobody"))?;
        let authorization = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let (answer, fault) = {
            let mut state = self.state();
            state.authorizations.insert(authorization.map(ToOwned::to_owned));
            state.attempts += 1;
            let attempt = state.attempts;
            let fault = state.faults.as_mut().map_or(Fault::None, |faults| faults(attempt));
            if let Fault::Refuse(status) = fault {
                return Err(status);
            }
            (state.once(&actor, key, &format!("{:?}", request.get_ref()), apply)?, fault)
        };
        match fault {
            Fault::None | Fault::Refuse(_) => Ok(answer),
            Fault::Hold(barrier) => {
                barrier.wait().await;
                Ok(answer)
            }
            Fault::Lose => Err(Status::unknown("connection reset")),
            Fault::Hang => {
                self.hung.notify_one();
                std::future::pending().await
            }
        }
    }
}

impl State {
    fn once(
        &mut self,
        actor: &str,
        key: &str,
        text: &str,
        apply: impl FnOnce(&mut Self, &str) -> Result<pb::Case, Status>,
    ) -> Result<(pb::Case, bool, String), Status> {
        if let Some((case, position)) = self.answers.get(key).cloned() {
            if self.requests[key] != (actor.to_owned(), text.to_owned()) {
                return Err(refusal(Reason::IdempotencyKeyReused, "another request"));
            }
            return Ok((case, true, token(position)));
        }
        let (stem, number) = key.rsplit_once('/').unwrap();
        let number: u64 = number.parse().unwrap();
        if number > 1 && !self.answers.contains_key(&format!("{stem}/{}", number - 1)) {
            self.out_of_order.push(key.to_owned());
        }
        let case = apply(self, actor)?;
        let position = self.events.len() as u64;
        self.answers.insert(key.to_owned(), (case.clone(), position));
        self.requests.insert(key.to_owned(), (actor.to_owned(), text.to_owned()));
        Ok((case, false, token(position)))
    }

    /// The next version of a case, with its audit event.
    pub(super) fn record(&mut self, case: &mut pb::Case, actor: &str, action: &str, status: Option<(&str, &str)>) {
        case.version += 1;
        let change = |(from, to): (&str, &str)| pb::AuditChange {
            field: "status".to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        };
        self.events.push(pb::AuditEvent {
            index: Some(self.events.len() as u64),
            case_id: case.case_id.clone(),
            case_version: case.version,
            actor_id: actor.to_owned(),
            action: action.to_owned(),
            changes: status.map(change).into_iter().collect(),
            ..pb::AuditEvent::default()
        });
        self.cases.insert(number(&case.case_id), case.clone());
    }

    pub(super) fn case(&self, case_id: &str) -> Result<pb::Case, Status> {
        let found = self.cases.get(&number(case_id)).cloned();
        found.ok_or_else(|| refusal(Reason::CaseNotFound, &format!("no case {case_id}")))
    }
}

pub(super) fn token(position: u64) -> String {
    ConsistencyToken { epoch: Epoch([1; 16]), position }.encode()
}

fn number(case_id: &str) -> u64 {
    case_id.strip_prefix("CASE-").and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
