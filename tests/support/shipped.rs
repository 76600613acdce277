//! The sentences that come with hearthd.

use std::fs;
use std::path::Path;

use hearthd::core::intents::{Rules, Source, load};

/// The shipped English sentences and their demo home.
pub(crate) fn rules() -> Rules {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["intents", "intents/en"] {
        let entries = fs::read_dir(root.join(folder)).into_iter().flatten().filter_map(Result::ok);
        for path in entries.map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                sources.push(Source { path: path.display().to_string(), text });
            }
        }
    }
    let (rules, problems) = load(&sources);
    assert_eq!(problems, []);
    assert!(rules.len() > 25, "there are only {} rules", rules.len());
    rules
}
