//! Calls through the real port with bytes of the test's choice.

use case_api::DESCRIPTORS;
use prost::bytes::{Buf, BufMut, Bytes};
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};
use test_support::{Caller, CallerChannel, Refusal, eventually};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use crate::system::{AUDIT, COMMAND, QUERY, System};

/// Clients of other kinds give up over a larger header block, and take the connection with them.
const REFUSAL_BYTES_MAX: usize = 8 * 1_024;

/// How large a status is on the wire: its message with escapes, its details in base64, and the rest of the metadata.
fn header_bytes(status: &Status) -> usize {
    let message: usize = status.message().bytes().map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 }).sum();
    let metadata = status.metadata().clone().into_headers();
    let metadata: usize = metadata.iter().map(|(key, value)| key.as_str().len() + value.len() + 32).sum();
    message + status.details().len().div_ceil(3) * 4 + metadata
}

/// Passes messages through as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// A running system, and how often it was called.
pub(super) struct Port {
    pub(super) system: System,
    pub(super) pool: DescriptorPool,
    clients: [(&'static str, Grpc<CallerChannel>); 4],
    pub(super) calls: usize,
}

impl Port {
    pub(super) async fn open() -> Self {
        let system = System::all_in_one(&[]).await;
        let client = |server: &str| Grpc::new(Caller::actor("amira").channel(system.address(server)));
        let clients = [
            ("casetracker.v1.CaseCommandService", client(COMMAND)),
            ("casetracker.v1.CaseQueryService", client(QUERY)),
            ("casetracker.v1.AuditService", client(AUDIT)),
            ("casetracker.admin.v1.DiagnosticsService", client(COMMAND)),
        ];
        Self { pool: DescriptorPool::decode(DESCRIPTORS).unwrap(), system, clients, calls: 0 }
    }

    /// Every method with one request and one answer.
    pub(super) fn methods(&self) -> Vec<MethodDescriptor> {
        self.pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
    }

    /// The request message of a method.
    pub(super) fn input(&self, method: &str) -> MessageDescriptor {
        self.methods().into_iter().find(|known| known.name() == method).unwrap().input()
    }

    /// Calls a method of ours by its short name with the bytes of a request.
    pub(super) async fn call(&mut self, method: &str, request: Vec<u8>) -> Result<Bytes, Status> {
        let known = self.methods().into_iter().find(|known| known.name() == method).unwrap();
        self.call_of(known.parent_service().full_name(), method, Request::new(request.into())).await
    }

    /// Calls any method. What is refused must be refused in the words of the contract, and never as a bug.
    pub(super) async fn call_of(
        &mut self,
        service: &str,
        method: &str,
        request: Request<Bytes>,
    ) -> Result<Bytes, Status> {
        self.calls += 1;
        let (_, client) = self.clients.iter_mut().find(|(name, _)| *name == service).unwrap();
        let path: PathAndQuery = format!("/{service}/{method}").parse().unwrap();
        eventually(method, client.ready()).await.unwrap();
        let answer = eventually(method, client.unary(request, path, Raw)).await;
        if let Err(status) = &answer {
            let refusal = Refusal::of(status);
            let bytes = header_bytes(status);
            assert!(bytes <= REFUSAL_BYTES_MAX, "{method}: a refusal of {bytes} bytes: {}", status.message());
            assert!(!matches!(refusal.code, Code::Internal | Code::Unknown), "{method}: {status:?}");
        }
        answer.map(tonic::Response::into_inner)
    }
}
