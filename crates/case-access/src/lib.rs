//! Who may call what: the permission of every method, and the roles that have it, in one table.
//!
//! Roles do not contain each other: each permission lists all that have it, so that one look at one line answers who may. What
//! each role is for, and what it must not do, stands in `docs/access.md`, which a test holds against this table.

use service_kit::access::{DIAGNOSTICS, Permission, Role, Rule};

use Role::{Agent, Auditor, Service, Supervisor, Viewer};

/// To read cases: their fields, comments and timelines. Not for operators: they run the system and need no case to do so.
pub const CASES_READ: Permission =
    Permission { name: "cases.read", roles: &[Viewer, Agent, Supervisor, Auditor, Service] };

/// To read the lifecycle, which is configuration and says nothing of any case: for everybody.
pub const LIFECYCLE_READ: Permission = Permission { name: "lifecycle.read", roles: &Role::ALL };

/// To create cases.
pub const CASES_CREATE: Permission = Permission { name: "cases.create", roles: WORKERS };

/// To change fields of cases.
pub const CASES_EDIT: Permission = Permission { name: "cases.edit", roles: WORKERS };

/// To give cases to somebody, or to nobody.
pub const CASES_ASSIGN: Permission = Permission { name: "cases.assign", roles: WORKERS };

/// To move cases through the lifecycle. Four eyes and required fields are the lifecycle's to ask for, not a role's.
pub const CASES_TRANSITION: Permission = Permission { name: "cases.transition", roles: WORKERS };

/// To comment on cases.
pub const CASES_COMMENT: Permission = Permission { name: "cases.comment", roles: WORKERS };

/// To link cases, and to part them.
pub const CASES_LINK: Permission = Permission { name: "cases.link", roles: WORKERS };

/// To read the audit log. Not for those who are audited: the timeline of a case is what they need.
pub const EVIDENCE_READ: Permission = Permission { name: "evidence.read", roles: &[Auditor] };

/// To follow the event feed, which has the whole content of every case and lets its reader hold up commands by not
/// acknowledging: for services only.
pub const FEED_FOLLOW: Permission = Permission { name: "feed.follow", roles: &[Service] };

/// Who works on cases. Services do: on behalf of a rule, such as a deadline that has passed.
const WORKERS: &[Role] = &[Agent, Supervisor, Service];

/// The rule of every method of every service.
pub const RULES: &[Rule] = &[
    Rule { method: "casetracker.v1.CaseCommandService/CreateCase", permission: &CASES_CREATE },
    Rule { method: "casetracker.v1.CaseCommandService/UpdateCase", permission: &CASES_EDIT },
    Rule { method: "casetracker.v1.CaseCommandService/TransitionCase", permission: &CASES_TRANSITION },
    Rule { method: "casetracker.v1.CaseCommandService/AssignCase", permission: &CASES_ASSIGN },
    Rule { method: "casetracker.v1.CaseCommandService/AddComment", permission: &CASES_COMMENT },
    Rule { method: "casetracker.v1.CaseCommandService/LinkCases", permission: &CASES_LINK },
    Rule { method: "casetracker.v1.CaseCommandService/UnlinkCases", permission: &CASES_LINK },
    Rule { method: "casetracker.v1.CaseQueryService/GetCase", permission: &CASES_READ },
    Rule { method: "casetracker.v1.CaseQueryService/BatchGetCases", permission: &CASES_READ },
    Rule { method: "casetracker.v1.CaseQueryService/ListCases", permission: &CASES_READ },
    Rule { method: "casetracker.v1.CaseQueryService/ListComments", permission: &CASES_READ },
    Rule { method: "casetracker.v1.CaseQueryService/GetCaseTimeline", permission: &CASES_READ },
    Rule { method: "casetracker.v1.CaseQueryService/GetLifecycle", permission: &LIFECYCLE_READ },
    Rule { method: "casetracker.v1.AuditService/ListAuditEvents", permission: &EVIDENCE_READ },
    Rule { method: "casetracker.v1.AuditService/GetAuditEvent", permission: &EVIDENCE_READ },
    Rule { method: "casetracker.feed.v1.CaseEventFeedService/Follow", permission: &FEED_FOLLOW },
    DIAGNOSTICS,
];
