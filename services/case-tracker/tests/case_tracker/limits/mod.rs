//! Every field of every request at its limit and beyond, through the real port: what is within is accepted, what is beyond
//! is refused with the field named, and the server serves on.

mod malformed;
mod port;
mod table;
mod values;

use std::collections::BTreeSet;

use case_api::feed_pb::follow_request::Message as Said;
use case_api::feed_pb::{FollowAcknowledgement, FollowRequest, FollowStart};
use case_api::pb::{Case, GetCaseRequest, GetCaseResponse, LinkCasesRequest, LinkType, ListAuditEventsRequest};
use prost::Message as _;
use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};
use test_support::{Caller, Refusal, eventually, poll_until};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::system::{AUDIT, COMMAND, QUERY, creation};
use port::Port;
use table::{Row, rows};
use values::{Expect, Holds};

/// The case that all requests are about, and the one that it is linked to.
const CASES: [&str; 2] = ["CASE-001", "CASE-002"];

/// A request of a method that is accepted as it is, as texts of its fields.
fn sound(method: &str) -> &'static [(&'static str, &'static str)] {
    match method {
        "CreateCase" => &[("case.title", "Water damage")],
        "UpdateCase" => &[("case.case_id", CASES[0]), ("case.title", "Water damage")],
        "TransitionCase" => &[("case_id", CASES[0]), ("to_status", "SUBMITTED")],
        "AddComment" => &[("case_id", CASES[0]), ("body", "Plumber booked.")],
        "LinkCases" | "UnlinkCases" => &[("case_id", CASES[0]), ("linked_case_id", CASES[1])],
        "BatchGetCases" => &[("case_ids", CASES[0])],
        "AssignCase" | "GetCase" | "ListComments" | "GetCaseTimeline" => &[("case_id", CASES[0])],
        "ListCases" | "GetLifecycle" | "ListAuditEvents" | "GetAuditEvent" => &[],
        other => panic!("{other} is new: what does a request need that is accepted?"),
    }
}

/// The message of [`sound`]. What would change a status or a link is only checked, so that the next request finds it as it
/// was.
fn request(port: &Port, method: &str) -> DynamicMessage {
    let mut request = DynamicMessage::new(port.input(method));
    for (path, text) in sound(method) {
        let text = Value::String((*text).to_owned());
        let is_list = field(&request.descriptor(), path).is_list();
        set(&mut request, path, Some(if is_list { Value::List(vec![text]) } else { text }));
    }
    if matches!(method, "TransitionCase" | "LinkCases" | "UnlinkCases") {
        set(&mut request, "validate_only", Some(Value::Bool(true)));
    }
    if let "LinkCases" | "UnlinkCases" = method {
        set(&mut request, "link_type", Some(Value::EnumNumber(LinkType::Blocks.into())));
    }
    request
}

/// The field at a path.
fn field(message: &MessageDescriptor, path: &str) -> FieldDescriptor {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = message.get_field_by_name(name).unwrap_or_else(|| panic!("{} has no {name}", message.name()));
    match (rest, field.kind()) {
        (None, _) => field,
        (Some(rest), Kind::Message(inner)) => self::field(&inner, rest),
        (Some(rest), _) => panic!("{name} is no message, so it has no {rest}"),
    }
}

/// Puts a value at a path, or empties it.
fn set(message: &mut DynamicMessage, path: &str, value: Option<Value>) {
    if let Some((outer, rest)) = path.split_once('.') {
        let inner = message.get_field_by_name_mut(outer).unwrap();
        set(inner.as_message_mut().unwrap(), rest, value);
    } else if let Some(value) = value {
        message.set_field_by_name(path, value);
    } else {
        message.clear_field_by_name(path);
    }
}

/// Every path of a request, down to the fields whose content counts for nothing.
fn paths(message: &MessageDescriptor, prefix: &str, rows: &[Row], method: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for field in message.fields() {
        let path = format!("{prefix}{}", field.name());
        let is_opaque = rows.iter().any(|(of, known, holds)| *of == method && *known == path && holds.is_opaque());
        if let (Kind::Message(inner), false) = (field.kind(), is_opaque) {
            found.extend(paths(&inner, &format!("{path}."), rows, method));
        }
        found.insert(path);
    }
    found
}

