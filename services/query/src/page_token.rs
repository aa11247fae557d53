//! Page tokens: where a list goes on, bound to the filter and the order that it began with, opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use case_api::pb::CaseFilter;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::order::{Cursor, Order, SortValue};

/// The form of a token whose key is a number; another number is another layout.
const VERSION: u8 = 1;
/// The form of a token whose key is a text.
const VERSION_TEXT: u8 = 2;
/// Enough to notice a token that was given back with another filter. It guards against mistakes, not against forgers: a
/// forged token shows nothing that the caller could not ask for.
const LIST_DIGEST_BYTES: usize = 8;
/// The longest text that cases are sorted by: a title of 200 characters. It has to be in the token as it was: the case may
/// have another one by now.
const TEXT_BYTES_MAX: usize = 200 * 4;
const TOKEN_BYTES_MAX: usize = 1 + LIST_DIGEST_BYTES + 8 + TEXT_BYTES_MAX;

/// A list: its filter and its order, or the case whose part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListDigest {
    digest: [u8; LIST_DIGEST_BYTES],
    /// Whether the keys of its tokens are texts.
    is_by_text: bool,
}

/// The text is no token of ours, or one of another list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPageToken {
    /// No token of ours.
    #[error("is not a page token; give back `next_page_token` of the page before, unchanged")]
    Malformed,
    /// Filter, order or case have changed on the way.
    #[error("belongs to another filter, order or case; repeat those of the first page")]
    OtherList,
}

impl ListDigest {
    /// Of a filter as it was given, and the order.
    pub(crate) fn new(filter: &CaseFilter, order: Order) -> Self {
        let order_by = order.to_string();
        let digest = Sha256::new().chain_update(order_by).chain_update([0]).chain_update(filter.encode_to_vec());
        Self { is_by_text: order.key.is_text(), ..Self::of(digest) }
    }

    /// Of the `part` of a case that is listed: `comments`, for instance, which is no order.
    pub(crate) fn of_case(part: &'static str, case_id: &str) -> Self {
        Self::of(Sha256::new().chain_update(part).chain_update([0]).chain_update(case_id))
    }

    fn of(digest: Sha256) -> Self {
        let digest = digest.finalize();
        Self { digest: std::array::from_fn(|i| digest[i]), is_by_text: false }
    }

