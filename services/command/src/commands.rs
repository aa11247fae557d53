//! Carries out commands: hands them to the writer, and tells logs and metrics what became of them.

use std::sync::Arc;
use std::time::Duration;

use case_api::{ConsistencyToken, Epoch, ParsedCommand, case_to_pb, case_without_id, pb, rejection};
use case_domain::{Action, Case, Change, Command, Event, Operation, RequestContext, Status};
use rpc_error::{Failure, Reason};
use service_kit::health::Condition;
use service_kit::telemetry::{code_name, in_call_context};
use storage::{GroupCommit, Reply, SubmitError, Submitted};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Span, info, info_span, warn};

use crate::idempotency::KeyedRequest;
use crate::lifecycle::LifecycleInForce;
use crate::metrics::CommandMetrics;
use crate::writer::{CaseWriter, Decided, QueuedCommand};
use crate::{failures, names};

/// When to come back while the audit log catches up.
const RETRY_BACKLOG: Duration = Duration::from_secs(5);

/// The answer to an accepted command.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) case: pb::Case,
    pub(crate) replayed: bool,
    pub(crate) consistency_token: String,
}

/// Carries out commands.
#[derive(Clone)]
pub(crate) struct Commands {
    pub(crate) writer: GroupCommit<CaseWriter>,
    pub(crate) lifecycle: Arc<LifecycleInForce>,
    pub(crate) epoch: Epoch,
    pub(crate) store: Condition,
    pub(crate) metrics: CommandMetrics,
}

impl Commands {
    /// Decides and stores one command; durable when it returns.
    ///
    /// A caller that goes away takes its future along, but not the log line and the metric of what is committed all the same.
    pub(crate) async fn carry_out(
        &self,
        parsed: ParsedCommand,
        key: Option<KeyedRequest>,
        (request, deadline): (RequestContext, Instant),
    ) -> Result<Accepted, Failure> {
        let asked = Asked {
            began: Instant::now(),
            case_id: parsed.command.case_id().map(ToString::to_string),
            span: info_span!(
                "store.append",
                otel.kind = "client",
                db.system.name = "sqlite",
                db.operation.name = "append",
                db.collection.name = "events",
                db.operation.batch.size = Empty,
            ),
        };
        let queued = QueuedCommand { command: parsed.command, request, key, validate_only: parsed.validate_only };
        match self.writer.hand_over(queued, deadline) {
            Ok(submitted) => InHand { commands: self, work: Some((submitted, asked)) }.outcome().await,
            Err(error) => self.tell(asked, Err(error)),
        }
    }

    /// What the caller is told, once logs and metrics have been.
    fn tell(&self, asked: Asked, reply: Reply<Decided>) -> Result<Accepted, Failure> {
        let Asked { began, case_id, span } = asked;
        let committed = reply.map_err(|error| {
            if matches!(error, SubmitError::QueueFull { .. }) {
                self.metrics.shed();
            }
            failures::of_submission(&error, &self.store)
        })?;
        span.record("db.operation.batch.size", committed.batch.size);
        drop(span);
        let obstacle = committed.answer.obstacle();
        let answer = self.answer(committed.answer, began.elapsed());
        if let Err(failure) = &answer {
            match obstacle {
                Some(dependency) => self.obstructed(case_id.as_deref(), failure, (&dependency, began.elapsed())),
                None => self.rejected(case_id.as_deref(), failure, began.elapsed()),
            }
        }
        answer
    }

    fn answer(&self, decided: Decided, took: Duration) -> Result<Accepted, Failure> {
        match decided {
            Decided::Accepted { case, position, event } => {
                match event {
                    Some(event) => self.happened(&event, took),
                    None => {
                        info!(name: names::COMMAND_UNCHANGED, case_id = %case.id, outcome = "unchanged", duration_ms = millis(took), "{} had nothing to change", case.id);
                    }
                }
                Ok(self.accepted(&case, position, false))
            }
            Decided::Replayed { case, position } => {
                info!(name: names::COMMAND_REPLAYED, case_id = %case.id, outcome = "replayed", duration_ms = millis(took), "{} was answered again as the first time", case.id);
                Ok(self.accepted(&case, position, true))
            }
            Decided::Valid { case, is_new } => Ok(self.valid(&case, is_new)),
            Decided::Rejected(refused) => Err(rejection::failure(&refused)),
            Decided::KeyReused => Err(Failure::new(
                Reason::IdempotencyKeyReused,
                "this idempotency key was used for another request; use a new key for a new request",
            )),
            Decided::BacklogFull { consumer, waiting } => Err(Failure::new(
                Reason::AuditBacklogFull,
                format!("{waiting} events wait for {consumer}; commands are taken again once it has caught up"),
            )
            .with_metadata("consumer", consumer)
            .with_metadata("waiting", waiting.to_string())
            .with_retry_after(RETRY_BACKLOG)),
            Decided::StoreDamaged => Err(Failure::new(
                Reason::StoreUnavailable,
                "the store is damaged or has lost events; the operator has to restore it",
            )
            .with_retry_after(RETRY_BACKLOG)),
        }
    }

    fn accepted(&self, case: &Case, position: u64, replayed: bool) -> Accepted {
        let consistency_token = ConsistencyToken { epoch: self.epoch, position }.encode();
        Accepted { case: case_to_pb(case, &self.lifecycle.lifecycle), replayed, consistency_token }
    }

