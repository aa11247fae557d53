//! `docs/dependencies.md` says what the policies say: `UPDATE_DOCS=1 cargo test -p service-kit dependencies` writes it anew.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use service_kit::client::Policy;
use service_kit::client::dependencies::DEPENDENCIES;
use service_kit::client::policy::{Breaking, Logged, Repetition, Severity, Shape};

const HEAD: &str = "\
# Dependencies

What each program of ours depends on, and what happens when it does not answer: one policy each, in the code
(`crates/service-kit/src/client/dependencies.rs`). This page is made of them, and a test keeps the two the same:
`UPDATE_DOCS=1 cargo test -p service-kit dependencies` writes it anew.

Common to all calls that go out through `service_kit::client::outgoing`:

- A call has at most the time of its policy, and never more than is left of the deadline of the request on whose behalf it is
  made; the dependency is told so (`grpc-timeout`). A stream has that time to begin.
- Only methods that are declared repeatable are tried again, and only after `UNAVAILABLE`, or after a `RESOURCE_EXHAUSTED` that
  says when to come back. Waits are random below a bound that doubles, on top of what the dependency asks for. No attempt
  begins past the deadline, nor beyond the budget of the channel.
- The circuit breaker counts `UNAVAILABLE`, `DEADLINE_EXCEEDED`, `INTERNAL`, `UNKNOWN` and silence; refusals are answers. While it
  is open, calls fail at once with `STORE_UNAVAILABLE`; then one call tries. Its state is the metric
  `casetracker.client.breaker.state` (0 closed, 1 open, 2 half-open) and shows in diagnostics; each change is logged
  (`circuit_opened`, `circuit_closed`).
- A refusal of the dependency comes through as it is. A failure becomes `STORE_UNAVAILABLE` or `DEADLINE_EXCEEDED`, with `dependency`
  and `operation` in its metadata. `UNAUTHENTICATED`, `PERMISSION_DENIED` and `UNIMPLEMENTED` are failures of our own set-up:
  `STORE_UNAVAILABLE` to the caller, and `dependency_failed` at ERROR where that is what is logged; where the user of the dependency
  logs an event of its own, it is that one, at its level.
- With an address that begins with `https://` the dependency has to show a certificate of `tls.ca` (or a public one), and is shown
  `tls.certificate` if it asks. Changed files are used for new connections. `auth.token` goes along with each call.
";

#[test]
fn the_page_of_dependencies_says_what_the_policies_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dependencies.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "write it anew: UPDATE_DOCS=1 cargo test -p service-kit dependencies");
}

#[test]
fn every_policy_has_a_name_of_its_own_and_bounds_that_fit() {
    for (at, policy) in DEPENDENCIES.iter().enumerate() {
        let name = policy.name;
        assert!(DEPENDENCIES[..at].iter().all(|other| other.name != name), "{name} is there twice");
        assert!(policy.connect_timeout.is_none_or(|connect| connect <= policy.call_timeout), "{name}");
        if let Repetition::Calls(retry) = policy.repetition {
            assert!(retry.attempts_max > 1 && retry.wait_first <= retry.wait_max, "{name}");
        }
        if let Breaking::After(thresholds) = policy.breaking {
            assert!(
                thresholds.failures_in_a_row > 0 && thresholds.expiry_counts_after <= policy.call_timeout,
                "{name}"
            );
        }
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for policy in DEPENDENCIES {
        let Policy { name, purpose, caller_sees, .. } = policy;
        write!(page, "\n## `{name}`\n\n{purpose}.\n\n| | |\n|---|---|\n").unwrap();
        for (what, how) in [
            ("connecting may take", policy.connect_timeout.map_or_else(|| "–".to_owned(), time)),
            ("an attempt may take", time(policy.call_timeout)),
            ("a quiet connection", quiet(policy)),
            ("methods", methods(policy)),
            ("tried again", again(policy)),
            ("circuit breaker", breaking(policy)),
            ("the caller sees", (*caller_sees).to_owned()),
            ("logged", logged(policy)),
            ("metrics", listed(policy.metrics.iter().map(|metric| format!("`{metric}`")))),
        ] {
            writeln!(page, "| {what} | {how} |").unwrap();
        }
    }
    page
}

fn time(duration: Duration) -> String {
    if duration.as_millis().is_multiple_of(1_000) {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let text = items.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "–".to_owned() } else { text }
}

fn quiet(policy: &Policy) -> String {
    policy.keep_alive.map_or_else(
        || "–".to_owned(),
        |alive| format!("is asked every {}, and has {} to answer", time(alive.interval), time(alive.timeout)),
    )
}

fn methods(policy: &Policy) -> String {
    listed(policy.methods.iter().map(|method| {
        let shape = match method.shape {
            Shape::Repeatable => "repeatable",
            Shape::Once => "never repeated",
            Shape::Stream => "stream",
        };
        format!("`{}` ({shape})", method.name)
    }))
}

fn again(policy: &Policy) -> String {
    match policy.repetition {
        Repetition::Calls(retry) => format!(
            "at most {} attempts; waits below {}, doubling up to {}; together {} a second and {} % of the calls",
            retry.attempts_max,
            time(retry.wait_first),
            time(retry.wait_max),
            retry.budget.per_second,
            retry.budget.percent_of_calls,
        ),
        Repetition::ByItsUser(how) => how.to_owned(),
        Repetition::Never(why) => format!("no: {why}"),
    }
}

fn breaking(policy: &Policy) -> String {
    match policy.breaking {
        Breaking::After(thresholds) => format!(
            "opens after {} failures in a row, for {}; a call that its caller gives up within {} says nothing",
            thresholds.failures_in_a_row,
            time(thresholds.open_for),
            time(thresholds.expiry_counts_after),
        ),
        Breaking::Never(why) => format!("none: {why}"),
    }
}

fn logged(policy: &Policy) -> String {
    let level = |severity| match severity {
        Severity::Warn => "WARN",
        Severity::Error => "ERROR",
    };
    match policy.logged {
        Logged::Here(severity) => format!("`dependency_failed`, {}", level(severity)),
        Logged::ByItsUser { event, severity } => format!("`{event}`, {}", level(severity)),
        Logged::Told(how) => format!("nowhere: {how}"),
    }
}
