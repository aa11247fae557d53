//! Any text is read or refused in good order; none is a panic.

use lifecycle_file::{DEFAULT_TOML, Mistake, parse};
use proptest::prelude::*;

/// Pieces that a lifecycle is made of, and some that it is not.
const PIECES: [&str; 27] = [
    "initial",
    "statuses",
    "transitions",
    "name",
    "category",
    "from",
    "to",
    "requires_reason",
    "required_fields",
    "other_actor_than",
    "\"team\"",
    " = ",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    ",",
    "\n",
    ".",
    "\"",
    "\"A\"",
    "\"open\"",
    "true",
    "1",
    "# é\r\n",
];

/// What must hold of a refusal: something is said, in order, of lines that are there.
fn fault(text: &str, mistakes: &[Mistake]) -> Option<String> {
    // An error may lie behind the last line break, on a line that `lines` does not count.
    let last = text.lines().count() + 1;
    if mistakes.is_empty() {
        Some("refused without a mistake".to_owned())
    } else if !mistakes.is_sorted_by_key(|mistake| mistake.line) {
        Some("not sorted".to_owned())
    } else {
        let strange = |mistake: &&Mistake| mistake.line == 0 || mistake.line > last || mistake.message.contains('\n');
        mistakes.iter().find(strange).map(ToString::to_string)
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    if let Err(mistakes) = parse(text) {
        prop_assert_eq!(fault(text, &mistakes), None);
    }
    Ok(())
}

/// The default with a few stretches replaced by something else.
fn damaged(cuts: &[(prop::sample::Index, usize, String)]) -> String {
    let mut characters: Vec<char> = DEFAULT_TOML.chars().collect();
    for (at, length, replacement) in cuts {
        let start = at.index(characters.len());
        let end = (start + length).min(characters.len());
        characters.splice(start..end, replacement.chars());
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_string(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_sequence_of_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn the_default_with_damage(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "[\\PC\n]{0,3}"), 1..4)
    ) {
        check(&damaged(&cuts))?;
    }
}

#[test]
fn faults_are_noticed() {
    // The controls of the properties above.
    let mistake = |line, message: &str| Mistake { line, message: message.to_owned() };
    assert_eq!(fault("a", &[mistake(1, "x")]), None);
    assert!(fault("a", &[]).is_some());
    assert!(fault("a\nb", &[mistake(2, "x"), mistake(1, "y")]).is_some());
    assert!(fault("a", &[mistake(0, "x")]).is_some());
    assert!(fault("a", &[mistake(3, "x")]).is_some());
    assert!(fault("a", &[mistake(1, "x\ny")]).is_some());
}
