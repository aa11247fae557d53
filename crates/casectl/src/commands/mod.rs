//! What each command does: one file for each kind.

mod audit;
mod completions;
mod diagnostics;
mod edit;
mod health;
mod lifecycle;
mod list;
mod pages;
mod refer;
mod replay;
mod show;
mod write;

use crate::cli::Command;
use crate::problem::Problem;
use crate::session::Session;

/// Carries out a command.
pub(crate) async fn run(session: &mut Session, command: Command) -> Result<(), Problem> {
    match command {
        Command::Create(args) => edit::create(session, args).await,
        Command::Update(args) => edit::update(session, args).await,
        Command::Transition(args) => edit::transition(session, args).await,
        Command::Assign(args) => edit::assign(session, args).await,
        Command::Comment(args) => refer::comment(session, args).await,
        Command::Link(args) => refer::link(session, args).await,
        Command::Unlink(args) => refer::unlink(session, args).await,
        Command::Show(args) => show::show(session, args).await,
        Command::List(args) => list::list(session, args).await,
        Command::Timeline(args) => show::timeline(session, args).await,
        Command::Audit(args) => audit::audit(session, args).await,
        Command::Lifecycle(command) => lifecycle::lifecycle(session, command).await,
        Command::Replay(args) => replay::replay(session, args).await,
        Command::Health(args) => health::health(session, args).await,
        Command::Diagnostics(args) => diagnostics::diagnostics(session, args).await,
        Command::Completions { shell } => completions::completions(session, shell),
    }
}
