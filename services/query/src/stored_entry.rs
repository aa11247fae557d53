//! The stored form of a timeline entry: a versioned protobuf message of this service alone.
//!
//! Tags are never reused and never change their meaning: rows outlive programs.

use case_api::event_pb::ContentChange;
use case_api::{pb, timestamp_to_pb};
use case_domain::{Event, Prose, Timestamp};
use prost::Message as _;
use storage::Error;

/// One event, as the timeline of its case shows it. The case and its version are columns beside it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EntryState {
    #[prost(int64, tag = "1")]
    time_us: i64,
    #[prost(string, tag = "2")]
    actor_id: String,
    #[prost(string, tag = "3")]
    action: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(message, repeated, tag = "5")]
    changes: Vec<ChangeState>,
    #[prost(string, tag = "6")]
    request_id: String,
}

/// One field that changed, in texts as they are shown.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ChangeState {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    from: String,
    #[prost(string, tag = "3")]
    to: String,
}

/// To the stored form.
pub(crate) fn encode_entry(event: &Event, shown: Vec<ContentChange>) -> Vec<u8> {
    let change = |ContentChange { field, from, to }| ChangeState { field, from, to };
    let state = EntryState {
        time_us: event.time.unix_us(),
        actor_id: event.request.actor.as_str().to_owned(),
        action: event.action.as_str().to_owned(),
        reason: event.reason.as_ref().map(Prose::as_str).unwrap_or_default().to_owned(),
        changes: shown.into_iter().map(change).collect(),
        request_id: event.request.request_id.to_string(),
    };
    state.encode_to_vec()
}

/// From the stored form; what cannot be read is [`Error::Corrupt`].
pub(crate) fn decode_entry(entry: &[u8]) -> Result<EntryState, Error> {
    EntryState::decode(entry).map_err(|error| Error::corrupt(format!("a timeline entry cannot be decoded: {error}")))
}

impl EntryState {
    /// As a client sees it.
    pub(crate) fn into_entry(self, case_version: u64) -> Result<pb::TimelineEntry, Error> {
        let change = |ChangeState { field, from, to }| pb::FieldChange { field, from, to };
        Ok(pb::TimelineEntry {
            time: Some(self.time()?),
            actor_id: self.actor_id,
            action: self.action,
            reason: self.reason,
            changes: self.changes.into_iter().map(change).collect(),
            case_version,
            request_id: self.request_id,
        })
    }

    /// As a client sees the comment that the event made.
    pub(crate) fn into_comment(self, case_id: &str, number: u64) -> Result<pb::Comment, Error> {
        let create_time = Some(self.time()?);
        let comment = self.changes.into_iter().find(|change| change.field == "comment");
        let comment = comment.ok_or_else(|| Error::corrupt("a comment is listed whose entry has none"))?;
        Ok(pb::Comment {
            comment_id: case_api::comment_id(case_id, number),
            case_id: case_id.to_owned(),
            actor_id: self.actor_id,
            body: comment.to,
            create_time,
        })
    }

    fn time(&self) -> Result<prost_types::Timestamp, Error> {
        let time = Timestamp::from_unix_us(self.time_us);
        time.map(timestamp_to_pb).ok_or_else(|| Error::corrupt("a timeline entry has an invalid time"))
    }
}

#[cfg(test)]
mod tests {
    use case_domain::{Action, CaseId, Change, Person, RequestContext, StatusCategory};

    use super::*;

    fn stored() -> Vec<u8> {
        let body = Prose::new("Plumber booked.").unwrap();
        let event = Event {
            case_id: CaseId::parse("CASE-007").unwrap(),
            case_version: 3,
            time: Timestamp::from_unix_us(258).unwrap(),
            action: Action::CaseCommented,
            request: RequestContext { request_id: "r-1".into(), actor: Person::new("amira").unwrap(), trace: None },
            lifecycle_version: 1,
            status_category: StatusCategory::Open,
            reason: Some(Prose::new("asked").unwrap()),
            changes: vec![Change::Comment(body.clone())],
        };
        let shown = ContentChange { field: "comment".to_owned(), from: String::new(), to: body.as_str().to_owned() };
        encode_entry(&event, vec![shown])
    }

    #[test]
    fn the_stored_form_stays_as_it_is() {
        let golden = "0882021205616d6972611a0e636173655f636f6d6d656e74656422056173 6b65642a1a0a07636f6d6d656e74\
                      1a0f506c756d62657220626f6f6b65642e3203722d31";
        let hex = stored().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(hex, golden.replace(' ', ""));
    }

    #[test]
    fn an_entry_reads_back_as_an_entry_and_as_a_comment() {
        let entry = decode_entry(&stored()).unwrap().into_entry(3).unwrap();
        assert_eq!((entry.case_version, entry.actor_id.as_str(), entry.reason.as_str()), (3, "amira", "asked"));
        assert_eq!((entry.action.as_str(), entry.request_id.as_str()), ("case_commented", "r-1"));
        assert_eq!(entry.changes[0].to, "Plumber booked.");
        let comment = decode_entry(&stored()).unwrap().into_comment("CASE-007", 2).unwrap();
        assert_eq!((comment.comment_id.as_str(), comment.body.as_str()), ("CASE-007#2", "Plumber booked."));
        assert_eq!(comment.create_time, entry.time);
    }

    #[test]
    fn damage_is_noticed() {
        assert!(matches!(decode_entry(&[0xff]), Err(Error::Corrupt { .. })));
        assert!(matches!(decode_entry(b"").unwrap().into_comment("CASE-001", 1), Err(Error::Corrupt { .. })));
    }
}
