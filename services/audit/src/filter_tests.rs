use super::*;

fn parse(given: &AuditEventFilter) -> Parsed {
    let mut problems = Problems::default();
    let parsed = Filter::parse(&mut problems, given);
    problems.into_result().unwrap();
    parsed
}

fn refused(given: &AuditEventFilter) -> String {
    let mut problems = Problems::default();
    Filter::parse(&mut problems, given);
    problems.into_result().unwrap_err().message().to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "as the fields want it")]
fn time(seconds: i64, nanos: i32) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos })
}

#[test]
fn nothing_said_is_everything() {
    let parsed = parse(&AuditEventFilter::default());
    assert_eq!(parsed, Parsed { filter: Some(Filter::default()), canonical: "case_id=".to_owned() });
}

#[test]
fn every_mistake_is_named_at_once() {
    let given = AuditEventFilter {
        case_id: "x".repeat(129),
        actor_id: "a\nb".to_owned(),
        action: "case_closed".to_owned(),
        outcome: 9,
        time_from: time(0, -1),
        time_to: time(253_402_300_800, 0),
        request_id: "not visible".to_owned(),
        trace_id: "0af7".to_owned(),
    };
    let message = refused(&given);
    for field in [
        "8 fields are invalid",
        "filter.case_id: has more than 128",
        "filter.actor_id",
        "filter.action: is not an action; there are: case_created, case_transitioned, case_updated, case_assigned, \
         case_commented, case_linked, case_unlinked",
        "filter.outcome: 9 is not an outcome; there is: OUTCOME_ACCEPTED",
        "filter.time_from",
        "filter.time_to",
        "filter.request_id",
        "filter.trace_id",
    ] {
        assert!(message.contains(field), "{field} in {message}");
    }
}

#[test]
fn what_is_just_too_long_or_of_another_form_is_refused() {
    let none = AuditEventFilter::default;
    for (given, field) in [
        (AuditEventFilter { actor_id: "é".repeat(129), ..none() }, "filter.actor_id"),
        (AuditEventFilter { actor_id: " ".to_owned(), ..none() }, "filter.actor_id"),
        (AuditEventFilter { action: "CASE_CREATED".to_owned(), ..none() }, "filter.action"),
        (AuditEventFilter { request_id: "r".repeat(129), ..none() }, "filter.request_id"),
        (AuditEventFilter { request_id: "é".to_owned(), ..none() }, "filter.request_id"),
        (AuditEventFilter { trace_id: "0".repeat(33), ..none() }, "filter.trace_id"),
        (AuditEventFilter { trace_id: "g".repeat(32), ..none() }, "filter.trace_id"),
        (AuditEventFilter { time_from: time(0, 1_000_000_000), ..none() }, "filter.time_from"),
        (AuditEventFilter { time_to: time(-62_135_596_801, 0), ..none() }, "filter.time_to"),
        (
            AuditEventFilter { time_from: time(5, 1), time_to: time(5, 0), ..none() },
            "filter.time_to: is before time_from",
        ),
    ] {
        let message = refused(&given);
        assert!(message.starts_with("1 field is invalid") && message.contains(field), "{field}: {message}");
    }
    parse(&AuditEventFilter { actor_id: "é".repeat(128), request_id: "r".repeat(128), ..none() });
}

/// An event of microsecond 7 lies after 6.001 and before 7.001 microseconds.
#[test]
fn times_finer_than_events_are_compared_exactly() {
    let text = |nanos| parse(&AuditEventFilter { time_from: time(0, nanos), ..Default::default() }).filter.unwrap();
    let expected = ["00.000006Z", "00.000007Z", "00.000007Z", "00.000008Z"];
    for (nanos, expected) in [6_000, 6_001, 7_000, 7_001].into_iter().zip(expected) {
        assert_eq!(text(nanos).time_from.unwrap(), format!("1970-01-01T00:00:{expected}"));
    }
}

/// Some calendars cannot show the last hours of the year 9999: no event lies there, and people write it for "for ever".
#[test]
fn the_end_of_all_times_is_a_time() {
    let end = || time(253_402_300_799, 999_999_999);
    assert_eq!(parse(&AuditEventFilter { time_from: end(), ..Default::default() }).filter, None);
    let until = parse(&AuditEventFilter { time_to: end(), ..Default::default() });
    assert_eq!(until.filter, Some(Filter::default()));
    assert_ne!(until.canonical, "case_id=");
    let always = AuditEventFilter { time_from: time(-62_135_596_800, 0), time_to: end(), ..Default::default() };
    assert_eq!(parse(&always).filter.unwrap().time_from.unwrap(), "0001-01-01T00:00:00.000000Z");
}

#[test]
fn page_tokens_are_bound_to_what_is_asked_for_not_to_how_it_is_written() {
    let trace = |text: &str| parse(&AuditEventFilter { trace_id: text.to_owned(), ..Default::default() }).canonical;
    assert_eq!(trace(&"aB".repeat(16)), trace(&"Ab".repeat(16)));
    assert_ne!(trace(&"ab".repeat(16)), trace(&"ac".repeat(16)));
    let fine = |nanos| parse(&AuditEventFilter { time_to: time(0, nanos), ..Default::default() }).canonical;
    assert_eq!(fine(1_001), fine(2_000));
    let quoted = AuditEventFilter { actor_id: "a\";action=\"case_created".to_owned(), ..Default::default() };
    let two = AuditEventFilter { actor_id: "a".to_owned(), action: "case_created".to_owned(), ..Default::default() };
    assert_ne!(parse(&quoted).canonical, parse(&two).canonical);
}

/// Tokens that clients hold are bound to this text: see the golden tokens of `page_token`.
#[test]
fn the_canonical_text_keeps_its_form() {
    let given = AuditEventFilter {
        case_id: "CASE-001".to_owned(),
        actor_id: "amira".to_owned(),
        action: "case_created".to_owned(),
        outcome: Outcome::Accepted.into(),
        time_from: time(0, 0),
        time_to: time(1_795_426_200, 0),
        request_id: "r".to_owned(),
        trace_id: "0AF7651916CD43DD8448EB211C80319C".to_owned(),
    };
    assert_eq!(
        parse(&given).canonical,
        "case_id=CASE-001;actor_id=\"amira\";action=\"case_created\";outcome=\"ACCEPTED\";time_from=\"0\";\
         time_to=\"1795426200000000\";request_id=\"r\";trace_id=\"0af7651916cd43dd8448eb211c80319c\""
    );
}
