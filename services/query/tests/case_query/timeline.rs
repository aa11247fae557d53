//! What happened to a case, and how long it was where.

use case_api::pb::{FieldChange, GetCaseTimelineRequest, TimeInStatus, TimelineEntry};
use case_api::timestamp_to_pb;
use case_domain::{Edit, Line, LinkType, Priority};
use tonic::Code;

use crate::history::{History, TIME_UNIX_US};
use crate::stage::{Stage, timeline_at_least, timeline_of};
use crate::system::{get_case, refusal};

const SECOND_US: i64 = 1_000_000;

fn change(field: &str, from: &str, to: &str) -> FieldChange {
    FieldChange { field: field.to_owned(), from: from.to_owned(), to: to.to_owned() }
}

fn times(rows: &[TimeInStatus]) -> Vec<(&str, String)> {
    let seconds = |row: &TimeInStatus| {
        let duration = row.duration.unwrap();
        format!("{}.{:06}", duration.seconds, duration.nanos / 1_000)
    };
    rows.iter().map(|row| (row.status.as_str(), seconds(row))).collect()
}

async fn walk(stage: &Stage, page_size: i32) -> Vec<TimelineEntry> {
    let (mut walked, mut request) = (Vec::new(), GetCaseTimelineRequest { page_size, ..timeline_of("CASE-001") });
    loop {
        let page = stage.timeline(request.clone()).await.unwrap();
        walked.extend(page.entries);
        if page.next_page_token.is_empty() {
            return walked;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn every_change_is_an_entry_with_everything_that_changed() {
    let mut history = History::of_cases(2);
    history.update(1, vec![Edit::Title(Line::new("wet").unwrap()), Edit::Priority(Some(Priority::Urgent))]);
    history.transition(1, "SUBMITTED");
    history.transition(2, "SUBMITTED");
    history.assign(1, None);
    history.comment(1, "Plumber booked.");
    history.link(1, LinkType::Duplicates, 2);
    let last = history.unlink(1, LinkType::Duplicates, 2).clone();
    let stage = Stage::of(&history).await;
    let entries = stage.timeline(timeline_of("CASE-001")).await.unwrap().entries;

    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let expected = ["created", "updated", "transitioned", "assigned", "commented", "linked", "unlinked"];
    assert_eq!(actions, expected.map(|action| format!("case_{action}")));
    let versions: Vec<u64> = entries.iter().map(|entry| entry.case_version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7]);
    let link = r#"{"case_id":"CASE-002","link_type":"DUPLICATES"}"#;
    let changes: Vec<&[FieldChange]> = entries.iter().map(|entry| entry.changes.as_slice()).collect();
    assert!(
        changes[0].contains(&change("status", "", "DRAFT")) && changes[0].contains(&change("tags", "", r#"["fire"]"#))
    );
    assert_eq!(changes[1], [change("title", "case 1", "wet"), change("priority", "HIGH", "URGENT")]);
    assert_eq!(changes[2], [change("status", "DRAFT", "SUBMITTED")]);
    assert_eq!(changes[3], [change("assignee", "amira", "")]);
    assert_eq!(changes[4], [change("comment", "", "Plumber booked.")]);
    assert_eq!(changes[5..], [[change("link", "", link)], [change("link", link, "")]]);
    let last_entry = entries.last().unwrap();
    assert_eq!((last_entry.actor_id.as_str(), last_entry.reason.as_str()), ("amira", "because"));
    assert_eq!(last_entry.request_id, "request-9");
    assert_eq!(last_entry.time, Some(timestamp_to_pb(last.update_time)));
    assert_eq!(entries[0].reason, "", "none was given");
    stage.query.stop().await;
}

#[tokio::test]
async fn erased_text_shows_as_erased_in_timeline_and_comments() {
    let mut history = History::of_cases(1);
    history.comment(1, "a secret");
    for record in &mut history.events {
        record.content = None;
    }
    let stage = Stage::of(&history).await;
    let entries = stage.timeline(timeline_of("CASE-001")).await.unwrap().entries;
    assert!(entries[0].changes.contains(&change("title", "", "[erased]")));
    assert_eq!((entries[1].reason.as_str(), entries[1].changes[0].to.as_str()), ("[erased]", "[erased]"));
    assert_eq!(stage.comments(crate::stage::comments_of("CASE-001")).await.unwrap().comments[0].body, "[erased]");
    stage.query.stop().await;
}

/// DRAFT 2 s, SUBMITTED 3 s, DRAFT again 4 s, SUBMITTED again 5 s, CANCELLED until now.
fn back_and_forth() -> History {
    let mut history = History::of_cases(1);
    for (seconds, to) in [(2, "SUBMITTED"), (3, "DRAFT"), (4, "SUBMITTED"), (5, "CANCELLED")] {
        // Two events are a microsecond: each at the same fraction of it.
        history.wait(seconds * SECOND_US);
        history.transition(1, to);
        history.comment(1, "a remark is no move");
    }
    history
}

#[tokio::test]
async fn time_in_status_adds_up_visits_and_the_present_one_runs_to_the_answer() {
    let stage = Stage::of(&back_and_forth()).await;
    stage.clock.advance_us(14 * SECOND_US + 4);
    let rows = stage.timeline(timeline_of("CASE-001")).await.unwrap().time_in_status;
    let expected = |cancelled: &str| {
        let rows = [("DRAFT", "6.000002"), ("SUBMITTED", "8.000002"), ("CANCELLED", cancelled)];
        rows.map(|(status, seconds)| (status, seconds.to_owned()))
    };
    assert_eq!(times(&rows), expected("0.000000"));
    stage.clock.advance_us(90 * SECOND_US);
    let rows = stage.timeline(timeline_of("CASE-001")).await.unwrap().time_in_status;
    assert_eq!(times(&rows), expected("90.000000"));
    // A clock behind that of the events.
    stage.clock.advance_us(-1_000 * SECOND_US);
    let rows = stage.timeline(timeline_of("CASE-001")).await.unwrap().time_in_status;
    assert_eq!(times(&rows), expected("0.000000"));
    stage.query.stop().await;
}

#[tokio::test]
async fn time_in_status_is_the_same_on_every_page_and_survives_a_restart() {
    let history = back_and_forth();
    let Stage { surroundings, query, clock } = Stage::of(&history).await;
    query.stop().await;
    let query = crate::system::Query::start_at(surroundings.settings(), clock.clone() as _).await;
    query.ready().await;
    let stage = Stage { surroundings, query, clock };
    stage.clock.advance_us(20 * SECOND_US);
    let (mut request, mut pages) = (GetCaseTimelineRequest { page_size: 2, ..timeline_of("CASE-001") }, Vec::new());
    loop {
        let page = stage.timeline(request.clone()).await.unwrap();
        request.page_token.clone_from(&page.next_page_token);
        pages.push(page.time_in_status);
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages.len(), 5);
    assert!(pages.iter().all(|rows| *rows == pages[0] && rows.len() == 3), "{pages:?}");
    stage.query.stop().await;
}

#[tokio::test]
async fn pages_are_the_timeline_in_pieces_while_it_grows() {
    let mut history = back_and_forth();
    let stage = Stage::of(&history).await;
    let whole = stage.timeline(timeline_of("CASE-001")).await.unwrap().entries;
    assert_eq!(walk(&stage, 4).await, whole);
    assert_eq!(walk(&stage, 9).await, whole);
    let first = GetCaseTimelineRequest { page_size: 8, ..timeline_of("CASE-001") };
    let page_token = stage.timeline(first.clone()).await.unwrap().next_page_token;
    history.comment(1, "meanwhile");
    stage.publish(&history).await;
    let rest = stage.timeline(GetCaseTimelineRequest { page_token, ..first }).await.unwrap();
    let versions: Vec<u64> = rest.entries.iter().map(|entry| entry.case_version).collect();
    assert_eq!(versions, [9, 10]);
    stage.query.stop().await;
}

#[tokio::test]
async fn a_timeline_can_be_as_fresh_as_a_command_and_no_case_has_none() {
    let mut history = History::of_cases(2);
    let stage = Stage::of(&history).await;
    history.transition(1, "SUBMITTED");
    stage.surroundings.publish(&history);
    let fresh = stage.timeline(timeline_at_least("CASE-001", 3)).await.unwrap();
    assert_eq!(fresh.entries.len(), 2);
    assert_eq!(fresh.as_of, stage.query.get(get_case("CASE-001")).await.unwrap().as_of);
    for id in ["CASE-003", "nonsense"] {
        let refused = refusal(stage.timeline(timeline_of(id)).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "CASE_NOT_FOUND"));
        assert_eq!(refused.resource.as_deref(), Some(id));
    }
    let first = GetCaseTimelineRequest { page_size: 1, ..timeline_of("CASE-001") };
    let page_token = stage.timeline(first).await.unwrap().next_page_token;
    let elsewhere = GetCaseTimelineRequest { page_token, ..timeline_of("CASE-002") };
    assert_eq!(refusal(stage.timeline(elsewhere).await).reason, "INVALID_PAGE_TOKEN");
    let negative = GetCaseTimelineRequest { page_size: -1, ..timeline_of("CASE-001") };
    assert_eq!(refusal(stage.timeline(negative).await).reason, "INVALID_PAGE_SIZE");
    stage.query.stop().await;
}

#[test]
fn the_clock_of_the_stage_is_that_of_the_history() {
    assert_eq!(History::of_cases(1).cases[&1].create_time.unix_us(), TIME_UNIX_US);
}
