//! The command line of the case tracker: people's front door, and the programs' own where no gRPC client is at hand.
//!
//! [`run`] is the whole program as a function: what it finds around itself is an argument. Answers for people are in
//! the room `view`, those for programs in `answer`, and everything that can go wrong becomes a `problem`, which knows
//! what to do next.

mod answer;
mod cli;
mod commands;
mod connection;
pub mod derive;
pub mod log;
mod problem;
pub mod replay;
mod session;
mod settings;
mod surroundings;
mod view;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;
use clap::error::ErrorKind;
use service_kit::exit::ExitCode;

pub use surroundings::Surroundings;

use cli::Cli;
use session::{Session, may_color};
use settings::OutputFormat;

/// Does what the arguments say; the first one is the program's name.
pub async fn run(arguments: Vec<OsString>, mut surroundings: Surroundings) -> ExitCode {
    let Cli { settings, command } = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return answer_of_clap(&error, &mut surroundings),
    };
    let flags = settings.given();
    let settings = match settings::load(&flags, settings.config.as_deref(), &surroundings) {
        Ok(settings) => settings,
        Err(problem) => {
            // The configuration is in doubt: only the flag says in what form to tell so.
            let is_json = flags.get(&settings::Key::Output).is_some_and(|form| form == OutputFormat::JSON_NAME);
            let text = if is_json { problem.json() } else { problem.text() };
            let _ = surroundings.stderr.write_all(text.as_bytes());
            return problem.exit_code();
        }
    };
    let mut session = Session::new(settings, surroundings);
    match commands::run(&mut session, command).await {
        Ok(()) => ExitCode::Done,
        Err(problem) => {
            session.tell(&problem);
            problem.exit_code()
        }
    }
}

/// Help and version are answers; the rest is usage. Always text: nothing is known yet about who wants to read it.
fn answer_of_clap(error: &clap::Error, surroundings: &mut Surroundings) -> ExitCode {
    let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_seen = if is_answer { surroundings.stdout_columns.is_some() } else { surroundings.stderr_is_terminal };
    let text = error.render();
    let text = if is_seen && may_color(surroundings) { text.ansi().to_string() } else { text.to_string() };
    let stream = if is_answer { &mut surroundings.stdout } else { &mut surroundings.stderr };
    // Nobody is left to tell when the stream is closed.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if is_answer { ExitCode::Done } else { ExitCode::Usage }
}
