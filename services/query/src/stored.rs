//! The stored form of a case: a versioned protobuf message of this service alone.
//!
//! Tags are never reused and never change their meaning: rows outlive programs.

use std::collections::BTreeMap;

use case_domain::{
    Case, CaseId, CustomFields, Line, Link, LinkType, Person, Priority, Prose, Severity, Status, StatusCategory, Tag,
    Tags, Timestamp,
};
use prost::Message as _;
use storage::Error;

use crate::status_times::StatusTimes;

/// A case, and what the projection keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Projected {
    /// As its events made it.
    pub(crate) case: Case,
    /// How long it has been in each status.
    pub(crate) status_times: StatusTimes,
}

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
    #[prost(message, repeated, tag = "18")]
    links: Vec<StoredLink>,
    #[prost(uint64, tag = "19")]
    comment_count: u64,
    /// Status to actor.
    #[prost(btree_map = "string, string", tag = "20")]
    entered_by: BTreeMap<String, String>,
    /// In the order of the first visit.
    #[prost(message, repeated, tag = "21")]
    status_times: Vec<StoredStatusTime>,
    /// Index into `status_times`.
    #[prost(uint32, tag = "22")]
    present_status: u32,
    #[prost(int64, tag = "23")]
    present_since_us: i64,
}

/// One link of a case.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredLink {
    #[prost(string, tag = "1")]
    case_id: String,
    #[prost(string, tag = "2")]
    link_type: String,
}

/// The visits to one status that have ended.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredStatusTime {
    #[prost(string, tag = "1")]
    status: String,
    #[prost(int64, tag = "2")]
    ended_us: i64,
}

/// To the stored form.
pub(crate) fn encode_case(projected: &Projected) -> Vec<u8> {
    let Projected { case, status_times } = projected;
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
        links: case.links.iter().map(stored_link).collect(),
        comment_count: case.comment_count,
        entered_by: case.entered_by.iter().map(|(to, by)| (to.to_string(), by.as_str().to_owned())).collect(),
        status_times: status_times.ended.iter().map(stored_status_time).collect(),
        present_status: u32::try_from(status_times.present).unwrap_or_default(),
        present_since_us: status_times.since_us,
    };
    state.encode_to_vec()
}

/// From the stored form; what does not hold together is [`Error::Corrupt`].
pub(crate) fn decode_case(state: &[u8]) -> Result<Projected, Error> {
    let state = CaseState::decode(state)
        .map_err(|error| Error::corrupt(format!("a projected case cannot be decoded: {error}")))?;
    let status_times = status_times(&state)?;
    Ok(Projected { case: case(&state)?, status_times })
}

fn case(state: &CaseState) -> Result<Case, Error> {
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
        links: state.links.iter().map(link).collect::<Result<_, _>>()?,
        comment_count: state.comment_count,
        entered_by: state.entered_by.iter().map(entered_by).collect::<Result<_, _>>()?,
    })
}

fn stored_link(link: &Link) -> StoredLink {
    StoredLink { case_id: link.case_id.as_str().to_owned(), link_type: link.link_type.as_str().to_owned() }
}

fn link(link: &StoredLink) -> Result<Link, Error> {
    Ok(Link {
        case_id: valid("link", CaseId::parse(&link.case_id).ok())?,
        link_type: valid("link", LinkType::parse(&link.link_type))?,
    })
}

fn entered_by((status, actor): (&String, &String)) -> Result<(Status, Person), Error> {
    Ok((valid("entered_by", Status::new(status).ok())?, valid("entered_by", Person::new(actor).ok())?))
}

fn stored_status_time((status, ended_us): &(Status, i64)) -> StoredStatusTime {
    StoredStatusTime { status: status.to_string(), ended_us: *ended_us }
}

fn status_times(state: &CaseState) -> Result<StatusTimes, Error> {
    let ended = |row: &StoredStatusTime| {
        let ended_us = valid("status_times", Some(row.ended_us).filter(|us| *us >= 0))?;
        Ok((valid("status_times", Status::new(&row.status).ok())?, ended_us))
    };
    // Without any status there is none to be in: 0, as early rows have it.
    let present = usize::try_from(state.present_status).ok().filter(|nth| *nth < state.status_times.len().max(1));
    Ok(StatusTimes {
        ended: state.status_times.iter().map(ended).collect::<Result<_, Error>>()?,
        present: valid("present_status", present)?,
        since_us: state.present_since_us,
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

    /// As version 1 of the read model knew it.
    fn early() -> Projected {
        let time = |us| Timestamp::from_unix_us(us).unwrap();
        let case = Case {
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
            links: Vec::new(),
            comment_count: 0,
            entered_by: BTreeMap::new(),
        };
        Projected { case, status_times: StatusTimes::default() }
    }

    fn full() -> Projected {
        let status = |name| Status::new(name).unwrap();
        let case = Case {
            links: vec![Link { case_id: CaseId::parse("CASE-002").unwrap(), link_type: LinkType::Duplicates }],
            comment_count: 2,
            entered_by: BTreeMap::from([(status("CLOSED"), Person::new("amira").unwrap())]),
            ..early().case
        };
        let ended = vec![(status("DRAFT"), 2), (status("CLOSED"), 0)];
        Projected { case, status_times: StatusTimes { ended, present: 1, since_us: 3 } }
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
            ..early().case
        };
        for projected in [full(), early(), Projected { case: empty, ..early() }] {
            assert_eq!(decode_case(&encode_case(&projected)).unwrap(), projected);
        }
    }

    #[test]
    fn the_stored_form_stays_as_it_is() {
        let golden = "0a08434153452d30303710031a06434c4f5345442206434c4f5345442a0c57617465722064616d616765\
                      320954776f0a6c696e65733a044849474842034c4f574a0563697472615206636c61696d735a04627564\
                      69620577617465726a077b226e223a317d700078018001028801\
                      03";
        assert_eq!(hex(&early()), golden);
        let added = "9201160a08434153452d303032120a4455504c494341544553980102a2010f0a06434c4f5345441205616d697261aa\
                     01090a0544524146541002aa01080a06434c4f534544b00101b80103";
        assert_eq!(hex(&full()), golden.to_owned() + added);
    }

    fn hex(projected: &Projected) -> String {
        encode_case(projected).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    #[test]
    fn damage_is_noticed() {
        for damaged in [&[0xff][..], b"", &encode_case(&full())[..10]] {
            assert!(matches!(decode_case(damaged), Err(Error::Corrupt { .. })));
        }
    }
}
