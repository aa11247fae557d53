//! What operators look at.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// `diagnostics`
#[derive(Debug, Args)]
pub(crate) struct DiagnosticsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<DiagnosticsCommand>,
}

/// What else can be done with diagnostics.
#[derive(Debug, Subcommand)]
pub(crate) enum DiagnosticsCommand {
    /// Write them into one archive, to be attached to a report: no secrets, no text of cases.
    Bundle {
        /// The archive; it must not be there yet [default: case-tracker-diagnostics-TIME.tar.gz].
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
}
