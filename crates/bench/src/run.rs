//! From the command line to the results.

use std::fs;
use std::io::Write;

use service_kit::clock::{Clock as _, SystemClock};

use crate::bench::Bench;
use crate::cli::{Cli, Options, Subject};
use crate::error::Error;
use crate::machine::Machine;
use crate::measure;
use crate::report::{Report, Section, draw, print};
use crate::server::{Behaviour, end_with_us, serve_collector, serve_echo};

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing went wrong.
    Well,
    /// Calls failed, or something else that must not be.
    Problems,
    /// A target was missed, and `--check` was given.
    MissedTargets,
}

/// Measures what the command line asks for, and tells of it on `out` as it goes.
///
/// # Errors
/// Where something cannot be measured at all.
pub fn run(cli: &Cli, out: &mut impl Write) -> Result<Found, Error> {
    match &cli.subject {
        Subject::EchoServer { listen, sync } => return serve_echo(*listen, *sync).map(|()| Found::Well),
        Subject::Collector { listen, delay } => {
            return serve_collector(*listen, Behaviour { delay: *delay }).map(|()| Found::Well);
        }
        Subject::Limits
        | Subject::Write
        | Subject::Read { .. }
        | Subject::Visible
        | Subject::Telemetry { .. }
        | Subject::Overload { .. }
        | Subject::Scale { .. }
        | Subject::Peers
        | Subject::All { .. } => {}
    }
    end_with_us();
    let bench = Bench::new(cli.options.clone())?;
    let mut report = Report {
        begun: jiff::Timestamp::from_microsecond(SystemClock.unix_us())
            .map_or_else(|_| String::new(), |time| time.to_string()),
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        machine: Machine::of(&bench.folder),
        sections: Vec::new(),
    };
    tell(writeln!(out, "{}\n{}", report.begun, report.machine.line()))?;
    if cfg!(debug_assertions) {
        let note = "NOT A RESULT: this is a debug build; build the client and the servers with --release";
        tell(writeln!(out, "{note}"))?;
    }
    for subject in subjects(&cli.subject) {
        let section = measure::measure(&bench, &subject)?;
        tell(print(out, &section).and_then(|()| out.flush()))?;
        report.sections.push(section);
    }
    write_files(&cli.options, &report)?;
    let found = judge(&report, cli.options.check);
    bench.finish(found == Found::Problems)?;
    Ok(found)
}

/// `all` is every subject in turn, with its defaults.
fn subjects(subject: &Subject) -> Vec<Subject> {
    let Subject::All { cases } = subject else { return vec![subject.clone()] };
    vec![
        Subject::Limits,
        Subject::Write,
        Subject::Read { cases: measure::READ_CASES },
        Subject::Visible,
        Subject::Telemetry { outage: measure::OUTAGE },
        Subject::Overload { duration: measure::OVERLOAD },
        Subject::Scale { cases: *cases },
    ]
}

fn write_files(options: &Options, report: &Report) -> Result<(), Error> {
    if let Some(path) = &options.output {
        let unwritable =
            |error: serde_json::Error| Error::Output { what: path.display().to_string(), why: error.to_string() };
        let mut text = serde_json::to_string_pretty(report).map_err(unwritable)?;
        text.push('\n');
        fs::write(path, text).map_err(Error::path("write", path))?;
    }
    let with_curve = report.sections.iter().find(|section| !section.curve.is_empty());
    match (&options.picture, with_curve) {
        (Some(path), Some(section)) => draw(path, &section.title, &section.curve),
        (Some(path), None) => Err(Error::Output {
            what: format!("the picture {}", path.display()),
            why: "nothing was measured against load: ask for `write` or `all`".to_owned(),
        }),
        (None, _) => Ok(()),
    }
}

fn judge(report: &Report, check: bool) -> Found {
    let any = |bad: fn(&Section) -> bool| report.sections.iter().any(bad);
    if any(|section| !section.problems.is_empty()) {
        Found::Problems
    } else if check && any(|section| section.verdicts.iter().any(|verdict| !verdict.met)) {
        Found::MissedTargets
    } else {
        Found::Well
    }
}

fn tell(written: std::io::Result<()>) -> Result<(), Error> {
    written.map_err(Error::system("write results"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::Target;

    fn report(section: Section) -> Report {
        Report {
            begun: String::new(),
            command: String::new(),
            machine: Machine::of(Path::new("/")),
            sections: vec![Section::new("limits"), section],
        }
    }

    #[test]
    fn slowness_fails_a_run_only_when_it_is_to_be_checked() {
        let mut slow = Section::new("write");
        slow.verdict("P1", "too slow", 0.1, Target::AtLeast(0.6));
        let report = report(slow);
        assert_eq!(judge(&report, false), Found::Well);
        assert_eq!(judge(&report, true), Found::MissedTargets);
    }

    #[test]
    fn a_failed_call_fails_a_run_always() {
        let mut wrong = Section::new("write");
        wrong.problems.push("1 call failed".to_owned());
        assert_eq!(judge(&report(wrong), false), Found::Problems);
        assert_eq!(judge(&report(Section::new("write")), true), Found::Well, "control");
    }

    #[test]
    fn all_is_every_subject_but_itself_and_the_peers_that_writing_includes() {
        let subjects = subjects(&Subject::All { cases: 5 });
        assert_eq!(subjects.len(), 7);
        assert!(matches!(subjects.last(), Some(Subject::Scale { cases: 5 })));
    }
}
