//! What a sentence template stands for, written out: some texts that it takes, for looking at who else takes them.
//!
//! Each place where a template leaves a choice is one step of [`Choices`]; going through all of them in order, or at random,
//! gives its texts. Values of lists are the first that the block allows, numbers the ends of their range; where that is less
//! than there is, [`Choices::is_cut`] says so.

use crate::core::intents::block::Block;
use crate::core::intents::lists::Entry;
use crate::core::intents::sentence::grammar::{Grammar, ListId, Node, NodeId, OPEN_LISTS};
use crate::core::intents::tongue::Tongue;
use crate::core::utterance;

/// Names of the home that one list of a sentence is tried with: one for each domain that it may be.
const MAX_NAMES: usize = 8;
/// Texts of a list's values that a sentence is tried with.
const MAX_VALUES: usize = 6;
/// What stands for free words: nothing that any sentence says.
const WORDS: &str = "zqwords";

/// How the choices of a template are made.
#[derive(Debug)]
pub(super) struct Choices {
    /// What was chosen, and of how many.
    made: Vec<(usize, usize)>,
    at: usize,
    how: How,
    /// Values that each list is tried with, where it is not some of each.
    values: Option<usize>,
    /// Whether a value or a number was left out, so that all combinations are not all texts.
    pub(super) is_cut: bool,
}

#[derive(Debug)]
enum How {
    InOrder,
    Last,
    Random(fastrand::Rng),
}

impl Choices {
    /// The first of everything, then each other combination.
    pub(super) fn in_order() -> Self {
        Self { made: Vec::new(), at: 0, how: How::InOrder, values: None, is_cut: false }
    }

    /// Every combination, with so many values of each list: what they are not all of is cut, and so are free words.
    pub(super) fn every(values: usize) -> Self {
        Self { values: Some(values), ..Self::in_order() }
    }

    /// The last of everything: the shortest text, since what may be left out is left out.
    pub(super) fn last() -> Self {
        Self { made: Vec::new(), at: 0, how: How::Last, values: None, is_cut: false }
    }

    /// Whatever comes; the same for the same seed.
    pub(super) fn random(seed: u64) -> Self {
        Self { made: Vec::new(), at: 0, how: How::Random(fastrand::Rng::with_seed(seed)), values: None, is_cut: false }
    }

    fn choose(&mut self, of: usize) -> usize {
        if of <= 1 {
            return 0;
        }
        match &mut self.how {
            How::Last => of - 1,
            How::Random(random) => random.usize(..of),
            How::InOrder => {
                if self.at == self.made.len() {
                    self.made.push((0, of));
                }
                self.at += 1;
                self.made.get(self.at - 1).map_or(0, |(chosen, _)| *chosen)
            }
        }
    }

    /// Goes on to the next combination; false where there is none.
    pub(super) fn next(&mut self) -> bool {
        self.at = 0;
        while let Some((chosen, of)) = self.made.pop() {
            if chosen + 1 < of {
                self.made.push((chosen + 1, of));
                return true;
            }
        }
        false
    }
}

/// Writes a text that a sentence of the block takes; `None` where a list has no value for it.
pub(super) fn write(tongue: &Tongue, block: &Block, root: NodeId, choices: &mut Choices) -> Option<String> {
    let mut writer = Writer { tongue, grammar: &tongue.grammar, block, choices, out: String::new() };
    writer.node(root)?;
    Some(utterance::normalise(&writer.out))
}

struct Writer<'a> {
    tongue: &'a Tongue,
    grammar: &'a Grammar,
    block: &'a Block,
    choices: &'a mut Choices,
    out: String,
}

impl<'a> Writer<'a> {
    fn node(&mut self, id: NodeId) -> Option<()> {
        match self.grammar.node(id) {
            Node::Word { text, .. } => self.out.push_str(&String::from_utf8_lossy(text)),
            Node::Space { .. } => self.out.push(' '),
            Node::List { list, .. } => self.value(*list)?,
            Node::Number { range, .. } => {
                let range = self.grammar.ranges.get(usize::from(*range))?;
                let number = if self.choices.choose(2) == 0 { range.from } else { range.to };
                self.choices.is_cut = true;
                self.out.push_str(&number.to_string());
            }
            Node::Wildcard { .. } => {
                self.choices.is_cut |= self.choices.values.is_some();
                self.out.push_str(WORDS);
            }
            Node::Sequence(items) => {
                for &item in items {
                    self.node(item)?;
                }
            }
            Node::Alternative(items) => {
                let chosen = self.choices.choose(items.len());
                self.node(*items.get(chosen)?)?;
            }
            Node::Permutation(items) => {
                let mut left: Vec<NodeId> = items.to_vec();
                while !left.is_empty() {
                    let chosen = self.choices.choose(left.len());
                    self.node(left.remove(chosen))?;
                }
            }
        }
        Some(())
    }

