//! What callers read when something other than their request stands in the way, and what the log then says.

use rpc_error::{Failure, Reason};
use service_kit::health::Condition;
use storage::Error;
use tracing::error;

use crate::names;
use crate::wire::Corrupt;

/// The resource types in `google.rpc.ResourceInfo`.
const EVENT_RESOURCE: &str = "casetracker.v1.AuditEvent";
const LOG_RESOURCE: &str = "casetracker.v1.AuditLog";

/// No event has this id.
pub(crate) fn event_not_found(id: &str) -> Failure {
    Failure::new(Reason::AuditEventNotFound, format!("there is no audit event {id:?}; check the id"))
        .with_metadata("audit_event_id", id)
        .with_resource(EVENT_RESOURCE, id, "no audit event has this id")
}

/// A record that does not verify: logged here, once; readiness goes off and stays so, because nothing mends a log.
pub(crate) fn of_corrupt_record(corrupt: &Corrupt, store: &Condition) -> Failure {
    report_corruption(corrupt, store);
    let index = corrupt.index.to_string();
    Failure::new(
        Reason::AuditLogCorrupt,
        format!("the audit log is damaged at index {index}; tell the operator, who restores it from a back-up"),
    )
    .with_metadata("index", &index)
    .with_resource(EVENT_RESOURCE, &index, "the record at this index does not verify")
}

/// A store that failed a read. A damaged one is damaged evidence, and is said to be.
pub(crate) fn of_store(error: &Error, store: &Condition) -> Failure {
    if !matches!(error, Error::Corrupt { .. }) {
        return store_failure::failure(error, "read", store);
    }
    report_corruption(error, store);
    Failure::new(
        Reason::AuditLogCorrupt,
        "the store of the audit log is damaged; tell the operator, who restores it from a back-up",
    )
    .with_resource(LOG_RESOURCE, "audit.store", "the store contradicts itself")
}

/// Says loudly that the log does not hold what was recorded.
pub(crate) fn report_corruption(found: &(dyn std::error::Error + 'static), store: &Condition) {
    let reason = store_failure::chain(found);
    error!(
        name: names::AUDIT_LOG_CORRUPTED,
        dependency = "store", error.type = "corrupt", operation = "read", reason,
        "the audit log is damaged: {reason}"
    );
    store.fail(format!("the audit log is damaged: {reason}"));
}

#[cfg(test)]
mod tests {
    use service_kit::health::Health;

    use super::*;

    #[test]
    fn every_failure_of_the_store_has_its_reason() {
        let health = Health::new(&[]);
        let store = health.condition("store");
        store.pass();
        let disk = Error::DiskFailed { reason: "a sync failed".to_owned(), source: None };
        for (error, reason) in [
            (Error::Full, Reason::StoreUnavailable),
            (Error::unavailable("busy"), Reason::StoreUnavailable),
            (disk, Reason::Internal),
            (Error::SchemaTooNew { found: 2, supported: 1 }, Reason::Internal),
        ] {
            assert_eq!(of_store(&error, &store).reason(), reason, "{error:?}");
            assert!(health.failing().is_empty(), "{error:?}");
        }
    }

    #[test]
    fn damage_ends_readiness() {
        let health = Health::new(&[]);
        let store = health.condition("store");
        store.pass();
        assert_eq!(of_store(&Error::corrupt("a page"), &store).reason(), Reason::AuditLogCorrupt);
        assert_eq!(health.failing().len(), 1);
    }
}
