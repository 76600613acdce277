//! Timers, alarms, reminders and commands for later, while the daemon runs: answers what is said about them, keeps them in
//! the state folder, and does what is due.
//!
//! What they mean is decided in [`crate::core::dialogue::timers`]; here are the clocks, the file, the lock and one task
//! ([`Engine::keep_timers`]), which its owner runs. Answers never wait for the disk: the task writes what they changed.

mod clock;
mod file;
mod task;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp, Zoned};
use tokio::sync::Notify;

use crate::core::dialogue::timers::{self, Due, Event, Refusal, Stamp, Timers, Who, Why};
use crate::core::intents::{Hit, Said, Understood};
use crate::core::reply::{Code, Final};
use crate::core::utterance::{Identifier, Utterance};

use super::state::Shared;
use super::{intent, lock};

/// A clock that differs by less was not set; clocks are also slewed, and readings take time.
const SET: SignedDuration = SignedDuration::from_secs(1);
/// A machine without a clock of its own is told the time so soon after its start. What was kept through that start was
/// right before, and is not moved.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// Everything that is to happen later, and where it is kept.
pub(super) struct Keeper {
    kept: Mutex<Kept>,
    path: Option<PathBuf>,
    /// Something is to be announced, written, or waited for anew.
    changed: Notify,
}

struct Kept {
    timers: Timers,
    /// The clocks when they were last looked at.
    clock: Stamp,
    /// When the daemon started.
    since: Timestamp,
    /// What has a smaller number was there when the daemon started.
    first_id: u64,
    is_dirty: bool,
}

/// What one look at the timers brings: whoever looks says and does it.
struct Look {
    due: Vec<Due>,
    events: Vec<Event>,
    /// When to look again; `None` where nothing is to come.
    next: Option<Timestamp>,
}

impl Keeper {
    /// Reads what was kept; without a folder, or with one that cannot be read, there is nothing.
    pub(super) fn open(state_dir: Option<&Path>) -> Self {
        let path = state_dir.map(|folder| folder.join("timers.json"));
        let (now, clock) = clock::read();
        let (timers, earlier) = path.as_deref().map(file::load).unwrap_or_default();
        Self::with(path, timers, earlier.as_ref(), (now, clock))
    }

    fn with(path: Option<PathBuf>, mut timers: Timers, earlier: Option<&Stamp>, (now, clock): (Zoned, Stamp)) -> Self {
        // The machine ran on: how far its clock was set meanwhile can be told.
        let set = earlier.and_then(|earlier| clock.set_since(earlier)).filter(|set| set.abs() >= SET);
        if let Some(set) = set {
            timers.shift(set, 0, &now);
        }
        let first_id = timers.next_id();
        let kept = Kept { timers, since: clock.at, clock, first_id, is_dirty: set.is_some() };
        Self { kept: Mutex::new(kept), path, changed: Notify::new() }
    }

    /// Looks what is due. Nothing is taken while nobody can hear it: `is_heard` says whether anybody can.
    fn look(&self, now: &Zoned, clock: Stamp, is_heard: bool) -> Look {
        let mut kept = lock(&self.kept);
        let kept = &mut *kept;
        if let Some(set) = clock.set_since(&kept.clock).filter(|set| set.abs() >= SET) {
            let is_new = clock.up_ms < i64::try_from(TOLD_WITHIN.as_millis()).unwrap_or(i64::MAX);
            log::info!("the clock was set by {} s: timers go on as before", set.as_secs());
            kept.timers.shift(set, if is_new { kept.first_id } else { 0 }, now);
            kept.since = kept.since.checked_add(set).unwrap_or(kept.since);
            kept.is_dirty = true;
        }
        kept.clock = clock;
        let due = if is_heard { kept.timers.take_due(now, kept.since) } else { Vec::new() };
        kept.timers.trim_events();
        let events = if is_heard { kept.timers.take_events() } else { Vec::new() };
        kept.is_dirty |= !due.is_empty();
        Look { due, events, next: kept.timers.next_due(now) }
    }

    /// What is to be written, if anything changed since this was last asked.
    fn take_text(&self) -> Option<(PathBuf, String)> {
        let path = self.path.clone()?;
        let mut kept = lock(&self.kept);
        std::mem::take(&mut kept.is_dirty).then(|| (path, kept.timers.to_json(Some(&kept.clock))))
    }

    /// What was to be written could not be: it is tried again.
    fn not_written(&self) {
        lock(&self.kept).is_dirty = true;
    }
}

