//! Page tokens: where a list goes on, bound to the filter that it began with, opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The form of the token; another number is another layout.
const VERSION: u8 = 1;
/// Enough to notice a token that was given back with another filter. It guards against mistakes, not against forgers: a
/// forged token shows nothing that the caller could not ask for.
const FILTER_DIGEST_BYTES: usize = 8;
const TOKEN_BYTES: usize = 1 + FILTER_DIGEST_BYTES + 8;

/// A list: what its filter asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FilterDigest([u8; FILTER_DIGEST_BYTES]);

/// The text is no token of ours, or one of another filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPageToken {
    /// No token of ours.
    #[error("is not a page token; give back `next_page_token` of the page before, unchanged")]
    Malformed,
    /// The filter has changed on the way.
    #[error("belongs to another filter; repeat the filter of the first page")]
    OtherFilter,
}

impl FilterDigest {
    /// Of the canonical text of a filter.
    pub(crate) fn new(canonical_filter: &str) -> Self {
        let digest = Sha256::digest(canonical_filter);
        Self(std::array::from_fn(|i| digest[i]))
    }

    /// A token of this list that goes on after the event at an index, as text: URL-safe base64 of version (1 byte),
    /// filter (8) and index (8, big endian).
    pub(crate) fn encode(self, after_index: u64) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(&after_index.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token of this list.
    pub(crate) fn decode(self, text: &str) -> Result<u64, InvalidPageToken> {
        let malformed = InvalidPageToken::Malformed;
        // The length is checked first: a token of a megabyte is not decoded only to be refused.
        if text.len() != base64::encoded_len(TOKEN_BYTES, false).unwrap_or_default() {
            return Err(malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed)?;
        let (&version, rest) = bytes.split_first().ok_or(malformed)?;
        let (&filter, index) = rest.split_first_chunk::<FILTER_DIGEST_BYTES>().ok_or(malformed)?;
        let after_index = u64::from_be_bytes(index.try_into().map_err(|_| malformed)?);
        if version != VERSION || i64::try_from(after_index).is_err() {
            return Err(malformed);
        }
        if filter != self.0 {
            return Err(InvalidPageToken::OtherFilter);
        }
        Ok(after_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens as they were once given out, each with the canonical text of its filter. They stay valid: a client may
    /// hold one across an upgrade.
    const GOLDEN: [(&str, &str, u64); 3] = [
        ("AedswHa6d0PqAAAAAAAAAQI", "case_id=", 258),
        ("Ac4n04Pv4IlJAAAAAAAAAAc", "case_id=CASE-001", 7),
        ("AU78xRMih1lUf_________8", EVERYTHING, u64::MAX / 2),
    ];
    const EVERYTHING: &str = "case_id=CASE-001;actor_id=\"amira\";action=\"case_created\";outcome=\"ACCEPTED\";\
        time_from=\"0\";time_to=\"1795426200000000\";request_id=\"r\";trace_id=\"0af7651916cd43dd8448eb211c80319c\"";

    #[test]
    fn a_token_keeps_its_form() {
        for (token, filter, after_index) in GOLDEN {
            assert_eq!(FilterDigest::new(filter).encode(after_index), token, "today's writer: {filter}");
            assert_eq!(FilterDigest::new(filter).decode(token), Ok(after_index), "an old token: {filter}");
        }
    }

    #[test]
    fn a_token_is_bound_to_its_filter() {
        for (token, filter, _) in GOLDEN {
            for (_, other, _) in GOLDEN.into_iter().filter(|(_, other, _)| *other != filter) {
                assert_eq!(FilterDigest::new(other).decode(token), Err(InvalidPageToken::OtherFilter));
            }
        }
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let list = FilterDigest::new("case_id=");
        let good = list.encode(258);
        let another_version = "AudswHa6d0PqAAAAAAAAAQI";
        let too_far = list.encode(u64::MAX);
        let not_base64 = good.replacen('A', "!", 1);
        for text in ["x", another_version, &too_far, &not_base64, &good[1..], &"A".repeat(1_000)] {
            assert_eq!(list.decode(text), Err(InvalidPageToken::Malformed), "{text}");
        }
    }
}
