//! Sends inputs to running servers, many at once, and counts what they are answered.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use case_api::ConsistencyToken;
use case_api::pb::{AddCommentResponse, Case, TransitionCaseResponse};
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message as _;
use test_support::PATIENCE;
use tonic::Code;

use super::call::{self, Call, call};
use super::chance::Chance;
use super::schema::{Method, Schema};
use super::seeds::Known;
use super::socket;
use super::tally::{Answered, Tally, Told};
use crate::report::complain;

/// Inputs on their way at any time.
const IN_FLIGHT: usize = 256;
/// Connections to each server.
const CONNECTIONS: usize = 6;
/// One input in so many is no call, but bytes on a connection of its own.
const RAW: u64 = 100;
/// A worker that is left without an answer so often has no server any more.
const UNANSWERED_MAX: usize = 50;
/// How often progress is told.
const TOLD_EVERY: u64 = 100_000;
/// The methods that change cases.
const COMMANDS: &str = "/casetracker.v1.CaseCommandService/";
const ADD_COMMENT: &str = "/casetracker.v1.CaseCommandService/AddComment";
/// What goes before a message in its gRPC frame.
const FRAME_HEADER_BYTES: usize = 5;

/// A server that inputs are sent to.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) schema: Schema,
    pub(super) known: Known,
    /// What its request ids begin with.
    pub(super) run: &'static str,
}

/// Which inputs, and how long an answer may take.
#[derive(Debug, Clone)]
pub(super) struct Drive {
    pub(super) numbers: Range<u64>,
    pub(super) seed: u64,
    pub(super) patience: Duration,
}

impl Drive {
    /// Sends all inputs; what they were answered.
    pub(super) async fn run(self, targets: Vec<Target>) -> anyhow::Result<Tally> {
        let clients: Vec<Client> = (0..CONNECTIONS).map(|_| client()).collect();
        let (targets, next) = (Arc::new(targets), Arc::new(AtomicU64::new(self.numbers.start)));
        let worker = |number: usize| Worker {
            drive: self.clone(),
            targets: Arc::clone(&targets),
            client: clients[number % CONNECTIONS].clone(),
            next: Arc::clone(&next),
            tally: Tally::default(),
        };
        let workers: Vec<_> = (0..IN_FLIGHT).map(|number| tokio::spawn(worker(number).work())).collect();
        let mut tally = Tally::default();
        for worker in workers {
            tally.add(worker.await.context("a worker panicked")?);
        }
        Ok(tally)
    }
}

/// A connection to each server, made when it is first used. Not tonic's client, which has opinions on metadata itself.
pub(super) type Client = legacy::Client<HttpConnector, Full<Bytes>>;

/// A client that speaks HTTP/2 only, over one connection to each server.
pub(super) fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new()).http2_only(true).build(connector)
}

/// Whether a server has an answer of its own to a method.
pub(super) async fn is_served(client: &Client, server: SocketAddr, method: &Method) -> bool {
    let answer = answer(client, call::empty(server, method), method.is_stream);
    let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Answer::of(Answered::Hung));
    answer.answered != Answered::Status(Code::Unimplemented)
}

struct Worker {
    drive: Drive,
    targets: Arc<Vec<Target>>,
    client: Client,
    next: Arc<AtomicU64>,
    tally: Tally,
}

impl Worker {
    async fn work(mut self) -> Tally {
        while self.tally.unanswered < UNANSWERED_MAX {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.drive.numbers.end {
                break;
            }
            if number > 0 && number.is_multiple_of(TOLD_EVERY) {
                complain(&format!("{number} inputs of {}", self.drive.numbers.end));
            }
            let chance = Chance::new(self.drive.seed, number);
            let at = chance.below(self.targets.len());
            if chance.one_in(RAW) {
                let ended = socket::speak(self.targets[at].address, &chance, self.drive.patience).await;
                self.tally.connection(ended, || format!("input {number} to {}", self.targets[at].address));
            } else {
                let call = call(&self.targets[at], number, &chance);
                self.call(call).await;
            }
        }
        self.tally
    }

    async fn call(&mut self, Call { request, path, is_stream, request_id }: Call) {
        let answer = answer(&self.client, request, is_stream);
        let answer =
            tokio::time::timeout(self.drive.patience, answer).await.unwrap_or_else(|_| Answer::of(Answered::Hung));
        self.tally.call(&answer.answered, || format!("{path}, x-request-id {request_id}: {}", answer.said));
        if !path.starts_with(COMMANDS) {
            return;
        }
        // The server has an id of its own for a call whose id is unusable.
        let request_id = answer.request_id.unwrap_or(request_id);
        match answer.answered {
            Answered::Status(Code::Ok) => self.tally.told.extend(told(&path, &answer.message, request_id)),
            // It may have happened all the same.
            Answered::Status(Code::DeadlineExceeded | Code::Cancelled | Code::Unavailable)
            | Answered::WithoutStatus
            | Answered::Broken
            | Answered::Hung => self.tally.unsure.push(request_id),
            Answered::Status(_) | Answered::Http(_) => {}
        }
    }
}

/// An answer as far as it is looked at.
struct Answer {
    answered: Answered,
    /// What it says about itself.
    said: String,
    request_id: Option<String>,
    message: Vec<u8>,
}

impl Answer {
    fn of(answered: Answered) -> Self {
        Self { answered, said: String::new(), request_id: None, message: Vec::new() }
    }
}

async fn answer(client: &Client, request: http::Request<Full<Bytes>>, is_stream: bool) -> Answer {
    let response = match client.request(request).await {
        Ok(response) => response,
        Err(error) => return Answer { said: format!("{error:?}"), ..Answer::of(Answered::Broken) },
    };
    let (head, mut body) = response.into_parts();
    let mut answer = Answer { request_id: text(&head.headers, "x-request-id"), ..Answer::of(Answered::WithoutStatus) };
    if answer.read_status(&head.headers) {
        return answer;
    }
    if head.status != http::StatusCode::OK {
        answer.answered = Answered::Http(head.status.as_u16());
        return answer;
    }
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => {
                answer.message.extend_from_slice(&data);
                if is_stream && !answer.message.is_empty() {
                    // What goes on for ever has begun well.
                    answer.answered = Answered::Status(Code::Ok);
                    return answer;
                }
            }
            Ok(Err(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    answer.read_status(trailers);
                }
            }
            Err(error) => {
                answer.said = format!("{error:?}");
                answer.answered = Answered::Broken;
                return answer;
            }
        }
    }
    answer
}

impl Answer {
    /// Whether there is a status in it.
    fn read_status(&mut self, headers: &HeaderMap) -> bool {
        let Some(code) = headers.get("grpc-status") else { return false };
        self.answered = Answered::Status(Code::from_bytes(code.as_bytes()));
        self.said = text(headers, "grpc-message").unwrap_or_default();
        true
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(ToOwned::to_owned)
}

/// What an accepted command was told; none if it was only tried out.
fn told(path: &str, framed: &[u8], request_id: String) -> Option<Told> {
    let message = framed.get(FRAME_HEADER_BYTES..)?;
    let (case, token): (Option<Case>, String) = if path == ADD_COMMENT {
        let answer = AddCommentResponse::decode(message).ok()?;
        (answer.case, answer.consistency_token)
    } else {
        // All others have the same fields at the same numbers.
        let answer = TransitionCaseResponse::decode(message).ok()?;
        (answer.case, answer.consistency_token)
    };
    let (case, position) = (case?, ConsistencyToken::decode(&token).ok()?.position);
    Some(Told { request_id, case_id: case.case_id, version: case.version, position })
}
