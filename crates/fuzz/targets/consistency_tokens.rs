//! Consistency tokens: what is accepted is what is given out.
#![no_main]

use case_api::ConsistencyToken;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(token) = ConsistencyToken::decode(text) {
        assert_eq!(token.encode(), text);
    }
});
