//! Bytes that are no message, or more than one: every method, through the real port.

use prost::Message as _;
use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, Kind, Value};
use test_support::{Caller, Refusal};
use tonic::{Code, Request, Status};

use super::port::Port;
use super::table::rows;
use super::values::Holds;
use super::{field, request, serves_on, set, two_linked_cases};
use crate::system::COMMAND;

/// Stands in a text where bytes that are no UTF-8 are put afterwards.
const MARK: &str = "MARKMARK";
/// Lone halves of a surrogate pair as UTF-8 would have them, overlong forms, and bytes that never occur.
const NO_UTF8: [[u8; 8]; 3] = [*b"\xed\xa0\x80\xed\xb0\x80ab", *b"\xc0\x80\xe0\x80\x80abc", *b"abc\xff\xfe\xfdef"];

fn is_undecodable(answer: &Result<Bytes, Status>) -> bool {
    answer.as_ref().is_err_and(|status| {
        let refusal = Refusal::of(status);
        refusal.code == Code::InvalidArgument && refusal.fields == ["request"]
    })
}

/// A request with the mark in a text.
fn marked(port: &Port, method: &str, path: &str) -> Option<Vec<u8>> {
    let of = field(&port.input(method), path);
    let Kind::String = of.kind() else { return None };
    let mark = Value::String(MARK.to_owned());
    let mut request = request(port, method);
    set(&mut request, path, Some(if of.is_list() { Value::List(vec![mark]) } else { mark }));
    Some(request.encode_to_vec())
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_in_every_text_of_every_request() {
    let (mut port, mut texts) = (Port::open().await, 0);
    for (method, path, holds) in rows() {
        let request = if matches!(holds, Holds::Streamed) { None } else { marked(&port, method, path) };
        let Some(request) = request else { continue };
        let at = request.windows(MARK.len()).position(|window| window == MARK.as_bytes()).unwrap();
        for bytes in NO_UTF8 {
            let mut request = request.clone();
            request[at..at + MARK.len()].copy_from_slice(&bytes);
            let answer = port.call(method, request).await;
            assert!(is_undecodable(&answer), "{method}.{path}: {answer:?}");
        }
        texts += 1;
    }
    assert!(texts > 50, "control: texts are found at all");
    serves_on(&mut port).await;
    port.system.stop().await;
}

/// Every method with one request and one answer.
fn unary(port: &Port) -> Vec<String> {
    let methods = port.methods().into_iter().filter(|method| !method.is_client_streaming());
    methods.map(|method| method.name().to_owned()).collect()
}

/// Fields that no version has had: each kind of wire type, in the middle of the range and at its end.
fn unknown_fields() -> Vec<u8> {
    [
        &b"\xf8\xfa\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..],
        b"\xfa\xff\xff\xff\x0f\x03abc",
        b"\xf9\xfa\x0412345678",
        b"\xfd\xfa\x041234",
    ]
    .concat()
}

#[tokio::test]
async fn unknown_fields_are_passed_over_by_every_method() {
    let mut port = Port::open().await;
    two_linked_cases(&port).await;
    for method in unary(&port).iter().filter(|method| *method != "GetAuditEvent") {
        let mut request = request(&port, method);
        if method == "LinkCases" {
            set(&mut request, "link_type", Some(Value::EnumNumber(1)));
        }
        let mut bytes = request.encode_to_vec();
        bytes.extend(unknown_fields());
        let answer = port.call(method, bytes).await;
        assert!(answer.is_ok(), "{method}: {answer:?}");
    }
    port.system.stop().await;
}

/// A struct in a struct, as deep as no reader goes.
fn bottomless() -> Vec<u8> {
    let mut inner = Vec::new();
    for _ in 0..3_000 {
        for tag in [0x2a, 0x12, 0x0a] {
            let mut outer = vec![tag];
            prost::encode_length_delimiter(inner.len(), &mut outer).unwrap();
            outer.append(&mut inner);
            inner = outer;
        }
    }
    inner
}

fn wrapped(tag: u8, inner: &[u8]) -> Vec<u8> {
    let mut outer = vec![tag];
    prost::encode_length_delimiter(inner.len(), &mut outer).unwrap();
    outer.extend_from_slice(inner);
    outer
}

#[tokio::test]
async fn damaged_messages_are_refused_or_read_as_others_but_never_break_anything() {
    let mut port = Port::open().await;
    two_linked_cases(&port).await;
    // A case whose custom fields have no end: `case` is field 1, `custom_fields` field 13.
    let deep = wrapped(0x0a, &wrapped(0x6a, &bottomless()));
    let never = [&b"\xff"[..], b"\x0a\xff\xff\xff\xff\x0f", b"\x0b\x0c", b"\x07", b"\x00", &[0x80; 11], b"\x0a\x05abc"];
    for method in unary(&port) {
        let sound = request(&port, &method).encode_to_vec();
        for end in 0..sound.len() {
            let _ = port.call(&method, sound[..end].to_vec()).await;
        }
        for at in 0..sound.len() {
            for flip in [0x01, 0x07, 0x80, 0xff] {
                let mut bytes = sound.clone();
                bytes[at] ^= flip;
                let _ = port.call(&method, bytes).await;
            }
        }
        for bytes in never {
            let answer = port.call(&method, bytes.to_vec()).await;
            assert!(is_undecodable(&answer), "{method} of {bytes:x?}: {answer:?}");
        }
    }
    for method in ["CreateCase", "UpdateCase"] {
        let answer = port.call(method, deep.clone()).await;
        assert!(is_undecodable(&answer), "{method}: {answer:?}");
    }
    serves_on(&mut port).await;
    port.system.stop().await;
}

/// One value of metadata, and whether a call that has it is carried out.
fn metadata() -> Vec<(&'static str, Vec<u8>)> {
    let mut given: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for text in ["x", "00-0-0-0", "00-00000000000000000000000000000000-0000000000000000-00", "", "\u{e9}"] {
        given.push(("traceparent", text.into()));
        given.push(("tracestate", text.into()));
        given.push(("x-request-id", text.into()));
    }
    for text in ["", "S", "1", "-1S", "+1S", "1.5S", "999999999S", "99999999H", "1h", "\u{e9}", " 1S"] {
        given.push(("grpc-timeout", text.into()));
    }
    given.push(("x-request-id", vec![b'~'; 4_000]));
    given.push(("traceparent", vec![b'0'; 4_000]));
    given.push(("tracestate", vec![b','; 4_000]));
    given.push(("some-bin", vec![0xff; 4_000]));
    given
}

#[tokio::test]
async fn metadata_that_cannot_be_read_counts_as_absent() {
    let mut port = Port::open().await;
    two_linked_cases(&port).await;
    for (key, value) in metadata() {
        let mut get = Request::new(Bytes::from(request(&port, "GetCase").encode_to_vec()));
        let (told, value) =
            (format!("{key}: {value:?}"), tonic::codegen::http::HeaderValue::from_bytes(&value).unwrap());
        let mut headers = std::mem::take(get.metadata_mut()).into_headers();
        headers.insert(key, value);
        *get.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
        let answer = port.call_of("casetracker.v1.CaseQueryService", "GetCase", get).await;
        assert!(answer.is_ok(), "{told}: {answer:?}");
    }
    serves_on(&mut port).await;
    port.system.stop().await;
}

#[tokio::test]
async fn metadata_beyond_all_limits_costs_the_call_alone() {
    let mut port = Port::open().await;
    for bytes in [20_000, 1_000_000] {
        let caller = Caller::actor("amira").with("x-filler", &"x".repeat(bytes));
        let status = caller.commands(port.system.address(COMMAND)).create_case(crate::system::creation("x", "k")).await;
        assert!(status.is_err(), "{bytes} bytes of metadata are not read");
    }
    let empty = DynamicMessage::new(port.input("CreateCase")).encode_to_vec();
    let diagnostics = Request::new(Bytes::from(unknown_fields()));
    assert!(port.call("CreateCase", empty).await.is_err());
    let service = "casetracker.admin.v1.DiagnosticsService";
    port.call_of(service, "GetDiagnostics", diagnostics).await.unwrap();
    let nonsense = Request::new(Bytes::from_static(b"\xff"));
    assert!(is_undecodable(&port.call_of(service, "GetDiagnostics", nonsense).await));
    serves_on(&mut port).await;
    port.system.stop().await;
}
