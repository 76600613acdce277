//! What is said after a command and leans on it: "turn it off again", "a bit brighter", "and in the kitchen?", "the other
//! one", "undo that".
//!
//! A follow-up is said again in full, in the words of what was said before, and is understood as any other sentence or not at
//! all: it reaches nothing that the whole sentence would not reach. English alone.

use std::time::Duration;

use crate::core::home::wish::Last;

/// How long something may be leaned on.
pub const LIFETIME: Duration = Duration::from_mins(5);

/// Wishes that what was said last had not been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeBack {
    /// Let it be as it was before.
    Undo,
    /// The same, where anything was done; what was asked back is let be.
    Cancel,
}

const UNDO: [&str; 10] = [
    "undo",
    "undo that",
    "undo it",
    "undo this",
    "undo the last command",
    "take that back",
    "revert that",
    "put it back",
    "change it back",
    "put it back as it was",
];
const CANCEL: [&str; 6] =
    ["cancel that", "cancel it", "cancel this", "cancel the last command", "cancel that command", "scratch that"];
/// What is said before it and means nothing by itself.
const FILLERS: [&str; 8] = ["ok", "okay", "please", "no", "now", "then", "i meant", "and now"];
const OTHERS: [&str; 3] = ["the other one", "the other", "other one"];
const PRONOUNS: [&str; 8] = ["that one", "this one", "the same", "it", "that", "them", "those", "this"];
/// Before a place or a thing that the same is wanted of.
const ALSO: [&str; 6] = ["what about", "how about", "and also", "and", "also", "same"];
/// What says how something is to become, without saying what.
const CHANGES: [&str; 26] = [
    "on", "off", "up", "down", "brighter", "darker", "dimmer", "lighter", "warmer", "colder", "cooler", "hotter",
    "higher", "lower", "louder", "quieter", "faster", "slower", "percent", "%", "degrees", "open", "closed", "half",
    "halfway", "stop",
];
const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];
/// Words of the longest follow-up without a pronoun.
const MOST_WORDS: usize = 8;

/// Whether an utterance takes back what was said before, and how.
#[must_use]
pub fn takes_back(said: &str) -> Option<TakeBack> {
    taking_back(without_fillers(&plain(said)))
}

fn taking_back(said: &str) -> Option<TakeBack> {
    if UNDO.contains(&said) {
        return Some(TakeBack::Undo);
    }
    CANCEL.contains(&said).then_some(TakeBack::Cancel)
}

/// The sentences that an utterance may mean after another, the likeliest first; none where it leans on nothing.
#[must_use]
pub fn in_full(said: &str, last: &Last) -> Vec<String> {
    let said = plain(said);
    let said = without_fillers(&said);
    if taking_back(said).is_some() {
        return Vec::new();
    }
    let mut all: Vec<String> = chosen(said, last).into_iter().collect();
    elsewhere(said, last, &mut all);
    if !last.what.is_empty() {
        if let Some(pronoun) = PRONOUNS.iter().find_map(|pronoun| replaced(said, pronoun, &last.what)) {
            all.push(pronoun);
        }
        bare(said, last, &mut all);
    }
    all
}

/// What is left of a plain text without what means nothing by itself.
fn without_fillers(said: &str) -> &str {
    let after = |said, filler| str::strip_prefix(said, filler)?.strip_prefix(' ');
    let said = FILLERS.iter().fold(said, |said, filler| after(said, *filler).unwrap_or(said));
    said.strip_suffix(" please").unwrap_or(said)
}

/// The sentence with the one of several that is chosen: "the bedroom one", "the second".
fn chosen(said: &str, last: &Last) -> Option<String> {
    let said = said.strip_prefix("the ").or_else(|| said.strip_prefix("in the ")).unwrap_or(said);
    let said = said.strip_suffix(" one").unwrap_or(said);
    let offers: Vec<String> = last.offers.iter().map(|offer| plain(offer)).collect();
    let fits = |offer: &&String| !said.is_empty() && said.split(' ').all(|word| contains(offer, word));
    let mut fitting = offers.iter().filter(fits);
    let offer = match (ORDINALS.iter().position(|ordinal| *ordinal == said), fitting.next(), fitting.next()) {
        (Some(place), ..) => offers.get(place)?,
        (None, Some(offer), None) => offer,
        _ => return None,
    };
    // As much of it as was said stands there already.
    let text = plain(&last.text);
    let words: Vec<&str> = offer.split(' ').collect();
    let known = (1..=words.len()).rev().map(|count| words[..count].join(" ")).find(|name| contains(&text, name))?;
    replaced(&text, &known, offer)
}

