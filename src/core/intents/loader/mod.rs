//! From the texts of intent files to rules: merged in path order, every mistake with its place.
//!
//! Files merge as Home Assistant's do: mappings key by key, lists one after the other, single values by the last file. An
//! intent's `actions` and `response` are the one exception: they count for the blocks beside them, in their own file,
//! since else a file of plugs would switch what another file's lights name.

mod actions;
mod block;
mod lint;
mod scope;
mod sentences;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::core::yaml::{self, Document, Problem};

use super::file::{Block, File, Intent};
use super::regexes::Regexes;
use super::selftest::Test;
use super::sentence::range::Spelling;
use super::tongue::Tongue;
use super::{MAX_RULES, MAX_SENTENCES, Rules, Source};

use scope::Scope;
use sentences::Gathered;

/// Problems that are told; nobody reads more at once, and finding them all takes its time.
const MAX_PROBLEMS: usize = 200;

/// A file that could be read, and where everything in it stands.
struct Loaded {
    path: String,
    /// What stands in it, for columns inside a text.
    text: String,
    document: Document,
    file: File,
    /// Lower case with hyphens; empty where the file counts for every language.
    language: String,
}

impl Loaded {
    fn counts_for(&self, language: &str) -> bool {
        self.language.is_empty() || self.language == language
    }

    /// Whether somebody else wrote the file: a file that was imported, or Home Assistant's merged intents.
    fn is_imported(&self) -> bool {
        self.file.origin.is_some() || is_json(&self.path)
    }

    /// Moves a problem with a text to one of its characters, where the text stands on one line.
    fn move_inside(&self, problem: &mut Problem, at: usize) {
        let line = self.text.lines().nth(problem.line.saturating_sub(1)).unwrap_or_default();
        match line.chars().nth(problem.column.saturating_sub(1)) {
            Some('"' | '\'') => problem.column += at + 1,
            Some('|' | '>') | None => {}
            Some(_) => problem.column += at,
        }
    }
}

/// One block, and where it stands.
struct Placed<'a> {
    loaded: &'a Loaded,
    intent_name: &'a str,
    intent: &'a Intent,
    block: &'a Block,
    /// The block's number in `data`, as it stands in paths.
    index: String,
}

impl Placed<'_> {
    /// A problem with a part of the block.
    fn problem(&self, part: &[&str], message: impl Into<String>) -> Problem {
        let mut path = vec!["intents", self.intent_name, "data", self.index.as_str()];
        path.extend(part);
        self.loaded.document.problem(&path, message)
    }

    /// A problem with one character of a sentence.
    fn problem_inside(&self, part: &[&str], at: usize, message: impl Into<String>) -> Problem {
        let mut problem = self.problem(part, message);
        self.loaded.move_inside(&mut problem, at);
        problem
    }

    /// The block's own `actions` or `response`, or the intent's in the same file; with the path to it.
    fn own_or_shared<'p>(&'p self, key: &'p str, own: bool) -> Vec<&'p str> {
        if own {
            vec!["intents", self.intent_name, "data", &self.index, key]
        } else {
            vec!["intents", self.intent_name, key]
        }
    }
}

/// Reads intent files into rules, with every problem there is; rules that have problems are not among them.
#[must_use]
pub fn load(sources: &[Source]) -> (Rules, Vec<Problem>) {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let files = read_all(sources, &mut problems);
    let mut rules = assemble(&files, &mut problems, &mut notes);
    add_tests(&files, &mut rules, &mut problems);
    if problems.is_empty() {
        rules.of_home = without_examples(files).map(Arc::new);
    }
    tidy(rules, problems, notes)
}

/// The rules for a home whose devices are known, where there are files that describe another one. What those files alone
/// make possible is no problem of the rest.
fn without_examples(mut files: Vec<Loaded>) -> Option<Rules> {
    let all = files.len();
    files.retain(|loaded| !loaded.file.example);
    (files.len() < all).then(|| assemble(&files, &mut Vec::new(), &mut Vec::new()))
}

