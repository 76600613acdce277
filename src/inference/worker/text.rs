//! From a model's bytes to text that can be published: whole characters, no control characters, no leading blanks.
//!
//! Keeps back what may still turn out to be half a character, the beginning of a text that ends the answer, or a piece
//! said for the third time, which ends it as well.

use super::repeats::Repeats;

/// The text of one answer as its tokens arrive.
#[derive(Debug, Default)]
pub(in crate::inference) struct AnswerText {
    /// Bytes that do not make a whole character yet.
    bytes: Vec<u8>,
    /// Text that may be the beginning of one of `stops`, or a piece's third time.
    held: String,
    repeats: Repeats,
    /// Texts that end the answer and are not part of it.
    stops: Vec<String>,
    /// Whether anything was handed out yet.
    begun: bool,
    stopped: bool,
}

impl AnswerText {
    /// An answer without text; any of `stops` ends it.
    pub(in crate::inference) fn new(stops: &[String]) -> Self {
        Self { stops: stops.iter().filter(|stop| !stop.is_empty()).cloned().collect(), ..Self::default() }
    }

    /// Whether one of the stops was reached, or the answer goes round in circles.
    pub(in crate::inference) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Takes a token's bytes, returns what can be published now.
    pub(in crate::inference) fn push(&mut self, bytes: &[u8]) -> Option<String> {
        if self.stopped {
            return None;
        }
        self.bytes.extend_from_slice(bytes);
        let known = self.held.len();
        self.take_whole_characters();
        self.look_for_circles(known);
        self.look_for_stops();
        let keep = if self.stopped { 0 } else { self.possible_stop().max(self.third_time()) };
        let ready: String = self.held.drain(..self.held.len() - keep).collect();
        self.publish(ready)
    }

