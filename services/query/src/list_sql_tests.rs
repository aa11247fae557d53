//! Lists against a plain filter and sort in memory, and the plans behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use case_domain::{Case, CaseIdPrefix, Line, Priority, Severity, Status, StatusCategory, Tags, Timestamp};

use super::*;
use crate::filter::TimeRange;
use crate::row::{UNSET_TIME_US, priority_rank, severity_rank};
use crate::schema;
use crate::status_times::StatusTimes;
use crate::stored::Projected;

const STATUSES: [(&str, StatusCategory); 3] =
    [("DRAFT", StatusCategory::Open), ("WAITING", StatusCategory::Paused), ("CLOSED", StatusCategory::Closed)];

/// In the order of their code points, which is neither that of a dictionary nor that of UTF-16.
const TITLES: [&str; 6] = ["Zebra", "a", "a b", "\u{e4}", "\u{ff5e}", "\u{1f4a7} water"];

/// Sixty cases, with many equal keys.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| (1..=60).map(case).collect());

fn case(number: u64) -> Case {
    let nth = usize::try_from(number).unwrap();
    let time = |us: u64| Timestamp::from_unix_us(us.cast_signed()).unwrap();
    let name = |name: Option<&str>| name.map(|name| Line::new(name).unwrap());
    let (status, status_category) = STATUSES[nth % 3];
    let tags = ["water", "fire", "storm"].iter().enumerate().filter(|(bit, _)| nth & (1 << bit) != 0);
    Case {
        id: CaseIdPrefix::new("CASE").unwrap().id(number),
        version: 1,
        status: Status::new(status).unwrap(),
        status_category,
        title: Line::new(TITLES[nth * 5 % 6]).unwrap(),
        description: None,
        priority: [None, Some(Priority::Low), Some(Priority::High)][nth % 5 % 3],
        severity: [Some(Severity::Urgent), None, Some(Severity::Medium)][nth % 7 % 3],
        assignee: name([None, Some("amira"), Some("budi"), Some("citra")][nth % 4]),
        team: name([None, Some("claims")][nth / 3 % 2]),
        reporter: name([None, Some("dewi")][nth / 2 % 2]),
        tags: Tags::new(tags.map(|(_, tag)| Line::new(tag).unwrap())).unwrap(),
        custom_fields: None,
        due_time: [None, Some(time(number * 3 % 11))][nth % 5 % 2],
        create_time: time(number / 4),
        update_time: time(number * 7 % 13),
        close_time: (status == "CLOSED").then(|| time(number * 5 % 9)),
        links: Vec::new(),
        comment_count: 0,
        entered_by: BTreeMap::new(),
    }
}

fn connection() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrations().run(&mut connection).unwrap();
    for case in &*CASES {
        let projected = Projected { case: case.clone(), status_times: StatusTimes::default() };
        schema::save_case(&connection, &projected, None).unwrap();
    }
    connection
}

fn set<const N: usize>(values: [&str; N]) -> BTreeSet<String> {
    values.into_iter().map(ToOwned::to_owned).collect()
}

fn range(from: Option<i64>, before: Option<i64>) -> TimeRange {
    let time = |us: i64| Timestamp::from_unix_us(us).unwrap();
    TimeRange { from: from.map(time), before: before.map(time) }
}

fn filters() -> Vec<Filter> {
    let all = Filter::default();
    vec![
        all.clone(),
        Filter { statuses: set(["DRAFT"]), ..all.clone() },
        Filter { statuses: set(["CLOSED", "DRAFT", "UNHEARD_OF"]), ..all.clone() },
        Filter { status_categories: set(["OPEN", "PAUSED"]), ..all.clone() },
        Filter { priorities: BTreeSet::from([0, 3]), ..all.clone() },
        Filter { severities: BTreeSet::from([4]), statuses: set(["DRAFT"]), ..all.clone() },
        Filter { severities: BTreeSet::from([0, 2]), tags_all: set(["water"]), ..all.clone() },
        Filter { assignees: set(["", "budi"]), ..all.clone() },
        Filter { assignees: set(["amira", "citra"]), ..all.clone() },
        Filter { assignees: set(["amira"]), statuses: set(["DRAFT", "WAITING"]), ..all.clone() },
        Filter { teams: set(["claims"]), ..all.clone() },
        Filter { teams: set([""]), priorities: BTreeSet::from([1]), ..all.clone() },
        Filter { reporters: set(["dewi"]), ..all.clone() },
        Filter { tags_all: set(["water"]), ..all.clone() },
        Filter { tags_all: set(["water", "fire"]), created: range(Some(3), None), ..all.clone() },
        Filter { created: range(Some(4), Some(9)), ..all.clone() },
        Filter { updated: range(Some(2), Some(10)), ..all.clone() },
        Filter { updated: range(None, Some(6)), assignees: set(["budi"]), ..all.clone() },
        Filter { due: range(Some(3), None), ..all.clone() },
        Filter { due: range(None, Some(8)), ..all.clone() },
        Filter { tags_all: set(["storm"]), assignees: set(["citra"]), priorities: BTreeSet::from([0]), ..all },
    ]
}