/// As [`load`], and looks for what is wrong beyond what keeps a rule from being read, which takes longer.
#[must_use]
pub fn check(sources: &[Source]) -> (Rules, Vec<Problem>) {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let files = read_all(sources, &mut problems);
    let mut rules = assemble(&files, &mut problems, &mut notes);
    // A mistake in a test keeps nothing else from being looked at.
    let is_whole = problems.is_empty();
    add_tests(&files, &mut rules, &mut problems);
    lint::lint(&files, &mut rules, &mut problems, &mut notes, is_whole);
    tidy(rules, problems, notes)
}

fn read_all(sources: &[Source], problems: &mut Vec<Problem>) -> Vec<Loaded> {
    let mut sources: Vec<&Source> = sources.iter().collect();
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources.into_iter().filter_map(|source| read(source, problems)).collect()
}

fn assemble(files: &[Loaded], problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) -> Rules {
    let mut languages: Vec<&str> = files.iter().map(|loaded| loaded.language.as_str()).collect();
    languages.sort_unstable();
    languages.dedup();
    let mut rules = Rules::default();
    let of_each =
        |count: fn(&Block) -> usize| -> usize { files.iter().flat_map(blocks).map(|placed| count(placed.block)).sum() };
    let (regexes, sentences) = (of_each(|block| block.regex.0.len()), of_each(|block| block.sentences.len()));
    rules.count = regexes + sentences;
    if regexes > MAX_RULES || sentences > MAX_SENTENCES {
        problems.push(too_many(files, regexes, sentences));
        rules.count = 0;
        return rules;
    }
    for language in languages {
        rules.tongues.extend(tongue(language, files, problems, notes));
    }
    rules.intents = rules.tongues.iter().flat_map(Tongue::intents).collect::<BTreeSet<&str>>().len();
    rules
}

fn add_tests(files: &[Loaded], rules: &mut Rules, problems: &mut Vec<Problem>) {
    rules.tests = tests(files, problems).into();
    for tongue in &mut rules.tongues {
        tongue.phrasings = phrasings(tongue, &rules.tests).into();
    }
}

/// A file without a language is read for each of them and tells its problems each time.
fn tidy(mut rules: Rules, mut problems: Vec<Problem>, mut notes: Vec<Problem>) -> (Rules, Vec<Problem>) {
    for list in [&mut problems, &mut notes] {
        list.sort();
        list.dedup();
    }
    rules.notes = notes.into();
    if is_enough(&problems) {
        problems.truncate(MAX_PROBLEMS);
        let message = format!("there are more problems; these are the first {MAX_PROBLEMS}");
        problems.extend(problems.last().cloned().map(|last| Problem { message, ..last }));
    }
    (rules, problems)
}

/// Whether so much is wrong that the rest need not be looked at.
fn is_enough(problems: &[Problem]) -> bool {
    problems.len() > MAX_PROBLEMS
}

fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn read(source: &Source, problems: &mut Vec<Problem>) -> Option<Loaded> {
    let parse = if is_json(&source.path) { Document::parse_json } else { Document::parse };
    let document = match parse(&source.path, &source.text) {
        Ok(document) => document,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let (file, document, found) = document.into_read::<File>();
    problems.extend(found);
    let file = file?;
    let language = file.language.as_deref().unwrap_or_default().trim().replace('_', "-").to_ascii_lowercase();
    Some(Loaded { path: source.path.clone(), text: source.text.clone(), document, file, language })
}

fn blocks(loaded: &Loaded) -> impl Iterator<Item = Placed<'_>> {
    loaded.file.intents.0.iter().flat_map(move |(intent_name, intent)| {
        intent.data.iter().enumerate().map(move |(index, block)| Placed {
            loaded,
            intent_name,
            intent,
            block,
            index: index.to_string(),
        })
    })
}

