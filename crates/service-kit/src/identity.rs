//! Who speaks.

/// The name of a service: its instrumentation scope, the `service` attribute of its metrics and log lines, and the actor
/// of its outgoing calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// For instance `case-command`.
    pub name: &'static str,
}
