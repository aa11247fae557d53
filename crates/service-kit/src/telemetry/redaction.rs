//! What is never written: one list, enforced where log lines are made.
//!
//! The first defence is that nobody logs such values. This is the second: a field of one of these names, or a text that
//! looks like a credential, is hidden whoever logs it, a library included.

use std::borrow::Cow;

/// Stands for what is not shown.
pub const REDACTED: &str = "[redacted]";

/// Headers (metadata keys) whose values are credentials.
pub const HEADERS: [&str; 5] = ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"];

/// Names of fields that hold secrets; also as the last part of a dotted name, in any case.
pub const SECRETS: [&str; 8] =
    ["credentials", "key_pem", "otlp_headers", "password", "private_key", "secret", "token", "token_file_content"];

/// Names of fields that hold what people have written about cases, or whole messages; also as the last part of a dotted name.
///
/// `reason` is not among them: in telemetry it is always a word of ours or an error, never the reason of a command.
pub const FREE_TEXT: [&str; 9] =
    ["body", "comment", "content", "custom_fields", "description", "payload", "snippet", "text", "title"];

/// What stands before a bearer token in a text that a library has made, and before the password in an address.
const SIGNS: [&str; 3] = ["Bearer ", "bearer ", "://"];

/// Whether the value of a field may not be written.
pub fn is_hidden(field: &str) -> bool {
    let last = field.rsplit('.').next().unwrap_or(field);
    [&HEADERS[..], &SECRETS[..], &FREE_TEXT[..]]
        .iter()
        .any(|list| list.iter().any(|hidden| last.eq_ignore_ascii_case(hidden)))
}

/// A text without the passwords of URLs and without bearer tokens.
pub fn scrubbed(text: &str) -> Cow<'_, str> {
    // Nearly every text: nothing to look at twice.
    if !has_sign(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let [upper, lower, address] = SIGNS;
    let text = without(text, upper, bearer_end);
    let text = without(&text, lower, bearer_end);
    Cow::Owned(without(&text, address, user_info_end))
}

/// Whether any of the signs stands in a text. One pass, since every text of every line comes by here.
fn has_sign(text: &[u8]) -> bool {
    let ends = |at: usize| SIGNS.iter().any(|sign| text[..=at].ends_with(sign.as_bytes()));
    text.iter().enumerate().any(|(at, byte)| ENDS_SIGN[usize::from(*byte)] && ends(at))
}

/// For each byte whether a sign ends with it.
static ENDS_SIGN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut at = 0;
    while at < SIGNS.len() {
        if let Some(last) = SIGNS[at].as_bytes().last() {
            ends[*last as usize] = true;
        }
        at += 1;
    }
    ends
};

/// Hides what follows each `sign`, up to where `end` says; `None`: nothing there is to be hidden.
fn without(text: &str, sign: &str, end: fn(&str) -> Option<usize>) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(sign) {
        shown.push_str(before);
        shown.push_str(sign);
        rest = end(after).map_or(after, |hidden| {
            shown.push_str(REDACTED);
            &after[hidden..]
        });
    }
    shown.push_str(rest);
    shown
}

fn bearer_end(after: &str) -> Option<usize> {
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/=".contains(c))).unwrap_or(after.len());
    (end > 0).then_some(end)
}

/// The end of `user:password` in `user:password@host`.
fn user_info_end(after: &str) -> Option<usize> {
    let authority = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
    after[..authority].rfind('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_secrets_and_of_case_text_are_hidden_and_others_are_not() {
        for field in ["authorization", "Authorization", "http.request.header.cookie", "case.title", "password"] {
            assert!(is_hidden(field), "{field}");
        }
        for field in ["case_id", "reason", "error", "method", "titles", "token_count", "request_id"] {
            assert!(!is_hidden(field), "control: {field}");
        }
    }

    #[test]
    fn a_sign_is_found_wherever_it_stands() {
        let parts = ["Bearer ", "bearer ", "://", "Bearer", "earer ", ":/", "/", " ", "ä", "x"];
        for first in parts {
            for second in parts {
                for third in parts {
                    let text = [first, second, third].concat();
                    let expected = SIGNS.iter().any(|sign| text.contains(sign));
                    assert_eq!(has_sign(text.as_bytes()), expected, "{text}");
                }
            }
        }
    }

    #[test]
    fn credentials_in_a_text_are_hidden_and_the_rest_stays() {
        let text =
            "cannot reach postgres://app:p@ss@db:5432/cases, nor http://u@c; sent Bearer abc.def-1, bearer x and more";
        let shown = "cannot reach postgres://[redacted]@db:5432/cases, nor http://[redacted]@c; \
                     sent Bearer [redacted], bearer [redacted] and more";
        assert_eq!(scrubbed(text), shown);
        for text in ["http://127.0.0.1:4317/a@b", "no Bearer ", "", "a mail to a@b.c", "ä://"] {
            assert!(matches!(scrubbed(text), Cow::Borrowed(_)) || scrubbed(text) == text, "{text}");
        }
    }
}
