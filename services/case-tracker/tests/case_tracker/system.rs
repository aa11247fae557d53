//! A system of processes, and the requests that most tests send to it.

use case_api::pb::{Case, CreateCaseRequest, TransitionCaseRequest};
pub(crate) use test_support::{AUDIT, COMMAND, QUERY, System, all_in_one, one};

pub(crate) fn creation(title: &str, key: &str) -> CreateCaseRequest {
    let case = Case { title: title.to_owned(), ..Case::default() };
    CreateCaseRequest { case: Some(case), idempotency_key: key.to_owned(), ..CreateCaseRequest::default() }
}

pub(crate) fn transition(case_id: &str, to_status: &str, key: &str) -> TransitionCaseRequest {
    TransitionCaseRequest {
        case_id: case_id.to_owned(),
        to_status: to_status.to_owned(),
        idempotency_key: key.to_owned(),
        ..TransitionCaseRequest::default()
    }
}
