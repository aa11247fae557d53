//! The stored form of a case: a versioned protobuf message of this service alone.
//!
//! Tags are never reused and never change their meaning: rows outlive programs.

use case_domain::{
    Case, CaseId, CustomFields, Line, Priority, Prose, Severity, Status, StatusCategory, Tag, Tags, Timestamp,
};
use prost::Message as _;
use storage::Error;

#[derive(Clone, PartialEq, prost::Message)]
struct CaseState {
    #[prost(string, tag = "1")]
    case_id: String,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(string, tag = "3")]
    status: String,
    #[prost(string, tag = "4")]
    status_category: String,
    #[prost(string, tag = "5")]
    title: String,
    #[prost(string, tag = "6")]
    description: String,
    #[prost(string, tag = "7")]
    priority: String,
    #[prost(string, tag = "8")]
    severity: String,
    #[prost(string, tag = "9")]
    assignee: String,
    #[prost(string, tag = "10")]
    team: String,
    #[prost(string, tag = "11")]
    reporter: String,
    #[prost(string, repeated, tag = "12")]
    tags: Vec<String>,
    #[prost(string, tag = "13")]
    custom_fields: String,
    #[prost(int64, optional, tag = "14")]
    due_time_us: Option<i64>,
    #[prost(int64, tag = "15")]
    create_time_us: i64,
    #[prost(int64, tag = "16")]
    update_time_us: i64,
    #[prost(int64, optional, tag = "17")]
    close_time_us: Option<i64>,
}

/// To the stored form.
pub(crate) fn encode_case(case: &Case) -> Vec<u8> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let state = CaseState {
        case_id: case.id.as_str().to_owned(),
        version: case.version,
        status: case.status.as_str().to_owned(),
        status_category: case.status_category.as_str().to_owned(),
        title: case.title.as_str().to_owned(),
        description: text(case.description.as_ref().map(Prose::as_str)),
        priority: text(case.priority.map(Priority::as_str)),
        severity: text(case.severity.map(Severity::as_str)),
        assignee: text(case.assignee.as_ref().map(Line::as_str)),
        team: text(case.team.as_ref().map(Line::as_str)),
        reporter: text(case.reporter.as_ref().map(Line::as_str)),
        tags: case.tags.as_slice().iter().map(|tag| tag.as_str().to_owned()).collect(),
        custom_fields: text(case.custom_fields.as_ref().map(CustomFields::as_str)),
        due_time_us: case.due_time.map(Timestamp::unix_us),
        create_time_us: case.create_time.unix_us(),
        update_time_us: case.update_time.unix_us(),
        close_time_us: case.close_time.map(Timestamp::unix_us),
    };
    state.encode_to_vec()
}

/// From the stored form; what does not hold together is [`Error::Corrupt`].
pub(crate) fn decode_case(state: &[u8]) -> Result<Case, Error> {
    let state = CaseState::decode(state)
        .map_err(|error| Error::corrupt(format!("a projected case cannot be decoded: {error}")))?;
    let tags: Option<Vec<Tag>> = state.tags.iter().map(|tag| Tag::new(tag).ok()).collect();
    Ok(Case {
        id: valid("case_id", CaseId::parse(&state.case_id).ok())?,
        version: state.version,
        status: valid("status", Status::new(&state.status).ok())?,
        status_category: valid("status_category", StatusCategory::parse(&state.status_category))?,
        title: valid("title", Line::new(&state.title).ok())?,
        description: optional("description", &state.description, |text| Prose::new(text).ok())?,
        priority: optional("priority", &state.priority, Priority::parse)?,
        severity: optional("severity", &state.severity, Severity::parse)?,
        assignee: optional("assignee", &state.assignee, |text| Line::new(text).ok())?,
        team: optional("team", &state.team, |text| Line::new(text).ok())?,
        reporter: optional("reporter", &state.reporter, |text| Line::new(text).ok())?,
        tags: valid("tags", tags.and_then(|tags| Tags::new(tags).ok()))?,
        custom_fields: optional("custom_fields", &state.custom_fields, |text| CustomFields::new(text).ok())?,
        due_time: state.due_time_us.map(|us| time("due_time", us)).transpose()?,
        create_time: time("create_time", state.create_time_us)?,
        update_time: time("update_time", state.update_time_us)?,
        close_time: state.close_time_us.map(|us| time("close_time", us)).transpose()?,
    })
}

fn valid<T>(field: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::corrupt(format!("a projected case has an invalid {field}")))
}

fn optional<T>(field: &str, text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
    if text.is_empty() { Ok(None) } else { valid(field, read(text)).map(Some) }
}

fn time(field: &str, unix_us: i64) -> Result<Timestamp, Error> {
    valid(field, Timestamp::from_unix_us(unix_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Case {
        let time = |us| Timestamp::from_unix_us(us).unwrap();
        Case {
            id: CaseId::parse("CASE-007").unwrap(),
            version: 3,
            status: Status::new("CLOSED").unwrap(),
            status_category: StatusCategory::Closed,
            title: Line::new("Water damage").unwrap(),
            description: Some(Prose::new("Two\nlines").unwrap()),
            priority: Some(Priority::High),
            severity: Some(Severity::Low),
            assignee: Some(Line::new("citra").unwrap()),
            team: Some(Line::new("claims").unwrap()),
            reporter: Some(Line::new("budi").unwrap()),
            tags: Tags::new([Line::new("water").unwrap()]).unwrap(),
            custom_fields: Some(CustomFields::new(r#"{"n":1}"#).unwrap()),
            due_time: Some(time(0)),
            create_time: time(1),
            update_time: time(2),
            close_time: Some(time(3)),
        }
    }

    #[test]
    fn a_case_reads_back_full_or_empty() {
        let empty = Case {
            description: None,
            priority: None,
            severity: None,
            assignee: None,
            team: None,
            reporter: None,
            tags: Tags::default(),
            custom_fields: None,
            due_time: None,
            close_time: None,
            ..full()
        };
        for case in [full(), empty] {
            assert_eq!(decode_case(&encode_case(&case)).unwrap(), case);
        }
    }

    #[test]
    fn the_stored_form_stays_as_it_is() {
        let golden = "0a08434153452d30303710031a06434c4f5345442206434c4f5345442a0c57617465722064616d616765\
                      320954776f0a6c696e65733a044849474842034c4f574a0563697472615206636c61696d735a04627564\
                      69620577617465726a077b226e223a317d700078018001028801\
                      03";
        let hex = encode_case(&full()).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(hex, golden);
    }

    #[test]
    fn damage_is_noticed() {
        for damaged in [&[0xff][..], b"", &encode_case(&full())[..10]] {
            assert!(matches!(decode_case(damaged), Err(Error::Corrupt { .. })));
        }
    }
}
