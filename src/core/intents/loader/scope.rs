//! What the blocks of one language share: lists, expansion rules and responses, merged over its files.

use std::collections::{HashMap, HashSet};

use crate::core::intents::file::{Fractions, ListDefinition, ListValue, Range};
use crate::core::intents::lists::{Entry, Lists, MAX_ALL_WAYS, MAX_WAYS};
use crate::core::intents::names::Names;
use crate::core::intents::sentence::grammar::{self, Grammar, ListId, OPEN_LISTS, Target};
use crate::core::intents::sentence::heard::fold;
use crate::core::intents::sentence::range::NumberRange;
use crate::core::intents::sentence::syntax::{self, Expression};
use crate::core::yaml::Problem;

use super::Loaded;
use super::actions::Acts;

/// Reports a problem with a part of something.
type Report<'r> = dyn FnMut(&[&str], String) + 'r;

/// A text to answer with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub(super) text: &'a str,
    /// Whether it stands in an imported file.
    pub(super) is_imported: bool,
}

/// Lists, rules, responses and acts by name.
pub(super) struct Scope<'a> {
    pub(super) lists: Lists,
    pub(super) names: Names,
    /// Lists that a file defines; the open ones are there without.
    pub(super) defined: HashSet<&'a str>,
    pub(super) rules: HashMap<&'a str, Expression>,
    responses: HashMap<(&'a str, &'a str), Answer<'a>>,
    pub(super) acts: Acts<'a>,
    pub(super) skip_words: Vec<String>,
    /// The language that numbers are spelled out in, where it is another one.
    pub(super) words_language: Option<String>,
    pub(super) ignores_spaces: bool,
    /// Ways to say all values that are templates.
    ways: usize,
    /// Ranges of the lists, until the grammar takes them.
    pub(super) grammar: Grammar,
}

impl<'a> Scope<'a> {
    pub(super) fn new(files: &[&'a Loaded], problems: &mut Vec<Problem>) -> Self {
        let ignores_spaces = files.iter().any(|loaded| loaded.file.settings.ignore_whitespace);
        let mut scope = Self {
            lists: Lists::new(),
            names: Names::default(),
            defined: HashSet::new(),
            rules: HashMap::new(),
            responses: HashMap::new(),
            acts: Acts::new(files),
            skip_words: skip_words(files),
            words_language: None,
            ignores_spaces,
            ways: 0,
            grammar: Grammar::new(ignores_spaces),
        };
        scope.add_lists(files, problems);
        for loaded in files {
            for (name, template) in &loaded.file.expansion_rules {
                match syntax::parse(template) {
                    Ok(expression) => {
                        scope.rules.insert(name, expression);
                    }
                    Err(error) => {
                        let mut problem = loaded.document.problem(&["expansion_rules", name], error.message);
                        loaded.move_inside(&mut problem, error.at);
                        problems.push(problem);
                    }
                }
            }
            for (intent, texts) in &loaded.file.responses.intents {
                for (key, text) in texts {
                    let answer = Answer { text, is_imported: loaded.is_imported() };
                    scope.responses.insert((intent.as_str(), key.as_str()), answer);
                }
            }
        }
        scope
    }

    fn add_lists(&mut self, files: &[&'a Loaded], problems: &mut Vec<Problem>) {
        let mut names: Vec<&'a str> = Vec::new();
        let mut parts: HashMap<&'a str, Parts<'a>> = HashMap::new();
        for loaded in files {
            for (name, definition) in &loaded.file.lists.0 {
                let mut report = |below: &[&str], message: String| {
                    let path = [&["lists", name.as_str()], below].concat();
                    problems.push(loaded.document.problem(&path, message));
                };
                if !parts.contains_key(name.as_str()) {
                    names.push(name);
                }
                parts.entry(name).or_default().add(definition, &mut self.ways, &mut report);
            }
        }
        for name in names {
            self.defined.insert(name);
            let Some(parts) = parts.remove(name) else { continue };
            if let Some(range) = parts.range {
                self.words_language = range.words_language.clone().or(self.words_language.take());
            }
            let open = OPEN_LISTS.iter().position(|open| *open == name).and_then(|id| u16::try_from(id).ok());
            match (parts.kind(), open) {
                (Kind::Values, Some(list)) => {
                    for entry in parts.entries {
                        self.names.add_entry(list, entry);
                    }
                }
                (Kind::Values, None) => {
                    let list = self.lists.add(parts.entries, self.ignores_spaces);
                    self.lists.name(name, Target::Values(list));
                }
                (Kind::Range(range), _) => {
                    let range = self.grammar.range(numbers(range));
                    self.lists.name(name, Target::Range(range));
                }
                (Kind::Wildcard, _) => self.lists.name(name, Target::Wildcard),
            }
        }
    }

    /// A list of one block alone.
    pub(super) fn add_local(&mut self, definition: &ListDefinition, report: &mut Report<'_>) -> Target {
        let mut parts = Parts::default();
        parts.add(definition, &mut self.ways, report);
        match parts.kind() {
            Kind::Values => Target::Values(self.lists.add(parts.entries, self.ignores_spaces)),
            Kind::Range(range) => Target::Range(self.grammar.range(numbers(range))),
            Kind::Wildcard => Target::Wildcard,
        }
    }

    pub(super) fn response(&self, intent: &str, key: &str) -> Option<Answer<'a>> {
        self.responses.get(&(intent, key)).copied()
    }
}

/// What one block may name: its own lists and rules before those of the files.
pub(super) struct BlockScope<'s> {
    pub(super) lists: &'s Lists,
    pub(super) rules: &'s HashMap<&'s str, Expression>,
    pub(super) local_lists: &'s HashMap<&'s str, Target>,
    pub(super) local_rules: &'s HashMap<&'s str, Expression>,
}

