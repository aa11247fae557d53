//! Leaves of the audit log as they are stored, and those that are made of events from the feed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    case_audit::fuzzing::read_leaf(bytes);
    case_audit::fuzzing::record(bytes);
});
