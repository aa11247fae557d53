//! The closed set of error reasons.

use tonic::Code;

/// Why a call failed: the stable `reason` of `google.rpc.ErrorInfo`.
///
/// The set is closed on purpose: callers program against these names. A new one is an addition to the API contract, to
/// `docs/errors.md` and to every client's switch; a renamed one breaks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Fields of the request are invalid; `BadRequest` names all of them.
    ValidationFailed,
    /// The page token is malformed, or belongs to another filter or order.
    InvalidPageToken,
    /// The page size is negative.
    InvalidPageSize,
    /// A field mask names a path that cannot be set.
    UnknownField,
    /// The consistency token is malformed, or of another store.
    InvalidConsistencyToken,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// There is no such case.
    CaseNotFound,
    /// There is no such audit event.
    AuditEventNotFound,
    /// The case has moved on since the caller saw it.
    CaseVersionMismatch,
    /// The lifecycle has no such transition.
    TransitionNotAllowed,
    /// The transition needs something that the request lacks.
    TransitionRequirementNotMet,
    /// Fields of a closed case do not change.
    CaseClosed,
    /// The case has this link already.
    LinkExists,
    /// The case has no such link.
    LinkNotFound,
    /// The call does not show who makes it.
    CredentialsMissing,
    /// The credentials do not verify.
    CredentialsInvalid,
    /// The credentials were good, and are too old now.
    CredentialsExpired,
    /// Whoever calls may not do that.
    PermissionDenied,
    /// Too many requests are in flight.
    Overloaded,
    /// This caller makes too many calls.
    RateLimited,
    /// A bounded queue is full.
    QueueFull,
    /// The message exceeds the size limit.
    MessageTooLarge,
    /// The store cannot be used now.
    StoreUnavailable,
    /// The keys that credentials are verified with are not there yet.
    IdentityUnavailable,
    /// The server is shutting down.
    Draining,
    /// The read model has not reached the demanded freshness in time.
    ProjectionLagging,
    /// Too many events wait for the audit log.
    AuditBacklogFull,
    /// There is no such method.
    Unimplemented,
    /// The caller went away.
    Cancelled,
    /// The deadline has passed.
    DeadlineExceeded,
    /// Evidence does not verify.
    AuditLogCorrupt,
    /// A bug.
    Internal,
}

impl Reason {
    /// Every reason, for tables and tests.
    pub const ALL: [Self; 32] = [
        Self::ValidationFailed,
        Self::InvalidPageToken,
        Self::InvalidPageSize,
        Self::UnknownField,
        Self::InvalidConsistencyToken,
        Self::IdempotencyKeyReused,
        Self::CaseNotFound,
        Self::AuditEventNotFound,
        Self::CaseVersionMismatch,
        Self::TransitionNotAllowed,
        Self::TransitionRequirementNotMet,
        Self::CaseClosed,
        Self::LinkExists,
        Self::LinkNotFound,
        Self::CredentialsMissing,
        Self::CredentialsInvalid,
        Self::CredentialsExpired,
        Self::PermissionDenied,
        Self::Overloaded,
        Self::RateLimited,
        Self::QueueFull,
        Self::MessageTooLarge,
        Self::StoreUnavailable,
        Self::IdentityUnavailable,
        Self::Draining,
        Self::ProjectionLagging,
        Self::AuditBacklogFull,
        Self::Unimplemented,
        Self::Cancelled,
        Self::DeadlineExceeded,
        Self::AuditLogCorrupt,
        Self::Internal,
    ];

    /// The stable name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ValidationFailed => "VALIDATION_FAILED",
            Self::InvalidPageToken => "INVALID_PAGE_TOKEN",
            Self::InvalidPageSize => "INVALID_PAGE_SIZE",
            Self::UnknownField => "UNKNOWN_FIELD",
            Self::InvalidConsistencyToken => "INVALID_CONSISTENCY_TOKEN",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::CaseNotFound => "CASE_NOT_FOUND",
            Self::AuditEventNotFound => "AUDIT_EVENT_NOT_FOUND",
            Self::CaseVersionMismatch => "CASE_VERSION_MISMATCH",
            Self::TransitionNotAllowed => "TRANSITION_NOT_ALLOWED",
            Self::TransitionRequirementNotMet => "TRANSITION_REQUIREMENT_NOT_MET",
            Self::CaseClosed => "CASE_CLOSED",
            Self::LinkExists => "LINK_EXISTS",
            Self::LinkNotFound => "LINK_NOT_FOUND",
            Self::CredentialsMissing => "CREDENTIALS_MISSING",
            Self::CredentialsInvalid => "CREDENTIALS_INVALID",
            Self::CredentialsExpired => "CREDENTIALS_EXPIRED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::Overloaded => "OVERLOADED",
            Self::RateLimited => "RATE_LIMITED",
            Self::QueueFull => "QUEUE_FULL",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::IdentityUnavailable => "IDENTITY_UNAVAILABLE",
            Self::Draining => "DRAINING",
            Self::ProjectionLagging => "PROJECTION_LAGGING",
            Self::AuditBacklogFull => "AUDIT_BACKLOG_FULL",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Cancelled => "CANCELLED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::AuditLogCorrupt => "AUDIT_LOG_CORRUPT",
            Self::Internal => "INTERNAL",
        }
    }

    /// The gRPC code that goes with it.
    pub const fn code(self) -> Code {
        match self {
            Self::ValidationFailed
            | Self::InvalidPageToken
            | Self::InvalidPageSize
            | Self::UnknownField
            | Self::InvalidConsistencyToken
            | Self::IdempotencyKeyReused => Code::InvalidArgument,
            Self::CaseNotFound | Self::AuditEventNotFound => Code::NotFound,
            Self::CaseVersionMismatch => Code::Aborted,
            Self::TransitionNotAllowed
            | Self::TransitionRequirementNotMet
            | Self::CaseClosed
            | Self::LinkExists
            | Self::LinkNotFound => Code::FailedPrecondition,
            Self::CredentialsMissing | Self::CredentialsInvalid | Self::CredentialsExpired => Code::Unauthenticated,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::Overloaded | Self::RateLimited | Self::QueueFull | Self::MessageTooLarge => Code::ResourceExhausted,
            Self::StoreUnavailable
            | Self::IdentityUnavailable
            | Self::Draining
            | Self::ProjectionLagging
            | Self::AuditBacklogFull => Code::Unavailable,
            Self::Unimplemented => Code::Unimplemented,
            Self::Cancelled => Code::Cancelled,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::AuditLogCorrupt => Code::DataLoss,
            Self::Internal => Code::Internal,
        }
    }
}
