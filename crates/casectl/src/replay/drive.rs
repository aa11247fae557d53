//! One case, entry by entry.

use std::collections::HashSet;

use case_api::{ConsistencyToken, pb};
use service_kit::exit::{Exit, ExitCode};

use crate::log::{CaseRecord, Entry};

use super::caller::{Caller, Stopped, actor_value};
use super::meter::Meter;
use super::plan::{self, Step, Tally};

/// What is said where the lifecycle asks for a reason and the log has none.
const REASON: &str = "replayed from the log";

/// Sends the commands of cases.
pub(super) struct Driver<'d> {
    pub(super) caller: &'d Caller<'d>,
    /// The moves that need a reason.
    pub(super) reasons: &'d HashSet<(String, String)>,
    pub(super) meter: &'d Meter,
}

/// A case that has been replayed to its end.
#[derive(Debug, Clone)]
pub(super) struct Driven<'r> {
    pub(super) record: &'r CaseRecord,
    pub(super) case_id: String,
    /// The version in the last answer.
    pub(super) version: u64,
    /// The token of the last answer: that of a change of this case or of a later one.
    pub(super) token: ConsistencyToken,
    pub(super) tally: Tally,
}

/// The case after one command.
struct Answer {
    case_id: String,
    version: u64,
    replayed: bool,
    token: ConsistencyToken,
}

impl Driver<'_> {
    /// Replays one case. Nothing is sent before the answer to the entry above it is there.
    pub(super) async fn drive<'r>(&self, record: &'r CaseRecord) -> Result<Driven<'r>, Exit> {
        let mut tally = Tally::default();
        let mut before: Option<(Answer, &Entry)> = None;
        for (index, entry) in record.history.iter().enumerate() {
            let number = index + 1;
            let answer =
                self.send(record, number, before.as_ref().map(|(answer, entry)| (answer, *entry)), entry).await;
            let answer =
                answer.map_err(|failure| exit(record, number, before.as_ref().map(|(answer, _)| answer), failure))?;
            tally.count(step(before.as_ref().map(|(answer, entry)| (answer, *entry)), &answer, entry));
            tally.replayed += u64::from(answer.replayed);
            self.meter.tick();
            before = Some((answer, entry));
        }
        let Some((answer, _)) = before else {
            return Err(Exit::new(ExitCode::DataCorrupt, format!("the case {} has no history", record.external_id)));
        };
        let Answer { case_id, version, token, .. } = answer;
        Ok(Driven { record, case_id, version, token, tally })
    }

    async fn send(
        &self,
        record: &CaseRecord,
        number: usize,
        before: Option<(&Answer, &Entry)>,
        entry: &Entry,
    ) -> Result<Answer, Failure> {
        let actor = actor_value(&entry.actor).ok_or(Failure::Answer("the actor cannot be named in a call"))?;
        let key = plan::idempotency_key(&record.external_id, number);
        let Some((answer, before)) = before else {
            let answer = self.caller.create(&actor, &plan::create(record, entry, key)).await?;
            return read(answer.case, answer.replayed, &answer.consistency_token);
        };
        let case_id = answer.case_id.clone();
        if before.status == entry.status {
            let message = pb::AssignCaseRequest {
                case_id,
                assignee: entry.actor.clone(),
                team: entry.group.clone(),
                idempotency_key: key,
                ..pb::AssignCaseRequest::default()
            };
            let answer = self.caller.assign(&actor, &message).await?;
            return read(answer.case, answer.replayed, &answer.consistency_token);
        }
        let message = pb::TransitionCaseRequest {
            case_id,
            to_status: entry.status.to_string(),
            reason: self.reason(before, entry).to_owned(),
            assignee: Some(entry.actor.clone()),
            team: entry.group.clone(),
            idempotency_key: key,
            ..pb::TransitionCaseRequest::default()
        };
        let answer = self.caller.transition(&actor, &message).await?;
        read(answer.case, answer.replayed, &answer.consistency_token)
    }

    fn reason(&self, before: &Entry, entry: &Entry) -> &'static str {
        let edge = (before.status.to_string(), entry.status.to_string());
        if self.reasons.contains(&edge) { REASON } else { "" }
    }
}

/// What a command did, by its answer: without an event the version does not grow.
fn step(before: Option<(&Answer, &Entry)>, answer: &Answer, entry: &Entry) -> Step {
    match before {
        None => Step::Create,
        Some((before, _)) if before.version == answer.version => Step::Nothing,
        Some((_, before)) if before.status == entry.status => Step::Assign,
        Some(_) => Step::Transition,
    }
}

/// Why an entry could not be replayed.
enum Failure {
    /// The call failed.
    Call(Stopped),
    /// The answer, or what should be sent, is not as agreed.
    Answer(&'static str),
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        Self::Call(stopped)
    }
}

fn read(case: Option<pb::Case>, replayed: bool, token: &str) -> Result<Answer, Failure> {
    let case = case.ok_or(Failure::Answer("the server answered without a case"))?;
    let token = ConsistencyToken::decode(token)
        .map_err(|_| Failure::Answer("the server answered with a consistency token of an unknown form"))?;
    Ok(Answer { case_id: case.case_id, version: case.version, replayed, token })
}

/// The end of the replay, at an entry of a case.
fn exit(record: &CaseRecord, number: usize, before: Option<&Answer>, failure: Failure) -> Exit {
    let CaseRecord { line, external_id, history, .. } = record;
    let case = before.map_or_else(String::new, |answer| format!(" ({})", answer.case_id));
    let entries = history.len();
    let what = format!("stopped at line {line}, case {external_id}{case}, entry {number} of {entries}");
    match failure {
        Failure::Call(stopped) => {
            let mut exit = stopped.exit(&what);
            if stopped.gave_up_after.is_some() {
                exit.message.push_str("; the same command goes on from here");
            }
            exit
        }
        Failure::Answer(problem) => Exit::new(ExitCode::Refused, format!("{what}: {problem}")),
    }
}
