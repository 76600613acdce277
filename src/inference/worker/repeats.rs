//! Notices that an answer goes round in circles, which small models do until their longest answer is reached.
//!
//! Looks at characters alone, so that it serves whatever makes them. A long piece may stand twice; where it begins a third
//! time, what follows is held back until it turns out to be something else, or the same for the third time: then the
//! answer ends. A short piece ends it only once it has gone on for longer than anybody says it on purpose.

use std::collections::VecDeque;

/// The longest piece whose repetition is noticed: a paragraph.
const LONGEST: usize = 600;
/// A piece of so many characters (six words or so) ends the answer where it stands three times in a row.
const LONG: usize = 40;
/// Shorter ones end it where they go on for so many characters: "very very very" is no fault, nor is a song.
const SHORT_RUN: usize = 240;

/// The end of an answer, and how far it repeats itself.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// The last characters, the newest in front.
    recent: VecDeque<char>,
    /// For each distance (less one), how many of the last characters equal those so far before them.
    runs: Vec<usize>,
}

impl Repeats {
    /// Takes the next character; whether the answer goes round in circles with it.
    pub(super) fn push(&mut self, c: char) -> bool {
        self.runs.resize(LONGEST, 0);
        let mut circles = false;
        for (at, run) in self.runs.iter_mut().enumerate() {
            let distance = at + 1;
            match self.recent.get(at) {
                Some(before) if *before == c => *run += 1,
                _ => *run = 0,
            }
            let enough = if distance >= LONG { 2 * distance } else { SHORT_RUN.saturating_sub(distance) };
            circles |= *run >= enough;
        }
        self.recent.truncate(LONGEST - 1);
        self.recent.push_front(c);
        circles
    }

    /// How many of the last characters say a long piece for the third time.
    pub(super) fn third_time(&self) -> usize {
        let long = self.runs.iter().enumerate().skip(LONG - 1);
        long.map(|(at, run)| run.saturating_sub(at + 1)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Repeats, SHORT_RUN};

    /// What is left of a text where it is cut off, if it is.
    fn cut(text: &str) -> Option<String> {
        let mut repeats = Repeats::default();
        let at = text.chars().position(|c| repeats.push(c))? + 1;
        Some(text.chars().take(at - repeats.third_time()).collect())
    }

    #[test]
    fn a_sentence_said_three_times_is_left_standing_twice() {
        let sentence = "The moon is made of rock and not of cheese. ";
        assert_eq!(
            cut(&format!("Well: {}", sentence.repeat(3))),
            Some(format!("Well: {}", sentence.repeat(2)).trim_end().to_owned())
        );
        assert_eq!(cut(&format!("Well: {}", sentence.repeat(2))), None);
        let paragraph = "It is a long paragraph that says one thing and then another one. ".to_owned()
            + "And after it has said all of them it begins from the beginning, as small models like to do.\n\n";
        assert!(paragraph.chars().count() < LONGEST);
        assert_eq!(cut(&paragraph.repeat(9)), Some(paragraph.repeat(2)));
        let other_letters = "Der Käse schläft über dem großen Fluß, während es schneit. ";
        assert_eq!(cut(&other_letters.repeat(4)), Some(other_letters.repeat(2)));
    }

    #[test]
    fn short_pieces_are_cut_only_when_they_do_not_end() {
        for piece in ["no ", "I am. ", "very ", "ha", "!", "the same thing again "] {
            let end = cut(&piece.repeat(400)).unwrap_or_else(|| panic!("{piece:?} went on"));
            assert!(end.chars().count() <= SHORT_RUN + 1 && end.starts_with(piece), "{piece:?}: {end}");
            assert_eq!(cut(&piece.repeat(100 / piece.len())), None, "{piece:?}");
        }
    }

    #[test]
    fn lists_songs_and_poems_are_not_cut() {
        let list: Vec<String> =
            (1..60).map(|n| format!("{n}. Stir the soup slowly for a minute, then let it rest.\n")).collect();
        let bottles: Vec<String> = (2..40)
            .map(|n| {
                format!("{n} bottles of milk on the wall, {n} bottles of milk. Take one down and pass it round.\n")
            })
            .collect();
        let song = "The wheels on the bus go round and round, round and round, round and round.\n\
                    The wheels on the bus go round and round, all through the town.\n\
                    The wipers on the bus go swish swish swish, swish swish swish, swish swish swish.\n\
                    Row, row, row your boat gently down the stream, merrily, merrily, merrily, merrily.\n\
                    Let it be, let it be, let it be, let it be. Na na na na na na na na na na na na.\n";
        let chorus = "We sing because the sun is up and all the birds are too,\n".repeat(2)
            + "and then we dance because of you.\n";
        let table = "| name | value |\n| ---- | ----- |\n| a    | 1     |\n| b    | 2     |\n| c    | 3     |\n";
        for text in [
            "That is very very very good, really really really good.",
            &list.concat(),
            &bottles.concat(),
            song,
            &chorus.repeat(2),
            table,
            "One third is 0.3333333333333333333333333333333333333333333333333333333333.",
        ] {
            assert_eq!(cut(text), None, "{text}");
        }
    }
}
