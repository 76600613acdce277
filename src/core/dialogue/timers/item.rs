//! One thing that is to happen later, and what is told to programs about it.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{SignedDuration, Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::seconds;

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Timer,
    Alarm,
    Reminder,
    /// A command for later.
    Command,
}

/// On which days an alarm comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Repeat {
    Daily,
    Weekdays,
    Weekends,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Repeat {
    /// Whether it comes on a day.
    pub(super) fn is_on(self, date: Date) -> bool {
        let day = date.weekday();
        let is_weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
        match self {
            Self::Daily => true,
            Self::Weekdays => !is_weekend,
            Self::Weekends => is_weekend,
            Self::Monday => day == Weekday::Monday,
            Self::Tuesday => day == Weekday::Tuesday,
            Self::Wednesday => day == Weekday::Wednesday,
            Self::Thursday => day == Weekday::Thursday,
            Self::Friday => day == Weekday::Friday,
            Self::Saturday => day == Weekday::Saturday,
            Self::Sunday => day == Weekday::Sunday,
        }
    }

    /// The days of the coming week on which it comes.
    pub(super) fn dates(self, now: &Zoned) -> Vec<Date> {
        let dates = std::iter::successors(Some(now.date()), |date| date.tomorrow().ok()).take(8);
        dates.filter(|date| self.is_on(*date)).collect()
    }

    /// The first time after now.
    pub(super) fn next(self, time: Time, now: &Zoned) -> Option<DateTime> {
        first_after(now, |date| if self.is_on(date) { vec![time] } else { Vec::new() })
    }

    /// The last time that is not after now.
    pub(super) fn last(self, time: Time, now: &Zoned) -> Option<DateTime> {
        let dates = std::iter::successors(Some(now.date()), |date| date.yesterday().ok()).take(9);
        let times = dates.filter(|date| self.is_on(*date)).map(|date| date.to_datetime(time));
        times.into_iter().find(|at| moment(*at, now).is_some_and(|moment| moment <= now.timestamp()))
    }
}

/// The first time after now of those that a day of the coming week has.
pub(super) fn first_after(now: &Zoned, times: impl Fn(Date) -> Vec<Time>) -> Option<DateTime> {
    let dates = std::iter::successors(Some(now.date()), |date| date.tomorrow().ok()).take(9);
    dates
        .flat_map(|date| {
            let mut times = times(date);
            times.sort_unstable();
            times.into_iter().map(move |time| date.to_datetime(time))
        })
        .find(|at| moment(*at, now).is_some_and(|moment| moment > now.timestamp()))
}

/// When the clock on the wall shows this. An hour that daylight saving leaves out is the one after it; of one that comes
/// twice, it is the first.
pub(super) fn moment(at: DateTime, now: &Zoned) -> Option<Timestamp> {
    at.to_zoned(now.time_zone().clone()).ok().map(|zoned| zoned.timestamp())
}

/// When it is to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    /// After some time; the moment is moved where the clock is set.
    Running { due: Timestamp },
    /// Held, with so many milliseconds left.
    Paused { left_ms: i64 },
    /// At a time of the clock on the wall.
    At { at: DateTime, repeat: Option<Repeat> },
}

/// A timer, an alarm, a reminder or a command for later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) id: u64,
    pub(super) kind: Kind,
    /// A timer's name; what is to be remembered or done.
    pub(super) text: Option<String>,
    pub(super) site: Option<String>,
    pub(super) user: String,
    pub(super) lang: String,
    /// What it was set for, where that was a span: people tell timers apart by it.
    pub(super) seconds: Option<u64>,
    pub(super) when: When,
}

impl Item {
    /// When it is due; `None` while it is held.
    pub(super) fn due(&self, now: &Zoned) -> Option<Timestamp> {
        match &self.when {
            When::Running { due } => Some(*due),
            When::Paused { .. } => None,
            When::At { at, .. } => moment(*at, now),
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        matches!(self.when, When::Paused { .. })
    }

    /// What is left of it.
    pub(super) fn left(&self, now: &Zoned) -> SignedDuration {
        match &self.when {
            When::Paused { left_ms } => SignedDuration::from_millis(*left_ms),
            When::Running { .. } | When::At { .. } => {
                let due = self.due(now).unwrap_or_else(|| now.timestamp());
                due.duration_since(now.timestamp()).max(SignedDuration::ZERO)
            }
        }
    }

    pub(super) fn event(&self, event: Happened, now: &Zoned) -> Event {
        let (name, text) = match self.kind {
            Kind::Timer | Kind::Alarm => (self.text.clone(), None),
            Kind::Reminder | Kind::Command => (None, self.text.clone()),
        };
        let is_over = matches!(event, Happened::Cancelled | Happened::Finished | Happened::Missed);
        Event {
            event,
            id: self.id,
            kind: self.kind,
            name,
            text,
            duration_s: self.seconds,
            left_s: (!is_over).then(|| rounded(self.left(now))),
            due: self.due(now).map(|due| due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            late_s: None,
            site_id: self.site.clone(),
            user_id: self.user.clone(),
        }
    }
}

/// Whole seconds, the nearest: what was set a moment ago is not a second short.
pub(super) fn rounded(left: SignedDuration) -> u64 {
    seconds(left.checked_add(SignedDuration::from_millis(500)).unwrap_or(left))
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It was set.
    Started,
    /// It was made longer or shorter.
    Updated,
    /// It is held.
    Paused,
    /// It goes on.
    Resumed,
    /// It was taken away before it was due.
    Cancelled,
    /// It was due, and is said or done.
    Finished,
    /// It was due so long ago that it is only told.
    Missed,
}

/// What programs are told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// What became of it.
    pub event: Happened,
    /// Its number, which no other one gets.
    pub id: u64,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    /// How late it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_id: Option<String>,
    user_id: String,
}