fn orders() -> impl Iterator<Item = Order> {
    let both = [Direction::Ascending, Direction::Descending];
    SortKey::ALL.into_iter().flat_map(move |key| both.map(|direction| Order { key, direction }))
}

fn name(line: Option<&Line<128>>) -> String {
    line.map_or(String::new(), |line| line.as_str().to_owned())
}

fn matches(filter: &Filter, case: &Case) -> bool {
    let any = |values: &BTreeSet<String>, value: &str| values.is_empty() || values.contains(value);
    let rank = |values: &BTreeSet<i64>, rank: i64| values.is_empty() || values.contains(&rank);
    let within = |range: TimeRange, time: Option<Timestamp>| {
        let fits = |time| range.from.is_none_or(|from| time >= from) && range.before.is_none_or(|before| time < before);
        time.map_or(range == TimeRange::default(), fits)
    };
    any(&filter.statuses, case.status.as_str())
        && any(&filter.status_categories, case.status_category.as_str())
        && rank(&filter.priorities, priority_rank(case.priority))
        && rank(&filter.severities, severity_rank(case.severity))
        && any(&filter.assignees, &name(case.assignee.as_ref()))
        && any(&filter.teams, &name(case.team.as_ref()))
        && any(&filter.reporters, &name(case.reporter.as_ref()))
        && filter.tags_all.iter().all(|tag| case.tags.as_slice().iter().any(|has| has.as_str() == tag))
        && within(filter.created, Some(case.create_time))
        && within(filter.updated, Some(case.update_time))
        && within(filter.due, case.due_time)
}

fn expected(filter: &Filter, order: Order) -> Vec<Cursor> {
    let mut places: Vec<Cursor> =
        CASES.iter().filter(|case| matches(filter, case)).map(|case| place(case, order.key)).collect();
    places.sort_by_key(|place| (place.key.clone(), place.number));
    if order.direction == Direction::Descending {
        places.reverse();
    }
    places
}

fn place(case: &Case, key: SortKey) -> Cursor {
    let number = case.id.number().cast_signed();
    let time = |time: Option<Timestamp>| SortValue::Number(time.map_or(UNSET_TIME_US, Timestamp::unix_us));
    let key = match key {
        SortKey::CreateTime => time(Some(case.create_time)),
        SortKey::UpdateTime => time(Some(case.update_time)),
        SortKey::DueTime => time(case.due_time),
        SortKey::CloseTime => time(case.close_time),
        SortKey::Priority => SortValue::Number(priority_rank(case.priority)),
        SortKey::Severity => SortValue::Number(severity_rank(case.severity)),
        SortKey::Status => SortValue::Text(case.status.to_string()),
        SortKey::Assignee => SortValue::Text(name(case.assignee.as_ref())),
        SortKey::Title => SortValue::Text(case.title.as_str().to_owned()),
        SortKey::CaseId => SortValue::Number(number),
    };
    Cursor { key, number }
}

#[test]
fn every_filter_in_every_order_lists_what_memory_lists() {
    let connection = connection();
    for filter in filters() {
        for order in orders() {
            let listed = page(&connection, &filter, order, None, 1_000).unwrap();
            assert_eq!(listed, expected(&filter, order), "{filter:?} by {order}");
        }
    }
}

#[test]
fn pages_are_the_list_in_pieces() {
    let connection = connection();
    for filter in filters() {
        for order in orders() {
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let piece = page(&connection, &filter, order, after.as_ref(), 7).unwrap();
                let Some(last) = piece.last() else { break };
                after = Some(last.clone());
                listed.extend(piece);
            }
            assert_eq!(listed, expected(&filter, order), "{filter:?} by {order}");
        }
    }
}

/// The plans of a page behind a cursor, one of each stretch.
fn plans(filter: &Filter, order: &str) -> Vec<String> {
    let (connection, order) = (connection(), Order::parse(order).unwrap());
    let after = place(&CASES[19], order.key);
    let drive = Drive::of(filter, order.key);
    let list = List { filter, order, after: Some(&after), limit: 50, drive };
    let plan = |stretch: &Stretch| {
        let Statement { sql, values } = list.statement(*stretch);
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = explain.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
    };
    list.stretches().iter().map(plan).collect()
}

/// Each plan uses the index down to what the cursor says, and nothing is sorted.
fn assert_plans(filter: &Filter, order: &str, searches: &[&str]) {
    let plans = plans(filter, order);
    assert_eq!(plans.len(), searches.len());
    for (plan, search) in plans.iter().zip(searches) {
        assert!(plan.contains(search) && !plan.contains("TEMP B-TREE"), "{filter:?} by {order}: {search} in\n{plan}");
    }
}

