//! Malformed input through the real ports of the running programs (Q3).

mod account;
mod aftermath;
mod call;
mod chance;
mod drive;
mod mutate;
mod schema;
mod seeds;
mod socket;
mod stub;
mod surroundings;
mod tally;
mod wire;

use std::time::Duration;

use anyhow::{Context, anyhow};
pub(crate) use stub::serve as serve_stub;
use test_support::{AUDIT, COMMAND, PATIENCE, QUERY, System, history};

use crate::apart;
use crate::hostile::account::Account;
use crate::hostile::aftermath::Aftermath;
use crate::hostile::drive::{Drive, Target};
use crate::hostile::tally::Findings;
use crate::report::{Report, complain};

/// Inputs to the stub that must be found out.
const INPUTS_OF_CONTROL: u64 = 4_000;
/// How long the stub may take: it answers at once, or never.
const PATIENCE_OF_CONTROL: Duration = Duration::from_secs(3);
/// Reads that ask for what is not there yet wait for it; here they need not wait for long.
const FRESHNESS_WAIT: (&str, &str) = ("CASE_TRACKER__QUERY__FRESHNESS_WAIT", "20ms");

/// How much is tried.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How many inputs
    #[arg(long = "inputs", default_value_t = 1_000_000)]
    pub(crate) inputs: u64,
    /// Begins all chance
    #[arg(long, default_value_t = 2_026)]
    pub(crate) seed: u64,
    /// Sends only the input of this number, as one of those that were complained of
    #[arg(long)]
    pub(crate) only: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { inputs: 1_000_000, seed: 2_026, only: None }
    }
}

/// Sends the inputs, looks at what they have left behind, and shows that faults would be noticed.
pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let options = options.clone();
    apart::attempt(async move { attempt(&options).await })?.tell(report);
    Ok(())
}

/// What came out.
struct Outcome {
    methods: usize,
    services: Findings,
    accepted: usize,
    events: usize,
    account: Account,
    aftermath: Aftermath,
    stub: Findings,
}

async fn attempt(options: &Options) -> anyhow::Result<Outcome> {
    let mut system = apart::start(&[FRESHNESS_WAIT]).await?;
    let known = surroundings::fill(&system).await?;
    let mut before = ids(&system).await?;
    let mut targets = Vec::new();
    for service in [COMMAND, QUERY, AUDIT] {
        targets.push(surroundings::target(system.address(service), &known).await?);
    }
    let methods = targets.iter().map(|target| target.schema.methods.len()).sum();
    let schema = targets[0].schema.clone();
    let numbers = options.only.map_or(0..options.inputs, |number| number..number + 1);
    let drive = Drive { numbers, seed: options.seed, patience: PATIENCE };
    let mut tally = drive.clone().run(targets).await?;
    before.append(&mut tally.unsure);
    let services = Findings { panicked: panics(&system.lines()), ended: system.ended(), tally };
    // A process that has ended has nothing more to say.
    if let Some(ended) = services.ended.first() {
        services.tally.examples().for_each(|example| complain(&example));
        return Err(anyhow!("{ended}; {} panics", services.panicked));
    }
    let events = history(system.address(COMMAND)).await.context("reading the history")?;
    let account = account::account(&events, &services.tally.told, &before);
    let aftermath = Aftermath::of(&mut system, events.len()).await?;
    let control = Drive { numbers: 0..INPUTS_OF_CONTROL, patience: PATIENCE_OF_CONTROL, ..drive };
    let stub = stub::try_out(control, |address| Target { address, schema, known, run: "stub" }).await?;
    Ok(Outcome {
        methods,
        accepted: services.tally.told.len(),
        events: events.len(),
        services,
        account,
        aftermath,
        stub,
    })
}

/// The ids of the requests that have events.
async fn ids(system: &System) -> anyhow::Result<Vec<String>> {
    let events = history(system.address(COMMAND)).await.context("reading the history")?;
    Ok(events.into_iter().filter_map(|event| event.evidence).map(|evidence| evidence.request_id).collect())
}

fn panics(lines: &[String]) -> usize {
    lines.iter().filter(|line| is_panic(line)).inspect(|line| complain(line)).count()
}

/// Whether a line of a log tells of a panic.
fn is_panic(line: &str) -> bool {
    line.contains(r#""event":"panicked""#)
}

impl Outcome {
    fn tell(&self, report: &mut Report) {
        self.services.tally.examples().for_each(|example| complain(&example));
        report.told("methods of all ports that inputs were sent to", self.methods);
        self.services.tell_all(report);
        report.told("commands accepted among them, or answered again", self.accepted);
        report.told("events in the history", self.events);
        report.must_be_none("accepted commands without the event of their answer", self.account.lost);
        report.must_be_none("events beyond one for each request", self.account.doubled);
        report.must_be_none("events that no accepted input accounts for", self.account.unaccounted);
        report.must_be_none("positions or versions with a gap or a repeat", self.account.disordered);
        self.aftermath.tell(report);
        self.stub.tell(|what, count| report.control(&format!("{what}, of a stub with such faults"), count));
    }
}