/// The same of something else: "and in the kitchen", "what about the reading lamp", "the other one".
fn elsewhere(said: &str, last: &Last, all: &mut Vec<String>) {
    let text = plain(&last.text);
    let rest = ALSO.iter().find_map(|also| said.strip_prefix(also)?.strip_prefix(' '));
    let (rest, is_marked) = (rest.unwrap_or(said), rest.is_some());
    let too = [" too", " as well", " also"].iter().find_map(|too| rest.strip_suffix(too));
    let (rest, is_marked) = (too.unwrap_or(rest), is_marked || too.is_some() || rest.starts_with("in the "));
    if let Some(other) = &last.other {
        let (of, name) = (OTHERS.iter().find(|other| contains(rest, other)), last.name.as_deref().map(plain));
        match (of, name) {
            (Some(of), _) if rest != *of => all.extend(replaced(rest, of, other)),
            (Some(_), Some(name)) => {
                let whole = format!("the {name}");
                let placed = format!("{whole} in the {}", last.area.as_deref().map(plain).unwrap_or_default());
                let said_so = [&placed, &whole, &name].into_iter().find_map(|words| replaced(&text, words, other));
                all.extend(said_so);
            }
            _ => {}
        }
    }
    if !is_marked || rest.split(' ').count() > MOST_WORDS {
        return;
    }
    let place = ["in ", "on "].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
    let bare = place.strip_prefix("the ").unwrap_or(place);
    let area = last.area.as_deref().map(plain);
    let by_area = area.as_ref().and_then(|area| replaced(&text, area, bare));
    let is_somewhere = by_area.is_some();
    all.extend(by_area);
    if let Some(name) = last.name.as_deref().map(plain) {
        all.extend(
            replaced(&text, &format!("the {name}"), &format!("the {bare}")).or_else(|| replaced(&text, &name, bare)),
        );
    }
    if !is_somewhere {
        all.push(format!("{text} in the {bare}"));
    }
}

/// How the same is to become: "a bit brighter", "30 percent".
fn bare(said: &str, last: &Last, all: &mut Vec<String>) {
    let words: Vec<&str> = said.split(' ').collect();
    if words.len() > MOST_WORDS || !words.iter().any(|word| CHANGES.contains(word)) {
        return;
    }
    let what = &last.what;
    all.extend([
        format!("make {what} {said}"),
        format!("turn {what} {said}"),
        format!("set {what} to {said}"),
        format!("{said} {what}"),
    ]);
}

/// Lower case, without marks and more spaces than one.
fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace(['?', '!', ',', '.', ';'], " ").replace('%', " %");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether words stand in a sentence.
fn contains(text: &str, words: &str) -> bool {
    format!(" {text} ").contains(&format!(" {words} "))
}

/// A sentence with other words in the place of these; `None` where these are not there.
fn replaced(text: &str, words: &str, by: &str) -> Option<String> {
    if words.is_empty() || !contains(text, words) {
        return None;
    }
    let text = format!(" {text} ").replacen(&format!(" {words} "), &format!(" {by} "), 1);
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Last {
        Last {
            text: text.to_owned(),
            what: "the kitchen light".to_owned(),
            name: Some("kitchen light".to_owned()),
            area: Some("Kitchen".to_owned()),
            other: Some("the counter lamp".to_owned()),
            offers: Vec::new(),
        }
    }

    #[test]
    fn what_leans_on_a_command_is_said_in_full() {
        let last = after("Turn on the kitchen light!");
        for (said, full) in [
            ("Turn it off again.", "turn the kitchen light off again"),
            ("ok, make that red", "make the kitchen light red"),
            ("a bit brighter", "make the kitchen light a bit brighter"),
            ("30%", "set the kitchen light to 30 %"),
            ("off again please", "turn the kitchen light off again"),
            ("and in the bedroom?", "turn on the bedroom light"),
            ("what about the reading lamp", "turn on the reading lamp"),
            ("the bedroom too", "turn on the bedroom light"),
            ("the other one", "turn on the counter lamp"),
            ("turn the other one off", "turn the counter lamp off"),
        ] {
            let all = in_full(said, &last);
            assert!(all.iter().any(|one| one == full), "{said}: {all:?}");
        }
    }

    #[test]
    fn the_other_one_is_where_the_other_one_is() {
        let last = Last {
            name: Some("reading lamp".to_owned()),
            area: Some("Bedroom".to_owned()),
            other: Some("the reading lamp in the living room".to_owned()),
            ..after("turn on the reading lamp in the bedroom")
        };
        assert_eq!(in_full("no, the other one", &last)[0], "turn on the reading lamp in the living room");
    }

    #[test]
    fn one_of_several_is_chosen_by_a_word_of_it_or_its_place() {
        let offers = ["reading lamp in the Bedroom", "reading lamp in the Living room"].map(str::to_owned).to_vec();
        let last = Last { text: "turn on the reading lamp".to_owned(), offers, ..Last::default() };
        for said in ["the bedroom one", "In the bedroom.", "the first one", "bedroom", "reading lamp in the bedroom"] {
            assert_eq!(in_full(said, &last).first().unwrap(), "turn on the reading lamp in the bedroom", "{said}");
        }
        assert_eq!(in_full("the reading lamp", &last), Vec::<String>::new(), "that is both");
        assert_eq!(in_full("the third", &last), Vec::<String>::new());
    }

    #[test]
    fn a_room_is_added_where_none_was_said() {
        let last = Last { area: Some("Kitchen".to_owned()), name: None, ..after("turn on the lights") };
        assert!(in_full("and in the bedroom", &last).contains(&"turn on the lights in the bedroom".to_owned()));
    }

    #[test]
    fn undoing_is_told_apart_and_what_stands_alone_is_no_follow_up() {
        let last = after("turn on the kitchen light");
        for (said, wanted) in [("Undo that!", TakeBack::Undo), ("No, cancel that please.", TakeBack::Cancel)] {
            assert_eq!(takes_back(said), Some(wanted));
            assert_eq!(in_full(said, &last), Vec::<String>::new());
        }
        for said in ["hello", "cool", "thanks", "explain quantum physics", "who are you", ""] {
            assert_eq!(takes_back(said), None, "{said}");
            assert_eq!(in_full(said, &last), Vec::<String>::new(), "{said}");
        }
    }
}
