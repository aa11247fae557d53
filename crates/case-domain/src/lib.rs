//! What a case is and how it may change: pure and synchronous.
//!
//! [`decide`] turns a command into an event or refuses it; [`evolve`] turns an event into the next state. Time,
//! identity and the lifecycle come in as arguments, so that every decision can be repeated. Nothing here knows the
//! wire, the disk, the clock or chance.

mod case;
mod command;
mod context;
mod decide;
mod event;
mod evolve;
mod id;
mod lifecycle;
mod text;
mod time;

pub use case::{Case, CaseDraft, Priority, Severity, StatusCategory};
pub use command::{Command, CreateCase, TransitionCase};
pub use context::{DecisionContext, RequestContext, TraceContext};
pub use decide::{Rejection, decide};
pub use event::{Action, Change, Event, Moved};
pub use evolve::{EvolveError, evolve};
pub use id::{CaseId, CaseIdPrefix, InvalidCaseId};
pub use lifecycle::{InvalidStatus, Lifecycle, LifecycleDraft, LifecycleProblem, Status, StatusDefinition, Transition};
pub use text::{
    COMMENT_CHARS_MAX, CUSTOM_FIELDS_BYTES_MAX, CustomFields, Description, Line, Person, Prose, Reason, TAGS_MAX, Tag,
    Tags, Team, TextError, Title, TooManyTags,
};
pub use time::Timestamp;
