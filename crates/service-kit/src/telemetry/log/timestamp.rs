//! The time of a line: RFC 3339 in UTC, with microseconds.

use std::cell::RefCell;
use std::io::Write;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A second and its text, up to where the fraction begins.
struct Second {
    since_epoch: i64,
    text: String,
}

/// Appends `2026-11-23T14:00:00.123456Z`; what no calendar has (see [`jiff::Timestamp`]) as a number of microseconds.
///
/// Only the first line of a second asks the calendar; for the others only the digits of the fraction are made.
pub(super) fn write(out: &mut Vec<u8>, unix_us: i64) {
    thread_local! {
        static LAST: RefCell<Second> = const { RefCell::new(Second { since_epoch: i64::MIN, text: String::new() }) };
    }
    let (second, fraction_us) = (unix_us.div_euclid(MICROS_PER_SECOND), unix_us.rem_euclid(MICROS_PER_SECOND));
    LAST.with_borrow_mut(|last| {
        if last.since_epoch != second {
            *last = Second { since_epoch: second, text: calendar(second).unwrap_or_default() };
        }
        if last.text.is_empty() {
            // A vector cannot refuse to grow.
            let _ = write!(out, "{unix_us}");
            return;
        }
        out.extend_from_slice(last.text.as_bytes());
        out.extend_from_slice(&fraction(fraction_us));
    });
}

/// `2026-11-23T14:00:00`
fn calendar(second: i64) -> Option<String> {
    let text = jiff::Timestamp::from_second(second).ok()?.to_string();
    Some(text.trim_end_matches('Z').to_owned())
}

/// `.123456Z`
fn fraction(us: i64) -> [u8; 8] {
    let mut text = *b".000000Z";
    let mut left = us;
    for digit in text[1..7].iter_mut().rev() {
        // A remainder of a division by ten is a digit.
        *digit += u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(unix_us: i64) -> String {
        let mut out = Vec::new();
        write(&mut out, unix_us);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_time_is_what_the_calendar_says() {
        let day_us = 86_400 * MICROS_PER_SECOND;
        let times = (-400..400_i64).map(|n| n * (97 * day_us + 12_345_678_901) + n * n * 1_001);
        for unix_us in times.chain([0, -1, 1, 1_700_000_000_000_000, 1_700_000_000_999_999, 1_700_000_001_000_000]) {
            let expected = jiff::Timestamp::from_microsecond(unix_us).unwrap();
            assert_eq!(written(unix_us), format!("{expected:.6}"), "{unix_us}");
            assert_eq!(written(unix_us), format!("{expected:.6}"), "{unix_us}, the second time");
        }
    }

    #[test]
    fn a_time_without_a_date_is_a_number() {
        for unix_us in [i64::MIN, i64::MAX] {
            assert_eq!(written(unix_us), unix_us.to_string());
        }
    }
}
