//! Key sets and tokens: no bytes break a reader, and no forged token is believed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    service_kit::fuzzing::read_keys(bytes);
    if let Ok(token) = str::from_utf8(bytes) {
        service_kit::fuzzing::judge_token(token);
    }
});
