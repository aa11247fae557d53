//! Who may call what: the permission of every method, and the roles that have it, in one table.

use service_kit::access::Rule;

/// The rule of every method of every service.
pub const RULES: &[Rule] = &[];
