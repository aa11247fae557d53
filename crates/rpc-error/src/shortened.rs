//! A refusal that its caller can receive: a status travels in metadata, and clients take only so much of it.

use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation};

use crate::Failure;

/// The most that message and details may take on the wire, in bytes. Java takes 8,192 of all metadata together unless told
/// otherwise, others 16,384; beyond that a client breaks off the call, or the connection with all other calls on it. What is left
/// is for the rest of the answer's metadata.
pub(crate) const STATUS_BYTES_MAX: usize = 7_000;

/// The longest text, and the most violations, that each attempt leaves.
const ATTEMPTS: [Shortening; 3] = [
    Shortening { text_bytes: 256, violations: 40 },
    Shortening { text_bytes: 96, violations: 16 },
    Shortening { text_bytes: 48, violations: 8 },
];

/// What tells that something was left out.
const ELLIPSIS: &str = "...";

#[derive(Debug, Clone, Copy)]
struct Shortening {
    text_bytes: usize,
    violations: usize,
}

/// Whether clients can be expected to take it.
pub(crate) fn fits(status: &Status) -> bool {
    // Each byte that is no plain character takes three, and three bytes of details take four characters.
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) && *byte != b'%';
    let message: usize = status.message().as_bytes().iter().map(|byte| if plain(byte) { 1 } else { 3 }).sum();
    message + status.details().len().div_ceil(3) * 4 <= STATUS_BYTES_MAX
}

/// The same failure in ever fewer words.
pub(crate) fn shortened(failure: &Failure) -> impl Iterator<Item = Failure> {
    ATTEMPTS.iter().map(|shortening| shortening.of(failure))
}

impl Shortening {
    fn of(self, failure: &Failure) -> Failure {
        let Failure { reason, message, metadata, violations, details } = failure;
        Failure {
            reason: *reason,
            message: clipped(message, self.text_bytes * 4),
            metadata: metadata.iter().map(|(key, value)| (key.clone(), clipped(value, self.text_bytes * 4))).collect(),
            violations: violations.iter().take(self.violations).map(|violation| self.field(violation)).collect(),
            details: Box::new(self.details(details)),
        }
    }

    fn field(self, violation: &FieldViolation) -> FieldViolation {
        FieldViolation {
            field: clipped(&violation.field, self.text_bytes),
            description: clipped(&violation.description, self.text_bytes),
            ..violation.clone()
        }
    }

    fn details(self, details: &ErrorDetails) -> ErrorDetails {
        let mut shorter = details.clone();
        if let Some(resource) = details.resource_info() {
            let (name, description) = (&resource.resource_name, &resource.description);
            let (name, description) = (clipped(name, self.text_bytes), clipped(description, self.text_bytes));
            shorter.set_resource_info(&resource.resource_type, name, &resource.owner, description);
        }
        if let Some(failure) = details.precondition_failure() {
            let violations = failure.violations.iter().take(self.violations).map(|violation| PreconditionViolation {
                r#type: violation.r#type.clone(),
                subject: clipped(&violation.subject, self.text_bytes),
                description: clipped(&violation.description, self.text_bytes),
            });
            shorter.set_precondition_failure(violations.collect::<Vec<_>>());
        }
        shorter
    }
}

fn clipped(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}{ELLIPSIS}", &text[..text.floor_char_boundary(bytes_max)])
}