fn too_many(files: &[Loaded], regexes: usize, sentences: usize) -> Problem {
    let message = if regexes > MAX_RULES {
        format!("there are {regexes} regexes, and at most {MAX_RULES} may be; join some, or use lists")
    } else {
        format!("there are {sentences} sentences, and at most {MAX_SENTENCES} may be; use expansion rules")
    };
    files.last().map_or_else(
        || Problem { file: String::new(), line: 1, column: 1, message: message.clone() },
        |loaded| loaded.document.problem(&["intents"], message.clone()),
    )
}

/// All sentences of one language.
fn tongue(language: &str, files: &[Loaded], problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) -> Option<Tongue> {
    let files: Vec<&Loaded> = files.iter().filter(|loaded| loaded.counts_for(language)).collect();
    let mut gathered = Gathered::new(Scope::new(&files, problems));
    for placed in files.iter().flat_map(|loaded| blocks(loaded)) {
        if is_enough(problems) {
            break;
        }
        block::gather(&placed, &mut gathered, problems);
    }
    notes.append(&mut gathered.notes);
    if gathered.grammar.is_full() {
        let message = format!("the sentences of language `{language}` stand for too much together; take some out");
        problems.extend(files.first().map(|loaded| loaded.document.problem(&["intents"], message)));
        return None;
    }
    let Gathered { scope, grammar, sentences, regexes, blocks, .. } = gathered;
    let regexes = match Regexes::new(regexes) {
        Ok(regexes) => regexes,
        Err(error) => {
            let message = format!("the regexes of language `{language}` are too large together: {error}");
            problems.extend(files.first().map(|loaded| loaded.document.problem(&["intents"], message)));
            return None;
        }
    };
    let Some(filter) = sentences::filter(&grammar, &scope.lists, &sentences) else {
        let message = format!("the sentences of language `{language}` are too large together");
        problems.extend(files.first().map(|loaded| loaded.document.problem(&["intents"], message)));
        return None;
    };
    Some(Tongue {
        tag: Arc::from(language),
        spelling: Spelling::new(scope.words_language.as_deref().unwrap_or(language), grammar.ranges.iter()).into(),
        filter: filter.into(),
        sentences: sentences.into(),
        regexes: regexes.into(),
        blocks: blocks.into(),
        names: scope.names.into(),
        lists: scope.lists.into(),
        skip_words: scope.skip_words.into(),
        grammar: grammar.into(),
        phrasings: Arc::default(),
    })
}

fn tests(files: &[Loaded], problems: &mut Vec<Problem>) -> Vec<Test> {
    let known: Vec<&str> =
        files.iter().flat_map(|loaded| loaded.file.intents.0.iter().map(|(name, _)| name.as_str())).collect();
    let mut tests = Vec::new();
    for loaded in files {
        for (index, case) in loaded.file.tests.iter().enumerate() {
            if is_enough(problems) {
                break;
            }
            let index = index.to_string();
            if let Some(name) = case.intent.0.as_deref().filter(|name| !known.contains(name)) {
                let path = ["tests", index.as_str(), "intent"];
                problems.push(loaded.document.problem(&path, unknown_name("intent", name, known.iter().copied())));
            }
            let line = loaded.document.place(&["tests", &index, "say"]).line;
            tests.push(Test::new(&loaded.path, line, &loaded.language, case));
        }
    }
    tests
}

/// The sentences of tests that match in this language: they are how people talk to this home.
fn phrasings(tongue: &Tongue, tests: &[Test]) -> Vec<String> {
    let ours = tests.iter().filter(|test| tongue.is(&test.lang) && test.expects_a_match());
    ours.map(|test| test.say.clone()).collect()
}

fn unknown_name<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    match yaml::nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
        None if known.is_empty() => format!("unknown {what} `{name}`"),
        None => {
            let shown: Vec<String> = known.iter().take(12).map(|name| format!("`{name}`")).collect();
            let more = if known.len() > shown.len() { ", …" } else { "" };
            format!("unknown {what} `{name}`; known are {}{more}", shown.join(", "))
        }
    }
}
