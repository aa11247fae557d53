//! The TOML form of a lifecycle, with the line of every mistake.
//!
//! People write these files by hand, so [`parse`] never stops at the first mistake: it reads what can be read, checks
//! all of it, and says of each mistake where it is and what would be right. `default.toml` ([`DEFAULT_TOML`]) is the
//! documentation of the format. Nothing else here knows TOML's syntax: that is `toml_edit`'s, which stops at its first
//! error, so a syntax error is the only mistake that comes alone.

mod document;
mod mistake;
mod nearest;
mod problems;
mod read;
mod schema;
mod write;

use case_domain::Lifecycle;
use toml_edit::Document;

pub use mistake::{Mistake, Mistakes};
pub use read::{ReadError, read};
pub use write::{Comments, write, write_with};

use document::Reader;

/// The largest file, in bytes: 10,000 transitions of 100 bytes each.
pub const FILE_BYTES_MAX: usize = 1_048_576;
/// The most statuses of one lifecycle.
pub const STATUSES_MAX: usize = 200;
/// The most transitions of one lifecycle.
pub const TRANSITIONS_MAX: usize = 10_000;

/// The text of the default lifecycle, with comments that explain the format.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// The lifecycle of a system that is given no file.
///
/// # Panics
/// Never: the text is compiled in, and a test parses it.
#[expect(clippy::expect_used, reason = "the text is compiled in: no caller could do anything about a failure")]
pub fn default_lifecycle() -> Lifecycle {
    parse(DEFAULT_TOML).expect("the default lifecycle parses")
}

/// Reads a lifecycle, or reports every mistake in the text, sorted by line.
///
/// Larger texts than [`FILE_BYTES_MAX`] are refused unread; of longer lists than [`STATUSES_MAX`] and
/// [`TRANSITIONS_MAX`] the rest is not read. The error is never empty.
pub fn parse(text: &str) -> Result<Lifecycle, Vec<Mistake>> {
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![mistake::too_large()]);
    }
    let document = Document::parse(text).map_err(|error| vec![mistake::of_syntax(text, &error)])?;
    let mut reader = Reader::new(text);
    let located = schema::read(&document, &mut reader);
    let lifecycle = problems::check(located, &mut reader);
    match (lifecycle, reader.into_mistakes()) {
        (Some(lifecycle), mistakes) if mistakes.is_empty() => Ok(lifecycle),
        (_, mistakes) => Err(mistakes),
    }
}
