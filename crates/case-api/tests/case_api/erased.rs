//! What is left of an event when its free text has been erased.

use case_api::event_pb::{Content, RecordedEvent};
use case_api::{ERASED, event_from_record, shown_changes};
use case_domain::{Change, Reason};
use prost::Message as _;

use crate::events::stored;

/// Emptying the content changes no byte of the evidence.
pub(crate) fn erase(record: &RecordedEvent) -> RecordedEvent {
    RecordedEvent { content: Some(Content::default()), ..record.clone() }
}

/// What stands for an erased value of a field; `None`: its values are not free text, and stay.
pub(crate) fn erased_form(field: &str) -> Option<&'static str> {
    match field {
        "title" | "description" | "comment" => Some(ERASED),
        "custom_fields" => Some(r#"{"erased":true}"#),
        _ => None,
    }
}

#[test]
fn erased_text_reads_as_such_and_everything_else_stays() {
    let mut erased_fields = 0;
    for (event, bytes) in stored() {
        let record = RecordedEvent::decode(&*bytes).unwrap();
        for erased in [erase(&record), RecordedEvent { content: None, ..record.clone() }] {
            let read = event_from_record(&erased).unwrap().event;
            assert_eq!(read.reason.as_ref().map(Reason::as_str), event.reason.as_ref().map(|_| ERASED));
            assert_eq!(read.changes.len(), event.changes.len());
            let (before, after) = (shown_changes(&record).unwrap(), shown_changes(&erased).unwrap());
            for (before, after) in before.iter().zip(&after) {
                let form = |text: &String| match erased_form(&before.field) {
                    Some(form) if !text.is_empty() => form.to_owned(),
                    Some(_) | None => text.clone(),
                };
                assert_eq!(
                    (&after.field, &after.from, &after.to),
                    (&before.field, &form(&before.from), &form(&before.to))
                );
                erased_fields += usize::from(after != before);
            }
        }
    }
    assert!(erased_fields > 0, "the control: something was erased");
}

#[test]
fn a_comment_is_free_text_and_a_link_is_not() {
    for (event, bytes) in stored() {
        let read = event_from_record(&erase(&RecordedEvent::decode(&*bytes).unwrap())).unwrap().event;
        for (before, after) in event.changes.iter().zip(&read.changes) {
            if let Change::Comment(body) = after {
                assert_eq!(body.as_str(), ERASED);
            } else if let Change::Link(_) = after {
                assert_eq!(after, before);
            }
        }
    }
}
