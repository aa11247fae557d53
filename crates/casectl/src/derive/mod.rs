//! Derives the lifecycle that a log of real cases needs: every status, every beginning and every move that occurs in
//! it, and nothing more.
//!
//! What a status means for clocks and guards is not in a log: the categories are guessed from the names, and the text
//! that [`to_toml`] writes says so. A derived move requires nothing: whatever happened was allowed.

mod category;
mod counts;
mod text;

use case_domain::{Lifecycle, LifecycleDraft, StatusDefinition, Transition};
use lifecycle_file::{STATUSES_MAX, TRANSITIONS_MAX};
use service_kit::exit::{Exit, ExitCode};

use crate::log::CaseRecord;

pub use category::guess_category;
pub use counts::{Counter, Counts, StatusCount, TransitionCount};
pub use text::to_toml;

/// A lifecycle and the counts that speak for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// Statuses in the order of their first appearance; the most frequent beginning first, so that it is the default;
    /// moves by the status that they leave, the most frequent first.
    pub lifecycle: Lifecycle,
    /// How often each of it occurs.
    pub counts: Counts,
}

/// Why a log has no lifecycle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// There is no case.
    #[error("the log has no case, so it needs no lifecycle")]
    NoCase,
    /// More statuses than a lifecycle may have.
    #[error("the log has {count} statuses, a lifecycle has at most {STATUSES_MAX}: are they really statuses?")]
    TooManyStatuses {
        /// How many.
        count: usize,
    },
    /// More moves than a lifecycle may have.
    #[error("the log has {count} different transitions, a lifecycle has at most {TRANSITIONS_MAX}")]
    TooManyTransitions {
        /// How many.
        count: usize,
    },
}

impl From<DeriveError> for Exit {
    fn from(error: DeriveError) -> Self {
        Self::new(ExitCode::DataCorrupt, error.to_string())
    }
}

/// The lifecycle of these cases.
pub fn derive<'a>(records: impl IntoIterator<Item = &'a CaseRecord>) -> Result<Derived, DeriveError> {
    let mut counter = Counter::default();
    for record in records {
        counter.add(record);
    }
    from_counts(counter.finish())
}

/// The lifecycle of cases that have been counted while they were read.
pub fn from_counts(counts: Counts) -> Result<Derived, DeriveError> {
    if counts.statuses.len() > STATUSES_MAX {
        return Err(DeriveError::TooManyStatuses { count: counts.statuses.len() });
    }
    if counts.transitions.len() > TRANSITIONS_MAX {
        return Err(DeriveError::TooManyTransitions { count: counts.transitions.len() });
    }
    let definition = |count: &StatusCount| StatusDefinition {
        name: count.status.clone(),
        category: guess_category(count.status.as_str()),
    };
    let transition = |count: &TransitionCount| Transition::free(count.from.clone(), count.to.clone());
    let draft = LifecycleDraft {
        statuses: counts.statuses.iter().map(definition).collect(),
        initial: counts.initial().map(|count| count.status.clone()).collect(),
        transitions: counts.transitions.iter().map(transition).collect(),
    };
    // Statuses and pairs are counted once each, and what they name has been counted: only an empty log fits nothing.
    let lifecycle = Lifecycle::new(draft).map_err(|_| DeriveError::NoCase)?;
    Ok(Derived { lifecycle, counts })
}