    /// A value that the block allows; if it can be, one that is all that the block asks for beside the room.
    fn value(&mut self, list: ListId) -> Option<()> {
        let required = self.block.requires.iter().enumerate();
        let wanted = required
            .filter(|(_, required)| required.condition.key != "area")
            .fold(0_u8, |wanted, (index, _)| wanted | 1 << index);
        let entries = self.tongue.view().entries(list);
        let allowed: Vec<(u8, &Entry)> = entries.filter_map(|entry| Some((self.block.allows(entry)?, entry))).collect();
        let whole = allowed.iter().filter(|(given, _)| given & wanted == wanted);
        let is_open = usize::from(list) < OPEN_LISTS.len();
        let some = if is_open { MAX_NAMES } else { MAX_VALUES };
        let most = self.choices.values.unwrap_or(some);
        let written = |entries: &mut dyn Iterator<Item = &(u8, &'a Entry)>| -> Vec<&'a String> {
            entries.flat_map(|(_, entry)| entry.texts()).take(most + 1).collect()
        };
        let mut texts = written(&mut whole.into_iter());
        if texts.is_empty() || self.choices.values.is_some() {
            texts = written(&mut allowed.iter());
        }
        if texts.len() > most {
            texts.truncate(most);
            // Stand-ins differ in nothing but what is asked of them.
            self.choices.is_cut |= !is_open || self.choices.values.is_some();
        }
        let chosen = self.choices.choose(texts.len());
        self.out.push_str(texts.get(chosen)?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::intents::{Source, load};

    /// All texts of the first sentence, at most so many.
    fn texts(sentence: &str, most: usize) -> Vec<String> {
        let text = format!(
            "language: en\nlists:\n  name: {{values: [{{in: lamp, context: {{domain: light}}}}, fan]}}\n  \
             level: {{range: {{from: 5, to: 30}}}}\n  what: {{wildcard: true}}\n  colour: {{values: [red, blue]}}\n\
             intents: {{X: {{data: [{{sentences: ['{sentence}'], requires_context: {{domain: light}}}}]}}}}\n"
        );
        let (rules, problems) = load(&[Source { path: "t.yaml".to_owned(), text }]);
        assert_eq!(problems, []);
        let tongue = &rules.tongues[0];
        let mut choices = Choices::in_order();
        let mut texts = Vec::new();
        loop {
            texts.push(write(tongue, &tongue.blocks[0], tongue.sentences[0].root, &mut choices).unwrap());
            if texts.len() == most || !choices.next() {
                return texts;
            }
        }
    }

    #[test]
    fn every_text_is_written_once() {
        assert_eq!(texts("(a|b) [c] d", 99), ["a c d", "a d", "b c d", "b d"]);
        assert_eq!(texts("(a;b)", 99), ["a b", "b a"]);
        assert_eq!(texts("go {name}", 99), ["go lamp"]);
        assert_eq!(
            texts("at {level} in {colour}", 99),
            ["at 5 in red", "at 5 in blue", "at 30 in red", "at 30 in blue"]
        );
        assert_eq!(texts("play {what}", 99), [format!("play {WORDS}")]);
        assert_eq!(texts("[a][b][c][d][e][f] g", 20).len(), 20);
    }

    #[test]
    fn the_last_of_all_is_the_shortest_and_a_seed_repeats() {
        let (rules, _) = load(&[Source {
            path: "t.yaml".to_owned(),
            text: "intents: {X: {data: [{sentences: ['[please] go [away] [now]']}]}}".to_owned(),
        }]);
        let tongue = &rules.tongues[0];
        let text = |mut choices| write(tongue, &tongue.blocks[0], tongue.sentences[0].root, &mut choices).unwrap();
        assert_eq!(text(Choices::last()), "go");
        assert_eq!(text(Choices::random(7)), text(Choices::random(7)));
        let different: std::collections::BTreeSet<String> = (0..32).map(|seed| text(Choices::random(seed))).collect();
        assert!(different.len() > 4, "{different:?}");
    }
}
