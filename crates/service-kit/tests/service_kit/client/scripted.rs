//! A server that does, call by call, what a script says: well below gRPC, so that it can also do what no server should.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use prost::Message;
use prost::bytes::Bytes;
use rpc_error::{FailedCall, Failure, Reason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::probe::in_time;

/// What becomes of one call.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It is answered.
    Answer,
    /// It fails, with headers only.
    Fail(Code),
    /// It fails with this, headers only.
    Refuse(Failure),
    /// It fails after headers, as other implementations do.
    FailInTrailers(Code),
    /// Nothing comes.
    Hang,
    /// The headers come, and half the answer.
    HangInAnswer,
    /// The headers come, half the answer, and a reset.
    ResetInAnswer,
    /// The connection is closed, without a farewell.
    Cut,
    /// The answer is all zeros, so many of them.
    Zeros(usize),
    /// It is answered, and the stream stays open.
    Open,
}

/// A running server; it ends with its runtime.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    heard: Heard,
}

type Heard = Arc<Mutex<Vec<Call>>>;

/// A call that has arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) at: Instant,
}

/// What is still to be done. The last step is done again and again.
pub(crate) type Script = Arc<Mutex<VecDeque<Step>>>;

impl Scripted {
    /// Serves without TLS.
    pub(crate) async fn start(steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard, script) = (listener.local_addr().unwrap(), Heard::default(), script(steps));
        let hearing = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&hearing)));
            }
        });
        Self { address, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until so many have.
    pub(crate) async fn reached(&self, count: usize) {
        in_time(async {
            while self.count() < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub(crate) fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

/// A refusal that says when to come back.
pub(crate) fn busy(reason: Reason, retry_after: Duration) -> Step {
    Step::Refuse(Failure::new(reason, "too much").with_retry_after(retry_after))
}

pub(crate) fn script(steps: impl IntoIterator<Item = Step>) -> Script {
    Arc::new(Mutex::new(steps.into_iter().collect()))
}

/// One connection.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, script: Script, heard: Heard) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    // Kept, or they would count as reset.
    let mut open = Vec::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        heard.lock().unwrap().push(Call { headers: request.headers().clone(), at: Instant::now() });
        let step = {
            let mut steps = script.lock().unwrap();
            if steps.len() > 1 { steps.pop_front() } else { steps.front().cloned() }
        };
        match step {
            None | Some(Step::Cut) => return,
            Some(step) => open.push(act(step, request, &mut respond).map(|body| (body, respond))),
        }
    }
}

type Kept = (Option<h2::SendStream<Bytes>>, Request<RecvStream>);

fn act(step: Step, request: Request<RecvStream>, respond: &mut SendResponse<Bytes>) -> Option<Kept> {
    let mut answer = |headers: Option<HeaderMap>| {
        let mut response = Response::new(());
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        let is_end = headers.is_some();
        response.headers_mut().extend(headers.unwrap_or_default());
        respond.send_response(response, is_end).unwrap()
    };
    let whole = frame(&"hello".to_owned().encode_to_vec());
    let half = whole.slice(..whole.len() / 2);
    match step {
        Step::Fail(code) => {
            drop(answer(Some(Status::new(code, "as the script says").into_http::<()>().into_parts().0.headers)));
        }
        Step::Refuse(failure) => {
            let status = failure.into_status(FailedCall { request_id: "r", trace_id: "" });
            drop(answer(Some(status.into_http::<()>().into_parts().0.headers)));
        }
        Step::FailInTrailers(code) => answer(None).send_trailers(status_of(code)).unwrap(),
        Step::Answer => finish(&mut answer(None), whole),
        Step::Zeros(count) => finish(&mut answer(None), frame(&vec![0; count])),
        Step::ResetInAnswer => {
            let mut body = answer(None);
            body.send_data(half, false).unwrap();
            body.send_reset(h2::Reason::INTERNAL_ERROR);
        }
        Step::Hang | Step::Cut => return Some((None, request)),
        Step::HangInAnswer => {
            let mut body = answer(None);
            body.send_data(half, false).unwrap();
            return Some((Some(body), request));
        }
        Step::Open => {
            let mut body = answer(None);
            body.send_data(whole, false).unwrap();
            return Some((Some(body), request));
        }
    }
    None
}

fn finish(body: &mut h2::SendStream<Bytes>, data: Bytes) {
    body.send_data(data, false).unwrap();
    body.send_trailers(status_of(Code::Ok)).unwrap();
}

fn status_of(code: Code) -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from(code as i32))])
}

/// A message as gRPC frames it, not compressed.
fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], length.to_be_bytes().as_slice(), message].concat().into()
}

/// Takes connections, and never says a word.
pub(crate) async fn black_hole() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held: Vec<TcpStream> = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    address
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> String {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", unused.local_addr().unwrap())
}
