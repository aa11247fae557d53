//! Channels to the services, and the calls that go through them.

mod tls;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use case_api::pb::audit_service_client::AuditServiceClient;
use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use service_kit::clock::{Clock, Entropy, uuid_v7};
use service_kit::exit::ExitCode;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{ConnectError, Request, Response, Status, TimeoutExpired};

use crate::problem::{Problem, Refusal, Silence, Unanswered};
use crate::settings::{Address, PlaintextToken, Scheme, Service, Settings};

/// How often one call is tried.
const ATTEMPTS_MAX: u32 = 5;
/// The longest first pause; it doubles from one attempt to the next.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long connecting may take: a machine that does not exist must not eat the whole deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The largest answer: a page of 1,000 cases of the largest size is larger than tonic's 4 MiB.
const ANSWER_BYTES_MAX: usize = 64 * 1_048_576;

/// The three services.
pub(crate) struct Connections {
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Whom a call is for, and what makes its retry safe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) service: Service,
    /// The idempotency key of a command.
    pub(crate) key: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) const fn read(service: Service) -> Self {
        Self { service, key: None }
    }

    pub(crate) const fn write(key: &'a str) -> Self {
        Self { service: Service::Command, key: Some(key) }
    }
}

impl Connections {
    pub(crate) fn new(settings: &Settings, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { settings: settings.clone(), clock, entropy }
    }

    /// Where a service is.
    pub(crate) const fn address(&self, service: Service) -> &Address {
        match service {
            Service::Command => &self.settings.command,
            Service::Query => &self.settings.query,
            Service::Audit => &self.settings.audit,
        }
    }

