//! Time and randomness, as arguments.
//!
//! Nothing else reads the system's clock or its random source: a test that hands in its own sees the same ids and times
//! on every run.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// Tells the time of day.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since the Unix epoch. May go back when the machine's clock is set: never use it for durations.
    fn unix_us(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn unix_us(&self) -> i64 {
        let now = SystemTime::now();
        // A clock before 1970 is a broken one; 0 keeps it visible without stopping anything.
        now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Makes unpredictable bytes.
pub trait Entropy: Send + Sync + 'static {
    /// Overwrites all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// If the operating system has no random source: salts and ids would then be predictable, which nobody would notice.
    #[expect(clippy::panic, reason = "going on with predictable salts and ids would be silent and irreparable")]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system's random source failed: {error}");
        }
    }
}

/// The operating system's random source, asked for many bytes at once: an id costs a few bytes, and a system call costs more
/// than all the rest of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct BufferedEntropy;

/// Bytes that nobody has been given yet: the last `left` ones.
struct Buffer {
    bytes: [u8; BUFFER_BYTES],
    left: usize,
}

const BUFFER_BYTES: usize = 1_024;

impl Entropy for BufferedEntropy {
    /// # Panics
    /// As [`SystemEntropy`].
    fn fill(&self, bytes: &mut [u8]) {
        thread_local! {
            static BUFFER: RefCell<Buffer> = const { RefCell::new(Buffer { bytes: [0; BUFFER_BYTES], left: 0 }) };
        }
        if bytes.len() > BUFFER_BYTES {
            return SystemEntropy.fill(bytes);
        }
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.left < bytes.len() {
                SystemEntropy.fill(&mut buffer.bytes);
                buffer.left = BUFFER_BYTES;
            }
            let begin = BUFFER_BYTES - buffer.left;
            bytes.copy_from_slice(&buffer.bytes[begin..begin + bytes.len()]);
            buffer.left -= bytes.len();
        });
    }
}

/// A version 7 UUID (RFC 9562): 48 bits of milliseconds, then 74 random bits. Ids made later sort later.
pub fn uuid_v7(unix_us: i64, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    uuid_v7_of(unix_us, random)
}

/// [`uuid_v7`] of random bytes that are there already.
pub fn uuid_v7_of(unix_us: i64, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(unix_us / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn same_time_and_randomness_make_the_same_id() {
        let id = uuid_v7(1_700_000_000_123_456, &Fixed(0xab));
        assert_eq!(id, uuid_v7(1_700_000_000_123_999, &Fixed(0xab)));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.to_string(), "018bcfe5-687b-7bab-abab-abababababab");
    }

    #[test]
    fn later_ids_sort_later() {
        assert!(uuid_v7(1_000, &Fixed(0xff)) < uuid_v7(2_000, &Fixed(0)));
    }

    #[test]
    fn no_byte_of_the_buffer_is_given_twice() {
        let ids: std::collections::HashSet<[u8; 10]> = (0..1_000)
            .map(|_| {
                let mut id = [0; 10];
                BufferedEntropy.fill(&mut id);
                id
            })
            .collect();
        assert_eq!(ids.len(), 1_000);
        let mut large = vec![0; 2 * BUFFER_BYTES];
        BufferedEntropy.fill(&mut large);
        assert!(large[BUFFER_BYTES..].iter().any(|byte| *byte != 0));
    }

    #[test]
    fn the_system_is_wired_up() {
        let (mut a, mut b) = ([0; 16], [0; 16]);
        SystemEntropy.fill(&mut a);
        SystemEntropy.fill(&mut b);
        assert_ne!(a, b);
        assert!(SystemClock.unix_us() > 1_700_000_000_000_000);
    }
}
