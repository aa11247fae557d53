//! `lifecycle`

use std::path::Path;

use case_api::pb;
use lifecycle_file::{Mistakes, ReadError};
use serde::Serialize;
use service_kit::exit::{Exit, ExitCode};

use crate::answer::LifecycleAnswer;
use crate::cli::LifecycleCommand;
use crate::connection::Target;
use crate::derive::{Counter, from_counts, to_toml};
use crate::log;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view;

pub(super) async fn lifecycle(session: &mut Session, command: LifecycleCommand) -> Result<(), Problem> {
    match command {
        LifecycleCommand::Show => show(session).await,
        LifecycleCommand::Check { file } => check(session, &file),
        LifecycleCommand::Derive { log } => derive(session, &log),
    }
}

async fn show(session: &mut Session) -> Result<(), Problem> {
    let client = session.connections.queries()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.get_lifecycle(request).await }
    };
    let answer =
        session.connections.call(Target::read(Service::Query), pb::GetLifecycleRequest::default(), send).await?;
    let lifecycle = answer.lifecycle.unwrap_or_default();
    if session.is_json() {
        return session.print_json(&LifecycleAnswer::from(&lifecycle));
    }
    let text = view::lifecycle::lifecycle(&session.view, &lifecycle);
    session.print(&text)
}

/// The answer of `lifecycle check` for programs.
#[derive(Serialize)]
struct CheckAnswer {
    valid: bool,
    statuses: usize,
    transitions: usize,
    mistakes: Vec<MistakeJson>,
}

#[derive(Serialize)]
struct MistakeJson {
    line: usize,
    message: String,
}

fn check(session: &mut Session, path: &Path) -> Result<(), Problem> {
    let shown = path.display();
    let (answer, problem) = match lifecycle_file::read(path) {
        Ok(lifecycle) => {
            let (statuses, transitions) = (lifecycle.statuses().len(), lifecycle.transitions().len());
            (CheckAnswer { valid: true, statuses, transitions, mistakes: Vec::new() }, None)
        }
        Err(ReadError::Unreadable { source, .. }) => {
            return Err(Problem::local(ExitCode::Configuration, format!("cannot read {shown}: {source}")));
        }
        Err(ReadError::Mistaken { mistakes: Mistakes(mistakes), .. }) => {
            let lines: Vec<_> = mistakes.iter().map(|m| format!("{shown}:{}: {}", m.line, m.message)).collect();
            let mistakes = mistakes.into_iter().map(|m| MistakeJson { line: m.line, message: m.message }).collect();
            let answer = CheckAnswer { valid: false, statuses: 0, transitions: 0, mistakes };
            (answer, Some(Problem::Found { code: ExitCode::Configuration, lines: lines.join("\n") }))
        }
    };
    if session.is_json() {
        session.print_json(&answer)?;
    } else if answer.valid {
        let CheckAnswer { statuses, transitions, .. } = answer;
        session.print(&format!("{shown}: good, {statuses} statuses and {transitions} transitions\n"))?;
    }
    problem.map_or(Ok(()), Err)
}

/// TOML in both forms of output: it is a file that is wanted.
fn derive(session: &mut Session, path: &Path) -> Result<(), Problem> {
    let mut counter = Counter::default();
    log::each(path, |record| counter.add(&record)).map_err(Exit::from)?;
    let derived = from_counts(counter.finish()).map_err(Exit::from)?;
    session.print(&to_toml(&derived))
}
