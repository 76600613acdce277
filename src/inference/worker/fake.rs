//! A model that needs no file: a tier whose file is named `fake:` and options, for tests of what surrounds the models.
//!
//! Options are `key=value` joined by commas: `words=20` (of an answer), `delay=10ms` (a word), `load=500ms`, `missing`
//! (cannot be loaded), `crash` (ends the process while it loads), `width=0` (letters added to every other word of `LONG`).
//! The text steers it too: `CRASH` aborts the process after three words, `HANG` stops its thread for ever after three
//! words, `SILENT` never says anything, `LONG` goes on until the longest answer allowed, `ECHO x` answers x, `AGAIN x`
//! answers x over and over, `BYTES` says what is no text, a byte a token.

use std::path::Path;
use std::time::Duration;

use super::model::{Model, Prepared, Refused, Sampled, Token, Work};
use crate::inference::protocol::{Prompt, TierPlan, WorkerCode};

const SCHEME: &str = "fake:";
/// Words before a crash or a hang.
const WORDS_BEFORE_FAULT: usize = 3;
/// A silent step takes this long, lest it keep a core busy.
const SILENT_STEP: Duration = Duration::from_millis(5);
/// What `BYTES` says: whole characters, control characters, bytes of no character, and half a one at the end.
const BYTES: &[u8] = b"Half a snow\xe2\x98\x83man \xf0\x9f\xa6\x84, nul \0, escape \x1b[31m, delete \x7f, \
    none \xff\xc0\x80\xed\xa0\x80, done\xf0\x9f";

/// Whether a tier's file names the fake model.
pub(super) fn is_fake(file: &Path) -> bool {
    file.to_str().is_some_and(|name| name.starts_with(SCHEME))
}

/// What the options ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Options {
    words: usize,
    delay: Duration,
    load: Duration,
    width: usize,
    missing: bool,
    crash: bool,
}

impl Options {
    fn parse(file: &Path) -> Result<Self, String> {
        let (delay, load) = (Duration::ZERO, Duration::ZERO);
        let mut options = Self { words: 20, delay, load, width: 0, missing: false, crash: false };
        let text = file.to_str().and_then(|name| name.strip_prefix(SCHEME)).unwrap_or_default();
        for option in text.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            let wrong = || format!("the fake model does not know the option `{option}`");
            match key {
                "words" => options.words = value.parse().map_err(|_| wrong())?,
                "delay" => options.delay = milliseconds(value).ok_or_else(wrong)?,
                "load" => options.load = milliseconds(value).ok_or_else(wrong)?,
                "width" => options.width = value.parse().map_err(|_| wrong())?,
                "missing" => options.missing = true,
                "crash" => options.crash = true,
                _ => return Err(wrong()),
            }
        }
        Ok(options)
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    text.strip_suffix("ms")?.parse().ok().map(Duration::from_millis)
}

