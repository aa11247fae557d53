//! What a replay came to.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use service_kit::exit::{Exit, ExitCode};

use super::{Check, Tally};

/// A replay that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Cases of the log.
    pub cases: u64,
    /// Commands, one for each entry of the log.
    pub commands: u64,
    /// What they did.
    pub tally: Tally,
    /// Attempts beyond the first of each call, those of the check included.
    pub retries: u64,
    /// How long the commands took.
    pub took: Duration,
    /// What was read back.
    pub check: Check,
}

impl Summary {
    /// Commands in a second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs few digits")]
        let commands = self.commands as f64;
        commands / self.took.as_secs_f64().max(0.001)
    }

    /// Fails (65) where what was read back is not what the log means.
    pub fn verdict(&self) -> Result<(), Exit> {
        let Check { differences, differences_count, .. } = &self.check;
        if *differences_count == 0 {
            return Ok(());
        }
        let more = differences_count - differences.len() as u64;
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        let text = format!(
            "the log was replayed, but what was read back differs in {differences_count} points:\n{}{more}",
            differences.join("\n")
        );
        Err(Exit::new(ExitCode::DataCorrupt, text))
    }

    /// For programs: the names are those of the people's form, counts are numbers, durations seconds.
    pub fn to_json(&self) -> Value {
        let Self { cases, commands, tally, retries, took, check } = self;
        let pairs: Vec<Value> = check.transitions.iter().map(|((from, to), count)| json!([from, to, count])).collect();
        json!({
            "cases": cases,
            "commands": commands,
            "replay": tally,
            "retries": retries,
            "duration_s": took.as_secs_f64(),
            "commands_per_s": self.rate(),
            "initial": check.initial_statuses,
            "final": check.final_statuses,
            "pairs": pairs,
            "versions": check.versions,
            "audit_events": check.audit_events,
            "audit_contiguous": check.audit_contiguous,
            "timelines": check.timelines,
            "check_duration_s": check.took.as_secs_f64(),
            "agrees": check.differences_count == 0,
            "differences": check.differences,
            "differences_count": check.differences_count,
        })
    }
}

impl fmt::Display for Summary {
    /// Several lines for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, commands, tally, retries, took, check } = self;
        let Tally { created, transitioned, assigned, unchanged, replayed } = tally;
        let (took, rate) = (took.as_secs_f64(), self.rate());
        writeln!(f, "{cases} cases, {commands} commands in {took:.1} s ({rate:.0}/s), {retries} retries")?;
        writeln!(f, "  created      {created:>8}")?;
        writeln!(f, "  transitioned {transitioned:>8}   {} different transitions", check.transitions.len())?;
        writeln!(f, "  assigned     {assigned:>8}")?;
        writeln!(f, "  unchanged    {unchanged:>8}")?;
        if *replayed > 0 {
            writeln!(f, "{replayed} of these had been carried out before: by an earlier run, or the answer was lost")?;
        }
        writeln!(f, "final statuses")?;
        let mut statuses: Vec<(&String, &u64)> = check.final_statuses.iter().collect();
        statuses.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (status, count) in statuses {
            writeln!(f, "  {count:>8}  {status}")?;
        }
        let timelines = check.timelines.map(|count| format!(", {count} timelines")).unwrap_or_default();
        let verdict = if check.differences_count == 0 { "all as the log means" } else { "NOT as the log means" };
        write!(
            f,
            "read back in {:.1} s: versions sum up to {}, {} audit events{timelines}: {verdict}",
            check.took.as_secs_f64(),
            check.versions,
            check.audit_events
        )
    }
}
