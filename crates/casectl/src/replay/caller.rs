//! Calls that outlast what is transient.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use case_api::pb;
use case_api::pb::audit_service_client::AuditServiceClient;
use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use service_kit::clock::Entropy;
use service_kit::exit::{Exit, ExitCode};
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::meter::Meter;
use super::retry::{Backoff, is_transient};
use super::{Target, Targets};
use crate::connection::root_cause;

const ACTOR_HEADER: &str = "x-actor-id";
const AUTHORIZATION_HEADER: &str = "authorization";
/// The largest answer: a page of audit events or cases with the largest custom fields is larger than tonic's 4 MiB.
const ANSWER_BYTES_MAX: usize = 64 * 1_048_576;

/// Talks to the three services.
pub(super) struct Caller<'m> {
    commands: CaseCommandServiceClient<Channel>,
    queries: CaseQueryServiceClient<Channel>,
    audit: AuditServiceClient<Channel>,
    /// Where each of them is, and what shows it who calls.
    targets: Targets,
    reader: MetadataValue<Ascii>,
    backoff: Backoff,
    entropy: Arc<dyn Entropy>,
    retries: AtomicU64,
    meter: &'m Meter,
}

/// A call that did not come to an answer.
#[derive(Debug)]
pub(super) struct Stopped {
    /// What was said to the last attempt.
    pub(super) status: Status,
    /// Set where it was transient and lasted: for how long it was tried.
    pub(super) gave_up_after: Option<Duration>,
}

impl Stopped {
    /// The end of the replay; `what` could not be done.
    pub(super) fn exit(&self, what: &str) -> Exit {
        let said = said(&self.status);
        match self.gave_up_after {
            None => Exit::new(ExitCode::Refused, format!("{what}: {said}")),
            Some(after) => {
                let seconds = after.as_secs_f64();
                Exit::new(ExitCode::Unavailable, format!("{what}: tried for {seconds:.0} s, at last: {said}"))
            }
        }
    }
}

/// A status as a person reads it, with what finds it again in the server's log.
fn said(status: &Status) -> String {
    let details = status.get_error_details();
    let reason = details.error_info().map_or_else(|| format!("{:?}", status.code()), |info| info.reason.clone());
    let request = details.request_info().map(|info| format!(" (request {})", info.request_id));
    format!("{reason}: {}{}", cause(status), request.unwrap_or_default())
}

/// What a status is about: of a broken connection, what broke it ("Connection refused"), which its message hides.
pub(super) fn cause(status: &Status) -> String {
    status.source().map_or_else(|| status.message().to_owned(), root_cause)
}

/// An actor as metadata; `None` where it cannot be said there.
pub(super) fn actor_value(actor: &str) -> Option<MetadataValue<Ascii>> {
    MetadataValue::try_from(actor).ok()
}

impl<'m> Caller<'m> {
    pub(super) fn new(
        targets: Targets,
        backoff: Backoff,
        entropy: Arc<dyn Entropy>,
        meter: &'m Meter,
    ) -> Result<Self, Exit> {
        let reader = actor_value(&targets.actor).ok_or_else(|| {
            Exit::new(ExitCode::Usage, format!("the actor {:?} must be of visible ASCII characters", targets.actor))
        })?;
        Ok(Self {
            commands: CaseCommandServiceClient::new(targets.commands.channel.clone()),
            queries: CaseQueryServiceClient::new(targets.queries.channel.clone())
                .max_decoding_message_size(ANSWER_BYTES_MAX),
            audit: AuditServiceClient::new(targets.audit.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX),
            targets,
            reader,
            backoff,
            entropy,
            retries: AtomicU64::new(0),
            meter,
        })
    }

    /// Where case-query is.
    pub(super) fn place_of_queries(&self) -> &str {
        &self.targets.queries.place
    }

    /// Attempts beyond the first of each call.
    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// How long to wait before asking again for what is only late.
    pub(super) fn delay(&self, attempt: u32) -> Duration {
        self.backoff.delay(attempt, &Status::unavailable(""), &*self.entropy)
    }

    /// How long anything may be late.
    pub(super) const fn patience(&self) -> Duration {
        self.backoff.patience
    }

