//! The sentences of one language while they are gathered: compiled, claimed, and looked at for mistakes.

use std::collections::{BTreeSet, HashMap};

use crate::core::intents::block::Block;
use crate::core::intents::lists::Lists;
use crate::core::intents::regexes::Rule;
use crate::core::intents::sentence::filter::{self, Filter};
use crate::core::intents::sentence::grammar::{Compiler, Grammar, NodeId, Target, Unknown};
use crate::core::intents::sentence::syntax::{self, Expression};
use crate::core::intents::tongue::Sentence;
use crate::core::yaml::Problem;

use super::scope::{BlockScope, Scope};
use super::{Placed, is_enough, unknown_name};

/// What has been gathered so far.
pub(super) struct Gathered<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) grammar: Grammar,
    pub(super) sentences: Vec<Sentence>,
    pub(super) regexes: Vec<Rule>,
    pub(super) blocks: Vec<Block>,
    pub(super) notes: Vec<Problem>,
    /// Compiled rules of the files, for blocks that have none of their own.
    shared: HashMap<String, NodeId>,
    /// Who said a sentence or regex first: intent and place.
    pub(super) claims: HashMap<String, (String, String)>,
    order: u32,
}

/// The lists and rules of one block alone.
#[derive(Default)]
pub(super) struct Local<'p> {
    pub(super) lists: HashMap<&'p str, Target>,
    pub(super) rules: HashMap<&'p str, Expression>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(mut scope: Scope<'a>) -> Self {
        let grammar = std::mem::take(&mut scope.grammar);
        Self {
            scope,
            grammar,
            sentences: Vec::new(),
            regexes: Vec::new(),
            blocks: Vec::new(),
            notes: Vec::new(),
            shared: HashMap::new(),
            claims: HashMap::new(),
            order: 0,
        }
    }

    /// The next place in the order of the files.
    pub(super) fn next(&mut self) -> u32 {
        self.order += 1;
        self.order
    }

    /// The lists and rules that a block has for itself.
    pub(super) fn local<'p>(&mut self, placed: &'p Placed<'_>, problems: &mut Vec<Problem>) -> Local<'p> {
        let mut local = Local::default();
        // Ranges of local lists are the grammar's, like all others.
        std::mem::swap(&mut self.scope.grammar, &mut self.grammar);
        for (name, definition) in &placed.block.lists.0 {
            let mut report = |below: &[&str], message: String| {
                problems.push(placed.problem(&[&["lists", name.as_str()], below].concat(), message));
            };
            local.lists.insert(name.as_str(), self.scope.add_local(definition, &mut report));
        }
        std::mem::swap(&mut self.scope.grammar, &mut self.grammar);
        for (name, template) in &placed.block.expansion_rules {
            match syntax::parse(template) {
                Ok(expression) => {
                    local.rules.insert(name.as_str(), expression);
                }
                Err(error) => {
                    problems.push(placed.problem_inside(&["expansion_rules", name], error.at, error.message));
                }
            }
        }
        local
    }

    /// Compiles the sentences of a block; each with its number among them.
    pub(super) fn compile(
        &mut self,
        placed: &Placed<'_>,
        local: &Local<'_>,
        problems: &mut Vec<Problem>,
    ) -> Vec<(usize, NodeId)> {
        let mut own = HashMap::new();
        let is_shared = local.lists.is_empty() && local.rules.is_empty();
        let scope = BlockScope {
            lists: &self.scope.lists,
            rules: &self.scope.rules,
            local_lists: &local.lists,
            local_rules: &local.rules,
        };
        let mut compiled = Vec::new();
        for (index, template) in placed.block.sentences.iter().enumerate() {
            if is_enough(problems) {
                break;
            }
            let number = index.to_string();
            let part = ["sentences", number.as_str()];
            let expression = match syntax::parse(template) {
                Ok(expression) => expression,
                Err(error) => {
                    problems.push(placed.problem_inside(&part, error.at, error.message));
                    continue;
                }
            };
            let rules = if is_shared { &mut self.shared } else { &mut own };
            match Compiler::new(&mut self.grammar, &scope, rules).sentence(&expression) {
                Ok(root) if self.grammar.may_be_empty(root) => {
                    problems.push(placed.problem(&part, "the sentence matches when nothing is said"));
                }
                Ok(root) => compiled.push((index, root)),
                Err(unknown) => {
                    let at = place_of(template, &unknown);
                    problems.push(placed.problem_inside(&part, at, explain(&unknown, &scope)));
                }
            }
        }
        compiled
    }

    /// The names of the slots that sentences fill, and the grammar's ids of them.
    pub(super) fn slots(&self, roots: &[(usize, NodeId)]) -> (Vec<String>, Vec<u16>) {
        let mut ids = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for (_, root) in roots {
            self.grammar.slots_of(*root, &mut seen, &mut ids);
        }
        ids.iter().map(|&id| (self.grammar.slots[usize::from(id)].clone(), id)).unzip()
    }
}

fn explain(unknown: &Unknown, scope: &BlockScope<'_>) -> String {
    match unknown {
        Unknown::List(name) => {
            let known = scope.lists.names().chain(scope.local_lists.keys().copied());
            unknown_name("list", name, known)
        }
        Unknown::Rule(name) => {
            let known = scope.rules.keys().chain(scope.local_rules.keys()).copied();
            unknown_name("expansion rule", name, known)
        }
        Unknown::Recursion(name) => format!("the expansion rule `{name}` comes to itself again, or stands too deep"),
        Unknown::TooLarge => "the sentence stands for too much; split it, or take rules out of each other".to_owned(),
        Unknown::Full => "the sentences of one language stand for too much up to here; take some out".to_owned(),
    }
}

/// Where a template names what is unknown; its start where a rule does.
fn place_of(template: &str, unknown: &Unknown) -> usize {
    let written = match unknown {
        Unknown::List(name) => format!("{{{name}"),
        Unknown::Rule(name) | Unknown::Recursion(name) => format!("<{name}"),
        Unknown::TooLarge | Unknown::Full => return 0,
    };
    template.find(&written).map_or(0, |at| template[..at].chars().count())
}

/// Which sentences can match at all.
pub(super) fn filter(grammar: &Grammar, lists: &Lists, sentences: &[Sentence]) -> Option<Filter> {
    let mut builder = filter::Builder::new(grammar, lists.count());
    for sentence in sentences {
        builder.add(sentence.root);
    }
    builder.build()
}
