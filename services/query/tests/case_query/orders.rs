//! Every order of a list, also while the cases change.

use std::collections::{BTreeMap, BTreeSet};

use case_api::pb::{CaseFilter, ListCasesRequest, Severity as ShownSeverity};
use case_api::timestamp_to_pb;
use case_domain::{Case, Edit, Line, Priority, Severity, StatusCategory, Timestamp};
use test_support::SeededEntropy;

use crate::history::{History, TIME_UNIX_US, lifecycle};
use crate::stage::{Stage, id};
use crate::system::list_of;

/// What a case is sorted by: unset first, texts by their code points.
type Key = (Option<i64>, Option<String>);
type KeyOf = fn(&Case) -> Key;

const ORDERS: [(&str, KeyOf); 10] = [
    ("create_time", |case| number(Some(case.create_time.unix_us()))),
    ("update_time", |case| number(Some(case.update_time.unix_us()))),
    ("due_time", |case| number(case.due_time.map(Timestamp::unix_us))),
    ("close_time", |case| number(case.close_time.map(Timestamp::unix_us))),
    ("priority", |case| number(case.priority.map(|priority| priority as i64))),
    ("severity", |case| number(case.severity.map(|severity| severity as i64))),
    ("status", |case| text(Some(case.status.as_str()))),
    ("assignee", |case| text(case.assignee.as_ref().map(Line::as_str))),
    ("title", |case| text(Some(case.title.as_str()))),
    ("case_id", |case| number(Some(case.id.number().cast_signed()))),
];

fn number(number: Option<i64>) -> Key {
    (number, None)
}

fn text(text: Option<&str>) -> Key {
    (None, text.map(ToOwned::to_owned))
}

/// In the order of their code points; longer than any page token of a number.
const TITLES: [&str; 5] = ["Zebra", "a", "a b", "\u{ff5e}", "\u{1f4a7} water in the cellar of the house next door"];

/// Some change of a case, or none where its state does not admit it.
fn disturb(history: &mut History, random: &SeededEntropy, number: u64) {
    let nth = |count: usize| usize::try_from(random.next() % count as u64).unwrap();
    let case = &history.cases[&number];
    let lifecycle = lifecycle();
    let moves: Vec<&str> = lifecycle.transitions_from(&case.status).map(|edge| edge.to.as_str()).collect();
    // CANCELLED has no way out: no case would be left in the end.
    let moves: Vec<&str> = moves.into_iter().filter(|to| *to != "CANCELLED").collect();
    let edit = match nth(9) {
        0 => Edit::Title(Line::new(TITLES[nth(5)]).unwrap()),
        1 => Edit::Priority([None, Some(Priority::Low), Some(Priority::Urgent)][nth(3)]),
        2 => Edit::Severity([None, Some(Severity::Medium), Some(Severity::High)][nth(3)]),
        3 => Edit::DueTime([None, Timestamp::from_unix_us(0), Timestamp::from_unix_us(-1)][nth(3)]),
        4 => {
            let (is_free, to) = (case.assignee.is_none(), ["budi", "\u{e4}"][nth(2)]);
            history.assign(number, is_free.then_some(to));
            return;
        }
        5..=7 => {
            history.transition(number, moves[nth(moves.len())]);
            return;
        }
        _ => {
            history.comment(number, "a remark keeps every place but that by update time");
            return;
        }
    };
    // A closed case keeps its fields, and an edit that changes nothing is no event.
    if case.status_category != StatusCategory::Closed && !is_there(case, &edit) {
        history.update(number, vec![edit]);
    }
}

fn is_there(case: &Case, edit: &Edit) -> bool {
    match edit {
        Edit::Title(title) => case.title == *title,
        Edit::Priority(priority) => case.priority == *priority,
        Edit::Severity(severity) => case.severity == *severity,
        Edit::DueTime(time) => case.due_time == *time,
        Edit::Assignee(assignee) => case.assignee == *assignee,
        Edit::Description(_) | Edit::Team(_) | Edit::Reporter(_) | Edit::Tags(_) | Edit::CustomFields(_) => false,
    }
}

/// A history with all kinds of cases.
fn disturbed(cases: u64, random: &SeededEntropy) -> History {
    let mut history = History::of_cases(cases);
    for _ in 0..cases * 5 {
        disturb(&mut history, random, random.next() % cases + 1);
    }
    history
}

fn sorted(history: &History, key: KeyOf, is_descending: bool) -> Vec<String> {
    let mut cases: Vec<&Case> = history.cases.values().collect();
    cases.sort_by_key(|case| (key(case), case.id.number()));
    if is_descending {
        cases.reverse();
    }
    cases.into_iter().map(|case| case.id.to_string()).collect()
}

