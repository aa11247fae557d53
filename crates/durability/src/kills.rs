//! `kill -9` of each service, and of all at once, at any moment under load (Q2).

use std::time::Duration;

use anyhow::Context;
use case_api::pb::{Case, UpdateCaseRequest};
use test_support::{
    AUDIT, Acknowledged, COMMAND, Caller, Claim, Load, QUERY, Retries, SeededEntropy, Seen, System, UnderLoad, Verdict,
    judge, views,
};

use crate::apart;
use crate::report::{Report, complain};

/// Who dies: each service alone, and all of them.
const VICTIMS: [(&str, &[&str]); 4] = [
    ("case-command", &[COMMAND]),
    ("case-query", &[QUERY]),
    ("case-audit", &[AUDIT]),
    ("all three at once", &[COMMAND, QUERY, AUDIT]),
];
/// Clients whose commands must have exactly one effect each.
const CLIENTS: u64 = 16;
/// What each waits after an answer: they are to be at it all the time, and leave a history that can be read through.
const PAUSE: Duration = Duration::from_millis(8);
/// Clients of the control: the more commands are on their way, the surer one of them is cut off after its commit.
const CLIENTS_OF_CONTROL: u64 = 64;
/// Kills of case-command in the control.
const KILLS_OF_CONTROL: usize = 20;
/// The longest time between the moment at which a service works again and the next kill.
const APART_MS: u64 = 200;
/// One kill in so many comes while the victims start, and one once they are ready; the others in between.
const MOMENTS: u64 = 4;
/// Acknowledgements that there must be between two kills, so that there is load.
const ADVANCE: usize = 3;
/// How many commands are sent again in the end, under their keys.
const SENT_AGAIN: usize = 5_000;
/// Cases of which it is asked, in the end, whether case-command has them at the version that was told.
const STATES: usize = 1_000;

/// How much is tried.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How often each service is killed, and how often all are at once
    #[arg(long = "kills", default_value_t = 200)]
    pub(crate) kills: usize,
    /// Begins all chance
    #[arg(long, default_value_t = 2_026)]
    pub(crate) seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { kills: 200, seed: 2_026 }
    }
}

/// Kills, compares, and shows that the comparison would notice.
pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let options = options.clone();
    let (safe, naive) = apart::attempt(async move { attempt(&options).await })?;
    safe.tell(report);
    naive.tell(report);
    Ok(())
}

async fn attempt(options: &Options) -> anyhow::Result<(Safe, Naive)> {
    Ok((Safe::try_out(options).await?, Naive::try_out(options.seed).await?))
}

/// What came out where clients retry as they should.
struct Safe {
    kills: [usize; VICTIMS.len()],
    seen: Seen,
    verdict: Verdict,
    sent_again: usize,
    answered_otherwise: usize,
    states: usize,
    other_states: usize,
    /// What the same judge finds lost if the ledger has one command more, which was never sent.
    planted: usize,
}

impl Safe {
    async fn try_out(options: &Options) -> anyhow::Result<Self> {
        let mut system = apart::start(&[]).await?;
        let random = SeededEntropy::new(options.seed);
        let mut running = load(Retries::Safe, CLIENTS, options.seed).start(&system);
        let mut kills = [0; VICTIMS.len()];
        let mut left: Vec<usize> = (0..VICTIMS.len()).flat_map(|who| vec![who; options.kills]).collect();
        while !left.is_empty() {
            let who = left.swap_remove(below(&random, left.len()));
            strike(&mut system, VICTIMS[who].1, &mut running, &random).await;
            kills[who] += 1;
            if left.len().is_multiple_of(100) {
                complain(&format!("{} kills are left", left.len()));
            }
        }
        let observed = finish(&system, running).await;
        let answered_otherwise = sent_again(&system, &observed.acknowledged, &random).await?;
        let (states, other_states) = other_states(&system, &observed.acknowledged).await?;
        let mut claims: Vec<Claim> = observed.acknowledged.iter().map(|sent| sent.claim.clone()).collect();
        let views = views(&system).await.context("reading what has become of the commands")?;
        let verdict = judge(&claims, &views);
        claims.push(Claim { mark: "never sent".to_owned(), case_id: "CASE-001".to_owned(), version: 1_000 });
        let planted = judge(&claims, &views).lost - verdict.lost;
        system.stop().await;
        let sent_again = SENT_AGAIN.min(observed.acknowledged.len());
        Ok(Self { kills, seen: observed, verdict, sent_again, answered_otherwise, states, other_states, planted })
    }

