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

/// Where the next page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageToken {
    filter: [u8; FILTER_DIGEST_BYTES],
    /// The place in the log of the last event of the page before.
    pub(crate) after_index: u64,
}

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

impl PageToken {
    /// Goes on after an event, in the list of one case, or of all if that is empty.
    pub(crate) fn new(case_id: &str, after_index: u64) -> Self {
        Self { filter: filter_digest(case_id), after_index }
    }

    /// As text: URL-safe base64 of version (1 byte), filter (8) and index (8, big endian).
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.filter);
        bytes.extend_from_slice(&self.after_index.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads [`Self::encode`]'s form, of a list with this filter.
    pub(crate) fn decode(text: &str, case_id: &str) -> Result<Self, InvalidPageToken> {
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
        if filter != filter_digest(case_id) {
            return Err(InvalidPageToken::OtherFilter);
        }
        Ok(Self { filter, after_index })
    }
}

fn filter_digest(case_id: &str) -> [u8; FILTER_DIGEST_BYTES] {
    let digest = Sha256::digest(format!("case_id={case_id}"));
    std::array::from_fn(|i| digest[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_form() {
        let token = PageToken::new("", 258);
        assert_eq!(token.encode(), "AedswHa6d0PqAAAAAAAAAQI");
        assert_eq!(PageToken::decode(&token.encode(), ""), Ok(token));
    }

    #[test]
    fn a_token_is_bound_to_its_filter() {
        let token = PageToken::new("CASE-001", 7).encode();
        assert_eq!(PageToken::decode(&token, "CASE-001").map(|token| token.after_index), Ok(7));
        for other in ["", "CASE-002"] {
            assert_eq!(PageToken::decode(&token, other), Err(InvalidPageToken::OtherFilter));
        }
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let good = PageToken::new("", 258).encode();
        let another_version = "AudswHa6d0PqAAAAAAAAAQI";
        let too_far = PageToken::new("", u64::MAX).encode();
        let not_base64 = good.replacen('A', "!", 1);
        for text in ["x", another_version, &too_far, &not_base64, &good[1..], &"A".repeat(1_000)] {
            assert_eq!(PageToken::decode(text, ""), Err(InvalidPageToken::Malformed), "{text}");
        }
    }
}
