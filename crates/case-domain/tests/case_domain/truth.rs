//! Whether an event says the truth about what it did: an account of its own, made from the two states.

use std::collections::BTreeMap;

use case_domain::{Case, Change, Event, Link, Moved, StatusCategory, Tags};

/// A field with its value before and after, as text.
type Told = (&'static str, Option<String>, Option<String>);

/// A field's value as text; what is unset is not in it.
type Fields = BTreeMap<&'static str, String>;

/// What is wrong with an event that led from one state to another; nothing, if it says the true values of every
/// field that differs, and of no other.
pub(crate) fn faults(before: Option<&Case>, event: &Event, after: &Case) -> Vec<String> {
    let old = before.map_or_else(Fields::new, fields);
    let new = fields(after);
    let told: Vec<_> = event.changes.iter().filter_map(told).collect();
    let mut expected: Vec<_> = old
        .keys()
        .chain(new.keys())
        .filter(|field| old.get(*field) != new.get(*field))
        .map(|field| (*field, old.get(field).cloned(), new.get(field).cloned()))
        .collect();
    expected.extend(link_changes(before, after));
    expected.sort();
    expected.dedup();
    let mut faults = Vec::new();
    for change in &expected {
        let count = told.iter().filter(|told| *told == change).count();
        if count != 1 {
            faults.push(format!("{change:?} is told {count} times"));
        }
    }
    faults.extend(told.iter().filter(|told| !expected.contains(told)).map(|told| format!("{told:?} did not happen")));
    faults.extend(stamp_faults(before, event, after));
    faults
}

/// Every link that is on one side only.
fn link_changes(before: Option<&Case>, after: &Case) -> Vec<Told> {
    let old = before.map_or(&[][..], |case| &case.links);
    let gone = old.iter().filter(|link| !after.links.contains(link)).map(|link| ("link", Some(link_text(link)), None));
    let new = after.links.iter().filter(|link| !old.contains(link)).map(|link| ("link", None, Some(link_text(link))));
    gone.chain(new).collect()
}

/// What no change names, or not with both of its values: identity, version, category, times, comments, and who
/// brought the case where it is.
fn stamp_faults(before: Option<&Case>, event: &Event, after: &Case) -> Vec<String> {
    let version = before.map_or(0, |case| case.version);
    let created = before.map_or(event.time, |case| case.create_time);
    let closed = match after.status_category {
        StatusCategory::Open | StatusCategory::Paused => None,
        StatusCategory::Closed => Some(before.and_then(|case| case.close_time).unwrap_or(event.time)),
    };
    let comments = event.changes.iter().filter(|change| matches!(change, Change::Comment(_))).count() as u64;
    let stays = before.is_some_and(|case| case.status == after.status);
    let mut entered_by = before.map(|case| case.entered_by.clone()).unwrap_or_default();
    if !stays {
        entered_by.insert(after.status.clone(), event.request.actor.clone());
    }
    let holds = [
        ("id", after.id == event.case_id),
        ("same id", before.is_none_or(|case| case.id == after.id)),
        ("version", after.version == version + 1 && event.case_version == version + 1),
        ("category", after.status_category == event.status_category),
        ("same category", !stays || before.is_some_and(|case| case.status_category == after.status_category)),
        ("comment count", after.comment_count == before.map_or(0, |case| case.comment_count) + comments),
        ("who entered", after.entered_by == entered_by),
        ("create time", after.create_time == created),
        ("update time", after.update_time == event.time),
        ("close time", after.close_time == closed),
    ];
    let broken = holds.iter().filter(|(_, holds)| !holds);
    broken.map(|(name, _)| format!("{name} is wrong")).collect()
}

/// Every field that changes name. The pattern is complete, so that a new field of a case is not forgotten here.
fn fields(case: &Case) -> Fields {
    let Case {
        id: _,
        version: _,
        status,
        status_category: _,
        title,
        description,
        priority,
        severity,
        assignee,
        team,
        reporter,
        tags,
        custom_fields,
        due_time,
        create_time: _,
        update_time: _,
        close_time: _,
        // What these do is looked at apart.
        links: _,
        comment_count: _,
        entered_by: _,
    } = case;
    let values = [
        ("status", Some(status.to_string())),
        ("title", Some(title.as_str().to_owned())),
        ("description", description.as_ref().map(|text| text.as_str().to_owned())),
        ("priority", priority.map(|value| value.as_str().to_owned())),
        ("severity", severity.map(|value| value.as_str().to_owned())),
        ("assignee", assignee.as_ref().map(|name| name.as_str().to_owned())),
        ("team", team.as_ref().map(|name| name.as_str().to_owned())),
        ("reporter", reporter.as_ref().map(|name| name.as_str().to_owned())),
        ("tags", (!tags.is_empty()).then(|| joined(tags))),
        ("custom_fields", custom_fields.as_ref().map(|json| json.as_str().to_owned())),
        ("due_time", due_time.map(|time| time.unix_us().to_string())),
    ];
    let set = |(field, value): (&'static str, Option<String>)| value.map(|value| (field, value));
    values.into_iter().filter_map(set).collect()
}

fn joined(tags: &Tags) -> String {
    let tags: Vec<&str> = tags.as_slice().iter().map(case_domain::Line::as_str).collect();
    tags.join(",")
}

fn link_text(link: &Link) -> String {
    format!("{} {}", link.link_type.as_str(), link.case_id)
}

/// What a change says, under the name that the API has for its field; nothing of a comment, which no state holds.
fn told(change: &Change) -> Option<Told> {
    let (from, to) = match change {
        Change::Status { from, to } => (from.as_ref().map(ToString::to_string), Some(to.to_string())),
        Change::Title { from, to } => {
            let from = from.as_ref().map(|title| title.as_str().to_owned());
            (from, Some(to.as_str().to_owned()))
        }
        Change::Description(moved) => ends(moved, |text| text.as_str().to_owned()),
        Change::Priority(moved) => ends(moved, |value| value.as_str().to_owned()),
        Change::Severity(moved) => ends(moved, |value| value.as_str().to_owned()),
        Change::Assignee(moved) | Change::Reporter(moved) | Change::Team(moved) => {
            ends(moved, |name| name.as_str().to_owned())
        }
        Change::Tags(moved) => ends(moved, joined),
        Change::CustomFields(moved) => ends(moved, |json| json.as_str().to_owned()),
        Change::DueTime(moved) => ends(moved, |time| time.unix_us().to_string()),
        Change::Link(moved) => ends(moved, link_text),
        Change::Comment(_) => return None,
    };
    Some((change.field(), from, to))
}

fn ends<T>(moved: &Moved<T>, text: impl Fn(&T) -> String) -> (Option<String>, Option<String>) {
    (moved.from.as_ref().map(&text), moved.to.as_ref().map(&text))
}

/// The controls: every way in which an event could lie is noticed.
mod controls {
    use case_domain::{Command, CreateCase, LinkType, Operation, Priority, TransitionCase, evolve};

    use super::*;
    use crate::given::{
        Desk, OPEN, case_in, change, comment, create, draft, link, move_to, person, request_of, status, time,
    };

    /// A move with a hand-over, and the states around it.
    fn handed_over() -> (Case, Event, Case) {
        let before = case_in("DRAFT", OPEN);
        let to = TransitionCase { assignee: Some(Some(person("citra"))), ..move_to("SUBMITTED") };
        around(&before, Operation::Transition(to))
    }

    fn around(before: &Case, operation: Operation) -> (Case, Event, Case) {
        let event = Desk::new().change(before, change(operation));
        let after = evolve(Some(before.clone()), &event).unwrap();
        (before.clone(), event, after)
    }

    fn lies(lie: impl Fn(&mut Case, &mut Event, &mut Case)) -> Vec<String> {
        let (mut before, mut event, mut after) = handed_over();
        lie(&mut before, &mut event, &mut after);
        faults(Some(&before), &event, &after)
    }

    #[test]
    fn the_truth_has_no_fault() {
        assert_eq!(lies(|_, _, _| {}), [""; 0]);
    }

    #[test]
    fn a_change_that_is_kept_back_is_noticed() {
        assert_eq!(lies(|_, event, _| drop(event.changes.pop())).len(), 1);
    }

    #[test]
    fn a_change_that_is_told_twice_is_noticed() {
        assert_eq!(lies(|_, event, _| event.changes.push(event.changes[0].clone())).len(), 1);
    }

    #[test]
    fn a_change_that_did_not_happen_is_noticed() {
        let invented = Change::Priority(Moved { from: None, to: Some(Priority::High) });
        assert_eq!(lies(|_, event, _| event.changes.push(invented.clone())).len(), 1);
        // To and from the same value is no change either.
        let same = Change::Reporter(Moved { from: None, to: None });
        assert_eq!(lies(|_, event, _| event.changes.push(same.clone())).len(), 1);
    }

    #[test]
    fn a_wrong_from_and_a_wrong_to_are_noticed() {
        let wrong = |from: &str, to: &str| {
            let (from, to) = (Some(status(from)), status(to));
            lies(|_, event, _| event.changes[0] = Change::Status { from: from.clone(), to: to.clone() })
        };
        assert!(!wrong("WAITING", "SUBMITTED").is_empty());
        assert!(!wrong("DRAFT", "WAITING").is_empty());
        assert!(wrong("DRAFT", "SUBMITTED").is_empty());
    }

    #[test]
    fn wrong_stamps_are_noticed() {
        let stamps: [fn(&mut Case, &mut Event, &mut Case); 12] = [
            |_, _, after| after.version += 1,
            |_, event, _| event.case_version += 1,
            |_, _, after| after.status_category = StatusCategory::Paused,
            |_, _, after| after.create_time = time(0),
            |_, _, after| after.update_time = time(0),
            |_, _, after| after.close_time = Some(time(0)),
            |_, _, after| after.comment_count = 1,
            |_, event, _| event.request = request_of(person("budi")),
            |_, _, after| drop(after.entered_by.remove(&status("SUBMITTED"))),
            |_, _, after| drop(after.entered_by.insert(status("DRAFT"), person("amira"))),
            |before, _, _| before.entered_by.clear(),
            |_, event, _| event.case_id = crate::given::case_id("CASE-002"),
        ];
        for lie in stamps {
            assert!(!lies(lie).is_empty());
        }
    }

    #[test]
    fn a_comment_that_is_not_counted_or_counted_twice_is_noticed() {
        let (before, event, after) = around(&case_in("DRAFT", OPEN), Operation::Comment(comment("c")));
        assert_eq!(faults(Some(&before), &event, &after), [""; 0]);
        for comment_count in [0, 2] {
            assert_eq!(faults(Some(&before), &event, &Case { comment_count, ..after.clone() }).len(), 1);
        }
    }

    #[test]
    fn a_category_that_changes_without_the_status_is_noticed() {
        let (before, mut event, mut after) = around(&case_in("DRAFT", OPEN), Operation::Comment(comment("c")));
        (event.status_category, after.status_category) = (StatusCategory::Paused, StatusCategory::Paused);
        assert_eq!(faults(Some(&before), &event, &after).len(), 1);
    }

    #[test]
    fn a_link_that_is_not_told_or_told_otherwise_is_noticed() {
        let blocks = link("CASE-002", LinkType::Blocks);
        let (before, event, after) = around(&case_in("DRAFT", OPEN), Operation::Link(blocks.clone()));
        assert_eq!(faults(Some(&before), &event, &after), [""; 0]);
        let otherwise = [
            vec![],
            vec![Change::Link(Moved { from: Some(blocks.clone()), to: None })],
            vec![Change::Link(Moved { from: None, to: Some(link("CASE-002", LinkType::ChildOf)) })],
        ];
        for changes in otherwise {
            assert!(!faults(Some(&before), &Event { changes, ..event.clone() }, &after).is_empty());
        }
        // The way back is told the other way round.
        let (_, event, without) = around(&after, Operation::Unlink(blocks));
        assert_eq!(faults(Some(&after), &event, &without), [""; 0]);
        assert!(!faults(Some(&after), &event, &after).is_empty());
    }

    #[test]
    fn any_field_of_a_new_case_that_is_kept_back_is_noticed() {
        let mut full = draft();
        full.assignee = Some(person("budi"));
        full.due_time = Some(time(1));
        let command = CreateCase { draft: full, ..create() };
        let event = Desk::new().accept(None, Command::CreateCase(command));
        let after = evolve(None, &event).unwrap();
        assert_eq!(faults(None, &event, &after), [""; 0]);
        for index in 0..event.changes.len() {
            let mut silent = event.clone();
            silent.changes.remove(index);
            assert_eq!(faults(None, &silent, &after).len(), 1);
        }
    }
}
