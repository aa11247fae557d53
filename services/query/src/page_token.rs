//! Page tokens: where a list goes on, bound to the filter and the order that it began with, opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use case_api::pb::CaseFilter;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::filter::{Cursor, Order};

/// The form of the token; another number is another layout.
const VERSION: u8 = 1;
/// Enough to notice a token that was given back with another filter. It guards against mistakes, not against forgers: a
/// forged token shows nothing that the caller could not ask for.
const LIST_DIGEST_BYTES: usize = 8;
const TOKEN_BYTES: usize = 1 + LIST_DIGEST_BYTES + 8 + 8;

/// A list: its filter and its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListDigest([u8; LIST_DIGEST_BYTES]);

/// The text is no token of ours, or one of another list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPageToken {
    /// No token of ours.
    #[error("is not a page token; give back `next_page_token` of the page before, unchanged")]
    Malformed,
    /// Filter or order have changed on the way.
    #[error("belongs to another filter or order; repeat those of the first page")]
    OtherList,
}

impl ListDigest {
    /// Of a filter as it was given, and the order.
    pub(crate) fn new(filter: &CaseFilter, order: Order) -> Self {
        let digest = Sha256::new().chain_update(order.as_str()).chain_update([0]).chain_update(filter.encode_to_vec());
        let digest = digest.finalize();
        Self(std::array::from_fn(|i| digest[i]))
    }

    /// A token of this list, as text: URL-safe base64 of version (1 byte), list (8), sort key (8) and number (8, both big
    /// endian).
    pub(crate) fn encode(self, after: Cursor) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(&after.key.to_be_bytes());
        bytes.extend_from_slice(&after.number.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token of this list.
    pub(crate) fn decode(self, text: &str) -> Result<Cursor, InvalidPageToken> {
        let malformed = InvalidPageToken::Malformed;
        // The length is checked first: a token of a megabyte is not decoded only to be refused.
        if text.len() != base64::encoded_len(TOKEN_BYTES, false).unwrap_or_default() {
            return Err(malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed)?;
        let (&version, rest) = bytes.split_first().ok_or(malformed)?;
        let (list, rest) = rest.split_first_chunk::<LIST_DIGEST_BYTES>().ok_or(malformed)?;
        let (key, rest) = rest.split_first_chunk::<8>().ok_or(malformed)?;
        let (number, _) = rest.split_first_chunk::<8>().ok_or(malformed)?;
        let (key, number) = (i64::from_be_bytes(*key), i64::from_be_bytes(*number));
        if version != VERSION || number < 1 {
            return Err(malformed);
        }
        if *list != self.0 {
            return Err(InvalidPageToken::OtherList);
        }
        Ok(Cursor { key, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: Cursor = Cursor { key: -5, number: 258 };

    fn list(status: &str, order: &str) -> ListDigest {
        let filter = CaseFilter { statuses: vec![status.to_owned()], ..CaseFilter::default() };
        ListDigest::new(&filter, Order::parse(order).unwrap())
    }

    #[test]
    fn a_token_reads_back_in_its_own_list_only() {
        let token = list("DRAFT", "").encode(CURSOR);
        assert_eq!(list("DRAFT", "create_time desc").decode(&token), Ok(CURSOR));
        assert_eq!(list("CLOSED", "").decode(&token), Err(InvalidPageToken::OtherList));
        assert_eq!(list("DRAFT", "update_time").decode(&token), Err(InvalidPageToken::OtherList));
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let good = list("DRAFT", "").encode(CURSOR);
        let nothing = list("DRAFT", "").encode(Cursor { number: 0, ..CURSOR });
        for text in ["", "x", &nothing, &good[1..], &good.replacen('A', "B", 1), &good.replacen('A', "!", 1)] {
            assert_eq!(list("DRAFT", "").decode(text), Err(InvalidPageToken::Malformed), "{text}");
        }
    }
}
