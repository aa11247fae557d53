//! Times as people read and write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use crate::settings::Times;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;
const YEAR_S: i64 = 365 * DAY_S;

/// What times are told by.
#[derive(Debug, Clone)]
pub(crate) struct Clockface {
    /// Now, in microseconds since the epoch.
    pub(crate) now_us: i64,
    /// The zone of absolute times.
    pub(crate) zone: TimeZone,
    /// How the person wants them; `None`: relative in lists, both in details.
    pub(crate) times: Option<Times>,
}

impl Clockface {
    /// In a list.
    pub(crate) fn brief(&self, time: Option<&prost_types::Timestamp>) -> String {
        self.write(time, self.times.unwrap_or(Times::Relative))
    }

    /// Of one thing.
    pub(crate) fn full(&self, time: Option<&prost_types::Timestamp>) -> String {
        self.write(time, self.times.unwrap_or(Times::Both))
    }

    /// In a history, where the exact order counts.
    pub(crate) fn exact(&self, time: Option<&prost_types::Timestamp>) -> String {
        self.write(time, self.times.unwrap_or(Times::Absolute))
    }

    fn write(&self, time: Option<&prost_types::Timestamp>, times: Times) -> String {
        let Some(time) = time.and_then(timestamp) else { return String::new() };
        match times {
            Times::Relative => self.relative(time),
            Times::Absolute => self.absolute(time),
            Times::Both => format!("{} ({})", self.absolute(time), self.relative(time)),
        }
    }

    /// With the zone: a time without one is a riddle.
    fn absolute(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.zone.clone());
        let form = if zoned.offset() == Offset::UTC { "%F %T UTC" } else { "%F %T %:z" };
        zoned.strftime(form).to_string()
    }

    fn relative(&self, time: Timestamp) -> String {
        let seconds = (self.now_us / 1_000_000).saturating_sub(time.as_second());
        let span = span(seconds.saturating_abs());
        match seconds {
            // Clocks of different machines differ by so much.
            -2..=2 => "now".to_owned(),
            3.. => format!("{span} ago"),
            _ => format!("in {span}"),
        }
    }

    /// A time as people write it: `2026-11-23T09:30:00Z`, `2026-11-23 09:30`, `2026-11-23` (its beginning, in the
    /// person's zone), `now`, `7d` (ago) or `+3d` (from now).
    pub(crate) fn read(&self, text: &str) -> Option<prost_types::Timestamp> {
        let zoned = |time: DateTime| time.to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp());
        let exact = text.parse::<Timestamp>().ok();
        let time = exact
            .or_else(|| self.distance(text))
            .or_else(|| zoned(text.parse::<DateTime>().ok()?))
            .or_else(|| zoned(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight())))?;
        Some(prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() })
    }

    fn distance(&self, text: &str) -> Option<Timestamp> {
        let (sign, span) = text.strip_prefix('+').map_or((-1, text), |span| (1, span));
        let span = if text == "now" { 0 } else { humantime::parse_duration(span).ok()?.as_micros() };
        let us = i64::try_from(span).ok()?;
        Timestamp::from_microsecond(self.now_us.checked_add(us.checked_mul(sign)?)?).ok()
    }
}

/// A span in its largest unit: `3 min`.
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        YEAR_S.. => format!("{} y", seconds / YEAR_S),
        DAY_S.. => format!("{} d", seconds / DAY_S),
        HOUR_S.. => format!("{} h", seconds / HOUR_S),
        MINUTE_S.. => format!("{} min", seconds / MINUTE_S),
        _ => format!("{seconds} s"),
    }
}

/// A span in its two largest units: `2 d 3 h`.
pub(crate) fn long_span(duration: &prost_types::Duration) -> String {
    let seconds = duration.seconds.max(0);
    let (unit, rest) = match seconds {
        DAY_S.. => (DAY_S, seconds % DAY_S / HOUR_S * HOUR_S),
        HOUR_S.. => (HOUR_S, seconds % HOUR_S / MINUTE_S * MINUTE_S),
        MINUTE_S.. => (MINUTE_S, seconds % MINUTE_S),
        _ => return format!("{}.{} s", seconds, duration.nanos.max(0) / 100_000_000),
    };
    let whole = match unit {
        DAY_S => format!("{} d", seconds / DAY_S),
        _ => span(seconds / unit * unit),
    };
    if rest == 0 { whole } else { format!("{whole} {}", span(rest)) }
}

/// As jiff has it; `None` outside of the years -9999 to 9999.
pub(crate) fn timestamp(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T09:30:00Z.
    const NOW_S: i64 = 1_795_426_200;

    fn face(times: Option<Times>) -> Clockface {
        Clockface { now_us: NOW_S * 1_000_000, zone: TimeZone::UTC, times }
    }

    fn at(seconds: i64) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds, nanos: 0 }
    }

    #[test]
    fn lists_are_relative_and_details_absolute_unless_told_otherwise() {
        let time = at(NOW_S - 200);
        assert_eq!(face(None).brief(Some(&time)), "3 min ago");
        assert_eq!(face(None).full(Some(&time)), "2026-11-23 09:26:40 UTC (3 min ago)");
        assert_eq!(face(None).exact(Some(&time)), "2026-11-23 09:26:40 UTC");
        assert_eq!(face(Some(Times::Absolute)).brief(Some(&time)), "2026-11-23 09:26:40 UTC");
        assert_eq!(face(Some(Times::Relative)).full(Some(&time)), "3 min ago");
        assert_eq!(face(None).brief(None), "");
    }

    #[test]
    fn distances_are_told_in_their_largest_unit() {
        let told = |seconds| face(None).brief(Some(&at(NOW_S - seconds)));
        assert_eq!([0, 59, 60, 7_199].map(told), ["now", "59 s ago", "1 min ago", "1 h ago"]);
        assert_eq!([86_400, 364 * 86_400, 730 * 86_400].map(told), ["1 d ago", "364 d ago", "2 y ago"]);
        assert_eq!([-2, -90].map(told), ["now", "in 1 min"]);
    }

    #[test]
    fn another_zone_is_marked_by_its_offset() {
        let clockface = Clockface { zone: TimeZone::fixed(jiff::tz::offset(7)), ..face(Some(Times::Absolute)) };
        assert_eq!(clockface.full(Some(&at(NOW_S))), "2026-11-23 16:30:00 +07:00");
        assert_eq!(clockface.read("2026-11-23 16:30"), Some(at(NOW_S)));
    }

    #[test]
    fn people_write_times_in_many_ways() {
        let read = |text| face(None).read(text).map(|time| time.seconds - NOW_S);
        assert_eq!(read("2026-11-23T09:30:00Z"), Some(0));
        assert_eq!(read("2026-11-23T11:30:00+02:00"), Some(0));
        assert_eq!(read("2026-11-23 09:31"), Some(60));
        assert_eq!(read("2026-11-23"), Some(-34_200));
        assert_eq!((read("7d"), read("+90min"), read("now")), (Some(-604_800), Some(5_400), Some(0)));
        assert_eq!((read("soon"), read("2026-13-01"), read("")), (None, None, None));
    }

    #[test]
    fn long_spans_have_two_units() {
        let told = |seconds, nanos| long_span(&prost_types::Duration { seconds, nanos });
        assert_eq!(told(3, 250_000_000), "3.2 s");
        assert_eq!(told(3_600, 0), "1 h");
        assert_eq!(told(3_725, 0), "1 h 2 min");
        assert_eq!(told(183_700, 0), "2 d 3 h");
        assert_eq!(told(800 * DAY_S, 0), "800 d");
    }
}
