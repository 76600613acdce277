//! YAML with positions: the one way any YAML file of ours is read.
//!
//! Text comes in, typed values and [`Problem`]s go out, all problems of a file at once and each with the line and column
//! where it stands. It opens no file, and it refuses what would take too long (size, nesting, aliases) before parsing.

mod read;
mod tree;
mod wording;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

use tree::Node;

pub use wording::nearest;

/// Bytes a file may have.
pub const MAX_BYTES: usize = 256 * 1024;
/// Bytes a JSON file may have; its parser takes no longer for a deep one than for a flat one.
pub const MAX_JSON_BYTES: usize = 4 * 1024 * 1024;
/// Lists and mappings that may stand inside each other: the parser's time grows with the square of it.
pub const MAX_DEPTH: usize = 64;
/// Values a file may have once its aliases are written out.
pub const MAX_NODES: usize = 200_000;

/// Something wrong in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file as it was named to us.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, in words a person can act on.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// Where a file begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A file's values and where each of them stands.
#[derive(Clone, Debug)]
pub struct Document {
    file: String,
    value: Value,
    tree: Node,
    duplicates: Vec<Problem>,
}

impl Document {
    /// Parses one file; nothing in it, or comments only, is an empty mapping.
    ///
    /// # Errors
    /// The [`Problem`] that keeps the file from being read at all: its size, its nesting, its syntax.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let problem =
            |at: Place, message: String| Problem { file: file.to_owned(), line: at.line, column: at.column, message };
        if text.len() > MAX_BYTES {
            let message = format!("the file is larger than {} KiB; split it into several", MAX_BYTES / 1024);
            return Err(problem(Place::START, message));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let outline = tree::outline(text).map_err(|(at, message)| problem(at, message))?;
        let read::Lenient(value) = serde_yaml::from_str(text).map_err(|error| {
            let at = error.location().map_or(Place::START, |at| Place { line: at.line(), column: at.column() });
            problem(at, wording::without_location(&error.to_string()))
        })?;
        let value = if value.is_null() { Value::Mapping(Mapping::new()) } else { value };
        let duplicates = outline
            .duplicates
            .into_iter()
            .map(|(at, key)| problem(at, format!("the key `{key}` stands here a second time")))
            .collect();
        Ok(Self { file: file.to_owned(), value, tree: outline.root, duplicates })
    }

    /// Reads a JSON file, such as Home Assistant's merged intents; problems with its values have no place of their own.
    ///
    /// # Errors
    /// The [`Problem`] that keeps the file from being read at all.
    pub fn parse_json(file: &str, text: &str) -> Result<Self, Problem> {
        let problem = |line, column, message| Problem { file: file.to_owned(), line, column, message };
        if text.len() > MAX_JSON_BYTES {
            return Err(problem(1, 1, format!("the file is larger than {} MiB", MAX_JSON_BYTES / (1024 * 1024))));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            problem(error.line().max(1), error.column().max(1), format!("this is no JSON: {error}"))
        })?;
        Ok(Self { file: file.to_owned(), value, tree: Node::start(), duplicates: Vec::new() })
    }

    /// The values, to lay others over them before [`Self::read`].
    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    /// Reads the values as `T`, and everything that is wrong with them at once.
    ///
    /// What cannot be read is left out and the rest read again, so that `T` is there wherever its defaults allow; with
    /// problems beside it, it is only good for finding more of them.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Problem>) {
        let (read, _, problems) = self.clone().into_read();
        (read, problems)
    }

    /// As [`Self::read`], and gives back the document without what could not be read, so that paths into it fit `T`.
    #[must_use]
    pub fn into_read<T: DeserializeOwned>(mut self) -> (Option<T>, Self, Vec<Problem>) {
        let mut problems = std::mem::take(&mut self.duplicates);
        let read = read::all(&mut self.value, &mut self.tree, &mut |at, message| {
            problems.push(Problem { file: self.file.clone(), line: at.line, column: at.column, message });
        });
        problems.sort();
        (read, self, problems)
    }

    /// Where the value at a path stands (list indices are written as numbers), or the nearest one above it.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Place {
        self.tree.place(path)
    }

    /// A problem with the value at a path.
    #[must_use]
    pub fn problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let at = self.place(path);
        Problem { file: self.file.clone(), line: at.line, column: at.column, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
