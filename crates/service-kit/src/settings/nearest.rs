//! The known key that a misspelt one was probably meant to be.

/// The candidate nearest to `key`; the first of several. None only if there are no candidates.
pub(super) fn nearest<'a>(key: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| remoteness(key, candidate))
}

/// The right name in the wrong section is nearer than most misspellings: `command.drain_timeout`.
fn remoteness(key: &str, candidate: &str) -> usize {
    let whole = distance(key, candidate);
    let same_name = last_part(key) == last_part(candidate);
    if same_name { whole.min(1) } else { whole }
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// How many characters to insert, delete or replace to make one text of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn misspelt_and_misplaced_keys_are_recognised() {
        let known = ["drain_timeout", "command.listen", "query.listen", "telemetry.otlp_endpoint"];
        let found = |key| nearest(key, known.into_iter());
        assert_eq!(found("query.lisen"), Some("query.listen"));
        assert_eq!(found("command.drain_timeout"), Some("drain_timeout"));
        assert_eq!(found("telemetry.endpoint"), Some("telemetry.otlp_endpoint"));
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
