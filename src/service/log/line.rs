//! How a log line looks: its time stamp, its level, its message without control characters.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use log::Level;

/// The message with every character escaped that could start a line, colour a terminal or turn the reading direction.
pub(super) fn escaped(message: &str) -> Cow<'_, str> {
    if !message.chars().any(is_unsafe) {
        return Cow::Borrowed(message);
    }
    let mut safe = String::with_capacity(message.len() + 16);
    for c in message.chars() {
        if is_unsafe(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The level's name, in a terminal's colours if it is one.
pub(super) fn level(level: Level, colour: bool) -> Cow<'static, str> {
    let name = level.as_str();
    let code = match level {
        _ if !colour => return Cow::Borrowed(name),
        Level::Error => 31,
        Level::Warn => 33,
        Level::Info => 32,
        Level::Debug | Level::Trace => 2,
    };
    Cow::Owned(format!("\u{1b}[{code}m{name}\u{1b}[0m"))
}

/// The moment in UTC to the second, as RFC 3339 writes it.
pub(super) fn stamp(moment: SystemTime) -> String {
    // A clock before 1970 is a clock that is not set; its log lines need no better date.
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / 86_400);
    let of_day = seconds % 86_400;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day counted from 1970-01-01. The year is counted from March, so that a leap day is its last,
/// and in eras of 400 years, after which the calendar repeats (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn date(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    // Days from 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, of_era) = (days / ERA, days % ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn stamps_are_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_795_412_221, "2026-11-23T05:37:01Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(stamp(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        assert_eq!(stamp(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn nothing_in_a_message_can_leave_its_line() {
        assert!(matches!(escaped("turn on the lämp 💡"), Cow::Borrowed(_)));
        assert_eq!(escaped("a\nb\r\tc\0"), "a\\nb\\r\\tc\\u{0}");
        assert_eq!(escaped("\u{1b}[2J\u{9b}1m"), "\\u{1b}[2J\\u{9b}1m");
        assert_eq!(escaped("a\u{202e}b\u{2028}c"), "a\\u{202e}b\\u{2028}c");
    }

    #[test]
    fn colours_only_where_asked() {
        assert_eq!(level(Level::Warn, false), "WARN");
        assert_eq!(level(Level::Warn, true), "\u{1b}[33mWARN\u{1b}[0m");
    }
}
