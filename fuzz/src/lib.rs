//! The core, and what all targets assert of it.

#[path = "../../src/core/mod.rs"]
pub mod core;

use crate::core::intents::{Rules, Said, Source, Understood, load};

/// Reads one intent file; every problem must say what and where.
pub fn read(path: &str, text: &str) -> (Rules, usize) {
    let (rules, problems) = load(&[Source { path: path.to_owned(), text: text.to_owned() }]);
    for problem in &problems {
        assert!(problem.line > 0 && problem.column > 0 && !problem.message.is_empty(), "{problem}");
        assert_eq!(problem.file, path);
    }
    (rules, problems.len())
}

/// Says something; what is understood must be so once more, and be what normalised text means.
pub fn say(rules: &Rules, text: &str, lang: &str) -> Understood {
    let said = |text: &str| rules.understand(&Said { text, lang, site: Some("kitchen"), ..Said::default() });
    let understood = said(text);
    assert_eq!(said(text), understood, "{text:?} a second time");
    assert_eq!(said(&core::utterance::normalise(text)), understood, "{text:?} normalised");
    match &understood {
        Understood::Hits(hits) => {
            assert!(!hits.is_empty());
            for hit in hits {
                assert!(!hit.name.is_empty() && !hit.sentence.is_empty() && !hit.source.is_empty(), "{hit:?}");
                for publish in &hit.publishes {
                    assert!(!publish.topic.is_empty() && !publish.topic.contains(['+', '#', '\0']), "{publish:?}");
                }
            }
        }
        Understood::Unclear(unclear) => assert!(!unclear.message.is_empty()),
        Understood::Nothing => {}
    }
    understood
}
