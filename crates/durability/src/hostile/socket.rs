//! One input as bytes on a connection of its own: no HTTP/2, or not quite.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::chance::Chance;
use super::wire::low_byte;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const OTHERS: [&[u8]; 5] = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /casetracker.v1.CaseCommandService/CreateCase HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r",
    b"SSH-2.0-OpenSSH_9.9\r\n",
];
/// The frame types of HTTP/2, and some that there are not.
const FRAME_TYPES: usize = 14;
/// A SETTINGS frame without settings.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// What became of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The server has closed it.
    Closed,
    /// It was not there to begin with.
    Refused,
    /// It is open, though nothing more will come.
    Open,
}

/// Says it, says no more, and waits for the end.
pub(super) async fn speak(server: SocketAddr, chance: &Chance, patience: Duration) -> Ended {
    let bytes = nonsense(chance);
    let speaking = async {
        let Ok(mut connection) = TcpStream::connect(server).await else { return Ended::Refused };
        // A server that has heard enough closes in the middle of it.
        let _ = connection.write_all(&bytes).await;
        let _ = connection.shutdown().await;
        let mut answer = [0; 4_096];
        while matches!(connection.read(&mut answer).await, Ok(1..)) {}
        Ended::Closed
    };
    tokio::time::timeout(patience, speaking).await.unwrap_or(Ended::Open)
}

fn nonsense(chance: &Chance) -> Vec<u8> {
    match chance.below(6) {
        0 => chance.bytes(chance.below(2_000)),
        1 => chance.pick(&OTHERS).to_vec(),
        2 => PREFACE[..chance.below(PREFACE.len())].to_vec(),
        3 => [PREFACE, &chance.bytes(chance.below(500))].concat(),
        _ => frames(chance),
    }
}

/// A right beginning, and frames that are right in form only.
fn frames(chance: &Chance) -> Vec<u8> {
    let mut out = [PREFACE, &SETTINGS].concat();
    for _ in 0..=chance.below(30) {
        let payload = chance.bytes(chance.below(60));
        let mut length = u32::try_from(payload.len()).unwrap_or_default();
        if chance.one_in(10) {
            length = *chance.pick(&[0, 1, 16_384, 16_385, 0x00ff_ffff]);
        }
        let stream = *chance.pick(&[0_u32, 1, 2, 3, 5, 0x7fff_ffff, u32::MAX]);
        out.extend_from_slice(&length.to_be_bytes()[1..]);
        out.push(u8::try_from(chance.below(FRAME_TYPES)).unwrap_or_default());
        out.push(low_byte(chance.any()));
        out.extend_from_slice(&stream.to_be_bytes());
        out.extend_from_slice(&payload);
    }
    out
}
