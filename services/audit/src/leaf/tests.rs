use std::collections::BTreeMap;

use case_api::action_name;
use case_api::event_pb::{Action, Category, Evidence, EvidenceChange};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::digest::hex;

/// 2026-11-23T09:30:00.25Z
const TIME_UNIX_US: i64 = 1_795_426_200_250_000;

fn created() -> Evidence {
    Evidence {
        event_id: "01938f5c-4b3a-7000-8000-000000000001".to_owned(),
        position: 1,
        time_unix_us: TIME_UNIX_US,
        action: Action::CaseCreated.into(),
        case_id: "CASE-001".to_owned(),
        case_version: 1,
        actor_id: "amira".to_owned(),
        lifecycle_version: 1,
        status_category: Category::Open.into(),
        request_id: "req-1".to_owned(),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        changes: vec![
            valued("status", "", "DRAFT"),
            EvidenceChange { field: "title".to_owned(), to_digest: vec![0xa1; 32], ..EvidenceChange::default() },
            valued("reporter", "", "Zoë \"Z\" \u{1f4a7}"),
            valued("tags", "", r#"["water","a\\b"]"#),
        ],
        reason_digest: Vec::new(),
    }
}

fn transitioned() -> Evidence {
    Evidence {
        event_id: "01938f5c-4b3a-7000-8000-000000000002".to_owned(),
        position: u64::MAX,
        time_unix_us: TIME_UNIX_US + 1,
        action: Action::CaseTransitioned.into(),
        case_version: 2,
        status_category: Category::Closed.into(),
        traceparent: String::new(),
        changes: vec![valued("status", "DRAFT", "CANCELLED"), valued("assignee", "budi", "")],
        reason_digest: vec![0x0f; 32],
        ..created()
    }
}

/// What each other action changes, on the case that was created.
fn changed(action: Action, changes: Vec<EvidenceChange>) -> Evidence {
    Evidence { action: action.into(), case_version: 2, position: 2, changes, ..created() }
}

fn updated() -> Evidence {
    let fields = EvidenceChange { field: "custom_fields".to_owned(), ..digested(0xb2, 0xc3) };
    let description = EvidenceChange { field: "description".to_owned(), to_digest: Vec::new(), ..digested(0xd4, 0) };
    let plain = [valued("priority", "LOW", "HIGH"), valued("due_time", "", "2026-11-23T09:30:00.25Z")];
    changed(Action::CaseUpdated, [fields, description].into_iter().chain(plain).collect())
}

fn assigned() -> Evidence {
    changed(Action::CaseAssigned, vec![valued("assignee", "", "citra"), valued("team", "claims", "")])
}

/// The body is free text: the leaf has its digest.
fn commented() -> Evidence {
    let body = EvidenceChange { field: "comment".to_owned(), from_digest: Vec::new(), ..digested(0, 0xe5) };
    changed(Action::CaseCommented, vec![body])
}

/// A link is no free text.
fn linked() -> Evidence {
    changed(Action::CaseLinked, vec![valued("link", "", r#"{"case_id":"CASE-002","link_type":"DUPLICATES"}"#)])
}

fn unlinked() -> Evidence {
    let reason_digest = vec![0x0f; 32];
    let changes = vec![valued("link", r#"{"case_id":"CASE-002","link_type":"CHILD_OF"}"#, "")];
    Evidence { reason_digest, ..changed(Action::CaseUnlinked, changes) }
}

fn digested(from: u8, to: u8) -> EvidenceChange {
    EvidenceChange { from_digest: vec![from; 32], to_digest: vec![to; 32], ..EvidenceChange::default() }
}

fn valued(field: &str, from: &str, to: &str) -> EvidenceChange {
    EvidenceChange { field: field.to_owned(), from: from.to_owned(), to: to.to_owned(), ..EvidenceChange::default() }
}

fn bytes(evidence: &Evidence) -> Vec<u8> {
    Leaf::of(evidence).unwrap().to_bytes().unwrap()
}

/// One event of each action, with the bytes of its leaf. The files are the stored format: a change that moves a byte of
/// them is a new version of the leaf.
fn golden() -> [(Evidence, &'static str); case_domain::Action::ALL.len()] {
    [
        (created(), include_str!("../../golden/case_created.v1.json")),
        (transitioned(), include_str!("../../golden/case_transitioned.v1.json")),
        (updated(), include_str!("../../golden/case_updated.v1.json")),
        (assigned(), include_str!("../../golden/case_assigned.v1.json")),
        (commented(), include_str!("../../golden/case_commented.v1.json")),
        (linked(), include_str!("../../golden/case_linked.v1.json")),
        (unlinked(), include_str!("../../golden/case_unlinked.v1.json")),
    ]
}

#[test]
fn every_action_has_a_golden_leaf() {
    let actions = golden().map(|(evidence, _)| action_name(evidence.action).unwrap());
    assert_eq!(actions, case_domain::Action::ALL.map(case_domain::Action::as_str));
}

#[test]
fn leaves_keep_their_bytes() {
    for (evidence, expected) in golden() {
        let leaf = String::from_utf8(bytes(&evidence)).unwrap();
        assert_eq!(leaf, expected.trim_end());
    }
}

/// Apart from what is written today: what was written once must be readable for ever.
#[test]
fn leaves_that_were_written_once_read_back() {
    for (evidence, stored) in golden() {
        assert_eq!(Leaf::parse(stored.trim_end().as_bytes()), Ok(Leaf::of(&evidence).unwrap()));
    }
}

#[test]
fn what_is_not_a_leaf_is_refused() {
    let whole = bytes(&created());
    let text = String::from_utf8(whole.clone()).unwrap();
    let unknown_member = text.replacen('{', r#"{"also":"","#, 1);
    let not_a_number = text.replace(r#""case_version":"1""#, r#""case_version":"one""#);
    for damaged in [&whole[..whole.len() - 1], b"", b"{}", unknown_member.as_bytes(), not_a_number.as_bytes()] {
        assert_eq!(Leaf::parse(damaged), Err(NotALeaf));
    }
}

#[test]
fn evidence_that_this_version_cannot_read_makes_no_leaf() {
    let refusal = |evidence: Evidence| Leaf::of(&evidence).map(|_| ()).unwrap_err();
    let unknown_action = LeafError::Action(RecordError::UnknownAction(99));
    assert_eq!(refusal(Evidence { action: 99, ..created() }), unknown_action);
    assert_eq!(refusal(Evidence { status_category: 99, ..created() }), LeafError::UnknownCategory(99));
    assert_eq!(refusal(Evidence { status_category: 0, ..created() }), LeafError::UnknownCategory(0));
    assert_eq!(refusal(Evidence { time_unix_us: i64::MAX, ..created() }), LeafError::TimeOutOfRange);
    let short = LeafError::Digest { field: "reason".to_owned(), bytes: 31 };
    assert_eq!(refusal(Evidence { reason_digest: vec![1; 31], ..created() }), short);
}

#[test]
fn a_leaf_is_bounded() {
    let evidence = |length: usize| Evidence { actor_id: "a".repeat(length), ..created() };
    let around = bytes(&evidence(0)).len();
    let fits = bytes(&evidence(LEAF_BYTES_MAX - around));
    assert_eq!(fits.len(), LEAF_BYTES_MAX);
    let large = evidence(LEAF_BYTES_MAX - around + 1);
    assert_eq!(Leaf::of(&large).unwrap().to_bytes(), Err(LeafError::TooLarge(LEAF_BYTES_MAX + 1)));
}

#[test]
fn times_have_a_fixed_width() {
    for (unix_us, text) in [
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        (253_402_207_199_999_999, "9999-12-30T21:59:59.999999Z"),
    ] {
        let evidence = Evidence { time_unix_us: unix_us, ..created() };
        assert_eq!(Leaf::of(&evidence).unwrap().time, text);
    }
}

/// JCS by its definition (RFC 8785, section 3.2): members sorted by UTF-16 code units, the fewest escapes.
fn canonical(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let sorted: BTreeMap<Vec<u16>, String> = members
                .iter()
                .map(|(name, value)| (name.encode_utf16().collect(), format!("{}:{}", quoted(name), canonical(value))))
                .collect();
            format!("{{{}}}", sorted.into_values().collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => panic!("a leaf has no {value}"),
    }
}

fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            '\u{0}'..='\u{1f}' => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

fn any_change() -> impl Strategy<Value = EvidenceChange> {
    let digest = || prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 32)];
    let text = || prop::collection::vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect::<String>());
    (text(), text(), text(), digest(), digest()).prop_map(|(field, from, to, from_digest, to_digest)| EvidenceChange {
        field,
        from,
        to,
        from_digest,
        to_digest,
    })
}

proptest! {
    #[test]
    fn every_leaf_is_canonical_and_reads_back(
        (case_version, position) in any::<(u64, u64)>(),
        lifecycle_version in any::<u32>(),
        actor in prop::collection::vec(any::<char>(), 0..20),
        changes in prop::collection::vec(any_change(), 0..5),
    ) {
        let actor_id = actor.into_iter().collect();
        let evidence = Evidence { case_version, position, lifecycle_version, actor_id, changes, ..transitioned() };
        let leaf = bytes(&evidence);
        let value: Value = serde_json::from_slice(&leaf).unwrap();
        prop_assert_eq!(canonical(&value), String::from_utf8(leaf.clone()).unwrap());
        let read = Leaf::parse(&leaf).unwrap();
        prop_assert_eq!(read, Leaf::of(&evidence).unwrap());
    }
}

/// The control of the property above: the reference does refuse another order.
#[test]
fn another_order_is_not_canonical() {
    let text = r#"{"b":"1","a":"2"}"#;
    assert_ne!(canonical(&serde_json::from_str(text).unwrap()), text);
}

#[test]
fn digests_are_written_in_lower_case() {
    assert_eq!(hex(&[0xab, 0x01]), "ab01");
}
