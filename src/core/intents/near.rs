//! Suggestions for a command that no rule matches: the known names and phrasings that are nearest to it.

use super::lists::Entry;
use super::sentence::heard::fold;
use super::tongue::Tongue;

/// Suggestions given.
const MAX_SUGGESTIONS: usize = 3;
/// Words of a sentence that are looked at: longer ones are no commands, and each word is compared with each name.
const MAX_WORDS: usize = 24;
/// How alike a name and a part of the sentence must be, of 1.
const MIN_ALIKE: f64 = 0.86;
/// How many of the letters two sentences must share in whole words, of 1.
const MIN_SHARED: f64 = 0.34;

pub(super) fn suggest<'a>(text: &str, tongues: impl Iterator<Item = &'a Tongue>) -> Vec<String> {
    let folded = fold(text);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(MAX_WORDS).collect();
    let mut names: Vec<(f64, &str)> = Vec::new();
    let mut phrasings: Vec<(f64, &str)> = Vec::new();
    for tongue in tongues {
        let view = tongue.view();
        let entries =
            (0..tongue.lists.count()).filter_map(|list| u16::try_from(list).ok()).flat_map(|list| view.entries(list));
        names.extend(entries.filter_map(|entry| score_name(&words, entry)));
        phrasings.extend(tongue.phrasings.iter().filter_map(|say| score_phrasing(&words, &folded, say)));
    }
    let mut suggestions: Vec<String> = Vec::new();
    for mut group in [names, phrasings] {
        // A stable sort: equally near ones stay in the order of the files.
        group.sort_by(|one, other| other.0.total_cmp(&one.0));
        for (_, suggestion) in group {
            if suggestions.len() < MAX_SUGGESTIONS
                && suggestions.iter().all(|known| !known.eq_ignore_ascii_case(suggestion))
            {
                suggestions.push(suggestion.to_owned());
            }
        }
    }
    suggestions
}

/// How alike a name is to the words of the sentence that come nearest to it.
fn score_name<'a>(words: &[&str], entry: &'a Entry) -> Option<(f64, &'a str)> {
    let name = fold(&entry.said);
    // "on" or "40" in a sentence is no misheard name.
    if name.chars().count() < 4 || !name.contains(char::is_alphabetic) {
        return None;
    }
    let length = name.split(' ').count();
    let alike = words
        .windows(length.min(words.len()).max(1))
        .map(|window| strsim::jaro_winkler(&name, &window.join(" ")))
        .fold(0.0, f64::max);
    (alike >= MIN_ALIKE).then_some((alike, entry.said.as_str()))
}

/// How much of its words a known phrasing shares with the sentence; of equal ones, the one that looks more alike.
fn score_phrasing<'a>(words: &[&str], folded: &str, say: &'a str) -> Option<(f64, &'a str)> {
    let known = fold(say);
    let theirs: Vec<&str> = known.split(' ').collect();
    // By letters, since "the" in common says little.
    let letters = |words: &mut dyn Iterator<Item = &&str>| words.map(|word| word.chars().count()).sum::<usize>();
    let shared = letters(&mut theirs.iter().filter(|word| words.contains(word)));
    let total = letters(&mut words.iter()) + letters(&mut theirs.iter());
    // Both counts are small, so that the conversion is exact.
    let shared = f64::from(u32::try_from(2 * shared).ok()?) / f64::from(u32::try_from(total.max(1)).ok()?);
    let start: String = folded.chars().take(64).collect();
    (shared >= MIN_SHARED).then(|| (shared + 0.1 * strsim::jaro_winkler(&start, &known), say))
}
