//! Collects everything that is wrong with a request, so that the caller reads it at once.

use std::fmt::Display;

use case_domain::{CaseId, InvalidCaseId, Line, Prose};
use rpc_error::{Failure, Reason};

/// The longest text that is looked up as a case id, in characters.
pub const CASE_ID_CHARS_MAX: usize = 128;

/// How much is told of what is wrong, in bytes of names and descriptions. Refusals travel in a header block, several times over
/// (message, metadata, details), and clients give up the whole connection over a block that is too large: common limits are 8 and
/// 16 KiB.
const TOLD_BYTES_MAX: usize = 1_536;
/// How much of that is left to the entries of lists: twenty bad tags must not hide the one field that is wrong besides.
const TOLD_BYTES_OF_LISTS_MAX: usize = TOLD_BYTES_MAX / 4 * 3;
/// What each violation takes beside its texts: separators and the frames of messages.
const FRAME_BYTES: usize = 16;
/// The longest description of one violation, in characters.
const DESCRIPTION_CHARS_MAX: usize = 512;

/// The invalid fields of one request: all of them, and of the entries of lists the first fifteen or so.
#[derive(Debug, Default)]
pub struct Violations {
    told: Vec<Violation>,
    told_bytes: usize,
    /// Of these, what the entries of lists take.
    told_bytes_of_lists: usize,
    /// How many there are besides.
    untold: usize,
}

#[derive(Debug)]
struct Violation {
    field: String,
    description: String,
    reason: &'static str,
}

impl Violations {
    /// Notes one invalid field; `reason` is a word for programs.
    pub fn add(&mut self, field: &str, description: impl Display, reason: &'static str) {
        let description = shortened(description.to_string());
        let bytes = FRAME_BYTES + encoded_bytes(field) + encoded_bytes(&description);
        let bytes_of_lists = if field.contains('[') { bytes } else { 0 };
        let is_too_much = self.told_bytes + bytes > TOLD_BYTES_MAX
            || self.told_bytes_of_lists + bytes_of_lists > TOLD_BYTES_OF_LISTS_MAX;
        if !self.told.is_empty() && is_too_much {
            self.untold += 1;
            return;
        }
        self.told_bytes += bytes;
        self.told_bytes_of_lists += bytes_of_lists;
        self.told.push(Violation { field: field.to_owned(), description, reason });
    }

    /// An optional line of text: empty is unset.
    pub fn line<const MAX: usize>(&mut self, field: &str, text: &str) -> Option<Line<MAX>> {
        if text.is_empty() { None } else { self.checked(field, Line::new(text)) }
    }

    /// An optional free text: empty is unset.
    pub fn prose<const MAX: usize>(&mut self, field: &str, text: &str) -> Option<Prose<MAX>> {
        if text.is_empty() { None } else { self.checked(field, Prose::new(text)) }
    }

    /// Keeps a good value, notes a bad one.
    pub fn checked<T, E: Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error, "INVALID");
                None
            }
        }
    }

    /// Fails if anything was noted.
    pub fn into_result(self) -> Result<(), Failure> {
        self.into_result_as(Reason::ValidationFailed)
    }

    /// Fails for this reason if anything was noted.
    pub fn into_result_as(self, reason: Reason) -> Result<(), Failure> {
        let Self { told, untold, told_bytes: _, told_bytes_of_lists: _ } = self;
        if told.is_empty() {
            return Ok(());
        }
        let mut listed: Vec<String> = told.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
        if untold > 0 {
            listed.push(format!("and {untold} more"));
        }
        let message = format!("{} invalid: {}", fields(told.len() + untold), listed.join("; "));
        let names: Vec<&str> = told.iter().map(|v| v.field.as_str()).collect();
        let failure = Failure::new(reason, message).with_metadata("fields", names.join(","));
        let failure = if untold > 0 { failure.with_metadata("more", untold.to_string()) } else { failure };
        Err(told.iter().fold(failure, |failure, v| failure.with_violation(&v.field, &v.description, v.reason)))
    }
}

/// A description without its end, if it is too long.
fn shortened(mut description: String) -> String {
    if let Some((end, _)) = description.char_indices().nth(DESCRIPTION_CHARS_MAX) {
        description.truncate(end);
        description.push('…');
    }
    description
}

/// How much room a text takes, roughly: what is not visible ASCII is escaped in a header.
fn encoded_bytes(text: &str) -> usize {
    text.bytes().map(|byte| if byte.is_ascii_graphic() || byte == b' ' { 1 } else { 2 }).sum()
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field is".to_owned() } else { format!("{count} fields are") }
}

/// Reads a required case id. A text that cannot be an id is noted only where it is absent or too long: otherwise it
/// names no case, and the caller is told so after all other checks of the syntax, as of any unknown id.
pub fn parse_case_id(violations: &mut Violations, field: &str, text: &str) -> Result<CaseId, Failure> {
    if text.is_empty() {
        violations.add(field, "is required", "REQUIRED");
    } else if text.chars().count() > CASE_ID_CHARS_MAX {
        violations.add(field, format_args!("has more than {CASE_ID_CHARS_MAX} characters"), "INVALID");
    }
    CaseId::parse(text).map_err(|InvalidCaseId| crate::rejection::case_not_found(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(count: usize, description: &str) -> Failure {
        let mut violations = Violations::default();
        for index in 0..count {
            violations.add(&format!("case.tags[{index}]"), description, "INVALID");
        }
        violations.into_result().unwrap_err()
    }

    #[test]
    fn a_few_mistakes_are_all_told() {
        let failure = told(16, "has 65 characters, at most 64 are allowed");
        assert!(failure.message().starts_with("16 fields are invalid: case.tags[0]: has 65"), "{}", failure.message());
        assert!(failure.message().contains("case.tags[15]") && !failure.message().contains("more"));
    }

    #[test]
    fn a_thousand_mistakes_are_counted_and_the_first_told() {
        let failure = told(1_000, "must not be blank");
        assert!(failure.message().starts_with("1000 fields are invalid: case.tags[0]: must"), "{}", failure.message());
        let (_, more) = failure.message().rsplit_once("; and ").unwrap();
        let more: usize = more.strip_suffix(" more").unwrap().parse().unwrap();
        assert_eq!(1_000 - more, failure.message().matches("must not be blank").count());
        assert!(failure.message().len() < 2 * TOLD_BYTES_MAX, "{}", failure.message().len());
    }

    #[test]
    fn many_bad_entries_of_a_list_do_not_hide_the_field_that_is_wrong_besides() {
        let mut violations = Violations::default();
        for index in 0..1_000 {
            violations.add(&format!("case.tags[{index}]"), "has 65 characters, at most 64 are allowed", "INVALID");
        }
        violations.add("case.due_time", "is out of range", "INVALID");
        let failure = violations.into_result().unwrap_err();
        assert!(failure.message().contains("case.due_time: is out of range"), "{}", failure.message());
        assert!(failure.message().contains("case.tags[10]"), "{}", failure.message());
    }

    #[test]
    fn one_mistake_is_told_however_long_its_description_is() {
        let failure = told(1, &"é".repeat(100_000));
        assert!(failure.message().ends_with("éé…"), "{}", failure.message());
        assert_eq!(failure.message().matches('é').count(), DESCRIPTION_CHARS_MAX);
    }
}