    pub(super) async fn create(
        &self,
        actor: &MetadataValue<Ascii>,
        message: &pb::CreateCaseRequest,
    ) -> Result<pb::CreateCaseResponse, Stopped> {
        let call = |request| {
            let mut client = self.commands.clone();
            async move { client.create_case(request).await }
        };
        self.patiently((&self.targets.commands, actor), message, self.backoff.patience, call).await
    }

    pub(super) async fn transition(
        &self,
        actor: &MetadataValue<Ascii>,
        message: &pb::TransitionCaseRequest,
    ) -> Result<pb::TransitionCaseResponse, Stopped> {
        let call = |request| {
            let mut client = self.commands.clone();
            async move { client.transition_case(request).await }
        };
        self.patiently((&self.targets.commands, actor), message, self.backoff.patience, call).await
    }

    pub(super) async fn assign(
        &self,
        actor: &MetadataValue<Ascii>,
        message: &pb::AssignCaseRequest,
    ) -> Result<pb::AssignCaseResponse, Stopped> {
        let call = |request| {
            let mut client = self.commands.clone();
            async move { client.assign_case(request).await }
        };
        self.patiently((&self.targets.commands, actor), message, self.backoff.patience, call).await
    }

    pub(super) async fn lifecycle(&self, patience: Duration) -> Result<pb::GetLifecycleResponse, Stopped> {
        let call = |request| {
            let mut client = self.queries.clone();
            async move { client.get_lifecycle(request).await }
        };
        self.patiently((&self.targets.queries, &self.reader), &pb::GetLifecycleRequest::default(), patience, call).await
    }

    pub(super) async fn cases(&self, message: &pb::BatchGetCasesRequest) -> Result<pb::BatchGetCasesResponse, Stopped> {
        let call = |request| {
            let mut client = self.queries.clone();
            async move { client.batch_get_cases(request).await }
        };
        self.patiently((&self.targets.queries, &self.reader), message, self.backoff.patience, call).await
    }

    pub(super) async fn timeline(
        &self,
        message: &pb::GetCaseTimelineRequest,
    ) -> Result<pb::GetCaseTimelineResponse, Stopped> {
        let call = |request| {
            let mut client = self.queries.clone();
            async move { client.get_case_timeline(request).await }
        };
        self.patiently((&self.targets.queries, &self.reader), message, self.backoff.patience, call).await
    }

    pub(super) async fn audit_events(
        &self,
        message: &pb::ListAuditEventsRequest,
    ) -> Result<pb::ListAuditEventsResponse, Stopped> {
        let call = |request| {
            let mut client = self.audit.clone();
            async move { client.list_audit_events(request).await }
        };
        self.patiently((&self.targets.audit, &self.reader), message, self.backoff.patience, call).await
    }

    /// Calls until there is an answer, a refusal that would stay one, or no patience left.
    async fn patiently<M: Clone, T, F: Future<Output = Result<Response<T>, Status>>>(
        &self,
        (target, actor): (&Target, &MetadataValue<Ascii>),
        message: &M,
        patience: Duration,
        call: impl Fn(Request<M>) -> F,
    ) -> Result<T, Stopped> {
        let begun = Instant::now();
        for attempt in 0.. {
            let mut request = Request::new(message.clone());
            request.metadata_mut().insert(ACTOR_HEADER, actor.clone());
            if let Some(authorization) = &target.authorization {
                request.metadata_mut().insert(AUTHORIZATION_HEADER, authorization.clone());
            }
            // The server hears of the limit too, and stops working on what nobody waits for any more.
            request.set_timeout(self.backoff.attempt_timeout);
            let answer = tokio::time::timeout(self.backoff.attempt_timeout, call(request)).await;
            let status = match answer {
                Ok(Ok(answer)) => return Ok(answer.into_inner()),
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("no answer in time"),
            };
            if !is_transient(&status) {
                return Err(Stopped { status, gave_up_after: None });
            }
            let delay = self.backoff.delay(attempt, &status, &*self.entropy);
            if begun.elapsed() + delay >= patience {
                return Err(Stopped { status, gave_up_after: Some(begun.elapsed()) });
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            self.meter.trouble(&status);
            tokio::time::sleep(delay).await;
        }
        // Attempts are counted in 32 bits, and each takes time out of the patience.
        Err(Stopped { status: Status::unavailable("too many attempts"), gave_up_after: Some(begun.elapsed()) })
    }
}
