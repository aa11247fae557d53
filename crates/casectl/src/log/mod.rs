//! Reads a log of real cases: JSON lines, plain or gzip, one case a line.
//!
//! A case is an object with `external_id` and `history`, a list in time order of `{time, actor, status, group}`, where
//! `group` may be absent. Every other key of the case becomes a custom field; other keys of an entry are passed over.
//! People make these files with scripts of their own, so every mistake is told with its line, several at once.

mod error;
mod lines;
mod record;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use case_domain::Status;
use flate2::bufread::MultiGzDecoder;
use lifecycle_file::Mistake;

pub use error::LogError;

use error::Mistaken;
use lines::{Line, Lines};

/// The longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 8 * 1_048_576;
/// How many mistakes are told before reading stops.
pub const MISTAKES_MAX: usize = 20;
/// The longest external id, in characters.
pub const EXTERNAL_ID_CHARS_MAX: usize = 128;

/// What every gzip stream begins with (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One case of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseRecord {
    /// The line it stands on, from 1.
    pub line: usize,
    /// What the log calls the case: one line of at most [`EXTERNAL_ID_CHARS_MAX`] characters, once in a log.
    pub external_id: String,
    /// Every key besides `external_id` and `history`.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// What happened, in time order; never empty.
    pub history: Vec<Entry>,
}

/// One thing that happened to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, as the log says it (RFC 3339).
    pub time: String,
    /// Who did it.
    pub actor: String,
    /// The status after it.
    pub status: Status,
    /// The team that the case lies with after it; empty: with none; `None`: the log does not say.
    pub group: Option<String>,
}

/// Hands on every case of a log, in the order of the file, while it is being read.
///
/// After a mistake nothing more is handed on; reading goes on to find further mistakes, up to [`MISTAKES_MAX`]. Blocks.
pub fn each(path: &Path, mut take: impl FnMut(CaseRecord)) -> Result<(), LogError> {
    let unreadable = |source| LogError::Unreadable { path: path.to_owned(), source };
    let input = open(path).map_err(unreadable)?;
    let mut cases = Cases { lines: Lines::new(input), seen: HashMap::new() };
    let (mut count, mut mistaken) = (0_usize, Mistaken::default());
    while let Some(next) = cases.next() {
        let next =
            next.map_err(|source| LogError::Broken { path: path.to_owned(), line: cases.lines.number, source })?;
        match next {
            Ok(case) if mistaken.is_empty() => take(case),
            Ok(_) => {}
            Err(found) => mistaken.add(found),
        }
        if mistaken.is_full() {
            break;
        }
        count += 1;
    }
    if !mistaken.is_empty() {
        return Err(LogError::Mistaken { path: path.to_owned(), mistaken });
    }
    if count == 0 { Err(LogError::Empty { path: path.to_owned() }) } else { Ok(()) }
}

/// Reads a whole log into memory. Blocks.
pub fn read(path: &Path) -> Result<Vec<CaseRecord>, LogError> {
    let mut records = Vec::new();
    each(path, |record| records.push(record))?;
    Ok(records)
}

/// Opens a log; whether it is gzip, its first bytes say.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    if file.fill_buf()?.starts_with(&GZIP_MAGIC) {
        // Several streams one after the other are one text: that is what `cat a.gz b.gz` makes.
        return Ok(Box::new(BufReader::new(MultiGzDecoder::new(file))));
    }
    Ok(Box::new(file))
}

/// The cases of a text, one by one.
struct Cases<R> {
    lines: Lines<R>,
    /// The line of each external id.
    seen: HashMap<String, usize>,
}

impl<R: BufRead> Cases<R> {
    fn next(&mut self) -> Option<io::Result<Result<CaseRecord, Vec<Mistake>>>> {
        loop {
            let parsed = match self.lines.next()? {
                Err(error) => return Some(Err(error)),
                Ok(Line::Text(text)) if text.trim_ascii().is_empty() => continue,
                Ok(Line::Text(text)) => Ok(text),
                Ok(Line::TooLong) => Err(format!("the line is longer than {LINE_BYTES_MAX} bytes")),
            };
            let line = self.lines.number;
            let one = |message| vec![Mistake { line, message }];
            return Some(Ok(match parsed {
                Ok(text) => record::parse(line, &text).and_then(|case| self.once(case).map_err(one)),
                Err(message) => Err(one(message)),
            }));
        }
    }

    /// An external id must name one case: the keys that make a replay resumable are made from it.
    fn once(&mut self, case: CaseRecord) -> Result<CaseRecord, String> {
        match self.seen.insert(case.external_id.clone(), case.line) {
            None => Ok(case),
            Some(first) => Err(format!("external_id {:?} stands on line {first} already", case.external_id)),
        }
    }
}
