//! A replay against a small case tracker with faults.

mod agreement;
mod fake;
mod fake_services;
mod refusals;
mod secured;
mod survival;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use casectl::derive;
use casectl::log::{self, CaseRecord};
use casectl::replay::{self, Backoff, Options, Summary, Tally, Target, Targets};
use service_kit::clock::Entropy;
use service_kit::exit::Exit;
use tonic::transport::Channel;

use fake::{Fake, Running};

/// Four made-up cases; `agreement` says what they come to.
const SAMPLE: &str = include_str!("sample.jsonl");

/// What the sample does when nothing goes wrong.
const SAMPLE_TALLY: Tally = Tally { created: 4, transitioned: 8, assigned: 3, unchanged: 2, replayed: 0 };

/// Waits are short, and the same in every run.
struct Short;

impl Entropy for Short {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x20);
    }
}

/// As a patient person would, but with short waits.
fn options() -> Options {
    let first = Duration::from_millis(1);
    Options {
        backoff: Backoff {
            first,
            max: Duration::from_millis(50),
            patience: Duration::from_mins(1),
            ..Backoff::default()
        },
        ..Options::default()
    }
}

/// Waits that lead nowhere are cut short.
fn impatient() -> Options {
    let backoff = Backoff { patience: Duration::from_millis(50), ..options().backoff };
    Options { backoff, ..options() }
}

fn records(text: &str) -> Vec<CaseRecord> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    log::read(file.path()).unwrap()
}

/// A fake with the lifecycle that a log needs.
fn fake_for(records: &[CaseRecord]) -> Arc<Fake> {
    Fake::new(&derive::derive(records).unwrap().lifecycle)
}

fn targets(channel: &Channel) -> Targets {
    let target = Target { channel: channel.clone(), place: "the fake".to_owned(), authorization: None };
    Targets { commands: target.clone(), queries: target.clone(), audit: target, actor: "reader".to_owned() }
}

async fn replay(running: &Running, records: &[CaseRecord], options: Options) -> Result<Summary, Exit> {
    replay::run(records, targets(&running.channel()), options, Arc::new(Short)).await
}

/// Everything that must hold of the sample, however it got there.
fn assert_sample(fake: &Fake, summary: &Summary) {
    assert_eq!(summary.verdict(), Ok(()));
    assert_eq!(Tally { replayed: 0, ..summary.tally }, SAMPLE_TALLY);
    let state = fake.state();
    assert_eq!(state.out_of_order, Vec::<String>::new());
    assert_eq!((state.cases.len(), state.events.len()), (4, 15));
}
