//! Which model a config means, where its file lies, and how it is fetched.
//!
//! Takes the text of `models.chat.model` and gives a path; [`pull::pull`] brings the file there. It must not open a model
//! (that is the worker's, in its own process), must not fetch anything unasked, and must never leave a file under a
//! model's name that is not whole: downloads are staged beside it and renamed once they are checked.

pub mod catalogue;
pub mod checksum;
pub mod error;
pub mod format;
mod hub;
pub mod pip;
pub mod pull;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::models::catalogue::Entry;
use crate::models::error::Error;

/// What a `model:` key names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRef(Kind);

/// The four ways to name a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name of the catalogue.
    Known(&'static Entry),
    /// `hf:owner/repo/file.gguf`.
    Hub(HubFile),
    /// A file of the user's own.
    Path(PathBuf),
    /// `fake:…`: the worker's test model, which has no file.
    Fake(String),
}

/// One file of a repository on the Hugging Face hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HubFile {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) file: String,
}

impl fmt::Display for HubFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hf:{}/{}/{}", self.owner, self.repo, self.file)
    }
}

impl ModelRef {
    /// Reads a catalogue name, `hf:owner/repo/file.gguf`, `fake:…`, or a path (it has a `/` or ends in `.gguf`).
    ///
    /// # Errors
    /// A name that is in no catalogue, or a `hf:` reference that is not of that form or would leave the models' folder.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.starts_with("fake:") {
            return Ok(Self(Kind::Fake(text.to_owned())));
        }
        if let Some(reference) = text.strip_prefix("hf:") {
            return parse_hub(text, reference).map(|file| Self(Kind::Hub(file)));
        }
        if let Some(entry) = catalogue::find(text) {
            return Ok(Self(Kind::Known(entry)));
        }
        if text.contains('/') || has_gguf_extension(text) {
            return Ok(Self(Kind::Path(PathBuf::from(text))));
        }
        Err(Error::UnknownName { name: text.to_owned(), nearest: catalogue::nearest(text) })
    }

    /// The name that replies and tables show: short, without folders.
    #[must_use]
    pub fn display_name(&self) -> String {
        let stem = |path: &Path| path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        match &self.0 {
            Kind::Known(entry) => entry.name.to_owned(),
            Kind::Hub(hub) => stem(Path::new(&hub.file)),
            Kind::Path(path) => stem(path),
            Kind::Fake(name) => name.clone(),
        }
    }

    /// Whether this is the worker's test model, which has no file.
    #[must_use]
    pub fn is_fake(&self) -> bool {
        matches!(self.0, Kind::Fake(_))
    }

    /// The argument of `hearthd models pull` that fetches this model; `None` where there is nothing to fetch it from.
    #[must_use]
    pub fn pull_name(&self) -> Option<String> {
        match &self.0 {
            Kind::Known(entry) => Some(entry.name.to_owned()),
            Kind::Hub(hub) => Some(hub.to_string()),
            Kind::Path(_) | Kind::Fake(_) => None,
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }
}

/// Where the model's file is, or would be once pulled. A path stays as it is, and so does `fake:…`.
///
/// Files from the hub keep their owner's and repository's name as folders, since `model.gguf` is the name of many.
#[must_use]
pub fn resolve(model: &ModelRef, models_dir: &Path) -> PathBuf {
    match model.kind() {
        Kind::Known(entry) => models_dir.join(entry.file),
        Kind::Hub(hub) => models_dir.join(&hub.owner).join(&hub.repo).join(&hub.file),
        Kind::Path(path) => path.clone(),
        Kind::Fake(name) => PathBuf::from(name),
    }
}

/// The sha256 that the model's `file` must have, in lowercase hexadecimal: the catalogue's, else what stands beside the file
/// since it was pulled; `None` for a file of which nobody told one.
#[must_use]
pub fn known_sha256(model: &ModelRef, file: &Path) -> Option<String> {
    match model.kind() {
        Kind::Fake(_) => None,
        Kind::Known(entry) => entry.sha256().map(str::to_owned).or_else(|| checksum::recorded(file)),
        Kind::Hub(_) | Kind::Path(_) => checksum::recorded(file),
    }
}

/// Whether the model's file is there; the test model always is.
#[must_use]
pub fn is_present(model: &ModelRef, models_dir: &Path) -> bool {
    model.is_fake() || has_content(&resolve(model, models_dir))
}

/// Whether `path` is a file with something in it.
pub(crate) fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
}

