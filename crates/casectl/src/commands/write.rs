//! What all changes have in common: the key before, the answer after.

use std::time::Duration;

use case_api::pb;
use serde_json::json;

use crate::answer::{CaseJson, CommentJson, WriteAnswer};
use crate::cli::{VersionArgs, WriteArgs};
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view::case::next_steps;
use crate::view::text::printable;

/// How long a change that is done may be kept waiting for the read model: as long as the server itself waits.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// How long a look at the case before a change may take: it only makes the answer more exact.
const LOOK_MAX: Duration = Duration::from_millis(500);

/// What a change came to.
pub(super) struct Outcome {
    /// What was done, as a participle, such as `moved to SUBMITTED`.
    pub(super) done: String,
    /// The version that the case had before, as far as it is known; only where a change can come to nothing.
    pub(super) before: Option<u64>,
    /// The answer's fields.
    pub(super) case: Option<pb::Case>,
    pub(super) comment: Option<pb::Comment>,
    pub(super) replayed: bool,
    pub(super) consistency_token: String,
}

/// The key of a command: without one a retry could do it twice.
pub(super) fn key(session: &Session, args: &WriteArgs) -> String {
    args.idempotency_key.clone().unwrap_or_else(|| session.connections.new_id())
}

/// Answers, after the query service has seen the change: the next command can then count on it.
pub(super) async fn finish(session: &mut Session, args: &WriteArgs, outcome: Outcome) -> Result<(), Problem> {
    let mut seen = true;
    if !args.no_wait && !args.dry_run && !outcome.consistency_token.is_empty() {
        seen = is_seen(session, &outcome).await;
    }
    if session.is_json() {
        session.print_json(&WriteAnswer {
            comment: outcome.comment.as_ref().map(CommentJson::from),
            case: outcome.case.as_ref().map(CaseJson::from),
            replayed: outcome.replayed,
            consistency_token: &outcome.consistency_token,
        })?;
    } else {
        let text = text(session, args, &outcome);
        session.print(&text)?;
    }
    if !seen {
        let token = &outcome.consistency_token;
        let text = format!("The change is safe, but reads may not show it yet; to wait for it: --fresh {token}");
        session.note(&text, &json!({ "note": { "message": text, "consistencyToken": token } }));
    }
    Ok(())
}

fn text(session: &Session, args: &WriteArgs, outcome: &Outcome) -> String {
    let Some(case) = &outcome.case else { return format!("{}\n", printable(&outcome.done)) };
    let id = if case.case_id.is_empty() { "the case" } else { &case.case_id };
    let version = case.version;
    // Versions only grow, so one that was seen before and is there again has not been left in between.
    let is_unchanged = outcome.before == Some(version) && !outcome.replayed;
    let text = if is_unchanged {
        format!("{id} is as it was, version {version}: there was nothing to change")
    } else if args.dry_run {
        format!("Dry run, nothing is stored: {id} would be {}, version {version}", outcome.done)
    } else if outcome.replayed {
        format!("{id} was {} before, version {version}; nothing is done twice", outcome.done)
    } else {
        format!("{id} {}, version {version}", outcome.done)
    };
    let mut text = session.view.paragraph(&printable(&text), 0);
    text.push_str(&next_steps(&session.view, case));
    text
}

/// The version of a case before a change that may come to nothing, for people only: a server answers the same to a change
/// and to none. What the query service does not know in time is not told.
pub(super) async fn version_before(session: &Session, case_id: &str, args: &VersionArgs) -> Option<u64> {
    if args.expected_version != 0 {
        return Some(args.expected_version);
    }
    if session.is_json() {
        return None;
    }
    let client = session.connections.queries().ok()?;
    let message = pb::GetCaseRequest { case_id: case_id.to_owned(), consistency: None };
    let send = |request| {
        let mut client = client.clone();
        async move { client.get_case(request).await }
    };
    let call = session.connections.call(Target::read(Service::Query), message, send);
    let answer = tokio::time::timeout(LOOK_MAX, call).await.ok()?.ok()?;
    answer.case.map(|case| case.version)
}

/// Waits until the query service has seen a change. That it is away does not make the change undone: no error.
async fn is_seen(session: &Session, outcome: &Outcome) -> bool {
    let Some(case) = &outcome.case else { return true };
    let Ok(client) = session.connections.queries() else { return false };
    let message = pb::GetCaseRequest {
        case_id: case.case_id.clone(),
        consistency: Some(pb::Consistency { at_least_as_fresh: vec![outcome.consistency_token.clone()] }),
    };
    let send = |request| {
        let mut client = client.clone();
        async move { client.get_case(request).await }
    };
    let call = session.connections.call(Target::read(Service::Query), message, send);
    matches!(tokio::time::timeout(WAIT_MAX, call).await, Ok(Ok(_)))
}
