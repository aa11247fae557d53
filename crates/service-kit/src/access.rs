//! Who may call what.
//!
//! A [`Rule`] for each method names the permission that it needs; a [`Permission`] names the roles that have it. The table of
//! the rules is given from outside, since this crate knows no cases.

mod caller;
mod events;
mod refusal;

pub(crate) use caller::{Caller, Roles};
pub(crate) use events::{Kind, SecurityEvent, SecurityEvents};
pub(crate) use refusal::Refusal;

/// What somebody is here for. The set is closed on purpose: identity providers and operators assign these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Reads cases.
    Viewer,
    /// Works on cases.
    Agent,
    /// Works on cases, and on many at once.
    Supervisor,
    /// Reads cases and the evidence.
    Auditor,
    /// Runs the system: diagnostics, dead letters.
    Operator,
    /// Another service of the system.
    Service,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::Agent, Self::Supervisor, Self::Auditor, Self::Operator, Self::Service];

    /// The names of all roles, for people.
    pub const NAMES: &'static str = "viewer, agent, supervisor, auditor, operator, service";

    /// Its name in tokens and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// The role of this name; none if it is not one of ours.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Something that one may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// For instance `cases.create`: what `PERMISSION_DENIED` names.
    pub name: &'static str,
    /// Who has it.
    pub roles: &'static [Role],
}

/// What a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// `package.Service/Method`
    pub method: &'static str,
    /// The permission.
    pub permission: &'static Permission,
}

/// To ask a service about itself: versions, configuration without secrets, stores, queues.
pub const DIAGNOSTICS_READ: Permission = Permission { name: "diagnostics.read", roles: &[Role::Operator] };

/// The rule of the one method that every server has besides health and reflection.
pub const DIAGNOSTICS: Rule =
    Rule { method: "casetracker.admin.v1.DiagnosticsService/GetDiagnostics", permission: &DIAGNOSTICS_READ };
