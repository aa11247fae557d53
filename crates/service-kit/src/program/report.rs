//! What a subcommand answers on standard output.

use std::io::Write;

/// Writes text as it is.
pub(super) fn print(text: &str) {
    // A reader that has seen enough (`| head`) is no failure of ours.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
