//! Text that has been checked: what exists as one of these types is within its limits.

use std::fmt;

/// The most tags that a case may have.
pub const TAGS_MAX: usize = 32;
/// The largest custom fields of a case, in bytes of compact JSON.
pub const CUSTOM_FIELDS_BYTES_MAX: usize = 8_192;

/// A title: one line of 1 to 200 characters.
pub type Title = Line<200>;
/// A person's name or id: one line of 1 to 128 characters.
pub type Person = Line<128>;
/// A team's name: one line of 1 to 128 characters.
pub type Team = Line<128>;
/// A tag: one line of 1 to 64 characters.
pub type Tag = Line<64>;
/// A description: 1 to 16,384 characters.
pub type Description = Prose<16_384>;
/// A comment: 1 to 16,384 characters.
pub type CommentBody = Prose<16_384>;
/// Why something was done: 1 to 2,000 characters.
pub type Reason = Prose<2_000>;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing in it, or nothing but white space.
    #[error("must not be blank")]
    Blank,
    /// More characters than allowed.
    #[error("has {actual} characters, at most {max} are allowed")]
    TooLong {
        /// How many it has.
        actual: usize,
        /// How many it may have.
        max: usize,
    },
    /// A control character that the kind of text does not admit.
    #[error("has the control character U+{code:04X} at character {at}; remove it")]
    ControlCharacter {
        /// The character's code point.
        code: u32,
        /// Its place, from 1.
        at: usize,
    },
}

/// One line of 1 to `MAX` Unicode characters, without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MAX: usize>(Box<str>);

/// Text of 1 to `MAX` Unicode characters; line breaks and tabs are allowed, other control characters are not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prose<const MAX: usize>(Box<str>);

impl<const MAX: usize> Line<MAX> {
    /// Checks a text.
    pub fn new(text: &str) -> Result<Self, TextError> {
        check(text, MAX, |c| !c.is_control())?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Prose<MAX> {
    /// Checks a text.
    pub fn new(text: &str) -> Result<Self, TextError> {
        check(text, MAX, |c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Line<MAX> {
    /// Only the length: a title is a line, and free text must not reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} bytes)", self.0.len())
    }
}

impl<const MAX: usize> fmt::Debug for Prose<MAX> {
    /// Only the length: free text must not reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prose({} bytes)", self.0.len())
    }
}

fn check(text: &str, max: usize, admits: impl Fn(char) -> bool) -> Result<(), TextError> {
    if text.trim().is_empty() {
        return Err(TextError::Blank);
    }
    // No character takes less than one byte: most texts need not be counted.
    if text.len() > max {
        let actual = text.chars().count();
        if actual > max {
            return Err(TextError::TooLong { actual, max });
        }
    }
    match text.chars().enumerate().find(|(_, c)| !admits(*c)) {
        None => Ok(()),
        Some((index, c)) => Err(TextError::ControlCharacter { code: u32::from(c), at: index + 1 }),
    }
}

/// More tags than [`TAGS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has {actual} different tags or more, at most {TAGS_MAX} are allowed")]
pub struct TooManyTags {
    /// How many different tags had been counted when the count was given up: a long list is not read to its end.
    pub actual: usize,
}

/// At most [`TAGS_MAX`] different tags, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// Keeps the first of each repeated tag.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Result<Self, TooManyTags> {
        let mut kept: Vec<Tag> = Vec::new();
        for tag in tags {
            if !kept.contains(&tag) {
                kept.push(tag);
            }
            if kept.len() > TAGS_MAX {
                return Err(TooManyTags { actual: kept.len() });
            }
        }
        Ok(Self(kept))
    }

    /// The tags.
    pub fn as_slice(&self) -> &[Tag] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The caller's own fields: one JSON object in compact form with sorted keys, at most [`CUSTOM_FIELDS_BYTES_MAX`] bytes.
///
/// The domain does not look inside: what is checked and written as JSON at the border stays a text in here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CustomFields(Box<str>);

impl CustomFields {
    /// Takes an object that the border has written; refuses it (with its size in bytes) where it is too large.
    pub fn new(compact_json: &str) -> Result<Self, usize> {
        if compact_json.len() > CUSTOM_FIELDS_BYTES_MAX {
            Err(compact_json.len())
        } else {
            Ok(Self(compact_json.into()))
        }
    }

    /// The object as compact JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CustomFields {
    /// Only the length: free text must not reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomFields({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_characters_not_bytes() {
        assert!(Title::new(&"é".repeat(200)).is_ok());
        assert_eq!(Title::new(&"é".repeat(201)), Err(TextError::TooLong { actual: 201, max: 200 }));
    }

    #[test]
    fn a_line_admits_no_control_characters_and_prose_admits_line_breaks() {
        assert_eq!(Title::new("a\nb"), Err(TextError::ControlCharacter { code: 10, at: 2 }));
        assert!(Reason::new("a\n\tb").is_ok());
        assert_eq!(Reason::new("a\u{0}"), Err(TextError::ControlCharacter { code: 0, at: 2 }));
    }

    #[test]
    fn blank_text_is_refused() {
        assert_eq!(Title::new("  \u{a0}"), Err(TextError::Blank));
        assert_eq!(Reason::new(""), Err(TextError::Blank));
    }

    #[test]
    fn free_text_does_not_show_in_debug_output() {
        let reason = Reason::new("secret canary").unwrap();
        let title = Title::new("secret canary").unwrap();
        assert!(!format!("{reason:?} {title:?}").contains("canary"));
    }

    #[test]
    fn repeated_tags_are_kept_once_and_too_many_are_refused() {
        let tag = |n: usize| Tag::new(&format!("t{n}")).unwrap();
        let tags = Tags::new([tag(1), tag(2), tag(1)]).unwrap();
        assert_eq!(tags.as_slice(), [tag(1), tag(2)]);
        assert!(Tags::new((0..TAGS_MAX).map(tag)).is_ok());
        assert_eq!(Tags::new((0..=TAGS_MAX).map(tag)), Err(TooManyTags { actual: TAGS_MAX + 1 }));
    }
}
