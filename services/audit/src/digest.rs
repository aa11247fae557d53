//! Salted digests of free text, as leaves write them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The bytes of a SHA-256 digest.
pub(crate) const DIGEST_BYTES: usize = 32;

/// SHA-256(salt || text), in lower-case hexadecimal digits; empty where there is no text.
pub(crate) fn salted(salt: &[u8], text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    hex(&Sha256::new().chain_update(salt).chain_update(text).finalize())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_salt_and_text() {
        // printf 'saltabc' | sha256sum
        assert_eq!(salted(b"salt", "abc"), "3681099918be28c95b81e27e7e5c2e4c6a6dea566d2d10e7f49139ebb779eb6f");
        assert_eq!(salted(b"salt", "abc"), salted(b"", "saltabc"));
    }

    #[test]
    fn no_text_has_no_digest() {
        assert_eq!(salted(b"salt", ""), "");
    }
}
