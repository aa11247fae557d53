//! Page tokens of all lists: what is accepted is what is given out.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    case_query::fuzzing::read_page_token(false, text);
    case_query::fuzzing::read_page_token(true, text);
    case_audit::fuzzing::read_page_token(text);
});
