//! What `hearthd check` finds beyond mistakes that keep rules from being read: sentences that never win or that two intents
//! claim, rooms and things that nobody knows, rules and lists and slots that nothing uses, answers that leave a slot open.
//!
//! It is not run by the daemon: it takes longer than reading the rules, and nothing it finds makes a rule wrong. Imported
//! files are not looked at, since their reader cannot mend them; what they say counts.

mod acts;
mod answers;
mod fillers;
mod known;
mod outranked;
mod reach;
mod stand_ins;
mod usage;
mod variants;
mod vocabulary;

use std::collections::HashMap;

use crate::core::intents::Rules;
use crate::core::intents::sentence::syntax::{self, Expression};
use crate::core::yaml::Problem;

use super::{Loaded, Placed, blocks};

/// Looks at files and the rules that came of them. `is_whole` says that all of them could be read: else what uses a list
/// may be missing.
pub(super) fn lint(
    files: &[Loaded],
    rules: &mut Rules,
    problems: &mut Vec<Problem>,
    notes: &mut Vec<Problem>,
    is_whole: bool,
) {
    let places = Places::new(files);
    for tongue in &mut rules.tongues {
        let of_language: Vec<&Loaded> = files.iter().filter(|loaded| loaded.counts_for(&tongue.tag)).collect();
        known::look(&of_language, problems);
        usage::slots(&of_language, notes);
        reach::look(tongue, &places, problems, notes);
    }
    if is_whole {
        acts::look(files, &rules.tongues, problems, notes);
        usage::names(files, notes);
    }
}

/// Where the sentences and regexes of the user's own files stand.
struct Places<'a> {
    by_text: HashMap<(&'a str, usize, &'a str), Problem>,
}

impl<'a> Places<'a> {
    fn new(files: &'a [Loaded]) -> Self {
        let mut by_text = HashMap::new();
        for loaded in files.iter().filter(|loaded| !loaded.is_imported()) {
            for placed in blocks(loaded) {
                let (sentences, regexes) = (placed.block.sentences.iter(), placed.block.regex.0.iter());
                let texts = sentences.enumerate().map(|text| ("sentences", text));
                for (key, (number, text)) in texts.chain(regexes.enumerate().map(|text| ("regex", text))) {
                    let problem = placed.problem_inside(&[key, &number.to_string()], 0, "");
                    by_text.insert((loaded.path.as_str(), problem.line, text.trim()), problem);
                }
            }
        }
        Self { by_text }
    }

    /// A problem with a sentence or regex.
    fn problem(&self, file: &'a str, line: usize, text: &'a str, message: String) -> Option<Problem> {
        self.by_text.get(&(file, line, text.trim())).map(|problem| Problem { message, ..problem.clone() })
    }
}

/// The expansion rules of the files, as the last of them has it.
fn shared_rules<'a>(files: &[&'a Loaded]) -> HashMap<&'a str, Expression> {
    let written = files.iter().flat_map(|loaded| &loaded.file.expansion_rules);
    written.filter_map(|(name, template)| Some((name.as_str(), syntax::parse(template).ok()?))).collect()
}

/// The expansion rules of one block.
fn own_rules<'a>(placed: &Placed<'a>) -> HashMap<&'a str, Expression> {
    let written = placed.block.expansion_rules.iter();
    written.filter_map(|(name, template)| Some((name.as_str(), syntax::parse(template).ok()?))).collect()
}

#[cfg(test)]
mod tests;
