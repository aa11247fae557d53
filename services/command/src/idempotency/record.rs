//! The stored form of keys: one row for all keys of a batch, as many bytes for each.

use super::{Digest, KeyedRequest};

/// How many bytes a key takes.
pub(crate) const RECORD_BYTES: usize = 41;

const POSITION_AT: usize = 32;
const ANSWER_AT: usize = 40;

/// A remembered command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) request: KeyedRequest,
    /// The feed's last position when the command was accepted.
    pub(crate) position: u64,
    pub(crate) answer: AnswerPlace,
}

/// Where the answer to a replay is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerPlace {
    /// It is the case that the event at the record's position created: an event says everything of a case that is new.
    Creation,
    /// It stands by itself: it takes all earlier events of a case to tell how a later command left it.
    Kept,
}

impl Record {
    pub(crate) fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..16].copy_from_slice(&self.request.key_hash);
        bytes[16..POSITION_AT].copy_from_slice(&self.request.fingerprint);
        bytes[POSITION_AT..ANSWER_AT].copy_from_slice(&self.position.to_be_bytes());
        bytes[ANSWER_AT] = match self.answer {
            AnswerPlace::Creation => 0,
            AnswerPlace::Kept => 1,
        };
        bytes
    }

    /// `None` where the bytes are no record of ours.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().ok()?;
        let digest = |at: usize| Digest::try_from(&bytes[at..at + 16]).ok();
        Some(Self {
            request: KeyedRequest { key_hash: digest(0)?, fingerprint: digest(16)? },
            position: u64::from_be_bytes(bytes[POSITION_AT..ANSWER_AT].try_into().ok()?),
            answer: match bytes[ANSWER_AT] {
                0 => AnswerPlace::Creation,
                1 => AnswerPlace::Kept,
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_its_form() {
        let request = KeyedRequest { key_hash: [1; 16], fingerprint: [2; 16] };
        for (answer, last) in [(AnswerPlace::Creation, 0), (AnswerPlace::Kept, 1)] {
            let record = Record { request, position: 258, answer };
            let bytes = [&[1; 16][..], &[2; 16], &[0, 0, 0, 0, 0, 0, 1, 2], &[last]].concat();
            assert_eq!(record.to_bytes().as_slice(), bytes);
            assert_eq!(Record::from_bytes(&bytes), Some(record));
            assert_eq!(Record::from_bytes(&bytes[1..]), None);
        }
        assert_eq!(Record::from_bytes(&[2; RECORD_BYTES]), None, "a place that nobody knows");
    }
}
