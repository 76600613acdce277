//! From what was said to what is meant: exactly first, then several commands in one breath, then by a slip of a name.
//!
//! A slip is taken for a name only where the sentence then fits its intent, where no other name is as near, and never
//! where it would reach something guarded. Of several commands all must be understood, or none counts.

use std::collections::HashSet;

use super::guard;
use super::sentence::found::Found;
use super::sentence::heard::{Heard, fold};
use super::sentence::matcher::Rank;
use super::several;
use super::slips;
use super::tongue::{Reading, Tongue};
use super::{Hit, Said};

/// Slots of what is called anything, a title, a timer or a source; a command before or behind it is no part of that.
const FREE: [&str; 5] = ["search_query", "source", "option", "preset_mode", "name"];
/// The slot of a command that is put off.
pub(super) const PUT_OFF: &str = "conversation_command";
/// Names offered in a question.
const MAX_OFFERED: usize = 3;

/// What came of an utterance.
#[derive(Clone, Debug, PartialEq)]
pub enum Understood {
    /// Commands, in the order they were said; never empty.
    Hits(Vec<Hit>),
    /// Something that may be meant, and that must not be done without asking.
    Unclear(Unclear),
    /// No rule matches.
    Nothing,
}

/// What is asked back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The question, or what was not understood.
    pub message: String,
    /// What may have been meant.
    pub suggestions: Vec<String>,
}

impl Tongue {
    /// What normalised text means in this language, with the words that somebody paused before.
    pub(super) fn understand(&self, said: &Said<'_>, pauses: &[usize]) -> Understood {
        let heard = self.heard(said.text);
        let found = self.found(&heard);
        let (understood, rank) = self.read_found(said, &heard, &found);
        match understood {
            Understood::Nothing => {}
            // Free words that are no command: talk in which a time stands.
            Understood::Hits(hits) if self.puts_off_talk(said, &hits) => {}
            Understood::Hits(hits) => {
                let is_free =
                    |hit: &&Hit| rank.wildcards.0 > 0 && FREE.iter().any(|slot| hit.slots.contains_key(*slot));
                let free = hits.first().filter(is_free);
                let more = free.and_then(|free| several::behind_free_words(self, said, pauses, free));
                let more = more.or_else(|| self.read_free_words(said, &heard, rank, hits.first()?));
                return more.unwrap_or(Understood::Hits(hits));
            }
            unclear @ Understood::Unclear(_) => return unclear,
        }
        match several::understand(self, said, pauses) {
            Understood::Nothing => {}
            understood => return understood,
        }
        match self.read_slips(said, &heard, found) {
            Understood::Nothing if !said.is_guess => self.read_unoffered(said, &heard),
            understood => understood,
        }
    }

    /// What something is to be set to that nothing in the home offers: it says what it has instead.
    fn read_unoffered(&self, said: &Said<'_>, heard: &Heard<'_>) -> Understood {
        let found = self.found(heard);
        let readings = self.readings_where(heard, &found, said, |reading| self.names_who_offers(reading));
        let best = readings.into_iter().next().filter(|reading| self.same_names(reading).is_none());
        let hit = best.and_then(|reading| self.hit(reading, said, None));
        hit.map_or(Understood::Nothing, |hit| Understood::Hits(vec![hit]))
    }

    /// Whether something is put off that is no command itself.
    fn puts_off_talk(&self, said: &Said<'_>, hits: &[Hit]) -> bool {
        let command = hits.first().and_then(|hit| hit.slots.get(PUT_OFF)?.as_str());
        let Some(text) = command else { return false };
        // "Close the blinds" is one where the room is known; which it is, is asked later.
        let rooms = self.rooms();
        let site = said.site.or_else(|| rooms.first().map(String::as_str));
        let said = Said { text, site, ..*said };
        self.read(&said) == Understood::Nothing
            && several::understand(self, &said, &[]) == Understood::Nothing
            && self.read_part_with_slips(&said) == Understood::Nothing
    }

