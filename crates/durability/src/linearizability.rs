//! Clients that change the same cases at once, with expected versions and shared keys, while the service is killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use case_api::pb::{Case, UpdateCaseRequest};
use test_support::{Caller, PATIENCE, Refusal, SeededEntropy, is_transient};
use todc_utils::Action;
use tokio::sync::watch;
use tonic::Status;

use crate::faults::Server;
use crate::ledger::create;
use crate::one_case::{Answered, Change, Seen, is_linearizable};
use crate::report::Report;

/// Clients of one case.
const CLIENTS: usize = 6;
/// Commands of each client.
const COMMANDS: usize = 25;
/// How long a client waits before it asks a service again that is not there.
const RETRY: Duration = Duration::from_millis(5);

/// How much is tried.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How many cases, each with six clients of its own
    #[arg(long, default_value_t = 40)]
    cases: usize,
    /// How often the service is killed meanwhile
    #[arg(long, default_value_t = 8)]
    kills: usize,
    /// Begins all chance
    #[arg(long, default_value_t = 2_026)]
    seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { cases: 40, kills: 8, seed: 2_026 }
    }
}

/// Somebody who changes a case, and what it says.
trait Target: Clone + Send + 'static {
    fn change(&self, case: usize, change: &Change) -> impl Future<Output = anyhow::Result<Answered>> + Send;
}

/// Runs the clients against the service, and against one that forgets, which must be noticed.
pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    runtime.block_on(async {
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let histories = with_kills(folder.path(), options).await?;
        report.told("cases that six clients change at once", histories.len());
        report.told(
            "commands on them, each sent until it was answered",
            histories.iter().map(Vec::len).sum::<usize>() / 2,
        );
        report.told("kills of the service meanwhile", options.kills);
        report.must_be_none("histories that no order of the commands explains", wrong(histories));
        let forgetful = histories_of(&Forgetful::new(options.cases), options, watch::channel(0).0).await?;
        report.control("histories of a service that checks versions outside of the transaction", wrong(forgetful));
        Ok(())
    })
}

fn wrong(histories: Vec<Vec<Seen>>) -> usize {
    histories.into_iter().filter(|history| !is_linearizable(history.clone())).count()
}

async fn with_kills(folder: &Path, options: &Options) -> anyhow::Result<Vec<Vec<Seen>>> {
    let mut server = Server::start(folder).await?;
    let mut ids = Vec::new();
    for n in 0..options.cases {
        ids.push(create(format!("case-{n}"), 1).send(server.address).await.context("making a case")?.case_id);
    }
    let (address, at) = watch::channel(server.address);
    let target = Served { ids: Arc::new(ids), at };
    let (answered, mut progress) = watch::channel(0);
    let wanted = options.clone();
    let clients = tokio::spawn(async move { histories_of(&target, &wanted, answered).await });
    for kill in 1..=options.kills {
        let share = options.cases * CLIENTS * COMMANDS / (options.kills + 1);
        // The clients are all done where there is nobody left to answer to: an early end is told below.
        let _ = tokio::time::timeout(PATIENCE, progress.wait_for(|seen| *seen >= kill * share)).await;
        server.kill().await?;
        server = Server::start(folder).await?;
        address.send_replace(server.address);
    }
    let histories = tokio::time::timeout(4 * PATIENCE, clients).await.context("the clients do not end")???;
    server.end().await?;
    Ok(histories)
}

/// What clients see who change each case at once.
async fn histories_of<T: Target>(
    target: &T,
    options: &Options,
    answered: watch::Sender<usize>,
) -> anyhow::Result<Vec<Vec<Seen>>> {
    let answered = Arc::new(answered);
    let random = Arc::new(SeededEntropy::new(options.seed));
    let all: Vec<Arc<Mutex<Vec<Seen>>>> = (0..options.cases).map(|_| Arc::default()).collect();
    let mut clients = Vec::new();
    for (case, seen) in all.iter().enumerate() {
        let known = Arc::new(AtomicU64::new(1));
        for number in 0..CLIENTS {
            let client = Client {
                target: target.clone(),
                case,
                number,
                seen: Arc::clone(seen),
                known: Arc::clone(&known),
                random: Arc::clone(&random),
                answered: Arc::clone(&answered),
            };
            clients.push(tokio::spawn(client.work()));
        }
    }
    for client in clients {
        client.await.context("a client panicked")??;
    }
    let taken = |seen: Arc<Mutex<Vec<Seen>>>| std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(all.into_iter().map(taken).collect())
}

/// Somebody who works on one case among others.
struct Client<T> {
    target: T,
    case: usize,
    number: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// The version that somebody was last told.
    known: Arc<AtomicU64>,
    random: Arc<SeededEntropy>,
    answered: Arc<watch::Sender<usize>>,
}

