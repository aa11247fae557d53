//! The contract of errors: the enum, the status and the documented table say the same.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rpc_error::{ERROR_DOMAIN, FailedCall, Failure, Reason};
use tonic::Code;
use tonic_types::StatusExt;

/// Reason and code of each row of `docs/errors.md`.
fn documented() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let text = fs::read_to_string(path).unwrap();
    let row = |line: &str| -> Option<(String, String)> {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        Some((cells.next()?.trim_end_matches('`').to_owned(), cells.next()?.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

/// The code as the documents write it.
fn code_name(code: Code) -> String {
    let words = format!("{code:?}");
    let mut name = String::new();
    for (at, letter) in words.char_indices() {
        if at > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[test]
fn the_table_of_errors_names_every_reason_with_its_code_and_no_other() {
    let in_code: BTreeMap<_, _> = Reason::ALL.iter().map(|r| (r.as_str().to_owned(), code_name(r.code()))).collect();
    assert_eq!(in_code.len(), Reason::ALL.len(), "two reasons have one name");
    assert_eq!(documented(), in_code);
}

#[test]
fn a_status_carries_reason_metadata_request_and_every_detail() {
    let failure = Failure::new(Reason::Overloaded, "too much")
        .with_metadata("limit", "2048")
        .with_quota("server", "requests in flight")
        .with_retry_after(Duration::from_millis(250));
    let status = failure.into_status(FailedCall { request_id: "r-1", trace_id: "0af7" });
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "too much"));
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((info.domain.as_str(), info.reason.as_str()), (ERROR_DOMAIN, "OVERLOADED"));
    assert_eq!(info.metadata["limit"], "2048");
    let request = details.request_info().unwrap();
    assert_eq!((request.request_id.as_str(), request.serving_data.as_str()), ("r-1", "0af7"));
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(250)));
    assert_eq!(details.quota_failure().unwrap().violations[0].subject, "server");
}

#[test]
fn violations_add_up() {
    let failure = Failure::new(Reason::ValidationFailed, "2 fields are invalid")
        .with_violation("a", "is required", "REQUIRED")
        .with_violation("b", "is too long", "INVALID");
    let status = failure.into_status(FailedCall { request_id: "", trace_id: "" });
    let details = status.get_error_details();
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["a", "b"]);
}

#[test]
fn a_bug_tells_its_caller_nothing_but_that() {
    let status = Failure::internal().into_status(FailedCall { request_id: "r", trace_id: "" });
    assert_eq!(status.message(), "internal error; quote the request id to the operator");
}

/// What a status takes on the wire, in bytes.
fn wire_bytes(status: tonic::Status) -> usize {
    let headers = status.into_http::<()>().headers().clone();
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

#[test]
fn a_refusal_of_very_much_is_shortened_until_every_client_can_take_it() {
    let long = ["x", "\u{e4}", "\u{1f600}", "\u{0}"].map(|letter| letter.repeat(10_000));
    for text in &long {
        for count in [1, 30, 200] {
            let mut failure = Failure::new(Reason::ValidationFailed, text)
                .with_metadata("fields", text)
                .with_metadata("allowed", text)
                .with_resource("case", text, text);
            for _ in 0..count {
                failure = failure.with_violation(text, text, "INVALID").with_precondition("TRANSITION", text, text);
            }
            let status = failure.into_status(FailedCall { request_id: "r-1", trace_id: "0af7" });
            let details = status.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, "VALIDATION_FAILED");
            assert!(!details.bad_request().unwrap().field_violations.is_empty());
            assert!(status.message().ends_with("..."));
            let bytes = wire_bytes(status);
            assert!(bytes <= 8_192, "{bytes}");
        }
    }
}

#[test]
fn a_refusal_that_clients_can_take_is_told_in_full() {
    let mut failure = Failure::new(Reason::ValidationFailed, "m".repeat(600));
    for n in 0..20 {
        failure = failure.with_violation(&format!("case.tags[{n}]"), &"d".repeat(100), "INVALID");
    }
    let status = failure.into_status(FailedCall { request_id: "r-1", trace_id: "0af7" });
    let violations = status.get_error_details().bad_request().unwrap().field_violations.clone();
    assert_eq!((violations.len(), violations[19].description.len(), status.message().len()), (20, 100, 600));
}

#[test]
fn a_prepared_failure_says_the_same_as_one_that_is_made_for_the_call() {
    let failure = Failure::new(Reason::Overloaded, "full: 100 % of 1 call – try again")
        .with_metadata("limit", "1")
        .with_quota("server", "limits.requests_in_flight = 1")
        .with_retry_after(Duration::from_millis(100));
    let prepared = failure.prepared();
    assert_eq!((prepared.reason(), prepared.code()), (Reason::Overloaded, Code::ResourceExhausted));
    for call in [FailedCall { request_id: "r-1", trace_id: "t-1" }, FailedCall { request_id: "r-2", trace_id: "" }] {
        let told = tonic::Status::from_header_map(&prepared.headers(call)).unwrap();
        let made = failure.clone().into_status(call);
        assert_eq!((told.code(), told.message()), (made.code(), made.message()));
        assert_eq!(format!("{:?}", told.get_error_details()), format!("{:?}", made.get_error_details()));
        assert_eq!(told.get_error_details().request_info().unwrap().request_id, call.request_id);
    }
}