impl grammar::Scope for BlockScope<'_> {
    fn list(&self, name: &str) -> Option<Target> {
        self.local_lists.get(name).copied().or_else(|| self.lists.target(name))
    }

    fn rule(&self, name: &str) -> Option<&Expression> {
        self.local_rules.get(name).or_else(|| self.rules.get(name))
    }
}

/// Words that mean nothing, folded, the longest first.
fn skip_words(files: &[&Loaded]) -> Vec<String> {
    let mut words: Vec<String> =
        files.iter().flat_map(|loaded| &loaded.file.skip_words).map(|word| fold(word)).collect();
    words.retain(|word| !word.is_empty());
    words.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    words.dedup();
    words
}

/// A list while its parts are gathered.
#[derive(Default)]
struct Parts<'a> {
    entries: Vec<Entry>,
    has_values: bool,
    range: Option<&'a Range>,
    is_wildcard: bool,
}

enum Kind<'a> {
    Values,
    Range(&'a Range),
    Wildcard,
}

impl<'a> Parts<'a> {
    fn kind(&self) -> Kind<'a> {
        match self.range {
            _ if self.has_values => Kind::Values,
            Some(range) => Kind::Range(range),
            None if self.is_wildcard => Kind::Wildcard,
            None => Kind::Values,
        }
    }

    /// Adds what one file says of the list, and reports what is wrong with it.
    fn add(&mut self, definition: &'a ListDefinition, ways: &mut usize, report: &mut Report<'_>) {
        let kinds = usize::from(definition.values.is_some())
            + usize::from(definition.range.is_some())
            + usize::from(definition.wildcard);
        if kinds != 1 {
            report(&[], "a list has one of `values`, `range` and `wildcard: true`".to_owned());
        }
        if let Some(range) = &definition.range
            && !(range.from <= range.to && range.step > 0.0 && range.step.is_finite())
        {
            report(&["range"], "a range goes from a number up to another, in steps above 0".to_owned());
        } else {
            self.range = definition.range.as_ref().or(self.range);
        }
        for (index, value) in definition.values.iter().flatten().enumerate() {
            match entry(value, ways) {
                Ok(entry) => self.entries.push(entry),
                Err(message) => report(&["values", &index.to_string()], message),
            }
        }
        self.has_values |= definition.values.is_some();
        self.is_wildcard |= definition.wildcard;
    }
}

fn entry(value: &ListValue, ways: &mut usize) -> Result<Entry, String> {
    if value.said.trim().is_empty() {
        return Err("a value of a list must not be empty".to_owned());
    }
    let expression = syntax::parse(&value.said).map_err(|error| error.message)?;
    if expression.ways() > 1 {
        *ways = ways.saturating_add(expression.ways().min(MAX_WAYS));
        if *ways > MAX_ALL_WAYS {
            return Err(format!("the values of one language stand for more than {MAX_ALL_WAYS} texts up to here"));
        }
    }
    let entry = Entry::new(&value.said, &expression, value.out.clone(), value.context.clone());
    entry.ok_or_else(|| {
        format!(
            "a value may hold `[…]`, `(…|…)` and `(…;…)`, no lists and rules, and stand for {MAX_WAYS} texts at most"
        )
    })
}

/// A range as it is matched.
fn numbers(range: &Range) -> NumberRange {
    NumberRange {
        from: range.from,
        to: range.to,
        step: range.step,
        multiplier: range.multiplier.unwrap_or(1.0),
        parts: match range.fractions {
            None => 1.0,
            Some(Fractions::Halves) => 2.0,
            Some(Fractions::Tenths) => 10.0,
        },
        digits: range.digits.unwrap_or(true),
        words: range.words.unwrap_or(true),
        is_percentage: range.kind.as_deref() == Some("percentage"),
    }
}

/// The list of the rooms that a block means: its own, or the home's.
pub(super) fn areas(local: &HashMap<&str, Target>) -> ListId {
    match local.get("area") {
        Some(Target::Values(list)) => *list,
        _ => 1,
    }
}
