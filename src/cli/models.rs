//! `hearthd models list` and `hearthd models pull NAME`.
//!
//! Prints what the models' room knows: the table to the writer it is given, a pull's progress to standard error (a bar on
//! a terminal, a line every tenth elsewhere). It decides nothing about models itself.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use thiserror::Error;

use crate::models::error::Error as ModelError;
use crate::models::format::{Machine, Suits, of_file_name};
use crate::models::pull::{self, Progress, Sources};
use crate::models::{ModelRef, catalogue, is_present, resolve};

/// Arguments of `hearthd models`.
#[derive(Debug, Args)]
pub(super) struct ModelsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: ModelsCommand,
}

/// What `hearthd models` can do.
#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// Shows the models known, which are here, and which tier uses them
    List {
        /// Prints JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Fetches a model: a name from the list, or hf:owner/repo/file.gguf
    Pull {
        /// The model
        name: String,
    },
}

/// Why `hearthd models` did not do what was asked.
#[derive(Debug, Error)]
pub(super) enum ModelsError {
    /// The model, its source or its place.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Standard output.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// One line of the list.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    size: Option<u64>,
    /// As its file's name tells.
    format: Option<String>,
    /// How fast this machine is with that.
    suits: Option<Suits>,
    licence: Option<&'static str>,
    path: String,
    present: bool,
    tiers: Vec<String>,
    pull: Option<String>,
    /// Why the config's text is no model.
    error: Option<String>,
}

/// Runs the command; `configured` pairs each tier's name with its `model` text, paths already joined with the config's
/// folder.
///
/// # Errors
/// The model cannot be fetched, or the output not be written.
pub(super) fn run(
    args: &ModelsArgs,
    models_dir: &Path,
    configured: &[(&str, &str)],
    out: &mut impl Write,
) -> Result<(), ModelsError> {
    match &args.command {
        ModelsCommand::List { json } => Ok(list(models_dir, configured, *json, out)?),
        ModelsCommand::Pull { name } => pull(name, models_dir, &Sources::from_env(), out),
    }
}

/// Prints every known and every configured model.
///
/// # Errors
/// The output cannot be written.
fn list(models_dir: &Path, configured: &[(&str, &str)], json: bool, out: &mut impl Write) -> io::Result<()> {
    let rows = rows(models_dir, configured);
    if json {
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        return writeln!(out);
    }
    let mut table = vec![["NAME", "SIZE", "FORMAT", "HERE", "LICENCE", "TIER", "WHERE"].map(str::to_owned)];
    for row in &rows {
        let place = match (&row.error, row.present, &row.pull) {
            (Some(error), ..) => error.clone(),
            (None, true, _) => row.path.clone(),
            (None, false, Some(pull)) => format!("missing: {pull}"),
            (None, false, None) => format!("missing: no file at {}", row.path),
        };
        let size = row.size.map_or_else(|| "-".to_owned(), human_size);
        let tiers = if row.tiers.is_empty() { "-".to_owned() } else { row.tiers.join(", ") };
        let format = row.format.as_deref().unwrap_or("-").to_owned();
        let suits = row.suits.map_or_else(|| "-".to_owned(), |suits| suits.to_string());
        table.push([row.name.clone(), size, format, suits, row.licence.unwrap_or("-").to_owned(), tiers, place]);
    }
    // Sizes are numbers and end in one column.
    super::table::write(&table, Some(1), out)?;
    writeln!(out, "\n{}", Machine::here().advice())
}

fn rows(models_dir: &Path, configured: &[(&str, &str)]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in catalogue::ENTRIES {
        if let Ok(model) = ModelRef::parse(entry.name) {
            let mut row = row(&model, models_dir);
            row.size = row.size.or(Some(entry.size));
            row.licence = Some(entry.licence);
            rows.push(row);
        }
    }
    for (tier, text) in configured {
        let row = match ModelRef::parse(text) {
            Ok(model) => row(&model, models_dir),
            Err(error) => Row {
                name: (*text).to_owned(),
                size: None,
                format: None,
                suits: None,
                licence: None,
                path: String::new(),
                present: false,
                tiers: Vec::new(),
                pull: None,
                error: Some(error.to_string()),
            },
        };
        let tier = (*tier).to_owned();
        match rows.iter_mut().find(|known| known.name == row.name && known.path == row.path) {
            Some(known) => known.tiers.push(tier),
            None => rows.push(Row { tiers: vec![tier], ..row }),
        }
    }
    rows
}

fn row(model: &ModelRef, models_dir: &Path) -> Row {
    let path = resolve(model, models_dir);
    let present = is_present(model, models_dir);
    let format = path.file_name().and_then(|name| of_file_name(&name.to_string_lossy()));
    Row {
        name: model.display_name(),
        size: path.metadata().ok().map(|metadata| metadata.len()).filter(|_| present),
        suits: format.as_deref().and_then(|format| Machine::here().suits(format)),
        format,
        licence: None,
        path: path.display().to_string(),
        present,
        tiers: Vec::new(),
        pull: model.pull_name().map(|name| format!("hearthd models pull {name}")),
        error: None,
    }
}

