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
mod rejection;
mod text;
mod time;

pub use case::{Case, CaseDraft, LINKS_MAX, Link, LinkType, Priority, Severity, StatusCategory};
pub use command::{AssignCase, ChangeCase, Command, CreateCase, Edit, Operation, TransitionCase};
pub use context::{DecisionContext, RequestContext, TraceContext};
pub use decide::decide;
pub use event::{Action, Change, Event, Moved};
pub use evolve::{EvolveError, evolve};
pub use id::{CaseId, CaseIdPrefix, InvalidCaseId};
pub use lifecycle::{
    InvalidStatus, Lifecycle, LifecycleDraft, LifecycleProblem, RequiredField, Status, StatusDefinition, Transition,
};
pub use rejection::{Rejection, Requirement};
pub use text::{
    CUSTOM_FIELDS_BYTES_MAX, CommentBody, CustomFields, Description, Line, Person, Prose, Reason, TAGS_MAX, Tag, Tags,
    Team, TextError, Title, TooManyTags,
};
pub use time::Timestamp;
