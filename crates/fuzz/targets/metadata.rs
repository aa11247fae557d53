//! Metadata that we read ourselves: the trace context and the deadline.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    service_kit::fuzzing::read_grpc_timeout(bytes);
    if let Some(trace) = str::from_utf8(bytes).ok().and_then(case_api::parse_traceparent) {
        let text = case_api::traceparent(&trace);
        assert_eq!(case_api::parse_traceparent(&text), Some(trace));
        assert_eq!(text.len(), 55);
    }
});
