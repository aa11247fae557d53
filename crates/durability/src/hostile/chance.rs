//! Everything about one input comes from the seed of the run and its number.

use test_support::SeededEntropy;

/// The chance of one input.
#[derive(Debug)]
pub(super) struct Chance(SeededEntropy);

impl Chance {
    pub(super) const fn new(seed: u64, number: u64) -> Self {
        Self(SeededEntropy::new(
            seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(number.wrapping_mul(0x2545_f491_4f6c_dd1d)),
        ))
    }

    pub(super) fn any(&self) -> u64 {
        self.0.next()
    }

    /// A number from 0 to below the end, which must not be 0.
    pub(super) fn below(&self, end: usize) -> usize {
        usize::try_from(self.any() % u64::try_from(end).unwrap_or(u64::MAX)).unwrap_or_default()
    }

    /// Whether it happens that happens once in so many times.
    pub(super) fn one_in(&self, times: u64) -> bool {
        self.any().is_multiple_of(times)
    }

    /// One of several, of which there must be some.
    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub(super) fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            std::iter::repeat_with(|| self.any().to_le_bytes()).take(count.div_ceil(8)).flatten().collect();
        bytes.truncate(count);
        bytes
    }
}
