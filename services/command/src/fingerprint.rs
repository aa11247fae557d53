//! What two requests with one idempotency key must agree in: everything that is not ignored.

use case_api::pb::{
    AddCommentRequest, AssignCaseRequest, Case, CreateCaseRequest, LinkCasesRequest, TransitionCaseRequest,
    UnlinkCasesRequest, UpdateCaseRequest,
};
use prost::Message;

/// A request whose repetition can be told from another one.
pub(crate) trait Fingerprinted: Send {
    /// The method is part of the fingerprint.
    const METHOD: &'static str;

    /// The request without its key and without what is ignored, always in the same bytes.
    fn fingerprinted(self) -> Vec<u8>;
}

/// Requests in which nothing but the key is left out.
macro_rules! without_key {
    ($($request:ident => $method:literal),+ $(,)?) => {
        $(impl Fingerprinted for $request {
            const METHOD: &'static str = $method;

            fn fingerprinted(self) -> Vec<u8> {
                Self { idempotency_key: String::new(), ..self }.encode_to_vec()
            }
        })+
    };
}

without_key! {
    TransitionCaseRequest => "TransitionCase",
    AssignCaseRequest => "AssignCase",
    AddCommentRequest => "AddComment",
    LinkCasesRequest => "LinkCases",
    UnlinkCasesRequest => "UnlinkCases",
}

impl Fingerprinted for CreateCaseRequest {
    const METHOD: &'static str = "CreateCase";

    fn fingerprinted(self) -> Vec<u8> {
        let case = self.case.map(|case| Case { case_id: String::new(), ..settable(case) });
        Self { case, idempotency_key: String::new(), ..self }.encode_to_vec()
    }
}

impl Fingerprinted for UpdateCaseRequest {
    const METHOD: &'static str = "UpdateCase";

    fn fingerprinted(self) -> Vec<u8> {
        Self { case: self.case.map(settable), idempotency_key: String::new(), ..self }.encode_to_vec()
    }
}

/// A case without its output-only fields, but for the id, which names the case to update.
fn settable(case: Case) -> Case {
    Case {
        version: 0,
        status: String::new(),
        status_category: 0,
        create_time: None,
        update_time: None,
        close_time: None,
        allowed_transitions: Vec::new(),
        links: Vec::new(),
        comment_count: 0,
        ..case
    }
}
