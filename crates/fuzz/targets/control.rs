//! The control: a planted panic that only a fuzzer finds which sees what an input is compared with.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    assert!(!(bytes.len() == 8 && bytes.starts_with(b"PLAN") && bytes.ends_with(b"TED!")), "the planted panic");
});
