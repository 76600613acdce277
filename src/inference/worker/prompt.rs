//! Prompts as tokens: the chat template's own parts with their control tokens, what people said without any.
//!
//! The template is rendered with a mark in place of every content, cut at the marks, and each part tokenised by itself, so
//! that `<|im_start|>` in a sentence stays six harmless characters. What stays the same between prompts stands first: the
//! system prompt, then earlier exchanges, then what was said now, then time and room. Knows the vocabulary by a trait alone.

use std::collections::HashMap;

use super::model::{Prepared, Refused, Token};
use crate::core::dialogue::Turn;
use crate::inference::protocol::{Prompt, WorkerCode};

/// Who speaks, as chat templates name it.
pub(super) type Role = &'static str;

/// What prompts need of a model's vocabulary.
pub(super) trait Vocabulary {
    /// The conversation in the model's own template, open for the assistant to go on; `None` where it has none that works.
    fn render(&self, messages: &[(Role, String)]) -> Option<String>;

    /// The text's tokens; control tokens are recognised where `control` says so.
    fn tokenise(&self, text: &str, control: bool) -> Vec<Token>;

    /// The token that must begin every prompt, if there is one.
    fn beginning(&self) -> Option<Token>;
}

/// Tokens an answer gets at least, where the prompt would leave fewer it is refused.
const LEAST_ANSWER: u32 = 32;
/// Percent of the room for earlier turns that they may take once some had to go. What is free then is the next turns', so
/// that the beginning, and with it the state that was computed for it, stays the same for a while.
const ROOM_AFTER_DROPPING: usize = 60;
/// What ends an answer of a model without a chat template.
const PLAIN_STOP: &str = "\nUser:";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Template,
    Plain,
}

/// How prompts of one tier are written.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    style: Style,
    system: String,
    ctx_size: usize,
    prefix: Vec<Token>,
    /// What stands between an answer and what is said next.
    after_answer: Vec<Token>,
}

/// A part of a prompt: the template's own, or the content of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Template(String),
    Content(usize),
}

impl Layout {
    /// Finds out how the model wants its prompts, and what stands first in all of them.
    pub(super) fn new(vocabulary: &impl Vocabulary, system_prompt: &str, ctx_size: u32) -> Self {
        let system = system_prompt.trim().replace('\0', "");
        let ctx_size = usize::try_from(ctx_size).unwrap_or(usize::MAX);
        let mut layout =
            Self { style: Style::Template, system, ctx_size, prefix: Vec::new(), after_answer: Vec::new() };
        // Two turns, since some templates write the first differently from the others.
        if layout.template_parts(vocabulary, 2).is_none() {
            layout.style = Style::Plain;
        }
        let parts = layout.parts(vocabulary, 0);
        let system = vocabulary.tokenise(&layout.system, false);
        let contents = if layout.system.is_empty() { vec![Vec::new()] } else { vec![system, Vec::new()] };
        // The message after the system prompt is the first that somebody said.
        let first_said = parts.iter().position(|part| *part == Part::Content(contents.len() - 1));
        layout.prefix = join(vocabulary, &parts[..first_said.unwrap_or(0)], &contents);
        layout.after_answer = layout.between_turns(vocabulary);
        layout
    }

    /// The template's tokens before what is said in a conversation's second turn.
    fn between_turns(&self, vocabulary: &impl Vocabulary) -> Vec<Token> {
        let parts = self.parts(vocabulary, 1);
        let said = parts.iter().rposition(|part| matches!(part, Part::Content(_)));
        match said.and_then(|said| parts.get(said.checked_sub(1)?)) {
            Some(Part::Template(text)) if !text.is_empty() => vocabulary.tokenise(text, true),
            _ => Vec::new(),
        }
    }

    /// The tokens that every prompt begins with.
    pub(super) fn prefix(&self) -> &[Token] {
        &self.prefix
    }

    /// The tokens between an answer and what is said next; none where they do not fit behind `held` others.
    pub(super) fn after_answer(&self, held: usize) -> &[Token] {
        if held + self.after_answer.len() < self.ctx_size { &self.after_answer } else { &[] }
    }

