//! `completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::problem::Problem;
use crate::session::Session;

pub(super) fn completions(session: &mut Session, shell: Shell) -> Result<(), Problem> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "casectl", &mut script);
    session.print(&String::from_utf8_lossy(&script))
}
