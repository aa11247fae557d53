//! Text from elsewhere, made fit for a terminal and for a shell.

use std::borrow::Cow;

/// On one line, with nothing in it that a terminal would obey: a title could otherwise recolour, move or rename what the
/// person sees.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_obeyed) {
        let replaced = text.chars().map(|c| {
            if c.is_whitespace() {
                ' '
            } else if is_obeyed(c) {
                '\u{fffd}'
            } else {
                c
            }
        });
        return Cow::Owned(replaced.collect());
    }
    Cow::Borrowed(text)
}

/// Like [`printable`], with its lines kept.
pub(crate) fn prose(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// As one word of a POSIX shell.
pub(crate) fn quoted(word: &str) -> String {
    let word = printable(word);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Control characters, and those that turn the direction of writing.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(printable("a\tb\nc\u{1b}[31md\u{202e}e"), "a b c\u{fffd}[31md\u{fffd}e");
        assert_eq!(prose("a\nb\u{7}\r\nc"), "a\nb\u{fffd}\nc");
        assert!(matches!(printable("Wasser läuft 水"), Cow::Borrowed(_)));
    }

    #[test]
    fn words_come_back_out_of_a_shell() {
        assert_eq!(quoted("CASE-001"), "CASE-001");
        assert_eq!(quoted("Awaiting User Info"), "'Awaiting User Info'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
    }
}