/// Whether a command is one of time that no rule's own action carries out.
fn is_ours(hit: &Hit) -> bool {
    !hit.is_handled && timers::carries_out(&hit.name)
}

/// Timers as they are to be once what was said with them is on its way; dropped otherwise, and nothing changed.
pub(super) struct Set<'a> {
    /// With the timers to put in its place; `None` where nothing was said about timers.
    change: Option<(MutexGuard<'a, Kept>, Timers)>,
    changed: &'a Notify,
}

impl<'a> Set<'a> {
    /// Nothing about timers.
    pub(super) fn nothing(shared: &'a Shared) -> Self {
        Self { change: None, changed: &shared.timers.changed }
    }

    /// Lets it be so. The numbers of what it sets anew, none where it only changes what was there; `None` where it changes
    /// nothing.
    pub(super) fn keep(self) -> Option<Range<u64>> {
        let (mut kept, timers) = self.change.filter(|(kept, timers)| kept.timers != *timers)?;
        let new = kept.timers.next_id()..timers.next_id();
        kept.is_dirty = true;
        kept.timers = timers;
        self.changed.notify_one();
        Some(new)
    }
}

/// Sets what was said about timers, in a copy: of several commands, another may be refused. The answers go into the hits.
pub(super) fn set<'a>(
    shared: &'a Shared,
    hits: &mut [Hit],
    utterance: &Utterance,
    area: Option<&str>,
) -> Result<Set<'a>, Box<Final>> {
    let keeper = &shared.timers;
    if !hits.iter().any(is_ours) {
        return Ok(Set::nothing(shared));
    }
    let settings = shared.settings();
    let lang = utterance.lang.as_deref().unwrap_or(&settings.language);
    if let Some(refusal) = hits.iter().filter(|hit| is_ours(hit)).find_map(|hit| put_off(shared, hit, area, lang)) {
        return Err(Box::new(refusal));
    }
    let site = utterance.site_id.as_ref().map(Identifier::as_str);
    let who = Who { site, user: utterance.user_id.as_str(), lang };
    let now = Zoned::now();
    let kept = lock(&keeper.kept);
    let mut timers = kept.timers.clone();
    for hit in hits.iter_mut().filter(|hit| is_ours(hit)) {
        match timers.answer(&hit.name, &hit.slots, &who, &now) {
            Some(Ok(answer)) => {
                hit.response = answer;
                hit.is_handled = true;
            }
            Some(Err(refusal)) => return Err(Box::new(refused(refusal))),
            None => {}
        }
    }
    Ok(Set { change: Some((kept, timers)), changed: &keeper.changed })
}

/// Takes back what was set under these numbers, and what to say then; `None` where nothing of it is still to come.
pub(super) fn take_back<'a>(shared: &'a Shared, ids: &Range<u64>) -> Option<(Set<'a>, String)> {
    let keeper = &shared.timers;
    let kept = lock(&keeper.kept);
    let mut timers = kept.timers.clone();
    let text = timers.take_back(ids, &Zoned::now())?;
    Some((Set { change: Some((kept, timers)), changed: &keeper.changed }, text))
}

/// Why a command must not be put off, where it must not: it is none, it opens or guards the house, or is itself for later.
fn put_off(shared: &Shared, hit: &Hit, area: Option<&str>, lang: &str) -> Option<Final> {
    let text = timers::command(&hit.name, &hit.slots)?;
    let rules = shared.rules();
    let said = Said { text, lang, site: area, ..Said::default() };
    let hits = match rules.understand(&said) {
        Understood::Hits(hits) => hits,
        Understood::Unclear(unclear) => return Some(intent::ask_back(unclear)),
        Understood::Nothing => return Some(intent::not_understood(rules.missed(&said))),
    };
    let refuse = |message: String| Some(Final::refusal(None, Code::NotSupported, message));
    if let Some(hit) = hits.iter().find(|hit| hit.needs_yes || hit.guarded.is_some()) {
        let guarded = hit.guarded.as_deref().unwrap_or("what guards the house");
        return refuse(format!("what moves {guarded} is never put off; say it when it is to be done"));
    }
    if hits.iter().any(|hit| timers::carries_out(&hit.name)) {
        return refuse("a timer cannot be put off; set it for the whole time".to_owned());
    }
    None
}

