//! Requests of the audit service: one byte for the method, then the message.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some((method, message)) = bytes.split_first() {
        case_audit::fuzzing::read_request(*method, message);
    }
});
