//! Times on the wire.

use case_domain::Timestamp;

const US_PER_S: i64 = 1_000_000;
const NS_PER_US: i64 = 1_000;

/// To the wire.
pub fn timestamp_to_pb(time: Timestamp) -> prost_types::Timestamp {
    let us = time.unix_us();
    // The remainder of a microsecond count is below 10^9 nanoseconds.
    let nanos = i32::try_from(us.rem_euclid(US_PER_S) * NS_PER_US).unwrap_or(0);
    prost_types::Timestamp { seconds: us.div_euclid(US_PER_S), nanos }
}

/// From the wire; what is finer than a microsecond is cut off. `None` outside the storable range (years 1 to 9999) or with nanoseconds
/// outside 0 to 999,999,999.
pub fn timestamp_from_pb(time: &prost_types::Timestamp) -> Option<Timestamp> {
    if !(0..1_000_000_000).contains(&time.nanos) {
        return None;
    }
    let us = time.seconds.checked_mul(US_PER_S)?.checked_add(i64::from(time.nanos) / NS_PER_US)?;
    Timestamp::from_unix_us(us)
}

/// As RFC 3339 text in UTC with as many digits of the second as it needs: `2026-11-23T09:30:00.25Z`.
pub fn rfc3339(time: Timestamp) -> String {
    // Every domain time lies within jiff's range (years -9999 to 9999).
    jiff::Timestamp::from_microsecond(time.unix_us()).unwrap_or_default().to_string()
}

/// Reads [`rfc3339`]'s form.
pub(crate) fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Timestamp::from_unix_us(time.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_epoch_keep_positive_nanoseconds() {
        let time = Timestamp::from_unix_us(-1).unwrap();
        let wire = timestamp_to_pb(time);
        assert_eq!((wire.seconds, wire.nanos), (-1, 999_999_000));
        assert_eq!(timestamp_from_pb(&wire), Some(time));
    }

    #[test]
    fn the_whole_range_reads_back_and_nothing_beyond_it() {
        for time in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(timestamp_from_pb(&timestamp_to_pb(time)), Some(time));
            assert_eq!(from_rfc3339(&rfc3339(time)), Some(time));
        }
        let beyond = prost_types::Timestamp { seconds: 253_402_300_800, nanos: 0 };
        assert_eq!(timestamp_from_pb(&beyond), None);
        assert_eq!(timestamp_from_pb(&prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }), None);
        assert_eq!(timestamp_from_pb(&prost_types::Timestamp { seconds: 0, nanos: -1 }), None);
    }
}
