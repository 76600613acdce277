//! The package on disk, unpacked: which languages it has, which one somebody means, and its data.
//!
//! Reads only; nothing of the package is run.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::core::yaml;

use super::ImportError;

/// The package's folder inside a wheel or among installed packages.
const MODULE: &str = "home_assistant_intents";
/// Bytes of one language's data: twenty times what the largest has.
const MAX_DATA_BYTES: u64 = 8 * 1024 * 1024;
/// Languages that a message lists.
const MAX_NEAR: usize = 6;

/// The package's data and what it says of itself.
#[derive(Debug)]
pub(super) struct Package {
    data: PathBuf,
    /// `unknown` where nothing beside the data tells it.
    pub(super) version: String,
    /// The licence files it came with.
    pub(super) licences: Vec<PathBuf>,
}

impl Package {
    /// The package in this folder: its own, or one that holds it, such as `site-packages` or an unpacked wheel.
    pub(super) fn find(folder: &Path) -> Option<Self> {
        let (own, around) = match folder.join(MODULE) {
            own if own.is_dir() => (own, Some(folder)),
            _ => (folder.to_owned(), folder.parent()),
        };
        let data = own.join("data");
        if !data.is_dir() {
            return None;
        }
        let about = around.into_iter().flat_map(entries).find_map(|path| {
            let name = path.file_name()?.to_str()?;
            let version = name.strip_prefix(MODULE)?.strip_prefix('-')?.strip_suffix(".dist-info")?.to_owned();
            Some((version, path))
        });
        let licences = about.as_ref().map_or_else(Vec::new, |(_, folder)| licences(folder));
        let version = about.map_or_else(|| "unknown".to_owned(), |(version, _)| one_word(&version));
        Some(Self { data, version, licences })
    }

    /// The languages it has, in order.
    pub(super) fn languages(&self) -> Vec<String> {
        let mut tags: Vec<String> = entries(&self.data)
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
            .filter(|tag| tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            .collect();
        tags.sort();
        tags
    }

    /// The language that is meant: the very tag, however it is written, else the one without its last part.
    ///
    /// # Errors
    /// [`ImportError::UnknownLanguage`], with those that are near.
    pub(super) fn choose(&self, asked: &str) -> Result<String, ImportError> {
        let known = self.languages();
        let wanted = asked.trim().replace('_', "-");
        let mut part = wanted.as_str();
        loop {
            if let Some(tag) = known.iter().find(|tag| tag.eq_ignore_ascii_case(part)) {
                return Ok(tag.clone());
            }
            match part.rsplit_once('-') {
                Some((shorter, _)) => part = shorter,
                None => break,
            }
        }
        Err(ImportError::UnknownLanguage {
            asked: asked.to_owned(),
            version: self.version.clone(),
            hint: hint(part, &known),
        })
    }

    /// A language's data, as the package writes it: intents, lists, expansion rules, responses, skip words, settings.
    pub(super) fn read(&self, tag: &str) -> Result<Map<String, Value>, ImportError> {
        let path = self.data.join(format!("{tag}.json"));
        let size = fs::metadata(&path).map_err(|cause| ImportError::io("read", &path, cause))?.len();
        if size > MAX_DATA_BYTES {
            return Err(ImportError::Unreadable { path, cause: format!("{size} bytes are too many") });
        }
        let bytes = fs::read(&path).map_err(|cause| ImportError::io("read", &path, cause))?;
        serde_json::from_slice(&bytes).map_err(|error| ImportError::Unreadable { path, cause: error.to_string() })
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Older wheels have the licence beside the rest, newer ones in a folder.
fn licences(folder: &Path) -> Vec<PathBuf> {
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file() && (name.starts_with("LICENSE") || name.starts_with("LICENCE"))
    };
    let mut found: Vec<PathBuf> = entries(folder).chain(entries(&folder.join("licenses"))).filter(is_licence).collect();
    found.sort();
    found
}

/// A version goes into a comment and a plain scalar: nothing that ends either may be in it.
fn one_word(version: &str) -> String {
    version.chars().filter(|c| c.is_ascii_alphanumeric() || ".+-_!".contains(*c)).collect()
}

/// The languages of the same kind (`zh` is not there, `zh-CN` is), else the nearest by its letters, else all.
fn hint(wanted: &str, known: &[String]) -> String {
    let wanted = wanted.to_ascii_lowercase();
    let kin = |tag: &&String| tag.to_ascii_lowercase().split('-').next() == Some(wanted.as_str());
    let near: Vec<&str> = known.iter().filter(kin).map(String::as_str).take(MAX_NEAR).collect();
    match (near.as_slice(), yaml::nearest(&wanted, known.iter().map(String::as_str))) {
        ([], Some(near)) => format!("did you mean `{near}`?"),
        ([], None) => format!("it has {}", known.join(", ")),
        (near, _) => format!("it has {}", near.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(tags: &[&str]) -> (tempfile::TempDir, Package) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(MODULE).join("data")).unwrap();
        for tag in tags {
            fs::write(folder.path().join(MODULE).join("data").join(format!("{tag}.json")), "{}").unwrap();
        }
        let package = Package::find(folder.path()).unwrap();
        (folder, package)
    }

    #[test]
    fn a_tag_means_the_nearest_language_that_is_there() {
        let (_folder, package) = package(&["de", "de-CH", "en", "sr-Latn", "zh-CN", "zh-HK"]);
        for (asked, tag) in
            [("DE", "de"), ("de_AT", "de"), ("de-ch", "de-CH"), ("sr_latn_RS", "sr-Latn"), (" en ", "en")]
        {
            assert_eq!(package.choose(asked).unwrap(), tag, "{asked}");
        }
    }

    #[test]
    fn an_unknown_language_is_told_with_those_near_it() {
        let (_folder, package) = package(&["de", "en", "zh-CN", "zh-HK"]);
        let message = |asked| package.choose(asked).unwrap_err().to_string();
        assert!(message("zh").ends_with("has no language `zh`: it has zh-CN, zh-HK"), "{}", message("zh"));
        assert!(message("xx").contains("it has de, en, zh-CN, zh-HK"), "{}", message("xx"));
    }

    #[test]
    fn the_version_and_the_licence_stand_beside_the_package() {
        let (folder, _) = package(&["en"]);
        let about = folder.path().join("home_assistant_intents-2026.1.1.dist-info/licenses");
        fs::create_dir_all(&about).unwrap();
        fs::write(about.join("LICENSE.md"), "yes").unwrap();
        for place in [folder.path().to_owned(), folder.path().join(MODULE)] {
            let package = Package::find(&place).unwrap();
            assert_eq!(package.version, "2026.1.1");
            assert_eq!(package.licences, [about.join("LICENSE.md")]);
        }
        assert!(Package::find(&about).is_none());
    }
}