fn refused(refusal: Refusal) -> Final {
    let code = match refusal.why {
        Why::Unclear => Code::NotUnderstood,
        Why::Full => Code::Busy,
    };
    Final { suggestions: refusal.suggestions, ..Final::refusal(None, code, refusal.message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    fn stamp(now: &Zoned, up_ms: i64) -> Stamp {
        Stamp { boot: Some("one".to_owned()), up_ms, at: now.timestamp() }
    }

    fn start(keeper: &Keeper, minutes: u32, now: &Zoned) {
        let who = Who { site: None, user: "ann", lang: "en" };
        let slots = serde_json::json!({ "minutes": minutes });
        let said = lock(&keeper.kept).timers.answer("HassStartTimer", slots.as_object().unwrap(), &who, now);
        assert!(said.unwrap().is_ok());
    }

    const MINUTE: i64 = 60_000;

    #[test]
    fn a_clock_that_is_set_changes_no_timer() {
        for hours in [-5, 5] {
            let now = at("2026-03-01T12:00:00[Europe/Berlin]");
            let up = 100 * MINUTE;
            let keeper = Keeper::with(None, Timers::default(), None, (now.clone(), stamp(&now, up)));
            start(&keeper, 10, &now);
            let set = now.checked_add(SignedDuration::from_hours(hours)).unwrap();
            let look = keeper.look(&set, stamp(&set, up), true);
            assert!(look.due.is_empty(), "{hours}");
            assert_eq!(look.next.unwrap().duration_since(set.timestamp()), SignedDuration::from_mins(10));
            let later = set.checked_add(SignedDuration::from_mins(10)).unwrap();
            assert_eq!(keeper.look(&later, stamp(&later, up + 10 * MINUTE), true).due.len(), 1, "{hours}");
        }
    }

    #[test]
    fn a_clock_set_while_the_daemon_was_off_changes_no_timer_either() {
        let now = at("2026-03-01T12:00:00[UTC]");
        let keeper = Keeper::with(None, Timers::default(), None, (now.clone(), stamp(&now, 100 * MINUTE)));
        start(&keeper, 10, &now);
        let timers = lock(&keeper.kept).timers.clone();
        // Two minutes later, by a clock that is an hour ahead.
        let later = at("2026-03-01T13:02:00[UTC]");
        let again =
            Keeper::with(None, timers, Some(&stamp(&now, 100 * MINUTE)), (later.clone(), stamp(&later, 102 * MINUTE)));
        let look = again.look(&later, stamp(&later, 102 * MINUTE), true);
        assert_eq!(look.next.unwrap().duration_since(later.timestamp()), SignedDuration::from_mins(8));
    }

    #[test]
    fn a_machine_that_is_told_the_time_after_its_start_keeps_what_it_had() {
        let (before, due) = (at("2026-03-01T12:00:00[UTC]"), at("2026-03-01T12:10:00[UTC]"));
        let keeper = Keeper::with(None, Timers::default(), None, (before.clone(), stamp(&before, 100 * MINUTE)));
        start(&keeper, 10, &before);
        let timers = lock(&keeper.kept).timers.clone();
        let booted = |now: &Zoned, up_ms| Stamp { boot: Some("two".to_owned()), up_ms, at: now.timestamp() };
        let wrong = at("2026-03-01T12:00:05[UTC]");
        let earlier = stamp(&before, 100 * MINUTE);
        let again = Keeper::with(None, timers, Some(&earlier), (wrong.clone(), booted(&wrong, 20_000)));
        start(&again, 3, &wrong);
        // It was off for five minutes, and is told so half a minute after its start.
        let right = at("2026-03-01T12:05:15[UTC]");
        let look = again.look(&right, booted(&right, 30_000), true);
        assert_eq!(look.next.unwrap().duration_since(right.timestamp()), SignedDuration::from_secs(170), "the new one");
        let late = due.checked_add(SignedDuration::from_secs(1)).unwrap();
        assert_eq!(again.look(&late, booted(&late, 316_000), true).due.len(), 2, "both, the old one at its moment");
    }

    #[test]
    fn nothing_is_taken_that_nobody_hears() {
        let now = at("2026-03-01T12:00:00[UTC]");
        let keeper = Keeper::with(None, Timers::default(), None, (now.clone(), stamp(&now, 0)));
        start(&keeper, 1, &now);
        let later = at("2026-03-01T12:02:00[UTC]");
        let look = keeper.look(&later, stamp(&later, 2 * MINUTE), false);
        assert!(look.due.is_empty() && look.events.is_empty() && look.next.is_some());
        let look = keeper.look(&later, stamp(&later, 2 * MINUTE), true);
        assert_eq!((look.due.len(), look.events.len(), look.next), (1, 2, None));
    }
}
