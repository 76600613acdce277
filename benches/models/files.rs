//! What is measured and what it is measured beside: the models and llama.cpp's programs that `benches/models/setup` makes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;

/// The small and the large model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Size {
    pub(crate) const BOTH: [Self; 2] = [Self::Small, Self::Large];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "1b",
            Self::Large => "3b",
        }
    }
}

/// The folder of `benches/models/setup`.
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    /// The folder, if all that these formats need is there.
    pub(crate) fn find(formats: &[String]) -> Result<Self, Failure> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-models");
        let folder = std::env::var_os("HEARTHD_BENCH_MODELS").map_or(default, PathBuf::from);
        let files = Self { folder };
        let models = formats.iter().flat_map(|format| Size::BOTH.map(|size| files.model(size, format)));
        let missing: Vec<PathBuf> =
            [files.server(), files.bench()].into_iter().chain(models).filter(|file| !file.is_file()).collect();
        if missing.is_empty() {
            return Ok(files);
        }
        let missing: Vec<String> = missing.iter().map(|file| format!("  {}", file.display())).collect();
        Err(format!(
            "these are missing:\n{}\nbenches/models/setup makes them; HEARTHD_BENCH_MODELS names another folder",
            missing.join("\n")
        )
        .into())
    }

    pub(crate) fn model(&self, size: Size, format: &str) -> PathBuf {
        self.folder.join(format!("{}-{format}.gguf", size.name()))
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.folder.join("llama/bin/llama-server")
    }

    pub(crate) fn bench(&self) -> PathBuf {
        self.folder.join("llama/bin/llama-bench")
    }
}

/// A file's size in MiB.
pub(crate) fn mebibytes(file: &Path) -> Result<f64, Failure> {
    // Exact below 8 PiB.
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "no file is so large")]
    Ok(fs::metadata(file)?.len() as f64 / f64::from(1 << 20))
}

/// The end of a log, for an error that tells of it.
pub(crate) fn tail(log: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
