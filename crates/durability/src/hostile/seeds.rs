//! Messages that are right, or would be but for a value at its limit or beyond: what mutations begin with.

use super::chance::Chance;
use super::schema::{Field, Kind, Schema};
use super::wire::{FIXED32, FIXED64, VARINT, put_bytes, put_tag, put_varint};

/// How deep messages lie in each other.
const DEPTH_MAX: usize = 6;
/// Lengths of texts: around every limit of the contract, and beyond each of them.
const LENGTHS: [usize; 20] =
    [0, 1, 2, 10, 63, 64, 65, 127, 128, 129, 199, 200, 201, 499, 500, 501, 2_000, 2_001, 5_000, 10_001];
/// Lengths that cost too much to be sent often.
const LONG: [usize; 4] = [32_769, 65_536, 100_001, 300_000];
/// Numbers around every limit.
const NUMBERS: [u64; 14] =
    [0, 1, 2, 3, 7, 8, 127, 128, 1_001, i32::MAX as u64, u32::MAX as u64, i64::MAX as u64, u64::MAX, u64::MAX - 1];
/// Page sizes that do not read the whole store each time, and two that are wrong.
const PAGE_SIZES: [u64; 6] = [0, 1, 2, 5, u64::MAX, i64::MIN.unsigned_abs()];
const STATUSES: [&str; 9] =
    ["DRAFT", "SUBMITTED", "IN_REVIEW", "WAITING", "APPROVED", "REJECTED", "CANCELLED", "CLOSED", "NOT_THERE"];
const MASKS: [&str; 8] =
    ["title", "title,description", "tags", "priority,severity", "custom_fields", "*", "due_time", "team"];
const ORDERS: [&str; 5] = ["", "create_time", "create_time desc", "update_time desc", "priority desc, title"];
const LETTERS: [&str; 8] = ["x", "ä", "語", "😀", "\u{0}", "\u{202e}", "'", "\n"];

/// What is known of a running system that messages can refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) case_ids: Vec<String>,
    pub(super) audit_event_ids: Vec<String>,
    /// Consistency tokens and page tokens.
    pub(super) tokens: Vec<String>,
}

/// A message of a schema.
pub(super) fn message(schema: &Schema, known: &Known, name: &str, chance: &Chance) -> Vec<u8> {
    nested(schema, known, (name, 0), chance)
}

fn nested(schema: &Schema, known: &Known, (name, depth): (&str, usize), chance: &Chance) -> Vec<u8> {
    let mut out = Vec::new();
    for field in schema.fields(name) {
        if !is_set(field, chance) {
            continue;
        }
        let times = if field.is_repeated { 1 + chance.below(3) } else { 1 };
        for _ in 0..times {
            match &field.kind {
                Kind::Message(inner) if depth < DEPTH_MAX => {
                    put_bytes(&mut out, field.number, &nested(schema, known, (inner, depth + 1), chance));
                }
                Kind::Message(_) => {}
                Kind::Varint => {
                    put_tag(&mut out, field.number, VARINT);
                    put_varint(&mut out, number(field, chance));
                }
                Kind::Fixed32 => {
                    put_tag(&mut out, field.number, FIXED32);
                    out.extend_from_slice(&chance.bytes(4));
                }
                Kind::Fixed64 => {
                    put_tag(&mut out, field.number, FIXED64);
                    out.extend_from_slice(&chance.bytes(8));
                }
                Kind::Text => put_bytes(&mut out, field.number, text(field, known, chance).as_bytes()),
                Kind::Bytes => put_bytes(&mut out, field.number, &chance.bytes(*chance.pick(&LENGTHS))),
            }
        }
    }
    out
}

/// What a command cannot do without is there as a rule, everything else now and then.
fn is_set(field: &Field, chance: &Chance) -> bool {
    match field.name.as_str() {
        "case" | "case_id" | "linked_case_id" | "to_status" | "title" | "body" | "reason" | "update_mask"
        | "assignee" | "audit_event_id" | "link_type" => !chance.one_in(12),
        "expected_version" | "validate_only" | "consistency" | "initial_status" | "filter" => chance.one_in(6),
        // What only the server sets, and most fields of a case.
        _ => chance.one_in(5),
    }
}

fn number(field: &Field, chance: &Chance) -> u64 {
    match field.name.as_str() {
        "page_size" => *chance.pick(&PAGE_SIZES),
        _ if chance.one_in(3) => *chance.pick(&NUMBERS),
        _ => chance.any() % 8,
    }
}

fn text(field: &Field, known: &Known, chance: &Chance) -> String {
    if chance.one_in(12) {
        return of_any_length(chance);
    }
    match field.name.as_str() {
        "case_id" | "linked_case_id" | "case_ids" => one_of(&known.case_ids, chance),
        "audit_event_id" => one_of(&known.audit_event_ids, chance),
        "page_token" | "at_least_as_fresh" => one_of(&known.tokens, chance),
        "to_status" | "initial_status" | "status" | "statuses" => (*chance.pick(&STATUSES)).to_owned(),
        "update_mask" => (*chance.pick(&MASKS)).to_owned(),
        "order_by" => (*chance.pick(&ORDERS)).to_owned(),
        // A few that come again, so that keys are reused for other requests, and many that do not.
        "idempotency_key" => format!("key-{}", if chance.one_in(4) { chance.any() % 50 } else { chance.any() }),
        // Never that of a real one: whoever may call the feed may speak for a consumer, which is a matter of roles.
        "consumer" => format!("hostile-{}", chance.any() % 20),
        "service" => (*chance.pick(&["", "readiness", "liveness", "nobody"])).to_owned(),
        _ => format!("text {}", chance.any() % 1_000),
    }
}

fn one_of(known: &[String], chance: &Chance) -> String {
    if known.is_empty() { String::new() } else { chance.pick(known).clone() }
}

fn of_any_length(chance: &Chance) -> String {
    let length = if chance.one_in(200) { *chance.pick(&LONG) } else { *chance.pick(&LENGTHS) };
    chance.pick(&LETTERS).repeat(length)
}