#[tokio::test]
async fn every_field_of_every_request_is_in_the_table_of_limits_and_no_other() {
    let (port, rows) = (Port::open().await, rows());
    let mut fields = 0;
    for method in port.methods() {
        let named: Vec<&str> = rows.iter().filter(|(of, ..)| *of == method.name()).map(|(_, path, _)| *path).collect();
        let named_once: BTreeSet<String> = named.iter().map(ToString::to_string).collect();
        assert_eq!(named_once, paths(&method.input(), "", &rows, method.name()), "{}", method.name());
        assert_eq!(named.len(), named_once.len(), "{} has a row twice", method.name());
        fields += named.len();
    }
    assert_eq!(fields, rows.len(), "the table names a method that there is not");
    // Control: without one of its rows, a field is missed.
    let fewer: Vec<Row> = rows.into_iter().filter(|(_, path, _)| *path != "case.case_id").collect();
    let without = fewer.iter().filter(|(of, ..)| *of == "CreateCase").count();
    assert!(without < paths(&port.input("CreateCase"), "", &fewer, "CreateCase").len());
}

/// What became of a request, in the words of the table.
fn judge(answer: &Result<Bytes, Status>, path: &str, expect: Expect) -> Result<(), String> {
    let refusal = match answer {
        Ok(_) if matches!(expect, Expect::Accepted | Expect::WellFormed) => return Ok(()),
        Ok(_) => return Err("was accepted".to_owned()),
        Err(status) => Refusal::of(status),
    };
    // The field, an entry of it, or what is missing in it.
    let parts = [format!("{path}["), format!("{path}.")];
    let names_it = refusal.fields.iter().any(|field| field == path || parts.iter().any(|part| field.starts_with(part)));
    let is_right = match expect {
        Expect::Accepted => false,
        Expect::WellFormed => matches!(refusal.code, Code::Aborted | Code::FailedPrecondition | Code::NotFound),
        Expect::NotFound => refusal.code == Code::NotFound,
        Expect::Refused => refusal.code == Code::InvalidArgument && names_it,
    };
    if is_right { Ok(()) } else { Err(format!("{:?} {} {:?}", refusal.code, refusal.reason, refusal.fields)) }
}

fn shown(value: Option<&Value>) -> String {
    let text = format!("{value:?}");
    format!("{} … ({} bytes)", text.chars().take(80).collect::<String>(), text.len())
}

async fn two_linked_cases(port: &Port) {
    let mut client = port.system.commands(Caller::actor("amira"));
    for title in CASES {
        client.create_case(creation(title, title)).await.unwrap();
    }
    let [case_id, linked_case_id] = CASES.map(ToOwned::to_owned);
    let link_type = LinkType::Blocks.into();
    client.link_cases(LinkCasesRequest { case_id, linked_case_id, link_type, ..Default::default() }).await.unwrap();
    // The other link is one that may be made.
    let queries = || port.system.queries(Caller::actor("amira"));
    poll_until("the link", || async {
        let request = GetCaseRequest { case_id: CASES[0].to_owned(), consistency: None };
        let case = queries().get_case(request).await.ok()?.into_inner().case?;
        (case.links.len() == 1).then_some(())
    })
    .await;
}

/// The table, row by row. Everything that went wrong is told at once.
async fn try_every_row(port: &mut Port) -> Vec<String> {
    let mut wrong = Vec::new();
    for (method, path, holds) in rows() {
        if matches!(holds, Holds::Streamed) {
            continue;
        }
        let of = field(&port.input(method), path);
        for (value, expect) in holds.probes(&of) {
            let mut request = request(port, method);
            set(&mut request, path, value.clone());
            if value == Some(Value::Bool(false)) && request.get_field_by_name("linked_case_id").is_some() {
                set(&mut request, "linked_case_id", Some(Value::String(CASES[0].to_owned())));
            }
            if value == Some(Value::Bool(false)) && request.get_field_by_name("case_id").is_some() {
                // Not only checked: the other case changes, so that the requests that follow are accepted as before.
                set(&mut request, "case_id", Some(Value::String(CASES[1].to_owned())));
            }
            if method == "LinkCases" && path != "link_type" {
                // It is linked by BLOCKS already.
                set(&mut request, "link_type", Some(Value::EnumNumber(LinkType::RelatesTo.into())));
            }
            let answer = port.call(method, with_a_key_of_its_own(path, request, method)).await;
            if let Err(found) = judge(&answer, path, expect) {
                wrong.push(format!("{method}.{path} = {}: expected {expect:?}, found: {found}", shown(value.as_ref())));
            }
        }
    }
    wrong
}

/// Keys are remembered for all methods: another method must not be told that its key was used.
fn with_a_key_of_its_own(path: &str, mut request: DynamicMessage, method: &str) -> Vec<u8> {
    if path == "idempotency_key" {
        let key = request.get_field_by_name(path).unwrap().as_str().unwrap().to_owned();
        if key.chars().count() == 128 {
            let initial = method.to_lowercase();
            let rest: String = key.chars().skip(initial.len()).collect();
            set(&mut request, path, Some(Value::String(initial + &rest)));
        } else if !key.is_empty() {
            set(&mut request, path, Some(Value::String(key + method)));
        }
    }
    request.encode_to_vec()
}

