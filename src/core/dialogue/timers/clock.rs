//! What a sentence's slots say of time: spans, times of day, days.

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time, Weekday};
use serde_json::{Map, Value};

use super::item::{Repeat, first_after};
use super::{MAX_SECONDS, Refusal, wording};

/// How an hour is meant that nobody said "in the morning" or "in the evening" with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    /// As it is on a clock of 24 hours: an alarm at seven is one in the morning.
    AsSaid,
    /// The one that comes first: "remind me at seven", said at noon, is this evening.
    Next,
}

/// A slot as a whole number.
fn number(slots: &Map<String, Value>, slot: &str) -> Option<u64> {
    match slots.get(slot)? {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number with nothing behind its point; those that slots have are small.
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok())?
}

/// A slot as words.
pub(super) fn words<'s>(slots: &'s Map<String, Value>, slot: &str) -> Option<&'s str> {
    slots.get(slot)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The span of the slots `hours`, `minutes` and `seconds`, with something before their names; `None` where there are none.
pub(super) fn span(slots: &Map<String, Value>, before: &str) -> Option<u64> {
    let of = |unit: &str| number(slots, &format!("{before}{unit}"));
    let (hours, minutes, seconds) = (of("hours"), of("minutes"), of("seconds"));
    if hours.is_none() && minutes.is_none() && seconds.is_none() {
        return None;
    }
    let of_hours = hours.unwrap_or(0).saturating_mul(3600);
    let of_minutes = minutes.unwrap_or(0).saturating_mul(60);
    Some(of_hours.saturating_add(of_minutes).saturating_add(seconds.unwrap_or(0)))
}

/// A span that a timer may have.
pub(super) fn span_to_run(slots: &Map<String, Value>) -> Result<u64, Refusal> {
    let seconds = span(slots, "").filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| Refusal::unclear("for how long? Say it with the time"))?;
    check(seconds)
}

/// Refuses what is longer than any timer.
pub(super) fn check(seconds: u64) -> Result<u64, Refusal> {
    if seconds > MAX_SECONDS {
        return Err(Refusal::unclear("a timer runs for a week at most; say a shorter time"));
    }
    Ok(seconds)
}

/// The days that a slot `day` means.
enum Day {
    Any,
    Today,
    Tomorrow,
    Named(Weekday),
    Repeated(Repeat),
}

const WEEK: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

impl Day {
    fn read(slots: &Map<String, Value>) -> Result<Self, Refusal> {
        let Some(said) = words(slots, "day") else { return Ok(Self::Any) };
        let named = |text: &str| WEEK.iter().find(|(name, _)| *name == text).map(|(_, day)| *day);
        Ok(match said {
            "today" => Self::Today,
            "tomorrow" => Self::Tomorrow,
            "daily" | "evenings" => Self::Repeated(Repeat::Daily),
            "weekdays" => Self::Repeated(Repeat::Weekdays),
            "weekends" => Self::Repeated(Repeat::Weekends),
            said => match (named(said), said.strip_suffix('s').and_then(named)) {
                (Some(day), _) => Self::Named(day),
                (None, Some(day)) => Self::Repeated(wording::weekly(day)),
                (None, None) => return Err(Refusal::unclear(format!("which day is \u{201c}{said}\u{201d}?"))),
            },
        })
    }

    fn is_on(&self, date: Date, now: &Zoned) -> bool {
        match self {
            Self::Any => true,
            Self::Today => date == now.date(),
            Self::Tomorrow => now.date().tomorrow().is_ok_and(|tomorrow| date == tomorrow),
            Self::Named(day) => date.weekday() == *day,
            Self::Repeated(repeat) => repeat.is_on(date),
        }
    }
}

/// Whether a day is one of those that the slots name; each is where they name none.
pub(super) fn is_on_day(slots: &Map<String, Value>, date: Date, now: &Zoned) -> Result<bool, Refusal> {
    Day::read(slots).map(|day| day.is_on(date, now))
}

/// The times of day that the slots `hour`, `minute` and `part` may mean; `None` where there is no hour.
pub(super) fn times(slots: &Map<String, Value>, hours: Hours) -> Option<Vec<Time>> {
    let hour = number(slots, "hour").filter(|hour| *hour < 24)?;
    let minute = number(slots, "minute").unwrap_or(0);
    let day = words(slots, "day");
    let part = words(slots, "part").or_else(|| (day == Some("evenings")).then_some("pm"));
    let both = [hour, (hour + 12) % 24];
    let meant: &[u64] = match (part, hour, hours) {
        (Some("am"), 12, _) => &[0],
        (None, 1..=12, Hours::Next) if matches!(day, None | Some("today")) => &both,
        // "Midnight tonight" is no noon. Nobody wants to be reminded tomorrow at three in the night.
        (Some("pm"), 1..12, _) | (None, 1..7, Hours::Next) => &both[1..],
        _ => &both[..1],
    };
    let times =
        meant.iter().filter_map(|hour| Time::new(i8::try_from(*hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok());
    Some(times.collect())
}

/// The next time that the slots mean, and on which days it comes again.
pub(super) fn moment(
    slots: &Map<String, Value>,
    hours: Hours,
    now: &Zoned,
) -> Result<(DateTime, Option<Repeat>), Refusal> {
    let times = times(slots, hours).filter(|times| !times.is_empty());
    let times = times.ok_or_else(|| Refusal::unclear("at what time? Say it with the time"))?;
    let day = Day::read(slots)?;
    let at = first_after(now, |date| if day.is_on(date, now) { times.clone() } else { Vec::new() });
    let at = at.ok_or_else(|| Refusal::unclear("that time has passed today; say it with another day"))?;
    let repeat = if let Day::Repeated(repeat) = day { Some(repeat) } else { None };
    Ok((at, repeat))
}
