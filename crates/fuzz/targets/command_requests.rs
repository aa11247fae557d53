//! Requests of the command service: one byte for the method, then the message.
#![no_main]

use std::sync::LazyLock;

use case_api::{ParsedCommand, pb};
use case_domain::Lifecycle;
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

/// What a refusal may take in a header block; clients give up the connection beyond 8 KiB, and it stands there twice or more.
const MESSAGE_BYTES_MAX: usize = 4 * 1_024;

static LIFECYCLE: LazyLock<Lifecycle> = LazyLock::new(lifecycle_file::default_lifecycle);

fn read(method: u8, bytes: &[u8]) -> Option<Result<ParsedCommand, rpc_error::Failure>> {
    Some(match method % 7 {
        0 => case_api::create_case(&pb::CreateCaseRequest::decode(bytes).ok()?, &LIFECYCLE),
        1 => case_api::update_case(&pb::UpdateCaseRequest::decode(bytes).ok()?),
        2 => case_api::transition_case(&pb::TransitionCaseRequest::decode(bytes).ok()?, &LIFECYCLE),
        3 => case_api::assign_case(&pb::AssignCaseRequest::decode(bytes).ok()?),
        4 => case_api::add_comment(&pb::AddCommentRequest::decode(bytes).ok()?),
        5 => case_api::link_cases(&pb::LinkCasesRequest::decode(bytes).ok()?),
        _ => case_api::unlink_cases(&pb::UnlinkCasesRequest::decode(bytes).ok()?),
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((method, message)) = bytes.split_first() else { return };
    match read(*method, message) {
        Some(Ok(parsed)) => {
            let key = parsed.idempotency_key.as_deref().unwrap_or("x");
            assert!((1..=case_api::IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.chars().count()));
        }
        Some(Err(failure)) => {
            assert!(failure.message().len() <= MESSAGE_BYTES_MAX, "{} bytes", failure.message().len());
            assert!(failure.reason() != rpc_error::Reason::Internal, "a bug: {}", failure.message());
        }
        None => {}
    }
});