    fn tell(&self, report: &mut Report) {
        for ((name, _), kills) in VICTIMS.iter().zip(self.kills) {
            report.told(&format!("kills of {name} under load"), kills);
        }
        report.told("commands acknowledged meanwhile, each sent until it was", self.seen.acknowledged.len());
        report.must_be_none("lost: not in the history, the read model or the audit log", self.verdict.lost);
        report.must_be_none("doubled in one of them", self.verdict.doubled);
        report.must_be_none("effects that nobody was told of", self.verdict.unclaimed);
        report.must_be_none("versions of cases with a gap or a repeat", self.verdict.disordered);
        report.told("commands sent again under their keys", self.sent_again);
        report.must_be_none("answered otherwise than the first time", self.answered_otherwise);
        report.told("cases whose version case-command was asked for", self.states);
        report.must_be_none("cases at another version than was told", self.other_states);
        report.told("reads of a client's own write meanwhile", self.seen.reads);
        report.must_be_none("reads that were answered without it", self.seen.stale);
        report.control("commands found lost that were claimed and never sent", self.planted);
        self.verdict.examples.iter().for_each(|example| complain(example));
    }
}

/// What came out where clients retry without keys and versions.
struct Naive {
    acknowledged: usize,
    verdict: Verdict,
}

impl Naive {
    async fn try_out(seed: u64) -> anyhow::Result<Self> {
        let mut system = apart::start(&[]).await?;
        let random = SeededEntropy::new(seed);
        let mut running = load(Retries::Naive, CLIENTS_OF_CONTROL, seed).start(&system);
        for _ in 0..KILLS_OF_CONTROL {
            strike(&mut system, &[COMMAND], &mut running, &random).await;
        }
        let claims: Vec<Claim> =
            finish(&system, running).await.acknowledged.into_iter().map(|sent| sent.claim).collect();
        let verdict = judge(&claims, &views(&system).await.context("reading what has become of the commands")?);
        system.stop().await;
        Ok(Self { acknowledged: claims.len(), verdict })
    }

    fn tell(&self, report: &mut Report) {
        report.told("commands of clients without idempotency keys", self.acknowledged);
        report.control(
            &format!("their effects found doubled after {KILLS_OF_CONTROL} kills of case-command"),
            self.verdict.doubled,
        );
    }
}

fn load(retries: Retries, clients: u64, seed: u64) -> Load {
    let pause = if retries == Retries::Safe { PAUSE } else { Duration::from_millis(1) };
    Load { clients, pause, retries, prefix: "kills".to_owned(), seed }
}

fn below(random: &SeededEntropy, end: usize) -> usize {
    usize::try_from(random.next()).unwrap_or_default() % end
}

/// One kill at a moment that chance chooses: while the victims start, once commands are answered again, or once the victims say
/// that they are ready.
async fn strike(system: &mut System, victims: &[&'static str], load: &mut UnderLoad, random: &SeededEntropy) {
    match random.next() % MOMENTS {
        0 => {}
        1 => {
            for victim in victims {
                system.ready(victim).await;
            }
            load.advance(ADVANCE).await;
        }
        2.. => load.advance(ADVANCE).await,
    }
    tokio::time::sleep(Duration::from_millis(random.next() % APART_MS)).await;
    system.kill_together(victims).await;
}

/// Lets the clients finish, and waits until all services are well.
async fn finish(system: &System, load: UnderLoad) -> Seen {
    let seen = load.stop().await;
    for service in [COMMAND, QUERY, AUDIT] {
        system.ready(service).await;
    }
    seen
}

/// Sends commands again under their keys: how many are not answered as they were.
async fn sent_again(system: &System, all: &[Acknowledged], random: &SeededEntropy) -> anyhow::Result<usize> {
    let (mut commands, mut otherwise) = (system.commands(Caller::actor("amira")), 0);
    for _ in 0..SENT_AGAIN.min(all.len()) {
        let Acknowledged { command, claim } = &all[below(random, all.len())];
        let answer = command.send_by(&mut commands).await.context("sending a command again")?;
        let same = answer.replayed && answer.case_id == claim.case_id && answer.version == claim.version;
        if !same {
            otherwise += 1;
            complain(&format!("{claim:?}, sent again, is answered with {answer:?}"));
        }
    }
    Ok(otherwise)
}

/// Asks case-command itself whether cases stand at the version that was told last: how many were asked for, and how many do not.
async fn other_states(system: &System, all: &[Acknowledged]) -> anyhow::Result<(usize, usize)> {
    let mut last = std::collections::BTreeMap::new();
    for Acknowledged { claim, .. } in all {
        let version = last.entry(claim.case_id.as_str()).or_insert(claim.version);
        *version = claim.version.max(*version);
    }
    let (mut commands, mut others) = (system.commands(Caller::actor("amira")), 0);
    let asked = STATES.min(last.len());
    for (case_id, version) in last.into_iter().take(STATES) {
        let request = UpdateCaseRequest {
            case: Some(Case { case_id: case_id.to_owned(), title: "as it is".to_owned(), ..Case::default() }),
            update_mask: "title".to_owned(),
            expected_version: version,
            validate_only: true,
            ..UpdateCaseRequest::default()
        };
        if let Err(status) = commands.update_case(request).await {
            others += 1;
            complain(&format!("{case_id} is not at version {version}: {status}"));
        }
    }
    Ok((asked, others))
}
