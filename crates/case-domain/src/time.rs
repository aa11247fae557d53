//! Points in time.

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// The domain never asks for the present time; it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest time that can be stored: 0001-01-01T00:00:00Z, as in `google.protobuf.Timestamp`.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The latest time that can be stored: 9999-12-30T21:59:59.999999Z, the last instant that falls into the year 9999 in
    /// every time zone, so that any calendar can show it.
    pub const MAX: Self = Self(253_402_207_199_999_999);

    /// From microseconds since the epoch; `None` outside [`Self::MIN`] to [`Self::MAX`].
    pub const fn from_unix_us(unix_us: i64) -> Option<Self> {
        if unix_us < Self::MIN.0 || unix_us > Self::MAX.0 { None } else { Some(Self(unix_us)) }
    }

    /// From microseconds since the epoch; the nearest storable time where it lies outside the range.
    pub fn saturating_from_unix_us(unix_us: i64) -> Self {
        Self(unix_us.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since the epoch.
    pub const fn unix_us(self) -> i64 {
        self.0
    }
}
