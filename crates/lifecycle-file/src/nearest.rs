//! The known name that a mistyped one was probably meant to be.

/// Names longer than this are not compared: no known name comes near, and comparing takes the square of the length.
const COMPARED_BYTES_MAX: usize = 80;
/// How much of a name from the file a message repeats, in characters.
const QUOTED_CHARS_MAX: usize = 64;

/// The known name that differs least from `given`, whatever the case; `None` if none is near.
///
/// Near means that insertions, deletions, substitutions and swaps of neighbours are at most a third of `given`'s length,
/// and one is always forgiven: the rule of rustc's own suggestions.
pub(crate) fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if given.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let given = given.to_ascii_lowercase();
    let length = given.chars().count();
    let forgiven = (length / 3).max(1);
    known
        .into_iter()
        .filter_map(|name| {
            // The difference in length is a lower bound: most names need not be compared.
            if length.abs_diff(name.chars().count()) > forgiven {
                return None;
            }
            let distance = strsim::osa_distance(&given, &name.to_ascii_lowercase());
            (distance <= forgiven).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The end of a message that names the nearest known name, or nothing.
pub(crate) fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// A text from the file as a message repeats it: quoted, on one line, and not longer than a message should be.
pub(crate) fn quoted(text: &str) -> String {
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(QUOTED_CHARS_MAX).flat_map(char::escape_debug).collect();
    let cut = if characters.next().is_some() { "…" } else { "" };
    format!("\"{shown}{cut}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not_suggested() {
        let known = ["from", "to", "requires_reason"];
        assert_eq!(nearest("requires_raeson", known), Some("requires_reason"));
        assert_eq!(nearest("form", known), Some("from"));
        assert_eq!(nearest("TO", known), Some("to"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"x".repeat(1_000), known), None);
    }

    #[test]
    fn a_quoted_text_stays_on_one_line_and_short() {
        assert_eq!(quoted("a\nb\"c"), r#""a\nb\"c""#);
        assert_eq!(quoted(&"é".repeat(65)), format!("\"{}…\"", "é".repeat(64)));
        assert_eq!(quoted(&"é".repeat(64)), format!("\"{}\"", "é".repeat(64)));
    }
}
