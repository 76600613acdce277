//! What was said, made ready to be matched: folded, with its words' starts and the way back to what was said.
//!
//! Templates and lists go through the same [`fold`], so that "STRASSE" is "Straße" and "desk-lamp" is "desk lamp"
//! whichever side wrote it so.

/// Text as it is compared: lower case by full case folding, hyphens and underscores as spaces, one space between words.
///
/// A hyphen before a digit at the start of a word stays: it is the sign of a number.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    each_folded(text, |_, c| folded.push(c));
    if folded.ends_with(' ') {
        folded.pop();
    }
    folded
}

/// Calls `push` with each folded character and the byte of the text that it comes from; never begins with a space.
fn each_folded(text: &str, mut push: impl FnMut(usize, char)) {
    let mut after_space = true;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let is_sign = c == '-' && after_space && characters.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        if c == ' ' || c == '_' || (c == '-' && !is_sign) || (!c.is_ascii() && c.is_whitespace()) {
            if !after_space {
                push(at, ' ');
            }
            after_space = true;
            continue;
        }
        after_space = false;
        if c.is_ascii() {
            push(at, c.to_ascii_lowercase());
        } else {
            // Down, up and down again: `ẞ` and `ß` are `ss` and a final sigma a sigma, as full case folding has it.
            for c in c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase) {
                push(at, c);
            }
        }
    }
}

/// An utterance, folded.
#[derive(Debug)]
pub(crate) struct Heard<'t> {
    /// The normalised text, as it was said.
    pub(crate) said: &'t str,
    /// The folded text.
    pub(crate) folded: Vec<u8>,
    /// For each byte of the folded text, and its end, the byte of `said` it comes from.
    origin: Vec<usize>,
    /// Where words start; in languages without spaces, every character.
    pub(crate) starts: Vec<usize>,
    /// Words that mean nothing: where one starts, and where what follows it starts.
    skips: Vec<(usize, usize)>,
    /// What was said without those words, where there are any.
    bare: Option<String>,
    /// Whether spaces mean nothing between characters of scripts that have none.
    pub(crate) ignores_spaces: bool,
}

impl<'t> Heard<'t> {
    /// Folds normalised text. `skip_words` are folded.
    pub(crate) fn new(said: &'t str, skip_words: &[String], ignores_spaces: bool) -> Self {
        let mut folded = Vec::with_capacity(said.len() + 8);
        let mut origin = Vec::with_capacity(said.len() + 8);
        each_folded(said, |at, c| {
            let mut bytes = [0; 4];
            for &byte in c.encode_utf8(&mut bytes).as_bytes() {
                folded.push(byte);
                origin.push(at);
            }
        });
        if ignores_spaces {
            drop_spaces(&mut folded, &mut origin);
        }
        if folded.last() == Some(&b' ') {
            folded.pop();
            origin.pop();
        }
        origin.push(said.len());
        let starts = starts(&folded, ignores_spaces);
        let mut heard = Self { said, folded, origin, starts, skips: Vec::new(), bare: None, ignores_spaces };
        heard.find_skips(skip_words);
        heard.bare = heard.strip();
        heard
    }

    fn find_skips(&mut self, skip_words: &[String]) {
        for &start in &self.starts {
            for word in skip_words {
                let end = start + word.len();
                if self.folded[start..].starts_with(word.as_bytes()) && (self.ignores_spaces || self.is_word_end(end)) {
                    self.skips.push((start, self.past_spaces(end)));
                }
            }
        }
    }

    /// What was said without the words that mean nothing; `None` where there are none, or nothing else.
    pub(crate) fn without_skip_words(&self) -> Option<&str> {
        self.bare.as_deref()
    }

    fn strip(&self) -> Option<String> {
        let mut kept = String::new();
        let mut at = 0;
        for &(start, end) in &self.skips {
            if start >= at {
                kept.push_str(self.said.get(self.place_said(at)..self.place_said(start))?);
                at = end;
            }
        }
        kept.push_str(self.said.get(self.place_said(at)..)?);
        let kept = kept.trim();
        (!self.skips.is_empty() && !kept.is_empty()).then(|| kept.to_owned())
    }

    /// Where the folded text ends.
    pub(crate) fn end(&self) -> usize {
        self.folded.len()
    }

    /// Whether a word ends here: at the end of the text or before a space.
    pub(crate) fn is_word_end(&self, at: usize) -> bool {
        self.folded.get(at).is_none_or(|&byte| byte == b' ')
    }

    /// Where the words start that have a space, or nothing, before them.
    pub(crate) fn word_starts(&self) -> Vec<usize> {
        let is_first = |start: &usize| *start == 0 || self.folded[start - 1] == b' ';
        self.starts.iter().copied().filter(is_first).collect()
    }

    /// Where the word ends that a place is in.
    pub(crate) fn word_end(&self, at: usize) -> usize {
        at + self.folded.iter().skip(at).take_while(|&&byte| byte != b' ').count()
    }

