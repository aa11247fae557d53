//! Which log lines are written: the directives of `log.level`.

use tracing_subscriber::EnvFilter;

/// What `log.level` may be.
pub(super) const ALLOWED: &str =
    "off, error, warn, info, debug or trace, and exceptions such as \"info,case_query=debug\"";

/// The levels that a directive can be, or give to a target.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Whether these are directives that do what they look like.
///
/// `EnvFilter` takes a bare word that is no level for the name of a target, at its most verbose: `inof` would switch off
/// everything else. Such a word is refused; `target=trace` says the same on purpose.
pub(super) fn is_directive_list(text: &str) -> bool {
    let is_bare_word = |directive: &str| !directive.contains(['=', '[']);
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let words_are_levels = text.split(',').map(str::trim).filter(|word| is_bare_word(word)).all(is_level);
    words_are_levels && EnvFilter::builder().parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_accepted() {
        for good in ["info", "WARN", "off", "info,case_query=debug", "info,a[span{x=1}]=debug"] {
            assert!(is_directive_list(good), "{good}");
        }
    }

    #[test]
    fn words_that_would_do_something_else_are_refused() {
        for bad in ["", "inof", "info,", "info,case_query", "info,case_query=loud", "5 apples", "info, a=debug"] {
            assert!(!is_directive_list(bad), "{bad}");
        }
    }
}