    /// Whether the model has a chat template that could be used.
    pub(super) fn has_template(&self) -> bool {
        self.style == Style::Template
    }

    /// Texts that end an answer.
    pub(super) fn stops(&self) -> Vec<String> {
        match self.style {
            Style::Template => Vec::new(),
            Style::Plain => vec![PLAIN_STOP.to_owned()],
        }
    }

    /// Whether there is room for anything behind the system prompt.
    pub(super) fn leaves_room(&self) -> bool {
        self.prefix.len() + 64 <= self.ctx_size
    }

    /// The prompt's tokens. Where not all turns fit beside an answer of the wanted length the oldest are left out, and more
    /// of them than must be, lest it happen again with the next turn. The answer may claim half of the context only: what it
    /// asks for beyond that gives way to what was said before.
    pub(super) fn prepare(&self, vocabulary: &impl Vocabulary, prompt: &Prompt) -> Result<Prepared, Refused> {
        let wanted = usize::try_from(prompt.max_tokens).unwrap_or(usize::MAX);
        let room = self.ctx_size - wanted.min(self.ctx_size / 2);
        let said = self.content(vocabulary, &prompt.said());
        let turns: Vec<[Vec<Token>; 2]> = self
            .turns_that_may_fit(prompt)
            .map(|turn| [self.content(vocabulary, &turn.user), self.content(vocabulary, &turn.assistant)])
            .collect();
        let dropped = prompt.turns.len() - turns.len();
        let tokens = self.tokens(vocabulary, &turns, &said);
        if dropped == 0 && tokens.len() <= room {
            return Ok(self.prepared(tokens, 0, prompt));
        }
        let alone = self.tokens(vocabulary, &[], &said);
        if alone.len() > room {
            return self.alone(alone, prompt);
        }
        let less = alone.len() + (room - alone.len()) * ROOM_AFTER_DROPPING / 100;
        for more in 0..turns.len() {
            let rest = &turns[more..];
            let size: usize = rest.iter().flatten().map(Vec::len).sum();
            // The last turn is worth more than the room it leaves.
            let limit = if rest.len() == 1 { room } else { less };
            // The template's own tokens come to it, so what is too much without them need not be put together.
            if alone.len() + size <= limit {
                let tokens = self.tokens(vocabulary, rest, &said);
                if tokens.len() <= limit {
                    return Ok(self.prepared(tokens, dropped + more, prompt));
                }
            }
        }
        Ok(self.prepared(alone, prompt.turns.len(), prompt))
    }

    /// The tokens of what somebody said, or was answered.
    fn content(&self, vocabulary: &impl Vocabulary, text: &str) -> Vec<Token> {
        let text = text.replace('\0', "");
        match (self.style, text.trim()) {
            (Style::Template, text) => vocabulary.tokenise(text, false),
            (Style::Plain, "") => Vec::new(),
            // The space belongs to the word behind it, as the model itself writes it after the colon.
            (Style::Plain, text) => vocabulary.tokenise(&format!(" {text}"), false),
        }
    }

