//! What a replay sends, and what it says in the end.

use std::sync::Arc;

use casectl::replay::{Options, Tally, Verify};
use serde_json::json;
use service_kit::exit::ExitCode;
use tokio::sync::Barrier;

use super::fake::{Fake, Fault};
use super::{SAMPLE, SAMPLE_TALLY, assert_sample, fake_for, impatient, options, records, replay};

#[tokio::test]
async fn a_log_comes_out_as_it_means() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    let summary = replay(&running, &records, options()).await.unwrap();
    assert_sample(&fake, &summary);
    assert_eq!((summary.cases, summary.commands, summary.retries), (4, 17, 0));

    let json = summary.to_json();
    assert_eq!(json["replay"], json!(SAMPLE_TALLY));
    assert_eq!(json["final"], json!({"COMPLETED_CLOSED": 2, "ACCEPTED_WAIT_USER": 1, "COMPLETED_IN_CALL": 1}));
    assert_eq!(
        json["initial"],
        json!({"ACCEPTED_IN_PROGRESS": 2, "QUEUED_AWAITING_ASSIGNMENT": 1, "COMPLETED_IN_CALL": 1})
    );
    assert_eq!(json["pairs"].as_array().unwrap().len(), 8);
    assert_eq!(json["pairs"][0], json!(["ACCEPTED_IN_PROGRESS", "COMPLETED_CLOSED", 1]));
    assert_eq!((&json["versions"], &json["audit_events"]), (&json!(15), &json!(15)));
    assert_eq!((&json["audit_contiguous"], &json["agrees"]), (&json!(true), &json!(true)));

    let text = summary.to_string();
    assert!(text.contains("4 cases, 17 commands"), "{text}");
    assert!(text.ends_with("15 audit events: all as the log means"), "{text}");
}

#[tokio::test]
async fn every_entry_is_one_command_of_its_actor() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    replay(&running, &records, options()).await.unwrap();

    let state = fake.state();
    let (actor, create) = &state.requests["replay/made-up-1/1"];
    assert_eq!(actor, "amira");
    assert!(create.starts_with("CreateCaseRequest"), "{create}");
    let (actor, assign) = &state.requests["replay/made-up-2/3"];
    assert_eq!(actor, "dewi");
    assert!(assign.starts_with("AssignCaseRequest") && assign.contains(r#"team: Some("G3")"#), "{assign}");
    let (_, silent) = &state.requests["replay/made-up-2/4"];
    assert!(silent.contains("team: None"), "a log that does not say leaves the team: {silent}");
    let (actor, transition) = &state.requests["replay/made-up-1/3"];
    assert_eq!(actor, "budi");
    assert!(transition.starts_with("TransitionCaseRequest"), "{transition}");
    assert!(transition.contains(r#"assignee: Some("budi"), team: Some("G2 2nd")"#), "{transition}");
    assert_eq!(state.requests.len(), 17);

    let case = state.cases.values().find(|case| case.title.ends_with("made-up-3")).unwrap();
    let fields = case_api::custom_fields_from_pb(case.custom_fields.as_ref().unwrap()).unwrap().unwrap();
    let fields: serde_json::Value = serde_json::from_str(fields.as_str()).unwrap();
    let opened = "2024-04-01T10:00:00Z";
    assert_eq!(
        fields,
        json!({"external_id": "made-up-3", "impact": "Low", "weight": 2.5, "parts": ["a", null], "opened_time": opened})
    );
    assert_eq!((case.assignee.as_str(), case.team.as_str()), ("eko", "G1"));
}

#[tokio::test]
async fn many_cases_are_under_way_at_once() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    // No case is opened before all of them are on their way: one case after the other would never get there.
    let barrier = Arc::new(Barrier::new(4));
    fake.with_faults(move |attempt| if attempt <= 4 { Fault::Hold(Arc::clone(&barrier)) } else { Fault::None });
    let summary = replay(&running, &records, Options { concurrency: 4, ..options() }).await.unwrap();
    assert_sample(&fake, &summary);
    assert_eq!(summary.retries, 0);
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_counts_the_same() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    replay(&running, &records, options()).await.unwrap();
    let again = replay(&running, &records, options()).await.unwrap();
    assert_sample(&fake, &again);
    assert_eq!(again.tally, Tally { replayed: 17, ..SAMPLE_TALLY });
    assert!(again.to_string().contains("17 of these had been carried out before"));
}

#[tokio::test]
async fn timelines_are_read_where_all_is_to_be_verified() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    let summary = replay(&running, &records, Options { verify: Verify::Full, ..options() }).await.unwrap();
    assert_sample(&fake, &summary);
    assert_eq!((summary.check.timelines, fake.state().timelines), (Some(4), 4));
}

#[tokio::test]
async fn what_is_read_back_and_differs_is_told() {
    /// Spoils what is kept of the sample.
    type Spoil = fn(&Fake);
    let spoils: [(Spoil, &str); 5] = [
        (|fake| drop(fake.state().events.pop()), "changes are recorded, the log means"),
        (|fake| drop(fake.state().events.remove(0)), "is version 2, "),
        (|fake| fake.state().events[2].actor_id = "mallory".to_owned(), "by mallory, the log means"),
        (|fake| fake.state().cases.get_mut(&1).unwrap().status = "LOST".to_owned(), "status in case-query: LOST"),
        (|fake| drop(fake.state().cases.remove(&1)), "case-query lacks cases: no case CASE-001"),
    ];
    for (spoil, told) in spoils {
        let records = records(SAMPLE);
        let fake = fake_for(&records);
        let running = fake.serve().await;
        // One after the other, so that it is known which case has which number.
        replay(&running, &records, Options { concurrency: 1, ..options() }).await.unwrap();
        // A change at the end keeps the head of the log where the tokens say it is.
        let removed = fake.state().events.len();
        spoil(&fake);
        let removed = removed - fake.state().events.len();
        (0..removed).for_each(|_| fake.state().events.push(case_api::pb::AuditEvent::default()));
        let summary = replay(&running, &records, impatient()).await.unwrap();
        let exit = summary.verdict().unwrap_err();
        assert_eq!(exit.code, ExitCode::DataCorrupt);
        assert!(exit.message.contains(told), "{told:?} is not in {}", exit.message);
        assert_eq!(summary.to_json()["agrees"], json!(false));
        assert!(summary.to_string().ends_with("NOT as the log means"));
    }
}
