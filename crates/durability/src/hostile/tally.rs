//! What inputs were answered, counted.

use std::collections::BTreeMap;

use tonic::Code;

use super::socket::Ended;
use crate::report::Report;

/// How many examples of each thing that must not be are kept.
const EXAMPLES_MAX: usize = 8;

/// What a call was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    /// A gRPC status.
    Status(Code),
    /// An HTTP status other than 200, without one of gRPC.
    Http(u16),
    /// An answer that ended without a status.
    WithoutStatus,
    /// The stream or its connection broke, or there was none.
    Broken,
    /// Nothing, for longer than anything takes.
    Hung,
}

/// An accepted command, as its answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) request_id: String,
    pub(super) case_id: String,
    pub(super) version: u64,
    /// The position of the last event of the case: that of the command, if it has one.
    pub(super) position: u64,
}

/// What one worker, or all of them, have seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) calls: usize,
    pub(super) connections: usize,
    pub(super) statuses: BTreeMap<String, usize>,
    /// `INTERNAL`, `UNKNOWN` and `DATA_LOSS`: a bug each.
    pub(super) bugs: usize,
    /// Calls without any answer, though the server was there to give one.
    pub(super) unanswered: usize,
    /// Calls and connections that did not end.
    pub(super) hung: usize,
    pub(super) told: Vec<Told>,
    /// Commands whose callers cannot know: they may have happened.
    pub(super) unsure: Vec<String>,
    /// Examples of what must not be, by what it is.
    examples: BTreeMap<&'static str, Vec<String>>,
}

impl Tally {
    /// Counts a call; `what` says which one it was.
    pub(super) fn call(&mut self, answered: &Answered, what: impl FnOnce() -> String) {
        self.calls += 1;
        let name = match answered {
            Answered::Status(code) => format!("{code:?}"),
            Answered::Http(status) => format!("HTTP {status}"),
            Answered::WithoutStatus => "no status".to_owned(),
            Answered::Broken => "no answer".to_owned(),
            Answered::Hung => "nothing".to_owned(),
        };
        *self.statuses.entry(name).or_default() += 1;
        let (kind, count) = match answered {
            Answered::Status(Code::Internal | Code::Unknown | Code::DataLoss) => ("a bug", &mut self.bugs),
            Answered::Status(_) | Answered::Http(_) => return,
            Answered::WithoutStatus | Answered::Broken => ("unanswered", &mut self.unanswered),
            Answered::Hung => ("hung", &mut self.hung),
        };
        *count += 1;
        self.example(kind, || format!("{answered:?}: {}", what()));
    }

    /// Counts a connection.
    pub(super) fn connection(&mut self, ended: Ended, what: impl FnOnce() -> String) {
        self.connections += 1;
        let (kind, count) = match ended {
            Ended::Closed => return,
            Ended::Refused => ("a connection refused", &mut self.unanswered),
            Ended::Open => ("a connection left open", &mut self.hung),
        };
        *count += 1;
        self.example(kind, what);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.connections += other.connections;
        self.bugs += other.bugs;
        self.unanswered += other.unanswered;
        self.hung += other.hung;
        self.told.extend(other.told);
        self.unsure.extend(other.unsure);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (kind, examples) in other.examples {
            for example in examples {
                self.example(kind, || example);
            }
        }
    }

    /// What must not be, in words.
    pub(super) fn examples(&self) -> impl Iterator<Item = String> {
        self.examples.iter().flat_map(|(kind, texts)| texts.iter().map(move |text| format!("{kind}: {text}")))
    }

    fn example(&mut self, kind: &'static str, text: impl FnOnce() -> String) {
        let examples = self.examples.entry(kind).or_default();
        if examples.len() < EXAMPLES_MAX {
            examples.push(text());
        }
    }
}

/// What a run has brought about, of services or of the stub that must be found out.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) tally: Tally,
    /// Lines in the logs that tell of a panic.
    pub(super) panicked: usize,
    /// Processes that have ended by themselves.
    pub(super) ended: Vec<String>,
}

impl Findings {
    /// What must not be, each with its count: of services none, of the stub all.
    pub(super) fn tell(&self, mut say: impl FnMut(&str, usize)) {
        say("answers INTERNAL, UNKNOWN or DATA_LOSS", self.tally.bugs);
        say("calls and connections that did not end", self.tally.hung);
        say("calls without an answer, or without a status", self.tally.unanswered);
        say("panics", self.panicked);
        say("processes that ended", self.ended.len());
    }

    /// How many there were, and what they were answered.
    pub(super) fn tell_all(&self, report: &mut Report) {
        report.told(
            "malformed inputs through the ports of the three services",
            self.tally.calls + self.tally.connections,
        );
        report.told("of them on connections of their own, which were no HTTP/2 or not quite", self.tally.connections);
        for (status, count) in &self.tally.statuses {
            report.told(&format!("answered with {status}"), *count);
        }
        self.tell(|what, count| report.must_be_none(what, count));
    }
}
