//! What clients were told while the disk was recorded.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use case_api::pb::{AddCommentRequest, Case, CreateCaseRequest, TransitionCaseRequest};
use recording_vfs::Disk;
use test_support::{Answer, Caller, SeededEntropy, Sent};

/// One command that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) command: Sent,
    pub(crate) case_id: String,
    pub(crate) version: u64,
    pub(crate) position: u64,
    /// The moment of the disk before it was sent.
    pub(crate) sent: usize,
    /// The moment of the disk after its answer had come.
    pub(crate) acknowledged: usize,
}

/// Many clients at once, each working on its own cases; the ledger of all acknowledgements, by position.
pub(crate) async fn work(
    address: SocketAddr,
    disk: &'static Disk,
    (clients, commands): (usize, usize),
    seed: u64,
) -> anyhow::Result<Vec<Entry>> {
    let random = Arc::new(SeededEntropy::new(seed));
    let share = commands.div_ceil(clients);
    let client = |n| tokio::spawn(one_client(address, disk, n, share, Arc::clone(&random)));
    let running: Vec<_> = (0..clients).map(client).collect();
    let mut ledger = Vec::new();
    for client in running {
        ledger.extend(client.await.context("a client panicked")??);
    }
    ledger.sort_by_key(|entry| entry.position);
    Ok(ledger)
}

async fn one_client(
    address: SocketAddr,
    disk: &'static Disk,
    client: usize,
    commands: usize,
    random: Arc<SeededEntropy>,
) -> anyhow::Result<Vec<Entry>> {
    let mut channel = Caller::actor("amira").commands(address);
    let (mut ledger, mut case_id): (Vec<Entry>, _) = (Vec::new(), String::new());
    for n in 0..commands {
        let key = format!("{client}-{n}");
        let command = match n % 3 {
            0 => create(key, random.next()),
            1 => transition(key, &case_id),
            _ => comment(key, &case_id, random.next()),
        };
        let sent = disk.moment();
        let answer = command.send_by(&mut channel).await.context("a command under load")?;
        let acknowledged = disk.moment();
        case_id.clone_from(&answer.case_id);
        let Answer { case_id, version, position, .. } = answer;
        ledger.push(Entry { command, case_id, version, position, sent, acknowledged });
    }
    Ok(ledger)
}

/// Texts of very different lengths, so that pages fill up and split in many ways.
fn text(random: u64, longest: u64) -> String {
    "x".repeat(usize::try_from(1 + random % longest).unwrap_or(1))
}

/// A command that makes a case.
pub(crate) fn create(key: String, random: u64) -> Sent {
    let case = Case { title: text(random, 200), description: text(random >> 8, 3_000), ..Case::default() };
    let request = CreateCaseRequest { case: Some(case), idempotency_key: key, ..CreateCaseRequest::default() };
    Sent::Create(Box::new(request))
}

fn transition(key: String, case_id: &str) -> Sent {
    Sent::Transition(TransitionCaseRequest {
        case_id: case_id.to_owned(),
        to_status: "SUBMITTED".to_owned(),
        idempotency_key: key,
        ..TransitionCaseRequest::default()
    })
}

fn comment(key: String, case_id: &str, random: u64) -> Sent {
    Sent::Comment(AddCommentRequest {
        case_id: case_id.to_owned(),
        body: text(random, 5_000),
        idempotency_key: key,
        ..AddCommentRequest::default()
    })
}