    /// The case as it would be. A case that would be new has no id: no number is used up.
    fn valid(&self, case: &Case, is_new: bool) -> Accepted {
        let lifecycle = &self.lifecycle.lifecycle;
        let case = if is_new { case_without_id(case, lifecycle) } else { case_to_pb(case, lifecycle) };
        Accepted { case, replayed: false, consistency_token: String::new() }
    }

    /// R10: the log line and the metric of an event. The span is the caller's, the audit record the feed's.
    fn happened(&self, event: &Event, took: Duration) {
        self.metrics.changed(event.action.as_str());
        let duration_ms = millis(took);
        let (case_id, outcome) = (&event.case_id, "accepted");
        match event.action {
            Action::CaseCreated => {
                self.metrics.created();
                info!(name: names::CASE_CREATED, case_id = %case_id, duration_ms, outcome, "{case_id} created");
            }
            Action::CaseTransitioned => {
                let (from, to) = statuses(event);
                self.metrics.transitioned(to);
                info!(name: names::CASE_TRANSITIONED, case_id = %case_id, from_status = from, to_status = to, duration_ms, outcome, "{case_id} moved from {from} to {to}");
            }
            Action::CaseUpdated => {
                let fields = changed_fields(event);
                info!(name: names::CASE_UPDATED, case_id = %case_id, fields, duration_ms, outcome, "{case_id} changed: {fields}");
            }
            Action::CaseAssigned => {
                info!(name: names::CASE_ASSIGNED, case_id = %case_id, duration_ms, outcome, "{case_id} handed over");
            }
            Action::CaseCommented => {
                info!(name: names::CASE_COMMENTED, case_id = %case_id, duration_ms, outcome, "{case_id} commented on");
            }
            Action::CaseLinked => {
                info!(name: names::CASE_LINKED, case_id = %case_id, duration_ms, outcome, "{case_id} linked to another case");
            }
            Action::CaseUnlinked => {
                info!(name: names::CASE_UNLINKED, case_id = %case_id, duration_ms, outcome, "{case_id} unlinked from another case");
            }
        }
    }

    /// R12: a command that was refused by the rules.
    pub(crate) fn rejected(&self, case_id: Option<&str>, failure: &Failure, took: Duration) {
        let reason = failure.reason().as_str();
        self.metrics.rejected(reason);
        let case_id = case_id.unwrap_or("(none)");
        let error_type = code_name(failure.reason().code());
        info!(name: names::COMMAND_REJECTED, case_id, reason, error.type = error_type, outcome = "rejected", duration_ms = millis(took), "a command on {case_id} was refused: {reason}");
    }

    /// R12: a command that could not be decided, whatever the rules say of it.
    fn obstructed(&self, case_id: Option<&str>, failure: &Failure, (dependency, took): (&str, Duration)) {
        let reason = failure.reason().as_str();
        self.metrics.rejected(reason);
        let case_id = case_id.unwrap_or("(none)");
        let (error_type, message) = (code_name(failure.reason().code()), failure.message());
        warn!(name: names::COMMAND_OBSTRUCTED, case_id, dependency, operation = "append", reason, error.type = error_type, outcome = "refused", duration_ms = millis(took), "a command on {case_id} was refused because of {dependency}: {message}");
    }
}

/// What is remembered of a command while the writer has it.
struct Asked {
    began: Instant,
    case_id: Option<String>,
    /// The wait for the store; closed when this is dropped.
    span: Span,
}

/// A command in the writer's hands. If the caller goes away, a task of its own waits on and tells logs and metrics: only
/// then, since a task costs more than most commands need.
struct InHand<'a> {
    commands: &'a Commands,
    /// `None` once it is known what became of it.
    work: Option<(Submitted<Decided>, Asked)>,
}

impl InHand<'_> {
    async fn outcome(mut self) -> Result<Accepted, Failure> {
        let Some((submitted, _)) = &mut self.work else { return Err(Failure::internal()) };
        let reply = submitted.await;
        let Some((_, asked)) = self.work.take() else { return Err(Failure::internal()) };
        self.commands.tell(asked, reply)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let Some((submitted, asked)) = self.work.take() else { return };
        // Without a runtime the process is at its end.
        let Ok(runtime) = Handle::try_current() else { return };
        let commands = self.commands.clone();
        let wait = async move { drop(commands.tell(asked, submitted.await)) };
        drop(runtime.spawn(in_call_context(wait)));
    }
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}

/// The statuses of the change that every transition has.
fn statuses(event: &Event) -> (&str, &str) {
    for change in &event.changes {
        if let Change::Status { from, to } = change {
            return (from.as_ref().map_or("", Status::as_str), to.as_str());
        }
    }
    ("", "")
}

fn changed_fields(event: &Event) -> String {
    event.changes.iter().map(Change::field).collect::<Vec<_>>().join(",")
}

/// The span that covers the service's part of a command: consumers join the trace at it.
pub(crate) fn span_of(command: &Command) -> Span {
    let change = match command {
        Command::CreateCase(_) => return info_span!("command.create_case", case.id = Empty),
        Command::Change(change) => change,
    };
    let id = &change.case_id;
    match &change.operation {
        Operation::Transition(to) => {
            info_span!("command.transition_case", case.id = %id, case.status.to = %to.to_status)
        }
        Operation::Update(_) => info_span!("command.update_case", case.id = %id),
        Operation::Assign(_) => info_span!("command.assign_case", case.id = %id),
        Operation::Comment(_) => info_span!("command.add_comment", case.id = %id),
        Operation::Link(_) => info_span!("command.link_cases", case.id = %id),
        Operation::Unlink(_) => info_span!("command.unlink_cases", case.id = %id),
    }
}
