//! Clients that go on whatever becomes of the services: each command is sent until it is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::{AddCommentRequest, Case, Consistency, CreateCaseRequest, GetCaseRequest, TransitionCaseRequest};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Answer, COMMAND, Caller, CallerChannel, Claim, QUERY, SeededEntropy, Sent, System, eventually, is_transient,
};

/// How long a client waits before it asks a service again that is not there.
const RETRY: Duration = Duration::from_millis(5);
/// Changes of a case before the next one is made.
const CHANGES: usize = 12;
/// One in so many acknowledgements is read back at once.
const READS: u64 = 4;
/// Where a case goes: to and fro in the end.
const WAY: [&str; CHANGES] = [
    "SUBMITTED",
    "IN_REVIEW",
    "WAITING",
    "IN_REVIEW",
    "WAITING",
    "IN_REVIEW",
    "WAITING",
    "IN_REVIEW",
    "WAITING",
    "IN_REVIEW",
    "WAITING",
    "IN_REVIEW",
];

/// How clients send their commands again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// Under an idempotency key and with the version that they expect: safe.
    Safe,
    /// Without either, as somebody who has not thought of it.
    Naive,
}

/// How much load, and of which kind.
#[derive(Debug, Clone)]
pub struct Load {
    /// Clients, each with cases of its own.
    pub clients: u64,
    /// What each waits after an answer.
    pub pause: Duration,
    /// How they send again.
    pub retries: Retries,
    /// What all marks and keys begin with.
    pub prefix: String,
    /// Begins all chance.
    pub seed: u64,
}

/// A command that was acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// What was sent.
    pub command: Sent,
    /// What the client was told.
    pub claim: Claim,
}

/// What the clients have seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Each acknowledgement.
    pub acknowledged: Vec<Acknowledged>,
    /// Reads that asked for the client's own write.
    pub reads: usize,
    /// Those that were answered without it.
    pub stale: usize,
}

/// Clients at work.
#[derive(Debug)]
pub struct UnderLoad {
    /// How many commands have been acknowledged.
    pub progress: watch::Receiver<usize>,
    end: CancellationToken,
    clients: Vec<JoinHandle<Seen>>,
}

impl Load {
    /// Lets the clients begin.
    pub fn start(&self, system: &System) -> UnderLoad {
        let (answered, progress) = watch::channel(0);
        let (answered, end) = (Arc::new(answered), CancellationToken::new());
        let client = |number| {
            let client = Client {
                number,
                load: self.clone(),
                random: SeededEntropy::new(self.seed.wrapping_add(number)),
                command: system.address(COMMAND),
                query: system.address(QUERY),
                answered: Arc::clone(&answered),
                end: end.clone(),
            };
            tokio::spawn(client.work())
        };
        UnderLoad { progress, clients: (0..self.clients).map(client).collect(), end }
    }
}

impl UnderLoad {
    /// Waits for so many more acknowledgements: there is load, then.
    pub async fn advance(&mut self, by: usize) {
        let wanted = *self.progress.borrow() + by;
        let reached = eventually("clients to be answered", self.progress.wait_for(|seen| *seen >= wanted)).await;
        reached.expect("the clients go on");
    }

    /// Lets each client finish its command, and ends.
    pub async fn stop(self) -> Seen {
        self.end.cancel();
        let mut seen = Seen::default();
        for client in self.clients {
            let Seen { acknowledged, reads, stale } = client.await.expect("a client is answered or refused for a time");
            seen.acknowledged.extend(acknowledged);
            seen.reads += reads;
            seen.stale += stale;
        }
        seen
    }
}

struct Client {
    number: u64,
    load: Load,
    random: SeededEntropy,
    command: SocketAddr,
    query: SocketAddr,
    answered: Arc<watch::Sender<usize>>,
    end: CancellationToken,
}

impl Client {
    async fn work(self) -> Seen {
        let mut commands = Caller::actor("amira").commands(self.command);
        let mut queries = Caller::actor("amira").queries(self.query);
        let (mut seen, mut at) = (Seen::default(), Place::default());
        for n in 0_usize.. {
            if self.end.is_cancelled() {
                break;
            }
            if n.is_multiple_of(CHANGES) {
                at = Place::default();
            }
            let mark = format!("{}-{}-{n}", self.load.prefix, self.number);
            let command = self.next(&mark, &mut at);
            let answer = until_answered(&command, &mut commands).await;
            let token = self.note(&mut seen, (command, mark), answer, &mut at);
            if self.random.next().is_multiple_of(READS) {
                let request = GetCaseRequest { case_id: at.case_id.clone(), consistency: Some(token) };
                // A service that is away answers nothing, which is no wrong answer.
                if let Ok(read) = queries.get_case(request).await {
                    seen.reads += 1;
                    seen.stale += usize::from(read.into_inner().case.is_none_or(|case| case.version < at.version));
                }
            }
            tokio::time::sleep(self.load.pause).await;
        }
        seen
    }

    /// Keeps an acknowledgement; the token of what was written.
    fn note(&self, seen: &mut Seen, (command, mark): (Sent, String), answer: Answer, at: &mut Place) -> Consistency {
        self.answered.send_modify(|count| *count += 1);
        let Answer { case_id, version, token, .. } = answer;
        (at.case_id, at.version) = (case_id.clone(), version);
        seen.acknowledged.push(Acknowledged { command, claim: Claim { mark, case_id, version } });
        Consistency { at_least_as_fresh: vec![token] }
    }

    /// A case first, then moves and words in turns.
    fn next(&self, mark: &str, at: &mut Place) -> Sent {
        let (reason, safe) = (mark.to_owned(), self.load.retries == Retries::Safe);
        let idempotency_key = if safe { mark.to_owned() } else { String::new() };
        let (case_id, expected_version) = (at.case_id.clone(), if safe { at.version } else { 0 });
        if case_id.is_empty() {
            let case = Case { title: format!("the case of {mark}"), ..Case::default() };
            let request =
                CreateCaseRequest { case: Some(case), reason, idempotency_key, ..CreateCaseRequest::default() };
            return Sent::Create(Box::new(request));
        }
        // Who is naive cannot move a case twice: the second time it is there already.
        if safe && self.random.next().is_multiple_of(2) {
            let to_status = WAY[at.steps].to_owned();
            at.steps += 1;
            let request = TransitionCaseRequest {
                case_id,
                to_status,
                reason,
                idempotency_key,
                expected_version,
                ..TransitionCaseRequest::default()
            };
            return Sent::Transition(request);
        }
        let body = "x".repeat(usize::try_from(self.random.next() % 500).unwrap_or_default() + 1);
        let request = AddCommentRequest {
            case_id,
            body,
            reason,
            idempotency_key,
            expected_version,
            ..AddCommentRequest::default()
        };
        Sent::Comment(request)
    }
}

/// Where a client is with its present case.
#[derive(Debug, Default)]
struct Place {
    case_id: String,
    version: u64,
    steps: usize,
}

/// Sends a command again and again until it is answered. Only what may be transient is sent again.
async fn until_answered(command: &Sent, commands: &mut CaseCommandServiceClient<CallerChannel>) -> Answer {
    eventually("an acknowledgement", async {
        loop {
            match command.send_by(commands).await {
                Ok(answer) => return answer,
                Err(status) => assert!(is_transient(&status), "{status:?}"),
            }
            tokio::time::sleep(RETRY).await;
        }
    })
    .await
}
