//! Why a command failed: one line, what to do next, and the exit code.

mod credentials;
mod hints;
mod json;
mod refusal;

use std::fmt::Write as _;
use std::io;

use service_kit::exit::{Exit, ExitCode};

pub(crate) use refusal::{Refusal, Told};

use crate::settings::{Address, Origin};
use crate::view::text::printable;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Whoever read standard output has gone away, such as `head`: nothing is wrong, and nobody is to be told.
    OutputClosed,
    /// Nothing was asked of a server: a wrong argument, a wrong file. One line or more.
    Local {
        /// What the caller acts on.
        code: ExitCode,
        /// One problem a line.
        message: String,
    },
    /// A file was looked at, and this was found in it: whole lines, which begin with their place as compilers write it,
    /// so that editors jump there.
    Found {
        /// What the caller acts on.
        code: ExitCode,
        /// One mistake a line.
        lines: String,
    },
    /// A server answered with an error.
    Refused(Box<Refusal>),
    /// No server answered.
    Unanswered(Box<Unanswered>),
}

/// A call that got no answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    /// Who was called.
    pub(crate) address: Address,
    /// What happened to the call.
    pub(crate) how: Silence,
    /// The id that the call had.
    pub(crate) request_id: String,
    /// The key of a command, which may have been carried out.
    pub(crate) key: Option<String>,
}

/// How a server kept silent.
#[derive(Debug)]
pub(crate) enum Silence {
    /// Nobody could be reached: the operating system's words.
    NotReached(String),
    /// The two sides do not come to an understanding about TLS.
    NotTrusted {
        /// What is wrong.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// The connection broke in the middle: the reason.
    Broken(String),
    /// Nothing came in time: how long was waited.
    TooLate(std::time::Duration),
}

impl Silence {
    /// Whether another attempt may go better.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::NotReached(_) | Self::Broken(_) => true,
            Self::NotTrusted { .. } | Self::TooLate(_) => false,
        }
    }
}

impl Problem {
    /// A problem of this side.
    pub(crate) fn local(code: ExitCode, message: impl Into<String>) -> Self {
        Self::Local { code, message: message.into() }
    }

    /// The arguments make no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::local(ExitCode::Usage, message)
    }

    /// Standard output could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::local(ExitCode::CannotCreate, format!("cannot write to standard output: {error}"))
    }

    /// What the process answers to its caller.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::OutputClosed => ExitCode::Done,
            Self::Local { code, .. } | Self::Found { code, .. } => *code,
            Self::Refused(refusal) => refusal.exit_code(),
            Self::Unanswered(_) => ExitCode::Unavailable,
        }
    }

    /// For people: a line that says what is wrong, then indented lines that say what to do.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if let Self::Found { lines, .. } = self {
            return format!("{lines}\n");
        }
        for line in self.message().lines() {
            let _ = writeln!(text, "casectl: {line}");
        }
        for hint in self.hints() {
            let _ = writeln!(text, "  {hint}");
        }
        text
    }

    /// For programs: one JSON object on one line.
    pub(crate) fn json(&self) -> String {
        json::line(self)
    }

    /// What is wrong, with the request id.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::OutputClosed => String::new(),
            Self::Local { message, .. } | Self::Found { lines: message, .. } => message.clone(),
            Self::Refused(refusal) => {
                let reason = refusal.reason_text();
                format!("{} ({reason}, request {})", printable(&refusal.message), printable(&refusal.request_id))
            }
            Self::Unanswered(unanswered) => unanswered.message(),
        }
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::OutputClosed | Self::Local { .. } | Self::Found { .. } => Vec::new(),
            Self::Refused(refusal) => hints::of(refusal),
            Self::Unanswered(unanswered) => unanswered.hints(),
        }
    }
}

impl From<Exit> for Problem {
    fn from(exit: Exit) -> Self {
        Self::local(exit.code, exit.message)
    }
}

impl Unanswered {
    fn message(&self) -> String {
        let service = self.address.service.name();
        let (address, id) = (&self.address, &self.request_id);
        match &self.how {
            Silence::NotReached(why) => {
                format!("cannot reach the {service} service at {address}: {why}; is it running? (request {id})")
            }
            Silence::NotTrusted { why, .. } => {
                format!("no secure connection to the {service} service at {address}: {why} (request {id})")
            }
            Silence::Broken(why) => format!("the {service} service at {address} broke off: {why} (request {id})"),
            Silence::TooLate(waited) => {
                let waited = humantime::format_duration(*waited);
                format!("the {service} service at {address} did not answer within {waited} (request {id})")
            }
        }
    }

    fn hints(&self) -> Vec<String> {
        let flag = format!("--{}", self.address.service.name());
        match &self.how {
            Silence::NotReached(_) => vec![
                format!("the address comes from {}; another one: {flag} HOST:PORT or --server HOST", self.origin()),
                "to start the whole system on this machine: case-tracker".to_owned(),
            ],
            Silence::NotTrusted { advice, .. } => {
                vec![(*advice).to_owned(), format!("the address comes from {}", self.origin())]
            }
            Silence::Broken(_) | Silence::TooLate(_) => {
                let mut hints: Vec<_> = self.key.iter().map(|key| hints::perhaps_done(key)).collect();
                if matches!(self.how, Silence::TooLate(_)) {
                    hints.push("to wait longer: --timeout 30s".to_owned());
                }
                hints.push("to see which services are well: casectl health".to_owned());
                hints
            }
        }
    }

    const fn origin(&self) -> &Origin {
        &self.address.origin
    }
}
