//! How times and timers are said in English.

use jiff::Zoned;
use jiff::civil::{DateTime, Weekday};

use super::item::{Item, Kind, Repeat, When, rounded};

/// "5 minutes", "1 hour and 30 minutes". Hours and more are said without seconds.
pub(super) fn time_span(seconds: u64) -> String {
    and(&units(coarse(seconds)).iter().map(|(count, unit)| counted(*count, unit)).collect::<Vec<_>>())
}

/// "5 minute", "1 hour 30 minute": before "timer".
fn set_for(seconds: u64) -> String {
    units(seconds).iter().map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

/// How long ago: one unit where that says enough.
pub(super) fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => counted(seconds.max(1), "second"),
        60..3600 => counted((seconds + 30) / 60, "minute"),
        3600..172_800 => time_span((seconds + 30) / 60 * 60),
        _ => counted(seconds / 86_400, "day"),
    }
}

fn coarse(seconds: u64) -> u64 {
    if seconds >= 3600 && !seconds.is_multiple_of(60) { (seconds + 30) / 60 * 60 } else { seconds }
}

fn units(seconds: u64) -> Vec<(u64, &'static str)> {
    let all = [(seconds / 3600, "hour"), (seconds / 60 % 60, "minute"), (seconds % 60, "second")];
    let some: Vec<_> = all.into_iter().filter(|(count, _)| *count > 0).collect();
    if some.is_empty() { vec![(0, "second")] } else { some }
}

pub(super) fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// "a", "a and b", "a, b and c".
pub(super) fn and(parts: &[String]) -> String {
    joined(parts, "and")
}

/// "a", "a or b", "a, b or c".
pub(super) fn or(parts: &[String]) -> String {
    joined(parts, "or")
}

fn joined(parts: &[String], word: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} {word} {last}", others.join(", ")),
    }
}

/// "7:30 AM".
pub(super) fn time(at: DateTime) -> String {
    at.strftime("%-I:%M %p").to_string()
}

/// "7:30 AM tomorrow", "7:30 AM on weekdays".
pub(super) fn time_and_day(at: DateTime, repeat: Option<Repeat>, now: &Zoned) -> String {
    let day = match repeat {
        Some(repeat) => repeated(repeat).to_owned(),
        None => day(at, now),
    };
    format!("{} {day}", time(at))
}

fn day(at: DateTime, now: &Zoned) -> String {
    let (date, today) = (at.date(), now.date());
    let days = today.until(date).map_or(i32::MAX, |span| span.get_days());
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        2..7 => format!("on {}", at.strftime("%A")),
        _ => format!("on {}", at.strftime("%A, %-d %B")),
    }
}

fn repeated(repeat: Repeat) -> &'static str {
    match repeat {
        Repeat::Daily => "every day",
        Repeat::Weekdays => "on weekdays",
        Repeat::Weekends => "at weekends",
        Repeat::Monday => "every Monday",
        Repeat::Tuesday => "every Tuesday",
        Repeat::Wednesday => "every Wednesday",
        Repeat::Thursday => "every Thursday",
        Repeat::Friday => "every Friday",
        Repeat::Saturday => "every Saturday",
        Repeat::Sunday => "every Sunday",
    }
}

/// A day's repetition by the day's name.
pub(super) fn weekly(day: Weekday) -> Repeat {
    match day {
        Weekday::Monday => Repeat::Monday,
        Weekday::Tuesday => Repeat::Tuesday,
        Weekday::Wednesday => Repeat::Wednesday,
        Weekday::Thursday => Repeat::Thursday,
        Weekday::Friday => Repeat::Friday,
        Weekday::Saturday => Repeat::Saturday,
        Weekday::Sunday => Repeat::Sunday,
    }
}

/// "eggs timer", "10 minute timer", "alarm for 7:00 AM": what follows "the" or "your".
pub(super) fn label(item: &Item) -> String {
    let text = item.text.as_deref().unwrap_or_default();
    match (item.kind, &item.when, item.seconds) {
        (Kind::Timer, ..) if !text.is_empty() => format!("{text} timer"),
        (Kind::Timer, _, Some(seconds)) => format!("{} timer", set_for(seconds)),
        (Kind::Timer, ..) => "timer".to_owned(),
        (Kind::Alarm, When::At { at, .. }, _) => format!("alarm for {}", time(*at)),
        (Kind::Alarm, ..) => "alarm".to_owned(),
        (Kind::Reminder, ..) => format!("reminder to {}", to_you(text)),
        (Kind::Command, ..) => format!("command \u{201c}{text}\u{201d}"),
    }
}

/// "4 minutes left on the eggs timer"
pub(super) fn status(item: &Item, now: &Zoned) -> String {
    let label = label(item);
    match &item.when {
        When::At { at, repeat } => format!("the {label} is due at {}", time_and_day(*at, *repeat, now)),
        When::Paused { .. } => {
            format!("the {label} is paused with {} left", time_span(rounded(item.left(now))))
        }
        When::Running { .. } => format!("{} left on the {label}", time_span(rounded(item.left(now)))),
    }
}

/// When it will be: "in 5 minutes", "at 7:30 AM tomorrow".
pub(super) fn when(item: &Item, now: &Zoned) -> String {
    match &item.when {
        When::At { at, repeat } => format!("at {}", time_and_day(*at, *repeat, now)),
        When::Running { .. } | When::Paused { .. } => format!("in {}", time_span(rounded(item.left(now)))),
    }
}

/// The words that somebody said of himself, as they are said to him.
pub(super) fn to_you(text: &str) -> String {
    let turned = text.split(' ').map(|word| match word {
        "my" => "your",
        "me" | "i" | "I" => "you",
        "mine" => "yours",
        "myself" => "yourself",
        "i'm" | "I'm" => "you're",
        other => other,
    });
    turned.collect::<Vec<_>>().join(" ")
}

/// A sentence: a capital first, a full stop last.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
