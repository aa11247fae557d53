//! Logs of cases, plain and compressed: each mistake names a line that there is; each case obeys its limits.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use casectl::log::{EXTERNAL_ID_CHARS_MAX, LogError, MISTAKES_MAX, each};
use libfuzzer_sys::fuzz_target;

/// A file of this process, over and over.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("fuzz-{}.log", std::process::id())));

fuzz_target!(|bytes: &[u8]| {
    std::fs::write(&*FILE, bytes).expect("the temporary folder can be written");
    let is_plain = !bytes.starts_with(&[0x1f, 0x8b]);
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut before = 0;
    let outcome = each(&FILE, |case| {
        assert!(case.line > before && (!is_plain || case.line <= lines), "line {} after {before}", case.line);
        assert!((1..=EXTERNAL_ID_CHARS_MAX).contains(&case.external_id.chars().count()));
        assert!(!case.history.is_empty());
        before = case.line;
    });
    if let Err(LogError::Mistaken { mistaken, .. }) = outcome {
        assert!((1..=MISTAKES_MAX).contains(&mistaken.mistakes().len()));
        for mistake in mistaken.mistakes() {
            assert!(mistake.line >= 1 && (!is_plain || mistake.line <= lines), "there is no line {}", mistake.line);
        }
    }
});
