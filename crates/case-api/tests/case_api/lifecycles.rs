//! The lifecycle as it is stored and published.

use case_api::event_pb::LifecycleDefinition;
use case_api::{lifecycle_from_pb, lifecycle_to_pb};
use case_domain::{Lifecycle, LifecycleDraft, RequiredField, StatusCategory, StatusDefinition, Transition};
use prost::Message as _;

use crate::given::status;
use crate::golden;

const FILE: &str = "lifecycle.v1.hex";
const VERSION: u32 = 7;

/// Every category and every kind of requirement.
fn given() -> Lifecycle {
    let defined = |name, category| StatusDefinition { name: status(name), category };
    let edge = |from, to| Transition {
        from: status(from),
        to: status(to),
        requires_reason: false,
        required_fields: Vec::new(),
        other_actor_than: None,
    };
    let draft = LifecycleDraft {
        statuses: vec![
            defined("DRAFT", StatusCategory::Open),
            defined("WAITING", StatusCategory::Paused),
            defined("CLOSED", StatusCategory::Closed),
        ],
        initial: vec![status("WAITING"), status("DRAFT")],
        transitions: vec![
            edge("DRAFT", "WAITING"),
            Transition { requires_reason: true, ..edge("WAITING", "DRAFT") },
            Transition {
                required_fields: vec![RequiredField::Assignee, RequiredField::DueTime],
                other_actor_than: Some(status("DRAFT")),
                ..edge("DRAFT", "CLOSED")
            },
        ],
    };
    Lifecycle::new(draft).unwrap()
}

#[test]
fn a_lifecycle_is_written_as_it_was() {
    let today = lifecycle_to_pb(VERSION, &given()).encode_to_vec();
    assert!(today == golden::bytes(FILE, &today), "{FILE}: today's writer makes other bytes");
}

#[test]
fn a_lifecycle_that_was_stored_once_reads_as_what_it_was() {
    let today = lifecycle_to_pb(VERSION, &given()).encode_to_vec();
    let definition = LifecycleDefinition::decode(&*golden::bytes(FILE, &today)).unwrap();
    assert_eq!(definition.version, VERSION);
    assert_eq!(lifecycle_from_pb(&definition).unwrap(), given());
}
