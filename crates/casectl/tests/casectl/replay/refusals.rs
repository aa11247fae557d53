//! What stops a replay, and what it says then.

use case_domain::{Lifecycle, LifecycleDraft, RequiredField};
use rpc_error::Reason;
use service_kit::exit::ExitCode;

use casectl::derive;

use super::fake::{Fake, Fault, refusal};
use super::{SAMPLE, assert_sample, fake_for, options, records, replay};

#[tokio::test]
async fn a_refusal_names_case_entry_and_what_the_server_said() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    fake.with_faults(|attempt| match attempt {
        3 => Fault::Refuse(refusal(Reason::TransitionNotAllowed, "no such move")),
        _ => Fault::None,
    });
    let one_by_one = casectl::replay::Options { concurrency: 1, ..options() };
    let exit = replay(&running, &records, one_by_one).await.unwrap_err();
    assert_eq!(exit.code, ExitCode::Refused);
    assert_eq!(
        exit.message,
        "stopped at line 1, case made-up-1 (CASE-001), entry 3 of 6: \
         TRANSITION_NOT_ALLOWED: no such move (request req-7)"
    );
    assert_eq!(fake.state().attempts, 3, "nothing is sent after it");
}

#[tokio::test]
async fn a_lifecycle_that_lacks_something_stops_it_before_the_first_command() {
    let records = records(SAMPLE);
    let fake = Fake::new(&lifecycle_file::default_lifecycle());
    let running = fake.serve().await;
    let exit = replay(&running, &records, options()).await.unwrap_err();
    assert_eq!(exit.code, ExitCode::Configuration);
    assert_eq!(fake.state().attempts, 0);
    for part in [
        "the running lifecycle (version 3) lacks",
        "the status COMPLETED_RESOLVED (1 entries)",
        "the initial status ACCEPTED_IN_PROGRESS (2 cases)",
        "the transition COMPLETED_RESOLVED -> COMPLETED_CLOSED (1 times)",
    ] {
        assert!(exit.message.contains(part), "{part:?} is not in {}", exit.message);
    }
}

#[tokio::test]
async fn what_is_missing_is_told_and_nothing_else() {
    let records = records(SAMPLE);
    let mut draft = draft(&records);
    let gone = draft.transitions.pop().unwrap();
    draft.initial.pop();
    draft.transitions[0].required_fields = vec![RequiredField::Assignee, RequiredField::DueTime];
    let needy = draft.transitions[0].clone();
    let fake = Fake::new(&Lifecycle::new(draft).unwrap());
    let running = fake.serve().await;
    let exit = replay(&running, &records, options()).await.unwrap_err();
    assert_eq!(exit.code, ExitCode::Configuration);
    let lines: Vec<&str> = exit.message.lines().skip(1).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("the initial status COMPLETED_IN_CALL"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains(&format!("{} -> {} (1 times)", gone.from, gone.to))), "{lines:?}");
    let unset = format!("{} -> {} without the required field due_time", needy.from, needy.to);
    assert!(lines.iter().any(|line| line.contains(&unset)), "{lines:?}");
}

#[tokio::test]
async fn a_reason_is_given_where_the_lifecycle_asks_for_one() {
    let records = records(SAMPLE);
    let mut draft = draft(&records);
    let close = |edge: &&mut case_domain::Transition| edge.to.as_str() == "COMPLETED_CLOSED";
    draft.transitions.iter_mut().filter(close).for_each(|edge| edge.requires_reason = true);
    let fake = Fake::new(&Lifecycle::new(draft).unwrap());
    let running = fake.serve().await;
    let summary = replay(&running, &records, options()).await.unwrap();
    assert_sample(&fake, &summary);
    let state = fake.state();
    assert!(state.requests["replay/made-up-1/6"].1.contains(r#"reason: "replayed from the log""#));
    assert!(state.requests["replay/made-up-1/5"].1.contains(r#"reason: """#));
}

#[tokio::test]
async fn what_no_server_would_take_is_told_before_anything_is_sent() {
    let text = format!(
        "{}\n{}\n",
        r#"{"external_id":"a","history":[{"time":"2024-05-01T10:00:00Z","actor":"jörg m","status":"NEW"}]}"#,
        format_args!(
            r#"{{"external_id":"b","notes":"{}","history":[{{"time":"2024-05-01T10:00:00Z","actor":"x","status":"NEW"}}]}}"#,
            "n".repeat(9_000)
        )
    );
    let records = records(&text);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    let exit = replay(&running, &records, options()).await.unwrap_err();
    assert_eq!(exit.code, ExitCode::DataCorrupt);
    assert!(exit.message.contains("line 1: the actor \"jörg m\" must be of visible ASCII characters"), "{exit}");
    assert!(exit.message.contains("line 2: the fields of the case are 9"), "{exit}");
    assert_eq!(fake.state().attempts, 0);
}

fn draft(records: &[casectl::log::CaseRecord]) -> LifecycleDraft {
    let lifecycle = derive::derive(records).unwrap().lifecycle;
    LifecycleDraft {
        statuses: lifecycle.statuses().to_vec(),
        initial: lifecycle.initial().to_vec(),
        transitions: lifecycle.transitions().to_vec(),
    }
}
