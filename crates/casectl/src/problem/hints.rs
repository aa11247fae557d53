//! What to do after a refusal: commands that can be pasted where there are any.
//!
//! The match over the reasons is exhaustive on purpose: whoever adds one decides here what a person does about it.

use rpc_error::Reason;

use super::refusal::{Refusal, Told};
use crate::view::text::{printable, quoted};

/// What to do next, a line each.
pub(super) fn of(refusal: &Refusal) -> Vec<String> {
    match &refusal.reason {
        Told::Known(reason) => of_reason(*reason, refusal),
        Told::Unknown(_) => Vec::new(),
        Told::None => {
            vec![format!("{} answers, but not as a case tracker does; is it another program?", refusal.address)]
        }
    }
}

fn of_reason(reason: Reason, refusal: &Refusal) -> Vec<String> {
    match reason {
        Reason::ValidationFailed => flags(refusal),
        Reason::InvalidPageToken => one("begin with the first page (without --page-token), or get all pages: --all"),
        Reason::InvalidPageSize => one("--page-size takes 1 to 1000; without it: 50"),
        Reason::UnknownField => one("this server does not know the field; is it older than casectl?"),
        Reason::InvalidConsistencyToken => {
            one("read without --fresh: the token is damaged, or of a store that was restored since")
        }
        Reason::IdempotencyKeyReused => one("a new command needs a new key: leave out --idempotency-key to get one"),
        Reason::CaseNotFound => one("to see which cases there are: casectl list"),
        Reason::AuditEventNotFound => one("to see which events there are: casectl audit"),
        Reason::CaseVersionMismatch => moved_on(refusal),
        Reason::TransitionNotAllowed => transitions(refusal, "allowed"),
        Reason::TransitionRequirementNotMet => requirements(refusal),
        Reason::CaseClosed => transitions(refusal, "to reopen it"),
        Reason::LinkExists => one("nothing is left to do"),
        Reason::LinkNotFound => link_not_found(refusal),
        Reason::CredentialsMissing => {
            one("say who you are: --actor NAME, or CASECTL_ACTOR=NAME, or actor = \"NAME\" in casectl.toml")
        }
        Reason::CredentialsInvalid if refusal.about("check").is_empty() => {
            one("an actor is 1 to 128 visible ASCII characters: --actor NAME")
        }
        Reason::CredentialsInvalid => one("the server does not believe these credentials; get new ones"),
        Reason::CredentialsExpired => one("get a new token from the identity provider"),
        Reason::PermissionDenied => {
            vec![format!("ask for a role that has the permission {}", quoted(refusal.about("permission")))]
        }
        Reason::Overloaded | Reason::QueueFull => {
            one("the server has too much to do; run the same command again later")
        }
        Reason::RateLimited => one("you make more calls than you may; run the same command again in a moment"),
        Reason::MessageTooLarge => vec![format!("send less: at most {} bytes", refusal.about("limit"))],
        Reason::StoreUnavailable | Reason::IdentityUnavailable | Reason::Draining => later(refusal),
        Reason::ProjectionLagging => {
            vec![format!(
                "{} changes are still on their way; run it again, or without --fresh",
                refusal.about("lag_events")
            )]
        }
        Reason::AuditBacklogFull => {
            let consumer = quoted(refusal.about("consumer"));
            vec![format!("changes wait until {consumer} has caught up; is it running? casectl health")]
        }
        Reason::Unimplemented => {
            vec![format!(
                "is {} the {} service, and as new as casectl?",
                refusal.address,
                refusal.address.service.name()
            )]
        }
        Reason::Cancelled | Reason::DeadlineExceeded => {
            let mut hints = later(refusal);
            hints.push("to wait longer: --timeout 30s".to_owned());
            hints
        }
        Reason::AuditLogCorrupt => one("call the operator: stored evidence cannot be read"),
        Reason::Internal => one("a bug; give the request id to the operator"),
    }
}

/// What to do about a command of which nobody knows whether it was carried out.
pub(super) fn perhaps_done(key: &str) -> String {
    let key = quoted(key);
    format!("the command may have been carried out; the same one again with --idempotency-key {key} is safe")
}

