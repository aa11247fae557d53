//! Every field of every request, as the contract says what it holds.

use super::values::{Holds, Text};

/// One field of the request of a method, by its path.
pub(super) type Row = (&'static str, &'static str, Holds);

/// The title of a case.
const TITLE: Text = Text { chars_max: 200, required: false, lines: false };
/// Actors, assignees, teams, reporters.
const NAME: Text = Text { chars_max: 128, required: false, lines: false };
const DESCRIPTION: Text = Text { chars_max: 16_384, required: false, lines: true };
const COMMENT: Text = Text { chars_max: 16_384, required: true, lines: true };
const REASON: Text = Text { chars_max: 2_000, required: false, lines: true };

/// Every field of every request; of a field whose content counts for nothing, only the field itself.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = created();
    rows.extend(updated());
    rows.extend(changed());
    rows.extend(read());
    rows.extend(listed());
    rows.extend(audited());
    rows.extend(followed());
    rows
}

/// What all requests about an existing case have.
fn common(method: &'static str) -> [Row; 4] {
    [
        (method, "reason", Holds::Text(REASON)),
        (method, "idempotency_key", Holds::Key),
        (method, "expected_version", Holds::Version),
        (method, "validate_only", Holds::Switch),
    ]
}

/// The fields of a case that clients set, and those that are ignored.
fn of_case(method: &'static str) -> [Row; 19] {
    [
        (method, "case.version", Holds::Ignored),
        (method, "case.description", Holds::Text(DESCRIPTION)),
        (method, "case.status", Holds::Ignored),
        (method, "case.status_category", Holds::Ignored),
        (method, "case.priority", Holds::Enum { allowed: &[0, 1, 2, 3, 4] }),
        (method, "case.severity", Holds::Enum { allowed: &[0, 1, 2, 3, 4] }),
        (method, "case.assignee", Holds::Text(NAME)),
        (method, "case.team", Holds::Text(NAME)),
        (method, "case.reporter", Holds::Text(NAME)),
        (method, "case.tags", Holds::Tags),
        (method, "case.custom_fields", Holds::CustomFields),
        (method, "case.due_time", Holds::Time),
        (method, "case.create_time", Holds::Ignored),
        (method, "case.update_time", Holds::Ignored),
        (method, "case.close_time", Holds::Ignored),
        (method, "case.allowed_transitions", Holds::Ignored),
        (method, "case.links", Holds::Ignored),
        (method, "case.comment_count", Holds::Ignored),
        // An update of nothing but the case's id changes nothing, and is accepted.
        (method, "case", Holds::Message { required: true }),
    ]
}

fn created() -> Vec<Row> {
    let method = "CreateCase";
    let mut rows = Vec::from(of_case(method));
    rows.extend([
        (method, "case.case_id", Holds::Ignored),
        (method, "case.title", Holds::Text(Text { required: true, ..TITLE })),
        (method, "initial_status", Holds::OneOf { known: "DRAFT", required: false }),
        (method, "reason", Holds::Text(REASON)),
        (method, "idempotency_key", Holds::Key),
        (method, "expected_version", Holds::NoVersion),
        (method, "validate_only", Holds::Switch),
    ]);
    rows
}

fn updated() -> Vec<Row> {
    let method = "UpdateCase";
    let mut rows = Vec::from(of_case(method));
    rows.extend(common(method));
    rows.extend([
        (method, "case.case_id", Holds::CaseId { required: true }),
        (method, "case.title", Holds::Text(TITLE)),
        (method, "update_mask", Holds::Mask),
    ]);
    rows
}

fn changed() -> Vec<Row> {
    let mut rows = Vec::new();
    for method in ["TransitionCase", "AssignCase", "AddComment", "LinkCases", "UnlinkCases"] {
        rows.extend(common(method));
        rows.push((method, "case_id", Holds::CaseId { required: true }));
    }
    for method in ["TransitionCase", "AssignCase"] {
        rows.push((method, "assignee", Holds::Text(NAME)));
        rows.push((method, "team", Holds::Text(NAME)));
    }
    for method in ["LinkCases", "UnlinkCases"] {
        rows.push((method, "linked_case_id", Holds::LinkedCaseId));
        rows.push((method, "link_type", Holds::Enum { allowed: &[1, 2, 3, 4] }));
    }
    rows.push(("TransitionCase", "to_status", Holds::OneOf { known: "SUBMITTED", required: true }));
    rows.push(("AddComment", "body", Holds::Text(COMMENT)));
    rows
}

fn read() -> Vec<Row> {
    let mut rows = Vec::new();
    for method in ["GetCase", "ListCases", "BatchGetCases", "ListComments", "GetCaseTimeline", "GetLifecycle"] {
        rows.push((method, "consistency", Holds::Message { required: false }));
        rows.push((method, "consistency.at_least_as_fresh", Holds::Tokens));
    }
    for method in ["GetCase", "ListComments", "GetCaseTimeline"] {
        rows.push((method, "case_id", Holds::CaseId { required: true }));
    }
    for method in ["ListCases", "ListComments", "GetCaseTimeline", "ListAuditEvents"] {
        rows.push((method, "page_size", Holds::PageSize));
        rows.push((method, "page_token", Holds::PageToken));
    }
    rows.push(("BatchGetCases", "case_ids", Holds::CaseIds));
    rows
}

fn listed() -> Vec<Row> {
    let method = "ListCases";
    let names = Holds::Names { count_max: 100 };
    let mut rows = vec![
        (method, "filter", Holds::Message { required: false }),
        (method, "filter.statuses", Holds::Statuses { count_max: 200 }),
        (method, "filter.status_categories", Holds::Enums { allowed: &[1, 2, 3] }),
        (method, "filter.priorities", Holds::Enums { allowed: &[0, 1, 2, 3, 4] }),
        (method, "filter.severities", Holds::Enums { allowed: &[0, 1, 2, 3, 4] }),
        (method, "filter.assignees", names),
        (method, "filter.reporters", names),
        (method, "filter.teams", names),
        (method, "filter.tags_all", Holds::AllTags),
        (method, "order_by", Holds::Order),
    ];
    for field in ["create_time_from", "create_time_to", "update_time_from", "update_time_to"] {
        rows.push((method, ["filter.", field].concat().leak(), Holds::Time));
    }
    for field in ["due_time_from", "due_time_to"] {
        rows.push((method, ["filter.", field].concat().leak(), Holds::Time));
    }
    rows
}

fn audited() -> Vec<Row> {
    let method = "ListAuditEvents";
    vec![
        (method, "filter", Holds::Message { required: false }),
        (method, "filter.case_id", Holds::CaseId { required: false }),
        (method, "filter.actor_id", Holds::Text(NAME)),
        (method, "filter.action", Holds::OneOf { known: "case_created", required: false }),
        (method, "filter.outcome", Holds::Enum { allowed: &[0, 1] }),
        (method, "filter.time_from", Holds::Time),
        (method, "filter.time_to", Holds::Time),
        (method, "filter.request_id", Holds::RequestId),
        (method, "filter.trace_id", Holds::TraceId),
        ("GetAuditEvent", "audit_event_id", Holds::CaseId { required: true }),
    ]
}

/// The feed is a stream: its messages have a test of their own.
fn followed() -> Vec<Row> {
    let fields = ["start", "start.consumer", "start.after_position", "acknowledgement", "acknowledgement.position"];
    fields.map(|field| ("Follow", field, Holds::Streamed)).into()
}