/// Waits without a timer of its own: the daemon's end of file ends the process, this wait included.
fn pass(time: Duration) {
    let until = std::time::Instant::now() + time;
    while let Some(left) = until.checked_duration_since(std::time::Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Takes as long to load as it was told to.
pub(super) fn read(file: &Path) -> Result<(), String> {
    let options = Options::parse(file)?;
    pass(options.load);
    if options.crash {
        std::process::abort();
    }
    if options.missing { Err(format!("{} is not there, as was asked for", file.display())) } else { Ok(()) }
}

/// The fake model of one tier.
pub(super) struct FakeTier {
    options: Options,
    ctx_size: usize,
    prefix: Vec<Token>,
    conversations: Vec<Option<Conversation>>,
}

/// What one slot will say; a token stands for a word, in an answer as in a prompt.
struct Conversation {
    /// Bytes, since a token of a real model may be half a character.
    words: Vec<Vec<u8>>,
    said: usize,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Crash,
    Hang,
    Silent,
}

impl FakeTier {
    pub(super) fn new(plan: &TierPlan) -> Result<Self, String> {
        Ok(Self {
            options: Options::parse(&plan.file)?,
            ctx_size: usize::try_from(plan.ctx_size).unwrap_or(usize::MAX),
            prefix: words_as_tokens(&plan.system_prompt),
            conversations: (0..plan.slots.max(1)).map(|_| None).collect(),
        })
    }

    fn conversation(&self, prompt: &Prompt) -> Conversation {
        let text = prompt.text.as_str();
        let most = usize::try_from(prompt.max_tokens).unwrap_or(usize::MAX);
        let words = match (text.strip_prefix("ECHO "), text.strip_prefix("AGAIN ")) {
            (Some(echo), _) => spaced(echo),
            (_, Some(again)) => spaced(&format!("{again} ")).into_iter().cycle().take(most).collect(),
            // A special token says nothing.
            _ if text.contains("BYTES") => {
                std::iter::once(&[][..]).chain(BYTES.chunks(1)).map(<[u8]>::to_vec).collect()
            }
            _ if text.contains("LONG") => spaced(&self.endless(most)),
            _ => {
                let words: Vec<String> = (1..=self.options.words).map(|number| format!(" word{number}")).collect();
                let answer = format!("fake answer to: {text}{}", words.concat());
                spaced(&answer).into_iter().take(self.options.words).collect()
            }
        };
        let faults = [("CRASH", Fault::Crash), ("HANG", Fault::Hang), ("SILENT", Fault::Silent)];
        let fault = faults.iter().find(|(name, _)| text.contains(name)).map(|(_, fault)| *fault);
        Conversation { words, said: 0, fault }
    }

    /// More than so many words, numbered and never twice the same, since an answer that repeats itself is ended.
    fn endless(&self, words: usize) -> String {
        let word = |number: usize| {
            let mut letters = fastrand::Rng::with_seed(u64::try_from(number).unwrap_or_default());
            let added: String = (0..self.options.width).map(|_| letters.lowercase()).collect();
            format!("and {number}{added} ")
        };
        (0..=words / 2).map(word).collect()
    }
}

/// A text cut behind its blanks.
fn spaced(text: &str) -> Vec<Vec<u8>> {
    text.split_inclusive(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn words_as_tokens(text: &str) -> Vec<Token> {
    text.split_whitespace().map(|word| word_as_token(word.as_bytes())).collect()
}

fn word_as_token(word: &[u8]) -> Token {
    word.trim_ascii().iter().copied().map(Token::from).sum()
}

impl Conversation {
    fn next(&mut self) -> Sampled {
        match self.fault {
            Some(Fault::Silent) => {
                pass(SILENT_STEP);
                return Sampled::Nothing;
            }
            Some(Fault::Crash) if self.said == WORDS_BEFORE_FAULT => std::process::abort(),
            Some(Fault::Hang) if self.said == WORDS_BEFORE_FAULT => loop {
                std::thread::park();
            },
            _ => {}
        }
        let Some(word) = self.words.get(self.said) else { return Sampled::End };
        self.said += 1;
        Sampled::Token(word_as_token(word))
    }
}

impl Model for FakeTier {
    fn prefix_tokens(&self) -> usize {
        self.prefix.len()
    }

    fn slots(&self) -> usize {
        self.conversations.len()
    }

    fn step_tokens(&self) -> usize {
        self.conversations.len().max(128)
    }

    fn stops(&self) -> &[String] {
        &[]
    }

    fn prepare(&self, prompt: &Prompt) -> Result<Prepared, Refused> {
        let said = words_as_tokens(&prompt.said());
        let mut turns: Vec<Vec<Token>> =
            prompt.turns.iter().map(|turn| words_as_tokens(&format!("{} {}", turn.user, turn.assistant))).collect();
        let fixed = self.prefix.len() + said.len() + 1;
        if fixed > self.ctx_size {
            let message = format!("the text of {} words does not fit in {} tokens", said.len(), self.ctx_size);
            return Err(Refused { code: WorkerCode::TooLong, message });
        }
        let mut dropped_turns = 0;
        while fixed + turns.iter().map(Vec::len).sum::<usize>() > self.ctx_size {
            turns.remove(0);
            dropped_turns += 1;
        }
        let tokens = [self.prefix.clone(), turns.concat(), said].concat();
        Ok(Prepared { tokens, dropped_turns, max_tokens: prompt.max_tokens })
    }

    fn cuts(&self) -> bool {
        true
    }

    fn open(&mut self, slot: usize, kept: usize, _prepared: &Prepared, prompt: &Prompt) -> Result<usize, Refused> {
        let conversation = self.conversation(prompt);
        if let Some(place) = self.conversations.get_mut(slot) {
            *place = Some(conversation);
        }
        Ok(kept.max(self.prefix.len()))
    }

    fn step(&mut self, works: &[Work<'_>]) -> Result<Vec<Sampled>, Refused> {
        pass(self.options.delay);
        let sampling = works.iter().filter(|work| work.sample);
        Ok(sampling
            .map(|work| match self.conversations.get_mut(work.slot).and_then(Option::as_mut) {
                Some(conversation) => conversation.next(),
                None => Sampled::End,
            })
            .collect())
    }

    fn piece(&self, slot: usize, _token: Token, bytes: &mut Vec<u8>) {
        // Asked for right after the token was sampled.
        let conversation = self.conversations.get(slot).and_then(Option::as_ref);
        let word = conversation.and_then(|conversation| conversation.words.get(conversation.said.checked_sub(1)?));
        bytes.extend_from_slice(word.map_or(&[], Vec::as_slice));
    }

    fn close(&mut self, slot: usize, keep: usize) -> usize {
        if let Some(place) = self.conversations.get_mut(slot) {
            *place = None;
        }
        keep
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Options, is_fake};

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let options = Options::parse(Path::new("fake:words=3,delay=10ms,load=500ms,width=7,missing")).unwrap();
        assert_eq!((options.words, options.delay, options.width), (3, Duration::from_millis(10), 7));
        assert_eq!((options.load, options.missing, options.crash), (Duration::from_millis(500), true, false));
        assert_eq!(Options::parse(Path::new("fake:")).unwrap().words, 20);
        for wrong in ["fake:wrods=3", "fake:words=x", "fake:delay=10"] {
            assert!(Options::parse(Path::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_names_of_the_scheme_are_fake() {
        assert!(is_fake(Path::new("fake:words=3")));
        assert!(!is_fake(Path::new("models/fake.gguf")));
    }
}
