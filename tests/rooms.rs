//! Keeps the table of rooms true: no file uses a room that its own may not know.
#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms each may use, as the crate's first page says. The command line may use all.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("core", &["core"]),
    ("inference", &["core", "inference"]),
    ("models", &["core", "models"]),
    ("engine", &["core", "inference", "engine"]),
    ("transport", &["core", "engine", "transport"]),
    ("broker", &["broker"]),
    ("config", &["core", "config"]),
    ("service", &["service"]),
];
/// Longer files are two rooms in one.
const MAX_LINES: usize = 500;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn rooms_use_only_what_their_row_names() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    assert!(files.len() > 30);
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let place = file.strip_prefix(&source).unwrap();
        let room = place.iter().next().unwrap().to_str().unwrap();
        if text.lines().count() > MAX_LINES {
            wrong.push(format!("{} has more than {MAX_LINES} lines", place.display()));
        }
        assert!(text.trim_start().starts_with("//!"), "{} says first what it is for", place.display());
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == room) else { continue };
        for (number, line) in text.lines().enumerate() {
            // Everywhere, not only in `use` lines: a path written out is a use as well.
            for (at, _) in line.match_indices("crate::") {
                let used: String = line[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !used.is_empty() && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{}:{}: {room} may not use {used}", place.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readme_lists_every_error_code_and_every_config_key() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for code in hearthd::core::reply::Code::ALL {
        assert!(
            readme.contains(&format!("`{}`", code.as_str())),
            "README.md does not say what to do about {}",
            code.as_str()
        );
    }
    let config = fs::read_to_string(root.join("config.yaml")).unwrap();
    let keys = config.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("# ");
        let (key, _) = line.split_once(':')?;
        (!key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then_some(key)
    });
    let sections = ["mqtt", "intents", "routing", "models", "chat", "explain", "reply", "http", "log"];
    for key in keys.filter(|key| !sections.contains(key)) {
        assert!(readme.contains(key), "README.md does not explain the config key {key}");
    }
}
