//! Randomness for salts and ids, drawn for many commands at once: asking the system costs more than the bytes.

use std::sync::Arc;

use service_kit::clock::Entropy;

/// How much is drawn at once: enough for about forty events.
const DRAWN_BYTES: usize = 1_024;

/// Bytes of a source, each given out once.
pub(crate) struct Random {
    source: Arc<dyn Entropy>,
    drawn: [u8; DRAWN_BYTES],
    used: usize,
}

impl Random {
    /// Draws from this source when it is first asked.
    pub(crate) fn new(source: Arc<dyn Entropy>) -> Self {
        Self { source, drawn: [0; DRAWN_BYTES], used: DRAWN_BYTES }
    }

    /// The next bytes.
    pub(crate) fn take<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= DRAWN_BYTES) };
        if DRAWN_BYTES - self.used < N {
            self.source.fill(&mut self.drawn);
            self.used = 0;
        }
        let mut taken = [0; N];
        let drawn = &mut self.drawn[self.used..self.used + N];
        taken.copy_from_slice(drawn);
        // Salts of stored digests are not to be found in memory twice.
        drawn.fill(0);
        self.used += N;
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Numbers, one after the other.
    #[derive(Default)]
    struct Counting(AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for number in bytes.chunks_mut(8) {
                number.copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            }
        }
    }

    #[test]
    fn no_byte_is_given_out_twice_and_none_before_it_is_drawn() {
        let mut random = Random::new(Arc::new(Counting::default()));
        for n in 0..1_000 {
            assert_eq!(u64::from_be_bytes(random.take()), n);
        }
    }

    #[test]
    fn what_does_not_fit_any_more_is_drawn_anew() {
        let mut random = Random::new(Arc::new(Counting::default()));
        let _: [u8; DRAWN_BYTES - 4] = random.take();
        assert_eq!(u64::from_be_bytes(random.take()), (DRAWN_BYTES / 8) as u64);
    }
}
