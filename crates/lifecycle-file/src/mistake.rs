//! What is wrong with a file, and where.

use std::fmt;

use toml_edit::TomlError;

use crate::FILE_BYTES_MAX;
use crate::document::Lines;

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where it is, from 1. What is missing altogether is reported on line 1, or on the line of the entry that lacks it.
    pub line: usize,
    /// What is wrong and what would be right, on one line.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Mistakes as text, each on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

/// The text is larger than anything that is read.
pub(crate) fn too_large() -> Mistake {
    Mistake { line: 1, message: format!("the file is too large: at most {FILE_BYTES_MAX} bytes are read") }
}

/// The text is no TOML.
pub(crate) fn of_syntax(text: &str, error: &TomlError) -> Mistake {
    let offset = error.span().map_or(0, |span| span.start);
    Mistake {
        line: Lines::new(text).of(offset),
        // The message may quote the text; only its line breaks could do harm.
        message: format!("not valid TOML: {}", error.message().replace(['\n', '\r'], " ")),
    }
}

/// The bytes are no text.
pub(crate) fn of_encoding(bytes: &[u8], valid_up_to: usize) -> Mistake {
    Mistake {
        line: 1 + bytes.iter().take(valid_up_to).filter(|byte| **byte == b'\n').count(),
        message: "not UTF-8 text".to_owned(),
    }
}