/// Fetches one model and says where it is.
///
/// # Errors
/// As [`pull::pull`], or the output cannot be written.
fn pull(name: &str, models_dir: &Path, sources: &Sources, out: &mut impl Write) -> Result<(), ModelsError> {
    let model = ModelRef::parse(name)?;
    let mut meter = Meter::new(model.display_name());
    let pulled = pull::pull(&model, models_dir, sources, &mut |progress| meter.show(&progress));
    meter.end();
    let pulled = pulled?;
    let (path, name) = (pulled.path.display(), model.display_name());
    let checked = match &pulled.sha256 {
        Some(sum) => format!("sha256 {sum}"),
        None => "its source tells no sha256 to check it against".to_owned(),
    };
    if pulled.fetched {
        writeln!(out, "{name} is at {path} ({checked})")?;
    } else if pulled.sha256.is_some() {
        writeln!(out, "{name} is already at {path}, and correct ({checked}): nothing to do")?;
    } else {
        writeln!(out, "{name} is already at {path}, unchecked: {checked}, or could not be reached")?;
    }
    Ok(())
}

/// Shows how far a pull is: a bar on a terminal, else a line for each tenth, for journals and build logs.
struct Meter {
    name: String,
    bar: Option<ProgressBar>,
    tenth: Option<u64>,
}

impl Meter {
    fn new(name: String) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0).with_message(name.clone());
            // The template is a constant: a bar of another look is all that a mistake in it could cost.
            if let Ok(style) = ProgressStyle::with_template(
                "{msg} [{wide_bar}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
            ) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { name, bar, tenth: None }
    }

    fn show(&mut self, progress: &Progress) {
        match (progress, &self.bar) {
            (Progress::Bytes { done, total }, Some(bar)) => {
                bar.set_length(*total);
                bar.set_position(*done);
            }
            (Progress::Bytes { done, total }, None) => {
                // A part that was there counts, so the first line may well say 40 %.
                let tenth = done.saturating_mul(10).checked_div(*total).unwrap_or(0).min(10);
                if self.tenth != Some(tenth) {
                    self.tenth = Some(tenth);
                    self.say(&format!("{:3} % of {}", tenth * 10, human_size(*total)));
                }
            }
            (Progress::Checking, Some(bar)) => bar.set_message(format!("{}: checking", self.name)),
            (Progress::Checking, None) => self.say("checking the sha256"),
            (Progress::SetAside(path), bar) => {
                let line = format!("another file of that name was there and is now {}", path.display());
                match bar {
                    Some(bar) => bar.println(line),
                    None => self.say(&line),
                }
            }
        }
    }

    fn say(&self, what: &str) {
        // Progress that nobody can read is no reason to stop a download.
        let _ = writeln!(io::stderr(), "{}: {what}", self.name);
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `98 MB`, `2.02 GB`: as download pages write it.
fn human_size(bytes: u64) -> String {
    const MEGA: u64 = 1_000_000;
    if bytes < 500 * MEGA {
        return format!("{} MB", bytes.div_ceil(MEGA));
    }
    let hundredths = (bytes + 5 * MEGA) / (10 * MEGA);
    format!("{}.{:02} GB", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(configured: &[(&str, &str)], json: bool, present: &[&str]) -> String {
        let dir = tempfile::tempdir().unwrap();
        for file in present {
            std::fs::write(dir.path().join(file), b"GGUF").unwrap();
        }
        let mut out = Vec::new();
        list(dir.path(), configured, json, &mut out).unwrap();
        String::from_utf8(out).unwrap().replace(&dir.path().display().to_string(), "DIR")
    }

    #[test]
    fn the_table_says_what_is_missing_and_how_to_get_it() {
        let table = printed(
            &[("chat", "smollm2-135m-instruct"), ("explain", "hf:a/b/c.gguf")],
            false,
            &["SmolLM2-135M-Instruct.Q4_1.gguf"],
        );
        let line =
            |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{table}"));
        assert!(line("smollm2").contains("Apache-2.0"), "{table}");
        assert!(line("smollm2").ends_with("chat     DIR/SmolLM2-135M-Instruct.Q4_1.gguf"), "{table}");
        assert!(line("llama-3.2-3b").contains("2.02 GB"), "{table}");
        assert!(line("llama-3.2-3b").ends_with("missing: hearthd models pull llama-3.2-3b-instruct"), "{table}");
        assert!(line("c ").ends_with("explain  missing: hearthd models pull hf:a/b/c.gguf"), "{table}");
    }

    #[test]
    fn a_model_of_both_tiers_is_listed_once_and_a_wrong_name_with_its_cause() {
        let table = printed(&[("chat", "fake:x"), ("explain", "fake:x")], false, &[]);
        assert_eq!(table.matches("fake:x").count(), 2, "name and place in one row: {table}");
        assert!(table.contains("chat, explain"), "{table}");
        let table = printed(&[("chat", "smolm2-135m-instruct")], false, &[]);
        assert!(table.contains("did you mean `smollm2-135m-instruct`?"), "{table}");
    }

    #[test]
    fn json_is_for_programs() {
        let rows: serde_json::Value = serde_json::from_str(&printed(&[("chat", "./own.gguf")], true, &[])).unwrap();
        let own = rows.as_array().unwrap().last().unwrap();
        assert_eq!(own["name"], "own");
        assert_eq!(own["present"], false);
        assert_eq!(own["tiers"][0], "chat");
        assert_eq!(own["pull"], serde_json::Value::Null);
        assert_eq!(rows[0]["size"], 98_362_432);
        assert_eq!(rows[0]["format"], "Q4_1");
    }

    #[test]
    fn sizes_read_as_on_download_pages() {
        assert_eq!(human_size(98_362_432), "99 MB");
        assert_eq!(human_size(808_000_000), "0.81 GB");
        assert_eq!(human_size(2_020_000_000), "2.02 GB");
        assert_eq!(human_size(4), "1 MB");
    }
}
