//! Files that keep what was once written. How they are made and changed stands in `tests/golden/README.md`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

/// Writes files that are not there yet; what is there is never overwritten.
const WRITE: &str = "WRITE_GOLDEN";

/// The bytes in a file of hexadecimal digits. Where there is none, `today` becomes its content if the environment says so.
pub(crate) fn bytes(name: &str, today: &[u8]) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if !path.exists() && env::var_os(WRITE).is_some_and(|value| value == "1") {
        fs::write(&path, hex(today)).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}; {WRITE}=1 writes new files"));
    from_hex(&text).unwrap_or_else(|| panic!("{name} has something other than hexadecimal digits"))
}

/// Lines of 32 bytes.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        // Writing to a String cannot fail.
        for byte in line {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn hexadecimal_digits_read_back() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(from_hex(&hex(&bytes)), Some(bytes));
    assert_eq!(from_hex("0x"), None);
}