/// The flag that sets a field of a request.
fn flag_of(field: &str) -> Option<&'static str> {
    let name = field.rsplit('.').next().unwrap_or(field);
    let name = name.split('[').next().unwrap_or(name);
    Some(match name {
        "description" => "--description",
        "priority" => "--priority",
        "severity" => "--severity",
        "assignee" => "--assignee",
        "team" => "--team",
        "reporter" => "--reporter",
        "tags" | "tags_all" => "--tag",
        "custom_fields" => "--field",
        "due_time" => "--due",
        "initial_status" => "--status",
        "reason" => "--reason",
        "idempotency_key" => "--idempotency-key",
        "order_by" => "--order-by",
        "at_least_as_fresh" => "--fresh",
        _ => return None,
    })
}

/// The fields that are set by a flag, under the name that the person typed.
fn flags(refusal: &Refusal) -> Vec<String> {
    let violations = refusal.violations.iter();
    let told = violations.filter_map(|v| Some(format!("{}: {}", flag_of(&v.field)?, printable(&v.description))));
    told.collect()
}

fn one(hint: &str) -> Vec<String> {
    vec![hint.to_owned()]
}

fn later(refusal: &Refusal) -> Vec<String> {
    match &refusal.key {
        Some(key) => vec![perhaps_done(key)],
        None => one("run it again in a moment; to see which services are well: casectl health"),
    }
}

fn moved_on(refusal: &Refusal) -> Vec<String> {
    let (case, current) = (quoted(refusal.about("case_id")), refusal.about("current"));
    vec![
        format!("to see what changed: casectl timeline {case}"),
        format!("to go on from what is there now: --expected-version {}", quoted(current)),
    ]
}

fn transitions(refusal: &Refusal, lead: &str) -> Vec<String> {
    let case = quoted(refusal.about("case_id"));
    let allowed: Vec<_> = refusal.about("allowed").split(", ").filter(|status| !status.is_empty()).collect();
    if allowed.is_empty() {
        return one("the lifecycle has no way on from here: casectl lifecycle show");
    }
    // Reopening asks for a reason in the default lifecycle; of other moves the server says it when it is missing.
    let reason = if lead == "allowed" { "" } else { " --reason WHY" };
    let command = |status: &&str| format!("{lead}: casectl transition {case} {}{reason}", quoted(status));
    allowed.iter().map(command).collect()
}

/// One command that gives everything that is missing, if a transition can give it.
fn requirements(refusal: &Refusal) -> Vec<String> {
    let (case, to) = (quoted(refusal.about("case_id")), quoted(refusal.about("to")));
    let (mut flags, mut before, mut by) = (Vec::new(), Vec::new(), "try");
    for missing in refusal.about("requirements").split(", ") {
        match (missing, flag_of(missing)) {
            ("reason", _) => flags.push(" --reason WHY".to_owned()),
            // Nobody is invited to call themselves somebody else.
            ("other_actor", _) => by = "somebody else has to run",
            ("assignee" | "team", Some(flag)) => flags.push(format!(" {flag} NAME")),
            (_, Some(flag)) => before.push(format!(" {flag} VALUE")),
            (_, None) => {}
        }
    }
    let (flags, before) = (flags.concat(), before.concat());
    let mut hints = Vec::new();
    if !before.is_empty() {
        hints.push(format!("first: casectl update {case}{before}"));
    }
    let when = if before.is_empty() { by } else { "then" };
    hints.push(format!("{when}: casectl transition {case} {to}{flags}"));
    hints
}

fn link_not_found(refusal: &Refusal) -> Vec<String> {
    let (case, other) = (quoted(refusal.about("case_id")), quoted(refusal.about("linked_case_id")));
    let kind = refusal.about("link_type").to_ascii_lowercase().replace('_', "-");
    vec![
        format!("to see its links: casectl show {case}"),
        format!("if the other case has it: casectl unlink {other} {} {case}", quoted(&kind)),
    ]
}
