//! `GetCase` with answers that are encoded already: beside the generated service, in front of it.
//!
//! The generated service encodes a message for every answer. This one puts the kept bytes of the case and the position into
//! one buffer of the right size. Every other method goes to the generated service.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes};
use case_api::pb::case_query_service_server::CaseQueryServiceServer;
use case_api::pb::{GetCaseRequest, GetCaseResponse};
use prost::{DecodeError, Message as _};
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{self, BoxFuture, Service, StdError, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::grpc::QueryHandler;

const GET_CASE: &str = "/casetracker.v1.CaseQueryService/GetCase";
/// A case with what people write about it fits; a longer one grows. tonic's own 8 KiB for every answer cost more than the
/// answer.
const BUFFER_BYTES: usize = 1_024;
/// Where a stream of messages is cut into pieces. There is one message.
const YIELD_BYTES: usize = 32 * 1_024;

/// A `GetCaseResponse` in two encoded parts. Protocol buffers are made so that one behind the other is the whole message.
#[derive(Debug)]
pub(crate) struct EncodedCase {
    /// All but `as_of`.
    pub(crate) case: Bytes,
    /// What the answer is as of.
    pub(crate) as_of: String,
}

impl EncodedCase {
    /// The message.
    pub(crate) fn decode(self) -> Result<GetCaseResponse, DecodeError> {
        let shown = GetCaseResponse::decode(self.case)?;
        Ok(GetCaseResponse { as_of: self.as_of, ..shown })
    }
}

/// The query service: the generated one, with a shorter way for `GetCase`.
pub(crate) struct QueryService {
    handler: Arc<QueryHandler>,
    others: CaseQueryServiceServer<QueryHandler>,
    message_bytes_max: usize,
}

impl QueryService {
    /// Serves a handler; no message is larger than that.
    pub(crate) fn new(handler: QueryHandler, message_bytes_max: usize) -> Self {
        let handler = Arc::new(handler);
        let others = CaseQueryServiceServer::from_arc(Arc::clone(&handler))
            .max_decoding_message_size(message_bytes_max)
            .max_encoding_message_size(message_bytes_max);
        Self { handler, others, message_bytes_max }
    }
}

impl Clone for QueryService {
    fn clone(&self) -> Self {
        Self { handler: Arc::clone(&self.handler), others: self.others.clone(), ..*self }
    }
}

impl NamedService for QueryService {
    const NAME: &'static str = <CaseQueryServiceServer<QueryHandler> as NamedService>::NAME;
}

impl<B> Service<http::Request<B>> for QueryService
where
    B: codegen::Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if request.uri().path() != GET_CASE {
            return self.others.call(request);
        }
        let (handler, bytes_max) = (Arc::clone(&self.handler), Some(self.message_bytes_max));
        Box::pin(async move {
            let mut grpc = Grpc::new(CaseCodec).apply_max_message_size_config(bytes_max, bytes_max);
            Ok(grpc.unary(GetCase { handler }, request).await)
        })
    }
}

struct GetCase {
    handler: Arc<QueryHandler>,
}

impl UnaryService<GetCaseRequest> for GetCase {
    type Response = EncodedCase;
    type Future = BoxFuture<Response<EncodedCase>, Status>;

    fn call(&mut self, request: Request<GetCaseRequest>) -> Self::Future {
        let handler = Arc::clone(&self.handler);
        Box::pin(async move { handler.get_encoded(request).await })
    }
}

struct CaseCodec;

impl Codec for CaseCodec {
    type Encode = EncodedCase;
    type Decode = GetCaseRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
}

impl Encoder for CaseCodec {
    type Item = EncodedCase;
    type Error = Status;

    fn encode(&mut self, EncodedCase { case, as_of }: EncodedCase, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let as_of = GetCaseResponse { case: None, as_of }.encode_to_vec();
        buffer.reserve(case.len() + as_of.len());
        buffer.put_slice(&case);
        buffer.put_slice(&as_of);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

impl Decoder for CaseCodec {
    type Item = GetCaseRequest;
    type Error = Status;

    /// As every other method does.
    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<GetCaseRequest>, Status> {
        ProstCodec::<GetCaseResponse, GetCaseRequest>::raw_decoder(buffers()).decode(source)
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}