#[test]
fn every_order_of_all_cases_begins_where_the_page_before_ended_and_sorts_nothing() {
    let all = Filter::default();
    for key in ["create_time_us", "update_time_us", "due_time_us", "close_time_us", "priority", "severity", "status"] {
        let name = key.trim_end_matches("_us");
        assert_plans(&all, name, &[&format!("({key}=? AND rowid>?)"), &format!("({key}>?)")]);
        let name = format!("{name} desc");
        assert_plans(&all, &name, &[&format!("({key}=? AND rowid<?)"), &format!("({key}<?)")]);
    }
    assert_plans(&all, "assignee", &["(assignee=? AND rowid>?)", "(assignee>?)"]);
    assert_plans(&all, "title desc", &["(title=? AND rowid<?)", "(title<?)"]);
    assert_plans(&all, "case_id", &["rowid>?"]);
}

#[test]
fn common_lists_begin_where_the_page_before_ended_and_sort_nothing() {
    let all = Filter::default();
    let statuses = Filter { statuses: set(["CLOSED", "DRAFT"]), ..all.clone() };
    let categories = Filter { status_categories: set(["OPEN"]), ..all.clone() };
    let assignees = Filter { assignees: set(["", "budi"]), priorities: BTreeSet::from([3]), ..all.clone() };
    let teams = Filter { teams: set(["claims"]), statuses: set(["DRAFT"]), ..all.clone() };
    let reporters = Filter { reporters: set(["dewi"]), ..all.clone() };
    let priorities = Filter { priorities: BTreeSet::from([3, 4]), ..all.clone() };
    let tags = Filter { tags_all: set(["water", "fire"]), ..all.clone() };
    let cases: [(&Filter, &str, &[&str]); 12] = [
        (
            &statuses,
            "create_time desc",
            &["status=? AND create_time_us=? AND rowid<?", "status=? AND create_time_us<?"],
        ),
        (
            &statuses,
            "update_time desc",
            &["status=? AND update_time_us=? AND rowid<?", "status=? AND update_time_us<?"],
        ),
        (&statuses, "case_id desc", &["status=? AND rowid<?"]),
        (&statuses, "status", &["status=? AND rowid>?", "status=?"]),
        (
            &categories,
            "create_time",
            &["status_category=? AND create_time_us=?", "status_category=? AND create_time_us>?"],
        ),
        (&assignees, "create_time desc", &["assignee=? AND create_time_us=?", "assignee=? AND create_time_us<?"]),
        (&assignees, "update_time desc", &["assignee=? AND update_time_us=?", "assignee=? AND update_time_us<?"]),
        (&assignees, "case_id", &["assignee=? AND rowid>?"]),
        (&teams, "create_time desc", &["team=? AND create_time_us=?", "team=? AND create_time_us<?"]),
        (&reporters, "create_time desc", &["reporter=? AND create_time_us=?", "reporter=? AND create_time_us<?"]),
        (&priorities, "priority desc", &["priority=? AND rowid<?", "priority=?"]),
        (&tags, "create_time desc", &["tag=? AND create_time_us=? AND number<?", "tag=? AND create_time_us<?"]),
    ];
    for (filter, order, searches) in cases {
        assert_plans(filter, order, searches);
    }
    // Walks that look at each row, but sort nothing.
    assert_plans(&categories, "update_time desc", &["update_time_us=? AND rowid<?", "update_time_us<?"]);
    assert_plans(&priorities, "title", &["title=? AND rowid>?", "title>?"]);
    let nobody = Filter { assignees: set([""]), ..all };
    assert_plans(&nobody, "due_time", &["due_time_us=? AND rowid>?", "due_time_us>?"]);
}

/// Of two bounds on one side an index takes one, and it must be the cursor's.
#[test]
fn a_range_of_the_sort_key_bounds_a_list_from_the_other_side() {
    let ranged = Filter { updated: range(Some(2), Some(10)), ..Filter::default() };
    assert_plans(&ranged, "update_time", &["update_time_us=? AND rowid>?", "update_time_us>? AND update_time_us<?"]);
    assert_plans(
        &ranged,
        "update_time desc",
        &["update_time_us=? AND rowid<?", "update_time_us>? AND update_time_us<?"],
    );
    let list = |order: &str| {
        let (order, after) = (Order::parse(order).unwrap(), Cursor { key: SortValue::Number(5), number: 20 });
        let drive = Drive::of(&ranged, order.key);
        List { filter: &ranged, order, after: Some(&after), limit: 50, drive }.statement(Stretch::Beyond).sql
    };
    assert_eq!(list("update_time").matches("update_time_us >").count(), 1);
    assert_eq!(list("update_time desc").matches("update_time_us <").count(), 1);
}

#[test]
fn the_largest_filter_is_within_the_limits_of_sqlite() {
    let many = |count: usize| (0..count).map(|n| format!("V{n}")).collect::<BTreeSet<_>>();
    let filter = Filter { statuses: many(200), ..Filter::default() };
    let everything =
        Filter { assignees: many(100), teams: many(100), reporters: many(100), tags_all: many(32), ..filter.clone() };
    let connection = connection();
    for filter in [filter, everything] {
        for order in orders() {
            let after = place(&CASES[19], order.key);
            assert_eq!(page(&connection, &filter, order, None, 10).unwrap(), []);
            assert_eq!(page(&connection, &filter, order, Some(&after), 10).unwrap(), []);
        }
    }
}