    /// What the text means as one of several commands, with slips of names forgiven.
    pub(super) fn read_part_with_slips(&self, said: &Said<'_>) -> Understood {
        let heard = self.heard(said.text);
        let mut found = self.found(&heard);
        if !self.add_slips(&heard, &mut found) {
            return Understood::Nothing;
        }
        let mut readings = self.readings(&heard, &found, said);
        readings.retain(|reading| !self.is_bare(&heard, reading) && !self.is_about_it(&heard, reading));
        self.meant_by_slips(said, &heard, readings)
    }

    /// What the text means as one command, word by word as it was said.
    pub(super) fn read(&self, said: &Said<'_>) -> Understood {
        let heard = self.heard(said.text);
        self.read_found(said, &heard, &self.found(&heard)).0
    }

    fn read_found(&self, said: &Said<'_>, heard: &Heard<'_>, found: &Found<'_>) -> (Understood, Rank) {
        let readings = self.readings(heard, found, said);
        if let Some(question) = readings.first().and_then(|best| self.same_names(best)) {
            return (Understood::Unclear(question), Rank::default());
        }
        let hit = readings.into_iter().find_map(|reading| {
            let rank = reading.rank;
            Some((self.hit(reading, said, None)?, rank))
        });
        hit.map_or((Understood::Nothing, Rank::default()), |(hit, rank)| (Understood::Hits(vec![hit]), rank))
    }

    /// What free words mean where a name in them was said nearly: "the kitchn timer" is no timer of that name.
    fn read_free_words(&self, said: &Said<'_>, heard: &Heard<'_>, rank: Rank, exact: &Hit) -> Option<Understood> {
        if rank.wildcards.0 == 0 {
            return None;
        }
        let near = slips::find(heard, &self.names);
        if near.is_empty() {
            return None;
        }
        let mut found = self.found(heard);
        found.add(&near, heard.end());
        let mut readings = self.readings(heard, &found, said);
        readings.retain(|reading| {
            let Rank { wildcards, wild, .. } = reading.rank;
            let is_same = reading.block.intent == exact.name && wildcards == rank.wildcards && wild > rank.wild;
            reading.cost > 0 && (is_same || wildcards > rank.wildcards)
        });
        match self.meant_by_slips(said, heard, readings) {
            hits @ Understood::Hits(_) => Some(hits),
            Understood::Unclear(_) | Understood::Nothing => None,
        }
    }

