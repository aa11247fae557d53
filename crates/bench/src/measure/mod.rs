//! What is measured.

mod calls;
mod disk;
mod limits;
mod outage;
mod overload;
mod peers;
mod read;
mod scale;
mod sqlite;
mod telemetry;
mod visible;
mod write;

use std::time::Duration;

use crate::bench::Bench;
use crate::cli::Subject;
use crate::error::Error;
use crate::report::Section;

/// Cases of `read` within `all`.
pub(crate) const READ_CASES: u64 = 60_000;

/// How long `all` endures each collector.
pub(crate) const OUTAGE: Duration = Duration::from_secs(30);

/// How long `all` overloads.
pub(crate) const OVERLOAD: Duration = Duration::from_mins(1);

/// Measures one subject.
pub(crate) fn measure(bench: &Bench, subject: &Subject) -> Result<Section, Error> {
    match subject {
        Subject::Limits => limits::measure(bench),
        Subject::Write => write::measure(bench),
        Subject::Read { cases } => read::measure(bench, *cases),
        Subject::Visible => visible::measure(bench),
        Subject::Telemetry { outage } => telemetry::measure(bench, *outage),
        Subject::Overload { duration } => overload::measure(&bench.pinned(), *duration),
        Subject::Scale { cases } => scale::measure(bench, *cases),
        Subject::Peers => peers::measure(bench),
        Subject::All { .. } | Subject::EchoServer { .. } | Subject::Collector { .. } => {
            Err(Error::Unmeasurable("a bug: this is no subject of its own".to_owned()))
        }
    }
}