impl<T: Target> Client<T> {
    async fn work(self) -> anyhow::Result<()> {
        for n in 0..COMMANDS {
            let change = self.next(n)?;
            self.note(Action::Call(change.clone()));
            let answer = self.target.change(self.case, &change).await?;
            self.note(Action::Response(Change { answer: Some(answer), ..change }));
            self.answered.send_modify(|count| *count += 1);
            match answer {
                Answered::Accepted { version, .. } | Answered::VersionMismatch { current: version } => {
                    self.known.store(version, Ordering::SeqCst);
                }
                Answered::KeyReused => {}
            }
        }
        Ok(())
    }

    /// One in four keys is somebody else's, too; most expectations are what somebody has just been told.
    fn next(&self, n: usize) -> anyhow::Result<Change> {
        let key = if self.random.next().is_multiple_of(4) { n } else { (self.number + 1) * 1_000 + n };
        let any = self.random.next().is_multiple_of(3);
        let expected_version = if any { 0 } else { self.known.load(Ordering::SeqCst) };
        Ok(Change { expected_version, key: u64::try_from(key)?, answer: None })
    }

    fn note(&self, action: Action<Change>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push((self.number, action));
    }
}

/// The real service, wherever it is now.
#[derive(Clone)]
struct Served {
    ids: Arc<Vec<String>>,
    at: watch::Receiver<SocketAddr>,
}

impl Target for Served {
    /// Sends the command under its key until it is answered: a service that was killed may have carried it out.
    async fn change(&self, case: usize, change: &Change) -> anyhow::Result<Answered> {
        let request = UpdateCaseRequest {
            // Another title for each key: a change in any case.
            case: Some(Case { case_id: self.ids[case].clone(), title: format!("{}", change.key), ..Case::default() }),
            update_mask: "title".to_owned(),
            expected_version: change.expected_version,
            idempotency_key: format!("{case}-{}", change.key),
            ..UpdateCaseRequest::default()
        };
        let mut sent_before = false;
        let trying = async {
            loop {
                let address = *self.at.borrow();
                match Caller::actor("amira").commands(address).update_case(request.clone()).await {
                    Ok(answer) => {
                        let answer = answer.into_inner();
                        let version = answer.case.map_or(0, |case| case.version);
                        return Ok(Answered::Accepted { version, replayed: (!sent_before).then_some(answer.replayed) });
                    }
                    Err(status) => match refusal(&status) {
                        Some(answer) => return Ok(answer),
                        None if is_transient(&status) => sent_before = true,
                        None => return Err(anyhow!("{status}")),
                    },
                }
                tokio::time::sleep(RETRY).await;
            }
        };
        tokio::time::timeout(PATIENCE, trying).await.context("a command is never answered")?
    }
}

/// What a refusal tells about the case; none if it tells about the service.
fn refusal(status: &Status) -> Option<Answered> {
    let refusal = Refusal::if_ours(status)?;
    match refusal.reason.as_str() {
        "CASE_VERSION_MISMATCH" => {
            Some(Answered::VersionMismatch { current: refusal.metadata.get("current")?.parse().ok()? })
        }
        "IDEMPOTENCY_KEY_REUSED" => Some(Answered::KeyReused),
        _ => None,
    }
}

/// A service with a bug that is easily made: it compares the version, and writes a moment later.
#[derive(Clone)]
struct Forgetful {
    cases: Arc<Vec<Mutex<Stored>>>,
}

#[derive(Default)]
struct Stored {
    changes: u64,
    keys: BTreeMap<u64, (u64, u64)>,
}

impl Forgetful {
    fn new(cases: usize) -> Self {
        Self { cases: Arc::new((0..cases).map(|_| Mutex::default()).collect()) }
    }

    fn case(&self, case: usize) -> MutexGuard<'_, Stored> {
        self.cases[case].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is answered without a change; none if there is to be one, from the version that is given.
    fn look(&self, case: usize, change: &Change) -> Result<Answered, u64> {
        let stored = self.case(case);
        let version = stored.changes + 1;
        match stored.keys.get(&change.key) {
            Some((expected, version)) if *expected == change.expected_version => {
                Ok(Answered::Accepted { version: *version, replayed: Some(true) })
            }
            Some(_) => Ok(Answered::KeyReused),
            None if change.expected_version != 0 && change.expected_version != version => {
                Ok(Answered::VersionMismatch { current: version })
            }
            None => Err(version),
        }
    }
}

impl Target for Forgetful {
    async fn change(&self, case: usize, change: &Change) -> anyhow::Result<Answered> {
        let before = match self.look(case, change) {
            Ok(answer) => return Ok(answer),
            Err(version) => version,
        };
        // Here somebody else may come between.
        tokio::task::yield_now().await;
        let mut stored = self.case(case);
        stored.changes = before;
        stored.keys.insert(change.key, (change.expected_version, before + 1));
        Ok(Answered::Accepted { version: before + 1, replayed: Some(false) })
    }
}
