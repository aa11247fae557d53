//! Lists against a plain filter and sort in memory, and the plans behind them.

use std::sync::LazyLock;

use case_domain::{Case, CaseIdPrefix, Line, Priority, Status, StatusCategory, Tags, Timestamp};

use super::*;
use crate::schema;

const STATUSES: [(&str, StatusCategory); 3] =
    [("DRAFT", StatusCategory::Open), ("WAITING", StatusCategory::Paused), ("CLOSED", StatusCategory::Closed)];

/// Sixty cases, with many equal times.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| (1..=60).map(case).collect());

fn case(number: u64) -> Case {
    let nth = usize::try_from(number).unwrap();
    let time = |us: u64| Timestamp::from_unix_us(us.cast_signed()).unwrap();
    let (status, status_category) = STATUSES[nth % 3];
    let tags = ["water", "fire", "storm"].iter().enumerate().filter(|(bit, _)| nth & (1 << bit) != 0);
    Case {
        id: CaseIdPrefix::new("CASE").unwrap().id(number),
        version: 1,
        status: Status::new(status).unwrap(),
        status_category,
        title: Line::new("t").unwrap(),
        description: None,
        priority: [None, Some(Priority::Low), Some(Priority::High)][nth % 5 % 3],
        severity: None,
        assignee: [None, Some("amira"), Some("budi"), Some("citra")][nth % 4].map(|name| Line::new(name).unwrap()),
        team: None,
        reporter: [None, Some("dewi")][nth / 2 % 2].map(|name| Line::new(name).unwrap()),
        tags: Tags::new(tags.map(|(_, tag)| Line::new(tag).unwrap())).unwrap(),
        custom_fields: None,
        due_time: None,
        create_time: time(number / 4),
        update_time: time(number * 7 % 13),
        close_time: None,
    }
}

fn connection() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrations().run(&mut connection).unwrap();
    for case in &*CASES {
        schema::save_case(&connection, case, &Tags::default()).unwrap();
    }
    connection
}

fn set<const N: usize>(values: [&str; N]) -> BTreeSet<String> {
    values.into_iter().map(ToOwned::to_owned).collect()
}

fn filters() -> Vec<Filter> {
    let all = Filter::default();
    let time = |us| Timestamp::from_unix_us(us);
    vec![
        all.clone(),
        Filter { statuses: set(["DRAFT"]), ..all.clone() },
        Filter { statuses: set(["CLOSED", "DRAFT", "UNHEARD_OF"]), ..all.clone() },
        Filter { status_categories: set(["OPEN", "PAUSED"]), ..all.clone() },
        Filter { priorities: set(["", "HIGH"]), ..all.clone() },
        Filter { assignees: set(["", "budi"]), ..all.clone() },
        Filter { assignees: set(["amira"]), statuses: set(["DRAFT", "WAITING"]), ..all.clone() },
        Filter { reporters: set(["dewi"]), ..all.clone() },
        Filter { tags_all: set(["water"]), ..all.clone() },
        Filter { tags_all: set(["water", "fire"]), created_from: time(3), ..all.clone() },
        Filter { created_from: time(4), created_before: time(9), ..all.clone() },
        Filter { tags_all: set(["storm"]), assignees: set(["citra"]), priorities: set([""]), ..all },
    ]
}

fn orders() -> impl Iterator<Item = Order> {
    let keys = [SortKey::CreateTime, SortKey::UpdateTime, SortKey::CaseId];
    let both = [Direction::Ascending, Direction::Descending];
    keys.into_iter().flat_map(move |key| both.map(|direction| Order { key, direction }))
}

fn matches(filter: &Filter, case: &Case) -> bool {
    let any = |values: &BTreeSet<String>, value: &str| values.is_empty() || values.contains(value);
    let name = |line: &Option<Line<128>>| line.as_ref().map_or(String::new(), |line| line.as_str().to_owned());
    any(&filter.statuses, case.status.as_str())
        && any(&filter.status_categories, case.status_category.as_str())
        && any(&filter.priorities, case.priority.map_or("", Priority::as_str))
        && any(&filter.assignees, &name(&case.assignee))
        && any(&filter.reporters, &name(&case.reporter))
        && filter.tags_all.iter().all(|tag| case.tags.as_slice().iter().any(|has| has.as_str() == tag))
        && filter.created_from.is_none_or(|from| case.create_time >= from)
        && filter.created_before.is_none_or(|before| case.create_time < before)
}

