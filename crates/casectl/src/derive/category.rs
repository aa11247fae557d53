//! What the name of a status says about its category.

use case_domain::StatusCategory;

/// Words of names that mean the end of work.
const CLOSED_WORDS: [&str; 5] = ["CLOSED", "CANCELLED", "CANCELED", "DONE", "FINISHED"];
/// Words of names that mean that somebody else is awaited.
const PAUSED_WORDS: [&str; 4] = ["HOLD", "PENDING", "PAUSED", "SUSPENDED"];

/// The category that a status with this name most likely has. A guess, to be checked by somebody who knows.
///
/// COMPLETED means closed unless the name also says RESOLVED: a resolved case waits for its closing. WAIT counts
/// wherever it stands in the name (AWAITING, WAITING), the other words only as words of their own.
pub fn guess_category(name: &str) -> StatusCategory {
    let has = |word: &str| name.split('_').any(|part| part == word);
    if CLOSED_WORDS.into_iter().any(has) || (has("COMPLETED") && !has("RESOLVED")) {
        StatusCategory::Closed
    } else if name.contains("WAIT") || PAUSED_WORDS.into_iter().any(has) {
        StatusCategory::Paused
    } else {
        StatusCategory::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_mean() {
        for (name, category) in [
            ("COMPLETED_CLOSED", StatusCategory::Closed),
            ("COMPLETED_CANCELLED", StatusCategory::Closed),
            ("CANCELED", StatusCategory::Closed),
            ("COMPLETED_IN_CALL", StatusCategory::Closed),
            ("WAITING_DONE", StatusCategory::Closed),
            ("COMPLETED_RESOLVED", StatusCategory::Open),
            ("RESOLVED", StatusCategory::Open),
            ("ACCEPTED_WAIT_USER", StatusCategory::Paused),
            ("QUEUED_AWAITING_ASSIGNMENT", StatusCategory::Paused),
            ("ON_HOLD", StatusCategory::Paused),
            ("PENDING", StatusCategory::Paused),
            ("THRESHOLD_REACHED", StatusCategory::Open),
            ("ABANDONED", StatusCategory::Open),
            ("UNMATCHED_UNMATCHED", StatusCategory::Open),
        ] {
            assert_eq!(guess_category(name), category, "{name}");
        }
    }
}
