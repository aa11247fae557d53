//! Checksums of rows.
//!
//! SQLite checks the frames of its write-ahead log, and nothing in the database itself: a bit that flips in a page is read
//! as if it had been written. A service puts a checksum beside what it cannot get anew from anywhere, over the row's key too,
//! so that a row cannot turn up under another one.

use crate::Error;

/// CRC-32 (ISO-HDLC) over all parts, one after the other.
pub fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Compares what was stored with what is read. `stored` is none in rows of programs that wrote no checksums.
pub fn verify(what: &str, stored: Option<u32>, parts: &[&[u8]]) -> Result<(), Error> {
    match stored {
        Some(stored) if stored != checksum(parts) => Err(Error::corrupt(format!("{what} does not match its checksum"))),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_algorithm() {
        // As in the catalogue of CRC algorithms.
        assert_eq!(checksum(&[b"12345", b"6789"]), 0xcbf4_3926);
    }

    #[test]
    fn every_flipped_bit_is_noticed_and_rows_without_a_checksum_are_taken_as_they_are() {
        let text = b"what was stored".to_vec();
        let sum = Some(checksum(&[&text]));
        assert!(verify("a row", sum, &[&text]).is_ok());
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = verify("a row", sum, &[&flipped]).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            assert!(verify("a row", None, &[&flipped]).is_ok());
        }
    }
}