    /// A channel that connects when it is first used.
    pub(crate) fn channel(&self, service: Service) -> Result<Channel, Problem> {
        let address = self.address(service);
        let endpoint = Endpoint::from_shared(address.url()).and_then(|endpoint| endpoint.user_agent("casectl"));
        let endpoint = endpoint.map_err(|error| {
            Problem::local(ExitCode::Configuration, format!("{address} is no address: {}", root_cause(&error)))
        })?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).tcp_nodelay(true);
        match (address.scheme, &self.settings.tls) {
            (Scheme::Http, _) => Ok(endpoint.connect_lazy()),
            (Scheme::Https, Some(config)) => Ok(endpoint.connect_with_connector_lazy(tls::connector(config))),
            (Scheme::Https, None) => {
                Err(Problem::local(ExitCode::Configuration, format!("{address}: TLS is not set up (a bug)")))
            }
        }
    }

    /// What shows a service who calls; an error if it would go where others can read it.
    pub(crate) fn authorization(&self, service: Service) -> Result<Option<&MetadataValue<Ascii>>, Problem> {
        let address = self.address(service);
        let is_allowed = address.is_private() || self.settings.plaintext_token == PlaintextToken::Allow;
        match &self.settings.authorization {
            Some(_) if !is_allowed => Err(Problem::local(
                ExitCode::Configuration,
                format!(
                    "the token would go to the {} service at {address} over plain HTTP, where others can read it: use an \
                     https:// address, or allow it with --plaintext-token allow",
                    service.name()
                ),
            )),
            authorization => Ok(authorization.as_ref()),
        }
    }

    pub(crate) fn commands(&self) -> Result<CaseCommandServiceClient<Channel>, Problem> {
        let client = CaseCommandServiceClient::new(self.channel(Service::Command)?);
        Ok(client.max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    pub(crate) fn queries(&self) -> Result<CaseQueryServiceClient<Channel>, Problem> {
        let client = CaseQueryServiceClient::new(self.channel(Service::Query)?);
        Ok(client.max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    pub(crate) fn audit(&self) -> Result<AuditServiceClient<Channel>, Problem> {
        let client = AuditServiceClient::new(self.channel(Service::Audit)?);
        Ok(client.max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// A new id: of a request, or the key of a command.
    pub(crate) fn new_id(&self) -> String {
        uuid_v7(self.clock.unix_us(), &*self.entropy).to_string()
    }

    /// Calls, and calls again while the failure is transient, with full jitter (AWS Architecture Blog, "Exponential
    /// Backoff And Jitter"), within one deadline. All attempts have one request id: for the operator they are one thing.
    pub(crate) async fn call<M, T, F>(
        &self,
        target: Target<'_>,
        message: M,
        mut send: impl FnMut(Request<M>) -> F,
    ) -> Result<T, Problem>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let authorization = self.authorization(target.service)?;
        let request_id = self.new_id();
        let deadline = Instant::now() + self.settings.timeout;
        let mut attempt = 0;
        loop {
            let request = self.request(message.clone(), authorization, &request_id, deadline);
            let failed = match tokio::time::timeout_at(deadline, send(request)).await {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => self.problem(&status, target, &request_id),
                Err(_) => self.unanswered(Silence::TooLate(self.settings.timeout), target, &request_id),
            };
            attempt += 1;
            let pause = self.pause(attempt, &failed);
            match pause {
                Some(pause) if attempt < ATTEMPTS_MAX && Instant::now() + pause < deadline => {
                    tokio::time::sleep(pause).await;
                }
                Some(_) | None => return Err(failed),
            }
        }
    }

    fn request<M>(
        &self,
        message: M,
        authorization: Option<&MetadataValue<Ascii>>,
        request_id: &str,
        deadline: Instant,
    ) -> Request<M> {
        let mut request = Request::new(message);
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        let values = [("x-actor-id", self.settings.actor.as_ref()), ("authorization", authorization)];
        for (name, value) in values {
            if let Some(value) = value {
                request.metadata_mut().insert(name, value.clone());
            }
        }
        if let Ok(id) = MetadataValue::<Ascii>::try_from(request_id) {
            request.metadata_mut().insert("x-request-id", id);
        }
        request
    }

    /// How long to wait before the next attempt; `None` if another one would end as this one did.
    fn pause(&self, attempt: u32, failed: &Problem) -> Option<Duration> {
        let at_least = match failed {
            Problem::Refused(refusal) if refusal.is_transient() => refusal.retry_after.unwrap_or_default(),
            Problem::Unanswered(unanswered) if unanswered.how.may_pass() => Duration::ZERO,
            Problem::Refused(_)
            | Problem::Unanswered(_)
            | Problem::Local { .. }
            | Problem::Found { .. }
            | Problem::OutputClosed => return None,
        };
        let ceiling = PAUSE_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(PAUSE_MAX);
        let mut random = [0; 4];
        self.entropy.fill(&mut random);
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        Some(at_least + ceiling.mul_f64(share))
    }

    fn problem(&self, status: &Status, target: Target<'_>, request_id: &str) -> Problem {
        // A status that came over the wire has no cause on this side.
        let Some(cause) = status.source() else {
            let refusal = Refusal::of(status, self.address(target.service), request_id, target.key);
            return Problem::Refused(Box::new(refusal));
        };
        let how = if has::<TimeoutExpired>(cause) {
            Silence::TooLate(self.settings.timeout)
        } else if let Some((why, advice)) = tls::trouble(cause) {
            Silence::NotTrusted { why, advice }
        } else if has::<ConnectError>(cause) {
            Silence::NotReached(root_cause(cause))
        } else {
            Silence::Broken(root_cause(cause))
        };
        self.unanswered(how, target, request_id)
    }

    fn unanswered(&self, how: Silence, target: Target<'_>, request_id: &str) -> Problem {
        Problem::Unanswered(Box::new(Unanswered {
            address: self.address(target.service).clone(),
            how,
            request_id: request_id.to_owned(),
            key: target.key.map(ToOwned::to_owned),
        }))
    }
}

/// Whether an error, or what caused it, is of a kind.
fn has<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    error.is::<E>() || error.source().is_some_and(has::<E>)
}

/// The innermost error: "connection refused" tells more than "transport error".
pub(crate) fn root_cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}