    /// The rest, once no more tokens come. Half a character is dropped.
    pub(in crate::inference) fn finish(mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.held);
        self.publish(rest)
    }

    fn publish(&mut self, text: String) -> Option<String> {
        let text = if self.begun { text } else { text.trim_start().to_owned() };
        self.begun |= !text.is_empty();
        (!text.is_empty()).then_some(text)
    }

    /// Moves whole characters from `bytes` to `held`; bytes that are no part of any are dropped.
    fn take_whole_characters(&mut self) {
        let mut rest = self.bytes.as_slice();
        let mut incomplete: &[u8] = &[];
        while !rest.is_empty() {
            let (valid, after) = match std::str::from_utf8(rest) {
                Ok(text) => (text, &rest[rest.len()..]),
                Err(error) => {
                    let (valid, invalid) = rest.split_at(error.valid_up_to());
                    let after = if let Some(length) = error.error_len() {
                        &invalid[length..]
                    } else {
                        incomplete = invalid;
                        &invalid[invalid.len()..]
                    };
                    (std::str::from_utf8(valid).unwrap_or_default(), after)
                }
            };
            self.held.extend(valid.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
            rest = after;
        }
        self.bytes = incomplete.to_vec();
    }

    /// Looks at what of `held` is new, and cuts off what is said for the third time.
    fn look_for_circles(&mut self, known: usize) {
        let new = self.held.get(known..).unwrap_or_default();
        let circle = new.char_indices().find(|(_, c)| self.repeats.push(*c)).map(|(at, c)| known + at + c.len_utf8());
        if let Some(end) = circle {
            self.held.truncate(end);
            let third_time = self.held.split_off(self.held.len() - self.third_time());
            // It may begin with the end of a sentence, where what went before the first time ended alike.
            let sentence = third_time.find(['.', '!', '?', '\n']).filter(|end| *end < third_time.len() / 2);
            self.held.push_str(sentence.map_or("", |end| &third_time[..=end]));
            self.stopped = true;
        }
    }

    /// Bytes at the end of `held` that say a piece for the third time.
    fn third_time(&self) -> usize {
        self.held.chars().rev().take(self.repeats.third_time()).map(char::len_utf8).sum()
    }

    fn look_for_stops(&mut self) {
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            self.stopped = true;
        }
    }

    /// Bytes at the end of `held` that begin one of the stops.
    fn possible_stop(&self) -> usize {
        let longest = |stop: &String| {
            stop.char_indices().map(|(at, _)| at).filter(|at| *at > 0 && self.held.ends_with(&stop[..*at])).max()
        };
        self.stops.iter().filter_map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::AnswerText;

    fn publish(stops: &[&str], pieces: &[&[u8]]) -> Vec<String> {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut text = AnswerText::new(&stops);
        let mut published: Vec<String> = pieces.iter().filter_map(|piece| text.push(piece)).collect();
        published.extend(text.finish());
        published
    }

    #[test]
    fn a_character_split_over_tokens_is_kept_back_until_it_is_whole() {
        let snowman = "☃".as_bytes();
        assert_eq!(publish(&[], &[b"a", &snowman[..1], &snowman[1..2], &snowman[2..], b"b"]), ["a", "☃", "b"]);
        assert_eq!(publish(&[], &[b"a", &snowman[..2]]), ["a"], "half a character at the end is dropped");
        assert_eq!(publish(&[], &[&[b'a', 0xff, b'b']]), ["ab"], "bytes of no character are dropped");
    }

    #[test]
    fn control_characters_and_leading_blanks_are_dropped() {
        assert_eq!(publish(&[], &[b"\n \n", b" Hi\0", b"\x1b[31m\n\t!", b" "]), ["Hi", "[31m\n\t!", " "]);
    }

    #[test]
    fn a_stop_ends_the_text_even_when_split_over_tokens() {
        assert_eq!(publish(&["\nUser:"], &[b"Fine.", b"\nUs", b"er: and you?", b"more"]), ["Fine."]);
        assert_eq!(publish(&["\nUser:"], &[b"Fine.", b"\nUs", b"ual."]), ["Fine.", "\nUsual."]);
        assert_eq!(publish(&["\nUser:"], &[b"Fine.\n"]), ["Fine.", "\n"]);
    }

    #[test]
    fn an_answer_that_goes_round_in_circles_ends_and_nobody_hears_the_third_time() {
        let sentence = "Rain falls on the roof and on the garden wall. ";
        let whole = format!("Well. {}", sentence.repeat(5));
        for length in [1, 3, 7, 20, 400] {
            let pieces: Vec<&[u8]> = whole.as_bytes().chunks(length).collect();
            assert_eq!(
                publish(&[], &pieces).concat(),
                format!("Well. {}", sentence.repeat(2)).trim_end(),
                "by {length}"
            );
        }
        let mut text = AnswerText::new(&[]);
        let said: String = whole.as_bytes().chunks(3).filter_map(|piece| text.push(piece)).collect();
        assert!(text.stopped() && said.ends_with("garden wall."), "{said}");
    }

    #[test]
    fn what_only_begins_like_a_third_time_is_said() {
        let sentence = "Rain falls on the roof and on the garden wall. ";
        for end in ["Rain falls on the street.", "Rain falls on the roof and on"] {
            let whole = format!("{}{end}", sentence.repeat(2));
            let pieces: Vec<&[u8]> = whole.as_bytes().chunks(4).collect();
            assert_eq!(publish(&[], &pieces).concat(), whole);
        }
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_whole_however_they_are_cut(text in "[^\\p{Cc}\\s]\\PC{0,40}", cuts in prop::collection::vec(0usize..200, 0..10)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            cuts.insert(0, 0);
            cuts.push(bytes.len());
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(publish(&["\nUser:"], &pieces).concat(), text);
        }

        #[test]
        fn whatever_the_bytes_only_clean_text_comes_out(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..40)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let whole = publish(&[], &pieces).concat();
            prop_assert!(whole.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
            prop_assert!(!whole.starts_with(char::is_whitespace));
        }
    }
}