#[tokio::test]
async fn every_order_lists_as_memory_sorts_whatever_the_pages() {
    let history = disturbed(60, &SeededEntropy::new(11));
    let stage = Stage::of(&history).await;
    for (order, key) in ORDERS {
        for (suffix, is_descending) in [("", false), (" asc", false), (" desc", true)] {
            let order_by = format!("{order}{suffix}");
            let expected = sorted(&history, key, is_descending);
            for page_size in [1_000, 7] {
                let request = ListCasesRequest { order_by: order_by.clone(), page_size, ..Default::default() };
                assert_eq!(stage.query.walk(request, || {}).await, expected, "{order_by} by {page_size}");
            }
        }
    }
    stage.query.stop().await;
}

/// A case that keeps its sort key while the pages are walked is met exactly once, whatever happens around it.
#[tokio::test]
async fn a_case_that_keeps_its_place_is_met_exactly_once_while_others_change() {
    for (seed, (order, key)) in (0..).zip(ORDERS) {
        let random = SeededEntropy::new(seed);
        let mut history = disturbed(50, &random);
        let stage = Stage::of(&history).await;
        for order_by in [order, &format!("{order} desc")].repeat(2) {
            walk_disturbed(&stage, &mut history, &random, (order_by, key)).await;
        }
        stage.query.stop().await;
    }
}

async fn walk_disturbed(stage: &Stage, history: &mut History, random: &SeededEntropy, (order_by, key): (&str, KeyOf)) {
    let before: Vec<u64> = history.cases.keys().copied().collect();
    let mut moved = BTreeSet::new();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    let mut request = ListCasesRequest { order_by: order_by.to_owned(), page_size: 9, ..Default::default() };
    loop {
        let page = stage.query.list(request.clone()).await.unwrap();
        for case in page.cases {
            *met.entry(case.case_id).or_default() += 1;
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        for _ in 0..8 {
            let number = before[usize::try_from(random.next() % before.len() as u64).unwrap()];
            let was = key(&history.cases[&number]);
            disturb(history, random, number);
            if key(&history.cases[&number]) != was {
                moved.insert(number);
            }
        }
        history.create("meanwhile");
        // Sometimes the read model is as far as the feed, sometimes in the middle of it.
        if random.next().is_multiple_of(2) {
            stage.publish(history).await;
        } else {
            stage.surroundings.publish(history);
        }
    }
    stage.publish(history).await;
    let stayed: Vec<u64> = before.into_iter().filter(|number| !moved.contains(number)).collect();
    let never_moves = ["create_time", "case_id"].iter().any(|order| order_by.starts_with(order));
    assert!(!stayed.is_empty() && never_moves == moved.is_empty(), "a fair trial by {order_by}");
    for number in stayed {
        assert_eq!(met.get(&id(number)), Some(&1), "{} by {order_by}", id(number));
    }
}

#[tokio::test]
async fn severities_teams_and_ranges_of_time_narrow_the_list() {
    let mut history = History::of_cases(6);
    let at = |us: i64| Timestamp::from_unix_us(TIME_UNIX_US + us).unwrap();
    history.update(1, vec![Edit::Severity(Some(Severity::High)), Edit::DueTime(Some(at(100)))]);
    history.update(2, vec![Edit::Severity(Some(Severity::Low)), Edit::DueTime(Some(at(200)))]);
    history.update(3, vec![Edit::Team(Some(Line::new("claims").unwrap())), Edit::DueTime(Some(at(300)))]);
    history.wait(1_000);
    history.comment(4, "late");
    let stage = Stage::of(&history).await;
    let none = CaseFilter::default;
    let time = |us: i64| Some(timestamp_to_pb(at(us)));
    let teams = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for (filter, expected) in [
        (CaseFilter { severities: vec![ShownSeverity::High.into()], ..none() }, vec![1]),
        (CaseFilter { severities: vec![0, ShownSeverity::Low.into()], ..none() }, vec![2, 3, 4, 5, 6]),
        (CaseFilter { teams: teams(&["claims"]), ..none() }, vec![3]),
        (CaseFilter { teams: teams(&["", "unheard of"]), ..none() }, vec![1, 2, 4, 5, 6]),
        (CaseFilter { due_time_from: time(200), ..none() }, vec![2, 3]),
        (CaseFilter { due_time_to: time(200), ..none() }, vec![1]),
        (CaseFilter { due_time_from: time(100), due_time_to: time(300), ..none() }, vec![1, 2]),
        (CaseFilter { update_time_from: time(1_000), ..none() }, vec![4]),
        (CaseFilter { update_time_to: time(1_000), severities: vec![0], ..none() }, vec![3, 5, 6]),
        (CaseFilter { tags_all: vec!["fire".to_owned()], due_time_from: time(0), ..none() }, vec![1, 3]),
    ] {
        for (order_by, _) in ORDERS {
            let request = ListCasesRequest { order_by: order_by.to_owned(), page_size: 2, ..list_of(filter.clone()) };
            let mut listed = stage.query.walk(request, || {}).await;
            listed.sort();
            assert_eq!(listed, expected.iter().copied().map(id).collect::<Vec<_>>(), "{filter:?} by {order_by}");
        }
    }
    stage.query.stop().await;
}
