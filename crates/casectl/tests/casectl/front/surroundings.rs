//! A run of casectl in a test, with everything around it decided.

use std::ffi::OsString;
use std::io::{self, Cursor, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use casectl::{Surroundings, run};
use jiff::tz::TimeZone;
use service_kit::clock::{Clock, Entropy};

/// 2026-11-23T09:30:00Z
pub(super) const NOW_S: i64 = 1_795_426_200;

/// What the run finds.
pub(crate) struct Setting {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) stdin: String,
    pub(crate) columns: Option<u16>,
    pub(crate) stdout: Stdout,
}

/// What becomes of standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdout {
    Kept,
    /// The reader has gone.
    Closed,
    /// The disk is full.
    Full,
}

/// What the run said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Setting {
    /// Nothing around it but three services at one address.
    pub(super) fn at(address: SocketAddr) -> Self {
        let names = ["CASECTL_COMMAND", "CASECTL_QUERY", "CASECTL_AUDIT"];
        let environment = names.map(|name| (name.to_owned(), address.to_string())).to_vec();
        Self { environment, stdin: String::new(), columns: None, stdout: Stdout::Kept }
    }

    /// Nothing at all.
    pub(crate) fn bare() -> Self {
        Self { environment: Vec::new(), stdin: String::new(), columns: None, stdout: Stdout::Kept }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn on_terminal(mut self, columns: u16) -> Self {
        self.columns = Some(columns);
        self
    }

    pub(crate) async fn run(self, arguments: &[&str]) -> Said {
        let (out, err) = (Sink::new(self.stdout), Sink::new(Stdout::Kept));
        let surroundings = Surroundings {
            environment: self.environment.into_iter().collect(),
            stdin: Box::new(Cursor::new(self.stdin)),
            stdout: Box::new(out.clone()),
            stderr: Box::new(err.clone()),
            stdout_columns: self.columns,
            stderr_is_terminal: self.columns.is_some(),
            clock: Arc::new(StandingClock),
            entropy: Arc::new(Still),
            zone: TimeZone::UTC,
        };
        let arguments = ["casectl"].iter().chain(arguments).map(OsString::from).collect();
        let code = run(arguments, surroundings).await.number();
        Said { code, out: out.text(), err: err.text() }
    }
}

struct StandingClock;

impl Clock for StandingClock {
    fn unix_us(&self) -> i64 {
        NOW_S * 1_000_000
    }
}

/// No randomness: ids repeat, and nobody waits between attempts.
struct Still;

impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

#[derive(Clone)]
struct Sink {
    kept: Arc<Mutex<Vec<u8>>>,
    stdout: Stdout,
}

impl Sink {
    fn new(stdout: Stdout) -> Self {
        Self { kept: Arc::default(), stdout }
    }

    fn text(&self) -> String {
        String::from_utf8(self.kept.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stdout {
            Stdout::Kept => self.kept.lock().unwrap().write(bytes),
            Stdout::Closed => Err(io::ErrorKind::BrokenPipe.into()),
            Stdout::Full => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
