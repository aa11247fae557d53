//! The wire: generated code, and the conversions between wire and domain types.
//!
//! Three vocabularies meet here and are kept apart: [`pb`] is what clients see, [`event_pb`] and [`feed_pb`] are what
//! is stored and carried between the services, and `case_domain` is what decisions are made of. Domain rejections
//! become [`rpc_error::Failure`]s in [`rejection`], at the very end, so that the rest need not know the transport.

mod case;
mod codec;
mod command;
mod custom_fields;
mod lifecycle;
mod record;
mod record_text;
pub mod rejection;
mod time;
mod token;
mod trace;
mod violations;

pub use case::{
    UnknownEnumValue, case_to_pb, case_without_id, comment_id, inverse_link_to_pb, priority_from_pb, severity_from_pb,
    status_category_from_pb,
};
pub use command::{
    IDEMPOTENCY_KEY_CHARS_MAX, ParsedCommand, add_comment, assign_case, create_case, link_cases, transition_case,
    unlink_cases, update_case,
};
pub use custom_fields::{custom_fields_from_pb, custom_fields_to_pb};
pub use lifecycle::{InvalidDefinition, lifecycle_from_pb, lifecycle_to_client, lifecycle_to_pb};
pub use record::{ERASED, Recorded, SALT_BYTES, Stamp, event_from_record, record_event, shown_changes};
pub use record_text::{RecordError, action_name};
pub use time::{rfc3339, timestamp_from_pb, timestamp_to_pb};
pub use token::{ConsistencyToken, Epoch, InvalidToken};
pub use trace::{parse_traceparent, traceparent};
pub use violations::{CASE_ID_CHARS_MAX, Violations, parse_case_id};

#[expect(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated; the comments are in the protos")]
mod generated {
    // The nesting is that of the packages: generated code finds its neighbours by it.
    pub mod casetracker {
        pub mod event {
            pub mod v1 {
                tonic::include_proto!("casetracker.event.v1");
            }
        }
        pub mod feed {
            pub mod v1 {
                tonic::include_proto!("casetracker.feed.v1");
            }
        }
        pub mod v1 {
            tonic::include_proto!("casetracker.v1");
        }
    }
}

/// What is stored and carried: package `casetracker.event.v1`.
pub use generated::casetracker::event::v1 as event_pb;
/// How events travel: package `casetracker.feed.v1`.
pub use generated::casetracker::feed::v1 as feed_pb;
/// What clients see: package `casetracker.v1`.
pub use generated::casetracker::v1 as pb;

/// The descriptors of every message and service, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
