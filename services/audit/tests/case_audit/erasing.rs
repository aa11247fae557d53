//! Forgetting a person's text leaves the evidence as it was.

use case_api::ERASED;

use crate::events::of_cases;
use crate::system::Surroundings;

#[tokio::test]
async fn erased_text_is_gone_and_the_leaves_are_unchanged() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    let before = audit.all().await;
    surroundings.tamper("UPDATE audit_log SET content = x''");
    let after = audit.all().await;
    let leaves = |events: &[case_api::pb::AuditEvent]| events.iter().map(|e| e.leaf.clone()).collect::<Vec<_>>();
    assert_eq!(leaves(&before), leaves(&after));
    assert_eq!((after[0].changes[1].field.as_str(), after[0].changes[1].to.as_str()), ("title", ERASED));
    assert_eq!((after[0].changes[1].from.as_str(), after[0].reason.as_str()), ("", ""), "there was none");
    assert_eq!(after[1].reason, ERASED);
    assert_eq!(after[1].changes, before[1].changes, "what is not free text stays");
    audit.ready().await;
    audit.stop().await;
}

/// The database itself refuses everything but erasing.
#[tokio::test]
async fn evidence_cannot_be_changed_or_deleted() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    audit.stop().await;
    let connection = rusqlite::Connection::open(surroundings.database()).unwrap();
    for sql in [
        "UPDATE audit_log SET leaf = x'00'",
        "UPDATE audit_log SET log_index = log_index + 5",
        "UPDATE audit_log SET case_id = 'CASE-009', content = x''",
        "DELETE FROM audit_log",
    ] {
        let refused = connection.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("only content can be erased"), "{sql}: {refused}");
    }
    connection.execute("UPDATE audit_log SET content = x''", []).expect("the control");
}
