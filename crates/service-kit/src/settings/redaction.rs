//! What is shown of a value: never a secret, never a password.

use config::ValueKind;

use super::secret_key;
use super::toml_text;

/// What stands in the place of a secret. No secret can be this: whoever reads a printed configuration in again is told.
const REDACTED: &str = "[redacted]";
/// What stands in the place of a password inside a value.
const HIDDEN: &str = "***";
/// What the names of parameters that are secret have in them.
const SECRET_PARTS: [&str; 6] = ["password", "passwd", "pwd", "secret", "token", "key"];
/// What ends a parameter in the query of a URL and in the connection strings of databases.
const SEPARATORS: [char; 6] = [' ', '&', ';', ',', '?', '#'];

/// The value of a key as TOML, as far as people may see it.
pub(super) fn shown(key: &str, value: &ValueKind) -> String {
    let is_set = !matches!(value, ValueKind::String(text) if text.is_empty());
    if is_set && secret_key::is_secret(key) { redacted() } else { toml_text::render(value) }
}

/// A secret as TOML: nothing of it.
pub(super) fn redacted() -> String {
    toml_text::quoted(REDACTED)
}

/// Hides what stands where URLs and connection strings keep secrets: `scheme://user:password@host`, `password=…`.
pub(crate) fn without_passwords(text: &str) -> String {
    without_parameters(&without_user(text))
}

fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // The last `@`: a password may contain one unescaped. It may contain a `/`, too: then what looks like a port is none.
    let port_is_none = |(_, port): (&str, &str)| !port.ends_with(']') && port.parse::<u16>().is_err();
    let at = if !authority.contains('@') && authority.rsplit_once(':').is_some_and(port_is_none) {
        rest.rfind('@')
    } else {
        authority.rfind('@')
    };
    at.map_or_else(|| text.to_owned(), |at| format!("{scheme}://{HIDDEN}{}", &rest[at..]))
}

fn without_parameters(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        shown.push_str(before);
        shown.push('=');
        let name = before.rsplit(SEPARATORS).next().unwrap_or(before).to_lowercase();
        let value = &after[..value_length(after)];
        let is_secret = !value.is_empty() && SECRET_PARTS.iter().any(|part| name.contains(part));
        shown.push_str(if is_secret { HIDDEN } else { value });
        rest = &after[value.len()..];
    }
    shown + rest
}

/// How long the value at the beginning of `text` is, with its quotes if it has some.
fn value_length(text: &str) -> usize {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c));
    let end = match quote {
        Some(quote) => text[1..].find(quote).map(|end| end + 2),
        None => text.find(SEPARATORS),
    };
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        for secret in [
            "postgres://user:pa55@db/cases",
            "postgres://user:pa55@pa55@db/cases",
            "postgres://user:x/pa55@db/cases",
            "https://pa55@host",
            "host=db password=pa55 user=x",
            "host=db password='pa55 pa55' user=x",
            "postgres://db/x?user=y&PASSWORD=pa55",
            "postgres://db/x?password=pa55&sslpassword=pa55",
            "https://host/jwks?api_key=pa55#x",
        ] {
            let shown = without_passwords(secret);
            assert!(shown.contains("***") && !shown.contains("pa55"), "{secret}: {shown}");
        }
    }

    #[test]
    fn everything_else_is_shown() {
        for text in [
            "http://host:1/a@b",
            "http://[::1]:1",
            "sqlite:a=b.db",
            "host=db user=x",
            "x://h/?sslmode=require",
            "==",
            "",
        ] {
            assert_eq!(without_passwords(text), text);
        }
    }

    #[test]
    fn a_secret_is_not_shown_and_no_secret_is_not_hidden() {
        let value = ValueKind::String("pa55".to_owned());
        assert_eq!(shown("auth.token", &value), "\"[redacted]\"");
        assert_eq!(shown("auth.issuer", &value), "\"pa55\"");
        assert_eq!(shown("auth.token", &ValueKind::String(String::new())), "\"\"");
    }
}
