//! How a process ends: a code that a supervisor can act on, and one clear line for the person who reads it.

use std::fmt;
use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::telemetry::log;

/// How long [`now`] waits for whoever reads standard error.
const PRINT_BOUND: Duration = Duration::from_secs(1);

/// The exit codes of every binary, after BSD's `sysexits.h`.
///
/// The set is closed on purpose: supervisors, the container's health check and runbooks act on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything went well.
    Done = 0,
    /// The server refused, or is not healthy.
    Refused = 1,
    /// The command line cannot be understood.
    Usage = 64,
    /// The data is corrupt, or does not verify.
    DataCorrupt = 65,
    /// A needed dependency is unavailable.
    Unavailable = 69,
    /// A path cannot be created or written.
    CannotCreate = 73,
    /// The disk failed under us.
    DiskFailed = 74,
    /// The port or the data is in use: try later.
    InUse = 75,
    /// The configuration, the lifecycle or the schema version does not fit.
    Configuration = 78,
}

impl ExitCode {
    /// The number that the supervisor sees.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

/// Why a process ends. It travels as an error from where the failure is understood up to `main`, which prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// What the supervisor acts on.
    pub code: ExitCode,
    /// What a person reads: one line that names the thing and the fix, without the program's name.
    pub message: String,
}

impl Exit {
    /// An end with its one clear line.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Exit {}

/// Prints the message and ends the process at once: no drain, no destructors, and of telemetry only the log lines.
///
/// For the one case where going on would do harm: the disk has failed under the writer, so nothing in memory may be
/// taken for durable any more, and no answer may leave. Everybody else returns an [`Exit`] to `main`.
pub fn now(exit: &Exit) -> ! {
    print_within(PRINT_BOUND, program_name(), exit.message.clone());
    end(i32::from(exit.code.number()))
}

/// [`print_line`], on a thread that is given up after `bound`: a reader of standard error that is stuck must not keep a
/// process alive that has to end.
fn print_within(bound: Duration, program: String, message: String) {
    let (done, printed) = mpsc::channel();
    let print = move || {
        print_line(&program, &message);
        // Nobody waits any longer if the bound has passed.
        let _ = done.send(());
    };
    // Where there is no thread to be had any more, the line is lost: its code tells the supervisor the same.
    if thread::Builder::new().spawn(print).is_ok() {
        let _ = printed.recv_timeout(bound);
    }
}

/// Ends the process without a word, once the log lines that there are have been written; a reader of them that is stuck is
/// waited for no longer than a second. For [`now`], and for the second signal of somebody who will not wait.
#[expect(clippy::disallowed_methods, reason = "the one door out that deliberately skips the drain and the telemetry")]
pub(crate) fn end(code: i32) -> ! {
    log::flush();
    std::process::exit(code)
}

/// Writes `program: message` to standard error.
pub(crate) fn print_line(program: &str, message: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{program}: {message}");
}

/// The name under which this process was started.
fn program_name() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from);
    let name = path.as_deref().and_then(std::path::Path::file_name);
    name.map_or_else(|| "case-tracker".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_contract() {
        let codes = [
            (ExitCode::Done, 0),
            (ExitCode::Refused, 1),
            (ExitCode::Usage, 64),
            (ExitCode::DataCorrupt, 65),
            (ExitCode::Unavailable, 69),
            (ExitCode::CannotCreate, 73),
            (ExitCode::DiskFailed, 74),
            (ExitCode::InUse, 75),
            (ExitCode::Configuration, 78),
        ];
        for (code, number) in codes {
            assert_eq!(code.number(), number, "{code:?}");
        }
    }
}