    pub(crate) fn past_spaces(&self, at: usize) -> usize {
        if self.folded.get(at) == Some(&b' ') { at + 1 } else { at }
    }

    /// Whether there are words that mean nothing.
    pub(crate) fn has_skips(&self) -> bool {
        !self.skips.is_empty()
    }

    /// Where what follows a word that means nothing starts, for each such word that starts here.
    pub(crate) fn skips_at(&self, at: usize) -> impl Iterator<Item = usize> {
        self.skips.iter().filter(move |(start, _)| *start == at).map(|(_, end)| *end)
    }

    /// Calls `each` with every place that can be meant by "here, at the start of a word": past spaces, and past words
    /// that mean nothing.
    pub(crate) fn places(&self, at: usize, each: &mut dyn FnMut(usize)) {
        let here = self.past_spaces(at);
        each(here);
        if self.skips.is_empty() {
            return;
        }
        // Skip words stand in the order of their places, so that one pass follows chains of them.
        let mut reached: [usize; 8] = [here; 8];
        let mut count = 1;
        for &(start, end) in &self.skips {
            if count < reached.len() && reached[..count].contains(&start) && !reached[..count].contains(&end) {
                reached[count] = end;
                count += 1;
                each(end);
            }
        }
    }

    /// Whether nothing that means something follows.
    pub(crate) fn is_over(&self, at: usize) -> bool {
        let mut over = false;
        self.places(at, &mut |place| over |= place >= self.end());
        over
    }

    /// What was said between two places of the folded text, without spaces around it.
    pub(crate) fn words(&self, start: usize, end: usize) -> &'t str {
        self.said.get(self.place_said(start)..self.place_said(end)).unwrap_or_default().trim()
    }

    /// Where a place of the folded text stands in what was said.
    pub(crate) fn place_said(&self, at: usize) -> usize {
        self.origin.get(at).copied().unwrap_or(self.said.len())
    }
}

/// Word starts: after a space, an apostrophe or a digit's end; in scripts without spaces, every character.
fn starts(folded: &[u8], ignores_spaces: bool) -> Vec<usize> {
    let is_start = |at: usize| {
        let here = folded[at];
        if here == b' ' {
            return false;
        }
        let Some(&before) = at.checked_sub(1).and_then(|before| folded.get(before)) else { return true };
        if ignores_spaces {
            return here & 0xc0 != 0x80;
        }
        before == b' ' || before == b'\'' || (before.is_ascii_digit() && !here.is_ascii_digit())
    };
    (0..folded.len()).filter(|&at| is_start(at)).collect()
}

/// Scripts that put no space between words, and Korean, as Home Assistant counts them.
fn is_without_spaces(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{3040}'..='\u{30ff}' | '\u{ac00}'..='\u{d7af}')
}

/// Text without the spaces that stand between two characters of scripts that have none.
pub(crate) fn without_spaces(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let before = kept.chars().next_back();
        let after = text[at..].chars().find(|c| *c != ' ');
        if c == ' ' && before.is_some_and(is_without_spaces) && after.is_some_and(is_without_spaces) {
            continue;
        }
        kept.push(c);
    }
    kept
}

fn drop_spaces(folded: &mut Vec<u8>, origin: &mut Vec<usize>) {
    let Ok(text) = std::str::from_utf8(folded) else { return };
    let kept = without_spaces(text);
    let mut kept_origin = Vec::with_capacity(kept.len());
    let mut at = 0;
    for &byte in kept.as_bytes() {
        while folded[at] != byte {
            at += 1;
        }
        kept_origin.push(origin[at]);
        at += 1;
    }
    *folded = kept.into_bytes();
    *origin = kept_origin;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_both_sides_the_same() {
        assert_eq!(fold("STRASSE"), fold("Straße"));
        assert_eq!(fold("Desk-Lamp_2"), "desk lamp 2");
        assert_eq!(fold("to -5"), "to -5");
        assert_eq!(fold("5-6"), "5 6");
        assert_eq!(fold(" ΣΊΣΥΦΟΣ "), fold("σίσυφος"));
        assert_eq!(fold("--"), "");
        assert_eq!(fold(&fold("ẞ-İ ŉ")), fold("ẞ-İ ŉ"));
    }

    #[test]
    fn words_are_found_as_they_were_said() {
        let heard = Heard::new("Straße of-Fame", &[], false);
        assert_eq!(heard.folded, b"strasse of fame");
        assert_eq!(heard.words(0, 7), "Straße");
        assert_eq!(heard.words(8, 15), "of-Fame");
        assert_eq!(heard.starts, [0, 8, 11]);
    }

    #[test]
    fn words_that_mean_nothing_can_be_passed() {
        let skip = ["please".to_owned(), "could you".to_owned()];
        let heard = Heard::new("could you please lamp please", &skip, false);
        let mut places = Vec::new();
        heard.places(0, &mut |place| places.push(place));
        assert_eq!(places, [0, 10, 17]);
        assert!(heard.is_over(21));
        assert!(!heard.is_over(10));
    }
}