fn has_gguf_extension(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// Every part becomes a folder or file name and part of a URL, so only what is plain in both is let through.
fn parse_hub(text: &str, reference: &str) -> Result<HubFile, Error> {
    let refuse = |reason| Error::BadReference { text: text.to_owned(), reason };
    let parts: Vec<&str> = reference.split('/').collect();
    let &[owner, repo, file] = parts.as_slice() else {
        return Err(refuse("write it as hf:owner/repo/file.gguf, the file at the top of the repository"));
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    if parts.iter().any(|part| part.is_empty() || part.starts_with('.') || !part.chars().all(plain)) {
        return Err(refuse("its parts may hold A-Z a-z 0-9 . _ - + and may not start with a dot"));
    }
    if !has_gguf_extension(file) {
        return Err(refuse("the file must be a .gguf"));
    }
    Ok(HubFile { owner: owner.to_owned(), repo: repo.to_owned(), file: file.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kind(text: &str) -> Kind {
        ModelRef::parse(text).unwrap().0
    }

    #[test]
    fn each_form_is_told_apart() {
        assert!(matches!(kind("smollm2-135m-instruct"), Kind::Known(entry) if entry.name == "smollm2-135m-instruct"));
        assert!(matches!(kind("Llama-3.2-1B-Instruct"), Kind::Known(entry) if entry.name == "llama-3.2-1b-instruct"));
        assert_eq!(kind("own.gguf"), Kind::Path(PathBuf::from("own.gguf")));
        assert_eq!(kind("../elsewhere/own.bin"), Kind::Path(PathBuf::from("../elsewhere/own.bin")));
        assert_eq!(kind("fake:slow"), Kind::Fake("fake:slow".to_owned()));
        let Kind::Hub(hub) = kind("hf:some-one/Some_Repo-GGUF/model.Q4_K_M.gguf") else { panic!("no hub file") };
        assert_eq!(hub.to_string(), "hf:some-one/Some_Repo-GGUF/model.Q4_K_M.gguf");
    }

    #[test]
    fn references_that_leave_the_folder_or_the_url_are_refused() {
        for text in [
            "hf:../repo/file.gguf",
            "hf:owner/../file.gguf",
            "hf:owner/repo/..gguf",
            "hf:owner/repo/.hidden.gguf",
            "hf:owner/repo/sub/file.gguf",
            "hf:owner/repo//etc/file.gguf",
            "hf:owner/repo",
            "hf:owner//file.gguf",
            "hf:owner/repo/file.gguf?download=1",
            "hf:owner/repo/a%2fb.gguf",
            "hf:owner/repo/a\\b.gguf",
            "hf:owner/repo/a\nb.gguf",
            "hf:owner/repo/weights.bin",
            "hf:",
        ] {
            let error = ModelRef::parse(text).expect_err(text);
            assert!(matches!(error, Error::BadReference { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn an_unknown_name_says_what_is_near() {
        let message = ModelRef::parse("smollm2-135m").unwrap_err().to_string();
        assert!(message.contains("`smollm2-135m-instruct`"), "{message}");
        let message = ModelRef::parse("zzz").unwrap_err().to_string();
        assert!(message.contains("llama-3.2-3b-instruct"), "{message}");
    }

    #[test]
    fn files_of_the_hub_do_not_collide() {
        let dir = Path::new("/m");
        let at = |text| resolve(&ModelRef::parse(text).unwrap(), dir);
        assert_eq!(at("hf:a/x/model.gguf"), Path::new("/m/a/x/model.gguf"));
        assert_ne!(at("hf:a/x/model.gguf"), at("hf:b/y/model.gguf"));
        assert_eq!(at("smollm2-135m-instruct"), Path::new("/m/SmolLM2-135M-Instruct.Q4_1.gguf"));
        assert_eq!(at("sub/own.gguf"), Path::new("sub/own.gguf"));
    }

    #[test]
    fn names_shown_are_short() {
        let shown = |text| ModelRef::parse(text).unwrap().display_name();
        assert_eq!(shown("LLAMA-3.2-3B-INSTRUCT"), "llama-3.2-3b-instruct");
        assert_eq!(shown("hf:a/b/Tiny.Q4_0.gguf"), "Tiny.Q4_0");
        assert_eq!(shown("/srv/models/own.gguf"), "own");
        assert_eq!(shown("fake:x"), "fake:x");
    }

    #[test]
    fn the_catalogues_sum_goes_before_the_one_beside_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let known = |text: &str| {
            let model = ModelRef::parse(text).unwrap();
            let file = dir.path().join(resolve(&model, dir.path()));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let before = known_sha256(&model, &file);
            checksum::record(&file, &"ab".repeat(32)).unwrap();
            (before, known_sha256(&model, &file))
        };
        let beside = Some("ab".repeat(32));
        assert_eq!(known("own.gguf"), (None, beside.clone()));
        assert_eq!(known("hf:a/b/c.gguf"), (None, beside.clone()));
        assert_eq!(known("llama-3.2-1b-instruct"), (None, beside));
        let small = catalogue::find("smollm2-135m-instruct").unwrap().sha256().map(str::to_owned);
        assert_eq!(known("smollm2-135m-instruct"), (small.clone(), small));
        assert_eq!(known_sha256(&ModelRef::parse("fake:x").unwrap(), Path::new("fake:x")), None);
    }

    #[test]
    fn an_empty_file_is_not_present() {
        let dir = tempfile::tempdir().unwrap();
        let model = ModelRef::parse("smollm2-135m-instruct").unwrap();
        assert!(!is_present(&model, dir.path()));
        std::fs::write(resolve(&model, dir.path()), b"").unwrap();
        assert!(!is_present(&model, dir.path()));
        std::fs::write(resolve(&model, dir.path()), b"GGUF").unwrap();
        assert!(is_present(&model, dir.path()));
        assert!(is_present(&ModelRef::parse("fake:x").unwrap(), dir.path()));
    }
}
