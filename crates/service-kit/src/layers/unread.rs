//! What is still to come of a request that was refused.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use http_body::Body as _;
use tonic::body::Body;
use tonic::codegen::Bytes;

/// How long the rest is waited for: longer than any pause in which its connection is not read.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much of it is read, in bytes. Who sends more has its stream reset.
const BYTES_MAX: usize = 64 * 1_024;

/// Reads the rest of a request aside, while its caller is answered already. Dropping it instead is not free: h2 counts what
/// comes afterwards against the whole connection, never forgets it, and after some 2,500 small messages ends the connection
/// with every call on it (`too_many_data_frames`).
pub(super) fn let_end(mut body: Body) {
    if body.is_end_stream() {
        return;
    }
    let rest = async move {
        let mut seen = 0;
        while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > BYTES_MAX {
                break;
            }
        }
    };
    drop(tokio::spawn(tokio::time::timeout(PATIENCE, rest)));
}
