//! Lines of bounded length.

use std::io::{self, BufRead, Read};

use super::LINE_BYTES_MAX;

/// A line without its end.
pub(super) enum Line {
    /// Its bytes.
    Text(Vec<u8>),
    /// Too long to be kept; it has been passed over.
    TooLong,
}

/// Splits a text into lines, holding one at a time.
pub(super) struct Lines<R> {
    input: R,
    /// The number of the line that was read last, from 1.
    pub(super) number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    pub(super) fn next(&mut self) -> Option<io::Result<Line>> {
        self.read().transpose()
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        // Counted before it is read: where reading fails, it failed in this line.
        self.number += 1;
        let mut text = Vec::new();
        // One byte more than allowed, so that a line that is too long is seen to be.
        let limit = LINE_BYTES_MAX as u64 + 1;
        if self.input.by_ref().take(limit).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        if text.ends_with(b"\n") {
            text.pop();
        } else if text.len() > LINE_BYTES_MAX {
            self.skip_rest()?;
            return Ok(Some(Line::TooLong));
        }
        Ok(Some(Line::Text(text)))
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.input.fill_buf()?;
            let end = buffered.iter().position(|byte| *byte == b'\n');
            let (consumed, done) = end.map_or((buffered.len(), buffered.is_empty()), |end| (end + 1, true));
            self.input.consume(consumed);
            if done {
                return Ok(());
            }
        }
    }
}