    pub(super) fn hit<'a>(&'a self, reading: Reading<'a>, said: &Said<'a>, corrected: Option<String>) -> Option<Hit> {
        let hit = reading.block.hit(reading.slots, reading.line, reading.text, said, self.view())?;
        Some(Hit { corrected, ..hit })
    }

    /// A question where the same words name several things.
    pub(super) fn same_names(&self, reading: &Reading<'_>) -> Option<Unclear> {
        let span = reading.spans.iter().find(|span| !span.others.is_empty())?;
        let view = self.view();
        let ids = span.value.iter().chain(&span.others);
        let entries: Vec<_> = ids.filter_map(|id| view.entry(*id)).collect();
        let first = entries.first()?;
        // Two names of one thing are no question.
        if entries.iter().all(|entry| entry.out == first.out && entry.context == first.context) {
            return None;
        }
        let place =
            |entry: &super::lists::Entry| entry.context.get("area").and_then(|area| area.as_str()).map(str::to_owned);
        let mut suggestions: Vec<String> = Vec::new();
        for entry in &entries {
            let offer = place(entry).map_or_else(|| entry.said.clone(), |area| format!("{} in the {area}", entry.said));
            if !suggestions.contains(&offer) {
                suggestions.push(offer);
            }
        }
        if suggestions.len() > 1 {
            return Some(Unclear { message: question(&suggestions), suggestions });
        }
        let message = format!(
            "several things are called \u{201c}{}\u{201d}, and nothing tells them apart; give each a name of its own",
            first.said
        );
        Some(Unclear { message, suggestions: Vec::new() })
    }

    /// What the text means if a name in it was said nearly.
    fn read_slips(&self, said: &Said<'_>, heard: &Heard<'_>, mut found: Found<'_>) -> Understood {
        if !self.add_slips(heard, &mut found) {
            return Understood::Nothing;
        }
        self.meant_by_slips(said, heard, self.readings(heard, &found, said))
    }

    /// Adds the names that were said nearly; whether there are any.
    fn add_slips(&self, heard: &Heard<'_>, found: &mut Found<'_>) -> bool {
        let near = if self.may_name(heard, found) { slips::find(heard, &self.names) } else { Vec::new() };
        found.add(&near, heard.end());
        !near.is_empty()
    }

    /// Which of the readings with slips is meant, those with the fewest slips.
    fn meant_by_slips<'a>(&'a self, said: &Said<'a>, heard: &Heard<'_>, mut readings: Vec<Reading<'a>>) -> Understood {
        let Some(best) = readings.first() else { return Understood::Nothing };
        let least = best.cost;
        readings.retain(|reading| reading.cost == least);
        let meant: Vec<String> = readings.iter().map(|reading| self.corrected(heard, reading)).collect();
        let is_one = meant.iter().all(|text| *text == meant[0]);
        let is_guarded =
            readings.iter().any(|reading| guard::moved(reading.block, &reading.slots.filled, self.view()).is_some());
        if is_one && !is_guarded && readings[0].spans.iter().all(|span| span.others.is_empty()) {
            let corrected = meant.into_iter().next();
            let hit = readings.into_iter().find_map(|reading| self.hit(reading, said, corrected.clone()));
            return hit.map_or(Understood::Nothing, |hit| Understood::Hits(vec![hit]));
        }
        let mut names: Vec<String> = readings.iter().flat_map(|reading| self.names_of_slips(reading)).collect();
        // What guards the house is offered as the whole sentence: said once more, and right, it counts.
        let mut suggestions = if is_guarded { meant } else { names.clone() };
        for list in [&mut names, &mut suggestions] {
            let mut known = HashSet::new();
            list.retain(|text| known.insert(text.clone()));
            list.truncate(MAX_OFFERED);
        }
        Understood::Unclear(Unclear { message: question(&names), suggestions })
    }

    /// The text with the names in place of what was said for them.
    fn corrected(&self, heard: &Heard<'_>, reading: &Reading<'_>) -> String {
        let mut spans: Vec<_> = reading.spans.iter().filter(|span| span.cost > 0).collect();
        spans.sort_by_key(|span| span.start);
        let mut text = String::new();
        let mut at = 0;
        for span in spans {
            let name = span.value.and_then(|id| self.view().entry(id)).map_or("", |entry| entry.said.as_str());
            text.push_str(&String::from_utf8_lossy(heard.folded.get(at..span.start).unwrap_or_default()));
            text.push_str(&fold(name));
            at = span.end;
        }
        text.push_str(&String::from_utf8_lossy(heard.folded.get(at..).unwrap_or_default()));
        text
    }

    fn names_of_slips(&self, reading: &Reading<'_>) -> Vec<String> {
        let slips = reading.spans.iter().filter(|span| span.cost > 0);
        let ids = slips.flat_map(|span| span.value.iter().chain(&span.others));
        ids.filter_map(|id| self.view().entry(*id)).map(|entry| entry.said.clone()).collect()
    }
}

/// "Kitchen lamp or kitchen light?"
fn question(names: &[String]) -> String {
    let mut text = match names {
        [] => "Which one is meant?".to_owned(),
        [one] => format!("Did you mean {one}?"),
        [others @ .., last] => format!("{} or {last}?", others.join(", ")),
    };
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    text
}
