//! From the texts of intent files to rules: merged in path order, every mistake with its place.
//!
//! Files merge as Home Assistant's do: mappings key by key, lists one after the other, single values by the last file. An
//! intent's `actions` and `response` are the one exception: they count for the blocks beside them, in their own file,
//! since else a file of plugs would switch what another file's lights name.

mod block;
mod scope;

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::core::yaml::{self, Document, Problem};

use super::file::{Block, File, Intent};
use super::rule::Rule;
use super::selftest::Test;
use super::tongue::Tongue;
use super::{MAX_RULES, Rules, Source};

use scope::Scope;

/// A file that could be read, and where everything in it stands.
struct Loaded {
    path: String,
    document: Document,
    file: File,
    /// Lower case with hyphens; empty where the file counts for every language.
    language: String,
}

impl Loaded {
    fn counts_for(&self, language: &str) -> bool {
        self.language.is_empty() || self.language == language
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
    let mut problems = Vec::new();
    let mut sources: Vec<&Source> = sources.iter().collect();
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    let files: Vec<Loaded> = sources.into_iter().filter_map(|source| read(source, &mut problems)).collect();

    let mut languages: Vec<&str> = files.iter().map(|loaded| loaded.language.as_str()).collect();
    languages.sort_unstable();
    languages.dedup();
    let mut rules = Rules::default();
    for loaded in &files {
        rules.notes.extend(note_of_templates(loaded));
        rules.count += blocks(loaded).map(|placed| placed.block.regex.0.len()).sum::<usize>();
    }
    if rules.count > MAX_RULES {
        problems.push(too_many(&files, rules.count));
        rules.count = 0;
    } else {
        for language in languages {
            rules.tongues.extend(tongue(language, &files, &mut problems, &mut rules.notes));
        }
        rules.intents = rules.tongues.iter().flat_map(Tongue::intents).collect::<BTreeSet<&str>>().len();
        rules.tests = tests(&files, &mut problems);
        for tongue in &mut rules.tongues {
            tongue.phrasings = phrasings(tongue, &rules.tests);
        }
    }
    // A file without a language is read for each of them and tells its problems each time.
    for list in [&mut problems, &mut rules.notes] {
        list.sort();
        list.dedup();
    }
    (rules, problems)
}

fn read(source: &Source, problems: &mut Vec<Problem>) -> Option<Loaded> {
    let document = match Document::parse(&source.path, &source.text) {
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
    Some(Loaded { path: source.path.clone(), document, file, language })
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

fn note_of_templates(loaded: &Loaded) -> Option<Problem> {
    let mut with_templates = blocks(loaded).filter(|placed| !placed.block.sentences.is_empty());
    let first = with_templates.next()?;
    let blocks = 1 + with_templates.count();
    Some(
        first.problem(
            &["sentences"],
            format!("sentence templates are not matched yet ({blocks} blocks here have them)"),
        ),
    )
}

fn too_many(files: &[Loaded], count: usize) -> Problem {
    let message = format!("there are {count} regexes, and at most {MAX_RULES} may be; join some, or use lists");
    files.last().map_or_else(
        || Problem { file: String::new(), line: 1, column: 1, message: message.clone() },
        |loaded| loaded.document.problem(&["intents"], message.clone()),
    )
}

/// All rules of one language.
fn tongue(language: &str, files: &[Loaded], problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) -> Option<Tongue> {
    let files: Vec<&Loaded> = files.iter().filter(|loaded| loaded.counts_for(language)).collect();
    let scope = Scope::new(&files, problems, notes);
    let mut rules: Vec<Rule> = Vec::new();
    let mut claims: HashMap<String, String> = HashMap::new();
    for placed in files.iter().flat_map(|loaded| blocks(loaded)) {
        for rule in block::rules(&placed, &scope, problems, notes) {
            let (claim, part) = claim(&placed, &rule.0);
            if let Some(first) = claims.get(&claim) {
                let message = format!("the same regex stands at {first} already, so this one never matches");
                problems.push(placed.problem(&["regex", part.as_str()], message));
            } else {
                claims.insert(claim, rule.1.source.clone());
                rules.push(rule.1);
            }
        }
    }
    let skip_words: Vec<&str> = files.iter().flat_map(|l| &l.file.skip_words).map(String::as_str).collect();
    match Tongue::new(language, rules, &skip_words) {
        Ok(mut tongue) => {
            tongue.lists = scope.lists_in_order;
            Some(tongue)
        }
        Err(error) => {
            let message = format!("the regexes of language `{language}` are too large together: {error}");
            problems.extend(files.first().map(|loaded| loaded.document.problem(&["intents"], message)));
            None
        }
    }
}

/// What a regex claims for itself: two that claim the same never both match.
fn claim(placed: &Placed<'_>, index: &str) -> (String, String) {
    let block = placed.block;
    let pattern = index.parse().ok().and_then(|index: usize| block.regex.0.get(index)).map_or("", String::as_str);
    let claim = format!(
        "{pattern}\n{}\n{}\n{:?}\n{:?}",
        Value::Object(block.requires_context.clone()),
        Value::Object(block.excludes_context.clone()),
        block.required_keywords,
        // Lists of its own may take other values.
        (!block.lists.0.is_empty()).then_some((&placed.loaded.path, placed.intent_name, &placed.index)),
    );
    (claim, index.to_owned())
}

fn tests(files: &[Loaded], problems: &mut Vec<Problem>) -> Vec<Test> {
    let known: Vec<&str> =
        files.iter().flat_map(|loaded| loaded.file.intents.0.iter().map(|(name, _)| name.as_str())).collect();
    let mut tests = Vec::new();
    for loaded in files {
        for (index, case) in loaded.file.tests.iter().enumerate() {
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