    /// A text of n bytes has n/16 tokens at least in any vocabulary worth the name; turns beyond the context's size by that
    /// measure are not even tokenised.
    fn turns_that_may_fit<'a>(&self, prompt: &'a Prompt) -> impl Iterator<Item = &'a Turn> {
        let mut bytes = 0;
        let fitting = prompt
            .turns
            .iter()
            .rev()
            .take_while(|turn| {
                bytes += turn.user.len() + turn.assistant.len();
                bytes / 16 <= self.ctx_size
            })
            .count();
        prompt.turns.iter().skip(prompt.turns.len() - fitting)
    }

    fn alone(&self, tokens: Vec<Token>, prompt: &Prompt) -> Result<Prepared, Refused> {
        let least = usize::try_from(prompt.max_tokens.min(LEAST_ANSWER)).unwrap_or(usize::MAX);
        if tokens.len() + least <= self.ctx_size {
            return Ok(self.prepared(tokens, prompt.turns.len(), prompt));
        }
        let message = format!(
            "the text takes {} tokens with its system prompt, and the context of {} tokens leaves no room for an answer",
            tokens.len(),
            self.ctx_size
        );
        Err(Refused { code: WorkerCode::TooLong, message })
    }

    fn prepared(&self, tokens: Vec<Token>, dropped_turns: usize, prompt: &Prompt) -> Prepared {
        let room = u32::try_from(self.ctx_size - tokens.len()).unwrap_or(u32::MAX);
        Prepared { tokens, dropped_turns, max_tokens: prompt.max_tokens.min(room) }
    }

    fn tokens(&self, vocabulary: &impl Vocabulary, turns: &[[Vec<Token>; 2]], said: &[Token]) -> Vec<Token> {
        let mut contents = Vec::with_capacity(turns.len() * 2 + 2);
        if !self.system.is_empty() {
            contents.push(vocabulary.tokenise(&self.system, false));
        }
        contents.extend(turns.iter().flatten().cloned());
        contents.push(said.to_vec());
        join(vocabulary, &self.parts(vocabulary, turns.len()), &contents)
    }

    fn parts(&self, vocabulary: &impl Vocabulary, turns: usize) -> Vec<Part> {
        let template = match self.style {
            Style::Template => self.template_parts(vocabulary, turns),
            Style::Plain => None,
        };
        template.unwrap_or_else(|| self.plain_parts(turns))
    }

    /// The messages' roles in order: the system prompt if there is one, the turns, and what was said now.
    fn roles(&self, turns: usize) -> Vec<Role> {
        let system = (!self.system.is_empty()).then_some("system");
        let turns = (0..turns).flat_map(|_| ["user", "assistant"]);
        system.into_iter().chain(turns).chain(["user"]).collect()
    }

    /// The rendered template cut at its contents; `None` unless each of them stands in it once and in order.
    fn template_parts(&self, vocabulary: &impl Vocabulary, turns: usize) -> Option<Vec<Part>> {
        let mark = |number: usize| format!("@@content-{number}@@");
        let roles = self.roles(turns);
        let count = roles.len();
        let messages: Vec<_> = roles.into_iter().enumerate().map(|(number, role)| (role, mark(number))).collect();
        let rendered = vocabulary.render(&messages)?;
        let mut rest = rendered.as_str();
        let mut parts = Vec::new();
        for number in 0..count {
            let (before, after) = rest.split_once(&mark(number))?;
            parts.extend([Part::Template(before.to_owned()), Part::Content(number)]);
            rest = after;
        }
        parts.push(Part::Template(rest.to_owned()));
        let marks_left = |part: &Part| matches!(part, Part::Template(text) if text.contains("@@content-"));
        (!parts.iter().any(marks_left)).then_some(parts)
    }

    /// A conversation as text, for models without a template.
    fn plain_parts(&self, turns: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        for (number, role) in self.roles(turns).into_iter().enumerate() {
            let opening = match role {
                "user" if number == 0 => "User:",
                "user" if number == 1 && !self.system.is_empty() => "\n\nUser:",
                "user" => "\nUser:",
                "assistant" => "\nAssistant:",
                _ => "",
            };
            parts.extend([Part::Template(opening.to_owned()), Part::Content(number)]);
        }
        parts.push(Part::Template("\nAssistant:".to_owned()));
        parts
    }
}

/// Tokenises the template's parts, puts the contents between them and the vocabulary's first token before them.
fn join(vocabulary: &impl Vocabulary, parts: &[Part], contents: &[Vec<Token>]) -> Vec<Token> {
    let mut known: HashMap<&str, Vec<Token>> = HashMap::new();
    let mut tokens = Vec::new();
    for part in parts {
        match part {
            Part::Template(text) if text.is_empty() => {}
            Part::Template(text) => {
                tokens.extend_from_slice(known.entry(text).or_insert_with(|| vocabulary.tokenise(text, true)));
            }
            Part::Content(number) => tokens.extend(contents.get(*number).into_iter().flatten()),
        }
    }
    // Some templates write the token themselves.
    match vocabulary.beginning() {
        Some(first) if tokens.first() != Some(&first) => tokens.insert(0, first),
        _ => {}
    }
    tokens
}

#[cfg(test)]
mod tests;
