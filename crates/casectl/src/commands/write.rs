//! What all changes have in common: the key before, the answer after.

use std::time::Duration;

use case_api::pb;
use serde_json::json;

use crate::answer::{CaseJson, CommentJson, WriteAnswer};
use crate::cli::WriteArgs;
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view::case::next_steps;
use crate::view::text::printable;

/// How long a change that is done may be kept waiting for the read model: as long as the server itself waits.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// What a change came to.
pub(super) struct Outcome {
    /// What was done, as a participle, such as `moved to SUBMITTED`.
    pub(super) done: String,
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
    let text = if args.dry_run {
        format!("Dry run, nothing is stored: {id} would be {}, version {version}", outcome.done)
    } else if outcome.replayed {
        format!("{id} was {} before, version {version}; nothing is done twice", outcome.done)
    } else {
        format!("{id} {}, version {version}", outcome.done)
    };
    let mut text = printable(&text).into_owned() + "\n";
    text.push_str(&next_steps(&session.view, case));
    text
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