fn expected(filter: &Filter, order: Order) -> Vec<Cursor> {
    let mut places: Vec<Cursor> =
        CASES.iter().filter(|case| matches(filter, case)).map(|case| place(case, order)).collect();
    places.sort_by_key(|place| (place.key, place.number));
    if order.direction == Direction::Descending {
        places.reverse();
    }
    places
}

fn place(case: &Case, order: Order) -> Cursor {
    let number = case.id.number().cast_signed();
    let key = match order.key {
        SortKey::CreateTime => case.create_time.unix_us(),
        SortKey::UpdateTime => case.update_time.unix_us(),
        SortKey::CaseId => number,
    };
    Cursor { key, number }
}

#[test]
fn every_filter_in_every_order_lists_what_memory_lists() {
    let connection = connection();
    for filter in filters() {
        for order in orders() {
            let listed = page(&connection, &filter, order, None, 1_000).unwrap();
            assert_eq!(listed, expected(&filter, order), "{filter:?} by {}", order.as_str());
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
                let piece = page(&connection, &filter, order, after, 7).unwrap();
                let Some(last) = piece.last() else { break };
                after = Some(*last);
                listed.extend(piece);
            }
            assert_eq!(listed, expected(&filter, order), "{filter:?} by {}", order.as_str());
        }
    }
}

fn plan(filter: &Filter, order: &str) -> String {
    let connection = connection();
    let cursor = Cursor { key: 5, number: 20 };
    let Statement { sql, values, .. } = statement(filter, Order::parse(order).unwrap(), Some(cursor), 50);
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = explain.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
    rows.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
}

#[test]
fn common_lists_begin_where_the_page_before_ended_and_sort_nothing() {
    let all = Filter::default();
    let statuses = Filter { statuses: set(["CLOSED", "DRAFT"]), ..all.clone() };
    let categories = Filter { status_categories: set(["OPEN"]), ..all.clone() };
    let assignees = Filter { assignees: set(["", "budi"]), priorities: set(["HIGH"]), ..all.clone() };
    let reporters = Filter { reporters: set(["dewi"]), ..all.clone() };
    let tags = Filter { tags_all: set(["water", "fire"]), ..all.clone() };
    let cases = [
        (&all, "create_time desc", "create_time_us<?"),
        (&all, "update_time", "update_time_us>?"),
        (&all, "case_id", "rowid>?"),
        (&statuses, "create_time desc", "status=? AND create_time_us<?"),
        (&statuses, "update_time desc", "status=? AND update_time_us<?"),
        (&categories, "create_time desc", "status_category=? AND create_time_us<?"),
        (&assignees, "create_time desc", "assignee=? AND create_time_us<?"),
        (&assignees, "update_time desc", "assignee=? AND update_time_us<?"),
        (&reporters, "create_time desc", "reporter=? AND create_time_us<?"),
        (&tags, "create_time desc", "tag=? AND (create_time_us,number)<(?,?)"),
        // Walks that look at each row, but sort nothing.
        (&categories, "update_time desc", "update_time_us<?"),
        (&statuses, "case_id desc", "rowid<?"),
    ];
    for (filter, order, search) in cases {
        let plan = plan(filter, order);
        assert!(plan.contains(search) && !plan.contains("TEMP B-TREE"), "{filter:?} by {order}:\n{plan}");
    }
}

#[test]
fn the_largest_filter_is_within_the_limits_of_sqlite() {
    let many = |count: usize| (0..count).map(|n| format!("V{n}")).collect::<BTreeSet<_>>();
    let filter = Filter { statuses: many(200), ..Filter::default() };
    let everything = Filter { assignees: many(100), reporters: many(100), tags_all: many(32), ..filter.clone() };
    let connection = connection();
    for filter in [filter, everything] {
        for order in orders() {
            assert_eq!(page(&connection, &filter, order, None, 10).unwrap(), []);
        }
    }
}
