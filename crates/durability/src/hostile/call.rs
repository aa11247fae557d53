//! One input as a call: the message in its frame, and the metadata around it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

use super::chance::Chance;
use super::drive::Target;
use super::mutate::mutate;
use super::schema::{self, Schema};
use super::seeds;
use super::wire::low_byte;

/// A message in its gRPC frame: a flag and a length go before it.
const FRAME_HEADER_BYTES: usize = 5;
/// Beyond what all metadata of a call may have together, 16 KiB.
const LONG_VALUE_MAX: usize = 20_000;
/// One call in so many is of a method that the server only knows of.
const ELSEWHERE: u64 = 50;
/// Metadata that the services read, and that somebody else may write.
const METADATA: [&str; 14] = [
    "traceparent",
    "tracestate",
    "baggage",
    "grpc-timeout",
    "authorization",
    "x-actor-id",
    "x-request-id",
    "content-type",
    "grpc-encoding",
    "grpc-accept-encoding",
    "user-agent",
    "some-bin",
    "grpc-status",
    "grpc-message",
];
/// Values of which each is wrong somewhere, and right nowhere or almost nowhere.
const VALUES: [&[u8]; 30] = [
    b"",
    b" ",
    b"0",
    b"-1",
    b"1n",
    b"20u",
    b"99999999H",
    b"999999999H",
    b"1",
    b"S",
    b"1.5S",
    b"\xff\xfe",
    b"caf\xc3\xa9",
    b"Bearer ",
    b"Bearer a.b.c",
    b"Bearer eyJhbGciOiJub25lIn0.e30.",
    b"Basic YTpi",
    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"00-00000000000000000000000000000000-0000000000000000-00",
    b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-zz",
    b"00-0af7",
    b"gzip",
    b"identity,gzip,zstd",
    b"application/grpc+json",
    b"application/grpc-web",
    b"text/html",
    b"****",
    b"a=b;c=d,,,=",
    b"'; drop table cases; --",
];

/// A call that is ready to be sent.
pub(super) struct Call {
    pub(super) request: Request<Full<Bytes>>,
    /// Where it goes; a nonsense if that is what was wrong with it.
    pub(super) path: String,
    /// Whether it may be answered for ever.
    pub(super) is_stream: bool,
    /// What the server was told to call it.
    pub(super) request_id: String,
}

/// The call that one number stands for.
pub(super) fn call(target: &Target, number: u64, chance: &Chance) -> Call {
    let Schema { methods, elsewhere, .. } = &target.schema;
    let method = chance.pick(if chance.one_in(ELSEWHERE) && !elsewhere.is_empty() { elsewhere } else { methods });
    let seed = || seeds::message(&target.schema, &target.known, &method.input, chance);
    let other = || {
        let other = chance.pick(&target.schema.methods);
        seeds::message(&target.schema, &target.known, &other.input, chance)
    };
    let body = framed(&mutate(seed(), other, chance), chance);
    let path = if chance.one_in(100) { wrong_path(&method.path, chance) } else { method.path.clone() };
    let request_id = format!("{}-{number}", target.run);
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = if chance.one_in(300) { Method::GET } else { Method::POST };
    *request.uri_mut() = uri(target.address, &path);
    *request.headers_mut() = metadata(&request_id, chance);
    Call { request, path, is_stream: method.is_stream, request_id }
}

/// A call with an empty message, which is right in form.
pub(super) fn empty(server: SocketAddr, method: &schema::Method) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from_static(&[0; FRAME_HEADER_BYTES])));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri(server, &method.path);
    // A request id that is none of any run, so that it cannot be mistaken for one; and nothing is accepted that is empty.
    *request.headers_mut() = plain_metadata("probe");
    request
}

fn uri(server: SocketAddr, path: &str) -> Uri {
    let parsed = format!("http://{server}{path}").parse();
    // What cannot be asked for is asked for as nothing.
    parsed.or_else(|_| format!("http://{server}/").parse()).unwrap_or_default()
}

fn framed(message: &[u8], chance: &Chance) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(message.len() + FRAME_HEADER_BYTES);
    let (flag, said) = match chance.below(100) {
        // The flag of compression, without any.
        0 => (1, length),
        1 => (low_byte(chance.any()), length),
        // A length that is not that of the message.
        2 => (0, length.wrapping_sub(1)),
        3 => (0, length.wrapping_add(1)),
        4 => (0, *chance.pick(&[u32::MAX, 1 << 31, 4_194_305, 4_194_304, 65_536])),
        _ => (0, length),
    };
    frame.push(flag);
    frame.extend_from_slice(&said.to_be_bytes());
    frame.extend_from_slice(message);
    match chance.below(100) {
        // No frame, or not all of one.
        0 => frame.truncate(chance.below(FRAME_HEADER_BYTES + 1)),
        // Another message where only one belongs.
        1 => frame.extend_from_slice(&frame.clone()),
        2 => frame.extend_from_slice(&chance.bytes(chance.below(40))),
        _ => {}
    }
    frame
}

fn wrong_path(path: &str, chance: &Chance) -> String {
    match chance.below(5) {
        0 => "/".to_owned(),
        1 => format!("{path}x"),
        2 => path.to_lowercase(),
        3 => format!("/{}", "a".repeat(chance.below(9_000))),
        _ => format!("/{:x}/%00%ff/{:x}", chance.any(), chance.any()),
    }
}

fn plain_metadata(request_id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    put("te", b"trailers");
    put("content-type", b"application/grpc");
    put("x-actor-id", b"amira");
    put("x-request-id", request_id.as_bytes());
    headers
}

fn metadata(request_id: &str, chance: &Chance) -> HeaderMap {
    let mut headers = plain_metadata(request_id);
    if !chance.one_in(8) {
        return headers;
    }
    for place in 0..=chance.below(3) {
        let name = *chance.pick(&METADATA);
        let value = match chance.below(8) {
            0 => chance.bytes(chance.below(60)),
            // Only one of them: a call with far too much costs its whole connection, with the calls of others on it.
            1 if place == 0 => vec![b'a'; chance.below(LONG_VALUE_MAX)],
            _ => chance.pick(&VALUES).to_vec(),
        };
        let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
        match chance.below(4) {
            0 => drop(headers.remove(name)),
            // Twice, and the second one may be another.
            1 => drop(headers.append(name, value)),
            _ => drop(headers.insert(name, value)),
        }
    }
    headers
}
