//! Identifiers of cases.

use std::fmt;

/// The fewest digits that an id shows: `CASE-001`.
const DIGITS_MIN: usize = 3;
/// The longest prefix, in characters.
const PREFIX_CHARS_MAX: usize = 16;

/// The text before the number of every case id: an upper-case letter, then upper-case letters or digits, at most 16.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseIdPrefix(Box<str>);

impl CaseIdPrefix {
    /// Checks a prefix.
    pub fn new(prefix: &str) -> Result<Self, InvalidCaseId> {
        if is_prefix(prefix) { Ok(Self(prefix.into())) } else { Err(InvalidCaseId) }
    }

    /// The id of the case with this number.
    pub fn id(&self, number: u64) -> CaseId {
        let text = format!("{}-{number:0DIGITS_MIN$}", self.0);
        CaseId { text: text.into(), number }
    }
}

/// The identifier of a case: a prefix and the case's number, at least three digits: `CASE-001`.
///
/// Ids are ordered by number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CaseId {
    text: Box<str>,
    number: u64,
}

/// The text is not an id in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a case id such as CASE-001")]
pub struct InvalidCaseId;

impl CaseId {
    /// Reads an id in canonical form: `CASE-1` and `CASE-0001` name no case.
    pub fn parse(text: &str) -> Result<Self, InvalidCaseId> {
        let (prefix, digits) = text.rsplit_once('-').ok_or(InvalidCaseId)?;
        if !is_prefix(prefix) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidCaseId);
        }
        let number: u64 = digits.parse().map_err(|_| InvalidCaseId)?;
        let id = CaseIdPrefix(prefix.into()).id(number);
        if number > 0 && &*id.text == text { Ok(id) } else { Err(InvalidCaseId) }
    }

    /// The case's number, from 1 in the order of creation.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialOrd for CaseId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CaseId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number.cmp(&other.number).then_with(|| self.text.cmp(&other.text))
    }
}

fn is_prefix(text: &str) -> bool {
    text.len() <= PREFIX_CHARS_MAX
        && text.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_shows_at_least_three_digits_and_reads_back() {
        let prefix = CaseIdPrefix::new("CASE").unwrap();
        for (number, text) in [(1, "CASE-001"), (999, "CASE-999"), (1_000, "CASE-1000")] {
            assert_eq!(prefix.id(number).as_str(), text);
            assert_eq!(CaseId::parse(text), Ok(prefix.id(number)));
        }
    }

    #[test]
    fn only_the_canonical_form_names_a_case() {
        for text in [
            "",
            "CASE",
            "CASE-",
            "CASE-1",
            "CASE-0001",
            "CASE-000",
            "case-001",
            "CASE-+01",
            "-001",
            "CASE-99999999999999999999",
        ] {
            assert_eq!(CaseId::parse(text), Err(InvalidCaseId), "{text}");
        }
    }

    #[test]
    fn ids_are_ordered_by_number_not_as_text() {
        assert!(CaseId::parse("CASE-1000").unwrap() > CaseId::parse("CASE-999").unwrap());
    }
}
