//! The plans behind lists, and logs that were begun before there were filters.

use case_domain::Timestamp;
use refinery::Target;
use rusqlite::params;

use super::*;
use crate::leaf::time_text;
use crate::store;

const LEAVES: [&str; 2] =
    [include_str!("../golden/case_created.v1.json"), include_str!("../golden/case_transitioned.v1.json")];

/// A log that the first version of the schema began.
fn old_log() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    store::migrations().set_target(Target::Version(1)).run(&mut connection).unwrap();
    add(&connection);
    connection
}

/// As every version of the program adds records.
fn add(connection: &Connection) {
    let sql = "INSERT INTO audit_log (log_index, position, event_id, case_number, case_id, leaf, content) \
               SELECT count(*), count(*) + 1, randomblob(16), 1, 'CASE-001', ?1, x'' FROM audit_log";
    for leaf in LEAVES {
        connection.execute(sql, params![leaf.trim_end().as_bytes()]).unwrap();
    }
}

fn current_log() -> Connection {
    let mut connection = old_log();
    store::migrations().run(&mut connection).unwrap();
    connection
}

fn time(unix_us: i64) -> Option<String> {
    Timestamp::from_unix_us(unix_us).map(time_text)
}

/// Each field alone, as the two golden leaves have it, with the places of the events that it names.
fn filters() -> Vec<(Filter, &'static [u64])> {
    const SECOND_US: i64 = 1_795_426_200_250_001;
    let all = Filter::default;
    let text = |text: &str| Some(text.to_owned());
    vec![
        (all(), &[0, 1]),
        (Filter { case_id: CaseId::parse("CASE-001").ok(), ..all() }, &[0, 1]),
        (Filter { case_id: CaseId::parse("OTHER-001").ok(), ..all() }, &[]),
        (Filter { actor_id: Person::new("amira").ok(), ..all() }, &[0, 1]),
        (Filter { actor_id: Person::new("amir").ok(), ..all() }, &[]),
        (Filter { action: Some(Action::CaseTransitioned), ..all() }, &[1]),
        (Filter { outcome: Some("ACCEPTED"), ..all() }, &[0, 1]),
        (Filter { outcome: Some("REFUSED"), ..all() }, &[]),
        (Filter { request_id: text("req-1"), ..all() }, &[0, 1]),
        (Filter { trace_id: text("0af7651916cd43dd8448eb211c80319c"), ..all() }, &[0]),
        (Filter { time_from: time(SECOND_US), ..all() }, &[1]),
        (Filter { time_from: time(SECOND_US + 1), ..all() }, &[]),
        (Filter { time_to: time(SECOND_US), ..all() }, &[0]),
        (Filter { time_from: time(0), time_to: time(SECOND_US + 1), ..all() }, &[0, 1]),
    ]
}

fn indexes(connection: &Connection, filter: &Filter) -> Vec<u64> {
    let page = page(connection, filter, 0, PageLimit { count: 10, bytes: 1 << 20 }).unwrap();
    page.records.into_iter().map(|record| record.index).collect()
}

#[test]
fn records_from_before_the_migration_are_found() {
    let log = current_log();
    for (filter, expected) in filters() {
        assert_eq!(indexes(&log, &filter), expected, "{filter:?}");
    }
    let untouched: Vec<Vec<u8>> = log
        .prepare("SELECT leaf FROM audit_log")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(untouched, LEAVES.map(|leaf| leaf.trim_end().as_bytes().to_vec()));
}

/// What the program before this schema adds to it, after a roll-back.
#[test]
fn records_of_an_older_program_are_found() {
    let log = current_log();
    add(&log);
    for (filter, expected) in filters() {
        let twice: Vec<u64> = [0, 2].iter().flat_map(|later| expected.iter().map(move |index| index + later)).collect();
        let reached_again = filter.time_to.is_none() && filter.time_from.is_none();
        // Times run backwards in this log, which a log never has: not looked at by time.
        assert!(!reached_again || indexes(&log, &filter) == twice, "{filter:?}");
    }
}

#[test]
fn evidence_is_still_protected() {
    let log = current_log();
    for sql in ["UPDATE audit_log SET leaf = x'7b7d'", "DELETE FROM audit_log"] {
        assert!(log.execute(sql, []).unwrap_err().to_string().contains("only content can be erased"), "{sql}");
    }
    assert!(log.execute("UPDATE audit_log SET actor_id = 'budi'", []).is_err());
    log.execute("UPDATE audit_log SET content = x''", []).expect("the control");
}

/// No list is sorted, and none but the unfiltered one walks over events that its index could have passed over.
#[test]
fn every_list_walks_along_its_index() {
    let log = current_log();
    let wanted = [
        "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "audit_log_by_case (case_number=? AND rowid>? AND rowid<?)",
        "audit_log_by_case (case_number=? AND rowid>? AND rowid<?)",
        "audit_log_by_actor (actor_id=? AND rowid>? AND rowid<?)",
        "audit_log_by_actor (actor_id=? AND rowid>? AND rowid<?)",
        "audit_log_by_action (action=? AND rowid>? AND rowid<?)",
        "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "audit_log_by_request (request_id=? AND rowid>? AND rowid<?)",
        "audit_log_by_trace (trace_id=? AND rowid>? AND rowid<?)",
    ];
    for ((filter, _), wanted) in filters().into_iter().zip(wanted) {
        let Statement { sql, values } = statement(&filter, Range { from: 0, to: None });
        let mut explain = log.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan = explain.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<String> = plan.map(Result::unwrap).collect();
        assert!(plan.len() == 1 && plan[0].ends_with(wanted), "{plan:?}, not {wanted}");
    }
}

/// Whatever is asked for, damage that the walk meets is in the page; and it does not keep a person's text from being
/// erased.
#[test]
fn a_leaf_that_cannot_be_read_is_not_passed_over() {
    for damage in ["x'7b7d'", "x'ff00'"] {
        let log = current_log();
        let sql = format!("UPDATE audit_log SET leaf = {damage} WHERE log_index = 1");
        log.execute_batch(&format!("DROP TRIGGER audit_log_keeps_evidence; {sql}")).unwrap();
        assert_eq!(indexes(&log, &Filter { outcome: Some("REFUSED"), ..Filter::default() }), [1], "{damage}");
        log.execute("UPDATE audit_log SET content = x'' WHERE log_index = 1", []).expect(damage);
    }
}
