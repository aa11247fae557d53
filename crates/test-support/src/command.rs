//! Commands that can be sent again, and what they are answered.

use std::net::SocketAddr;

use case_api::ConsistencyToken;
use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::{AddCommentRequest, CreateCaseRequest, TransitionCaseRequest};
use tonic::{Code, Status};

use crate::{Caller, CallerChannel};

/// Whether a call may be made again: the service was away, or went away before it answered.
pub fn is_transient(status: &Status) -> bool {
    [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal].contains(&status.code())
}

/// A command that can be sent again.
#[derive(Debug, Clone)]
pub enum Sent {
    /// Makes a case.
    Create(Box<CreateCaseRequest>),
    /// Moves a case.
    Transition(TransitionCaseRequest),
    /// Says something about a case.
    Comment(AddCommentRequest),
}

/// What a command was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The case.
    pub case_id: String,
    /// The version that the command has made.
    pub version: u64,
    /// The position of its event.
    pub position: u64,
    /// The consistency token, that is the position as clients see it.
    pub token: String,
    /// Whether it had been carried out before.
    pub replayed: bool,
}

impl Sent {
    /// Sends the command over a connection of its own.
    pub async fn send(&self, address: SocketAddr) -> Result<Answer, Status> {
        let mut client = Caller::actor("amira").commands(address);
        Self::send_by(self, &mut client).await
    }

    /// Sends the command over a connection that is there.
    pub async fn send_by(&self, client: &mut CaseCommandServiceClient<CallerChannel>) -> Result<Answer, Status> {
        let (case, replayed, token) = match self.clone() {
            Self::Create(request) => {
                let answer = client.create_case(*request).await?.into_inner();
                (answer.case, answer.replayed, answer.consistency_token)
            }
            Self::Transition(request) => {
                let answer = client.transition_case(request).await?.into_inner();
                (answer.case, answer.replayed, answer.consistency_token)
            }
            Self::Comment(request) => {
                let answer = client.add_comment(request).await?.into_inner();
                (answer.case, answer.replayed, answer.consistency_token)
            }
        };
        let case = case.unwrap_or_default();
        let position = ConsistencyToken::decode(&token).map_or(0, |token| token.position);
        Ok(Answer { case_id: case.case_id, version: case.version, position, token, replayed })
    }
}
