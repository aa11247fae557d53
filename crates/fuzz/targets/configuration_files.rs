//! Configuration files: each problem names a line that there is, and every configuration can be printed.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use service_kit::settings::{Configuration, Source, Sources};

/// A file of this process, over and over.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("fuzz-{}.toml", std::process::id())));

fuzz_target!(|bytes: &[u8]| {
    std::fs::write(&*FILE, bytes).expect("the temporary folder can be written");
    let sources = Sources { file: Some(FILE.clone()), ..Sources::default() };
    let configuration = Configuration::read(&sources, |_| Vec::new());
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    for problem in configuration.problems() {
        if let Some(Source::File { line, .. }) = &problem.source {
            assert!((1..=lines).contains(line), "there is no line {line} of {lines}");
        }
        assert!(!problem.to_string().is_empty());
    }
    assert!(!configuration.print().is_empty());
});