    /// A token of this list, as text: URL-safe base64 of version (1 byte), list (8), sort key (8) and number (8, both big
    /// endian); where the key is a text, it comes last.
    pub(crate) fn encode(self, after: &Cursor) -> String {
        let mut bytes = Vec::with_capacity(1 + LIST_DIGEST_BYTES + 8 + 8);
        bytes.push(if self.is_by_text { VERSION_TEXT } else { VERSION });
        bytes.extend_from_slice(&self.digest);
        match &after.key {
            SortValue::Number(key) => {
                bytes.extend_from_slice(&key.to_be_bytes());
                bytes.extend_from_slice(&after.number.to_be_bytes());
            }
            SortValue::Text(key) => {
                bytes.extend_from_slice(&after.number.to_be_bytes());
                bytes.extend_from_slice(key.as_bytes());
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token of this list.
    pub(crate) fn decode(self, text: &str) -> Result<Cursor, InvalidPageToken> {
        let malformed = InvalidPageToken::Malformed;
        // The length is checked first: a token of a megabyte is not decoded only to be refused.
        if text.len() > base64::encoded_len(TOKEN_BYTES_MAX, false).unwrap_or_default() {
            return Err(malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed)?;
        let (&version, rest) = bytes.split_first().ok_or(malformed)?;
        let (list, rest) = rest.split_first_chunk::<LIST_DIGEST_BYTES>().ok_or(malformed)?;
        let cursor = match version {
            VERSION => by_number(rest),
            VERSION_TEXT => by_text(rest),
            _ => None,
        };
        let cursor = cursor.filter(|cursor| cursor.number >= 1).ok_or(malformed)?;
        if *list != self.digest {
            return Err(InvalidPageToken::OtherList);
        }
        if matches!(cursor.key, SortValue::Text(_)) != self.is_by_text {
            return Err(malformed);
        }
        Ok(cursor)
    }
}

fn by_number(bytes: &[u8]) -> Option<Cursor> {
    let (key, rest) = bytes.split_first_chunk::<8>()?;
    let number = i64::from_be_bytes(rest.try_into().ok()?);
    Some(Cursor { key: SortValue::Number(i64::from_be_bytes(*key)), number })
}

fn by_text(bytes: &[u8]) -> Option<Cursor> {
    let (number, key) = bytes.split_first_chunk::<8>()?;
    let key = str::from_utf8(key).ok()?.to_owned();
    Some(Cursor { key: SortValue::Text(key), number: i64::from_be_bytes(*number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor { key: SortValue::Number(-5), number: 258 }
    }

    fn titled(title: &str) -> Cursor {
        Cursor { key: SortValue::Text(title.to_owned()), number: 258 }
    }

    fn list(status: &str, order: &str) -> ListDigest {
        let filter = CaseFilter { statuses: vec![status.to_owned()], ..CaseFilter::default() };
        ListDigest::new(&filter, Order::parse(order).unwrap())
    }

    #[test]
    fn a_token_reads_back_in_its_own_list_only() {
        let token = list("DRAFT", "").encode(&cursor());
        assert_eq!(list("DRAFT", "create_time desc").decode(&token), Ok(cursor()));
        assert_eq!(list("CLOSED", "").decode(&token), Err(InvalidPageToken::OtherList));
        assert_eq!(list("DRAFT", "update_time").decode(&token), Err(InvalidPageToken::OtherList));
        assert_eq!(ListDigest::of_case("comments", "CASE-001").decode(&token), Err(InvalidPageToken::OtherList));
    }

    #[test]
    fn a_key_may_be_a_text_of_any_length_that_a_title_may_have() {
        for title in [String::new(), "Wasserschaden".to_owned(), "\u{10ffff}".repeat(200)] {
            let token = list("DRAFT", "title").encode(&titled(&title));
            assert_eq!(list("DRAFT", "title").decode(&token), Ok(titled(&title)));
        }
        let token = list("DRAFT", "title").encode(&titled(&"x".repeat(TEXT_BYTES_MAX + 1)));
        assert_eq!(list("DRAFT", "title").decode(&token), Err(InvalidPageToken::Malformed));
    }

    #[test]
    fn a_token_of_a_case_reads_back_for_this_case_and_part_only() {
        let token = ListDigest::of_case("comments", "CASE-001").encode(&cursor());
        assert_eq!(ListDigest::of_case("comments", "CASE-001").decode(&token), Ok(cursor()));
        for other in [ListDigest::of_case("comments", "CASE-002"), ListDigest::of_case("timeline", "CASE-001")] {
            assert_eq!(other.decode(&token), Err(InvalidPageToken::OtherList));
        }
    }

    /// Clients keep tokens across an upgrade.
    #[test]
    fn tokens_stay_as_they_are() {
        assert_eq!(list("DRAFT", "").encode(&cursor()), "AZg-ullO9bwK__________sAAAAAAAABAg");
        assert_eq!(list("DRAFT", "title").encode(&titled("Sturm")), "AkAS1geXA-GwAAAAAAAAAQJTdHVybQ");
        assert_eq!(ListDigest::of_case("timeline", "CASE-001").encode(&cursor()), "Adh2H_8j4DmP__________sAAAAAAAABAg");
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let good = list("DRAFT", "").encode(&cursor());
        let nothing = list("DRAFT", "").encode(&Cursor { number: 0, ..cursor() });
        for text in ["", "x", &nothing, &good[1..], &good.replacen('A', "B", 1), &good.replacen('A', "!", 1)] {
            assert_eq!(list("DRAFT", "").decode(text), Err(InvalidPageToken::Malformed), "{text}");
        }
        // A key of the other kind, in a token that was put together by hand.
        let title = list("DRAFT", "title");
        let forged = ListDigest { is_by_text: false, ..title }.encode(&cursor());
        assert_eq!(title.decode(&forged), Err(InvalidPageToken::Malformed));
        let forged = ListDigest { is_by_text: true, ..list("DRAFT", "") }.encode(&titled("x"));
        assert_eq!(list("DRAFT", "").decode(&forged), Err(InvalidPageToken::Malformed));
    }
}
