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
