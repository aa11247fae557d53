//! Rows of cases in the stores of both services: what can be read reads the same after it was written again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    case_command::fuzzing::read_stored_case(bytes);
    case_query::fuzzing::read_stored_case(bytes);
    case_query::fuzzing::read_stored_entry(bytes);
});