/// Health says SERVING, and a case can be created, read and found in the audit log.
async fn serves_on(port: &mut Port) {
    for server in [COMMAND, QUERY, AUDIT] {
        let channel = Caller::nobody().channel(port.system.address(server));
        let health = HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
        assert_eq!(health.into_inner().status, 1, "{server} is SERVING");
    }
    let case = Case { title: "Afterwards".to_owned(), ..Case::default() };
    let request = case_api::pb::CreateCaseRequest { case: Some(case), ..Default::default() };
    let created = port.call("CreateCase", request.encode_to_vec()).await.unwrap();
    let created = case_api::pb::CreateCaseResponse::decode(created).unwrap();
    let consistency = case_api::pb::Consistency { at_least_as_fresh: vec![created.consistency_token] };
    let case_id = created.case.unwrap().case_id;
    let request = GetCaseRequest { case_id: case_id.clone(), consistency: Some(consistency) };
    let read = port.call("GetCase", request.encode_to_vec()).await.unwrap();
    assert_eq!(GetCaseResponse::decode(read).unwrap().case.unwrap().title, "Afterwards");
    poll_until("the audit event", || async {
        let filter = case_api::pb::AuditEventFilter { case_id: case_id.clone(), ..Default::default() };
        let request = ListAuditEventsRequest { filter: Some(filter), ..Default::default() };
        let events = port.system.audit(Caller::actor("amira")).list_audit_events(request).await.unwrap();
        (!events.into_inner().audit_events.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_field_is_accepted_up_to_its_limit_and_refused_by_name_beyond() {
    let mut port = Port::open().await;
    two_linked_cases(&port).await;
    let wrong = try_every_row(&mut port).await;
    assert!(wrong.is_empty(), "{} of {} calls:\n{}", wrong.len(), port.calls, wrong.join("\n"));
    assert!(port.calls > 1_000, "control: the table is tried at all");
    serves_on(&mut port).await;
    port.system.stop().await;
}

#[test]
fn the_judge_of_the_table_notices_each_way_to_be_wrong() {
    let accepted = Ok(Bytes::new());
    for expect in [Expect::Refused, Expect::NotFound] {
        assert!(judge(&accepted, "case_id", expect).is_err());
    }
    assert_eq!(judge(&accepted, "case_id", Expect::WellFormed), Ok(()));
}

/// What the feed answers to these messages.
async fn follow(port: &Port, said: Vec<Said>) -> Result<(), Status> {
    let messages = said.into_iter().map(|message| FollowRequest { message: Some(message) });
    // The stream stays open, as that of a consumer does.
    let messages =
        tokio_stream::StreamExt::chain(tokio_stream::iter(messages.collect::<Vec<_>>()), tokio_stream::pending());
    let mut feed = Caller::actor("amira").feed(port.system.address(COMMAND));
    let mut answers = feed.follow(messages).await?.into_inner();
    eventually("the first answer of the feed", answers.message()).await.map(|_| ())
}

#[tokio::test]
async fn the_feed_takes_the_longest_name_and_any_position_and_refuses_what_is_beyond() {
    let mut port = Port::open().await;
    let start =
        |consumer: &str, after_position| Said::Start(FollowStart { consumer: consumer.to_owned(), after_position });
    let acknowledged = |position| Said::Acknowledgement(FollowAcknowledgement { position });
    let longest = "n".repeat(64);
    for said in [
        vec![start(&longest, 0)],
        vec![start("fuzz", u64::MAX)],
        vec![start("fuzz", 0), acknowledged(u64::MAX)],
        vec![start("fuzz", 0), start("fuzz", 0), acknowledged(0)],
    ] {
        let told = format!("{said:?}");
        follow(&port, said).await.unwrap_or_else(|status| panic!("{told}: {status:?}"));
    }
    for (said, field) in [
        (vec![start(&"n".repeat(65), 0)], "start.consumer"),
        (vec![start("", 0)], "start.consumer"),
        (vec![start("a\0", 0)], "start.consumer"),
        (vec![start("é", 0)], "start.consumer"),
        (vec![acknowledged(u64::MAX)], "start"),
    ] {
        let refusal = Refusal::of(&follow(&port, said).await.unwrap_err());
        assert_eq!((refusal.code, refusal.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    serves_on(&mut port).await;
    port.system.stop().await;
}
