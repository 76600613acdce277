//! Figures beside figures, and whether a bar is met.

use serde_json::{Value, json};

use crate::figures::median;
use crate::rows::{Outcome, Row};
use crate::scene::Scene;

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    fn met(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("at most {most}"),
            Self::AtLeast(least) => format!("at least {least}"),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: Option<f64>,
    pub(crate) theirs: Option<f64>,
    pub(crate) ratio: Option<f64>,
    /// The figure that is judged, and by what.
    pub(crate) bar: Option<(f64, Bar)>,
    pub(crate) note: String,
}

impl Line {
    /// A figure of ours without a peer.
    pub(crate) fn alone(what: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self { what: what.into(), unit, ours: Some(ours), ..Self::default() }
    }

    pub(crate) fn barred(self, figure: f64, bar: Bar) -> Self {
        Self { bar: Some((figure, bar)), ..self }
    }

    pub(crate) fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    fn judgement(&self) -> String {
        match self.bar {
            Some((figure, bar)) => format!("{}: {}", bar.text(), if bar.met(figure) { "met" } else { "MISSED" }),
            None => String::new(),
        }
    }

    fn json(&self, row: &str) -> Value {
        let (bar, met) = match self.bar {
            Some((figure, bar)) => (Some(bar.text()), Some(bar.met(figure))),
            None => (None, None),
        };
        json!({
            "row": row, "what": self.what, "unit": self.unit, "ours": self.ours, "theirs": self.theirs,
            "ratio": self.ratio, "bar": bar, "met": met, "note": self.note,
        })
    }
}

/// Figures of both, round by round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) ours: Vec<f64>,
    pub(crate) theirs: Vec<f64>,
}

impl Pairs {
    /// Takes a figure; round 0 only warms up.
    pub(crate) fn push(&mut self, round: usize, ours: bool, figure: f64) {
        match (round, ours) {
            (0, _) => {}
            (_, true) => self.ours.push(figure),
            (_, false) => self.theirs.push(figure),
        }
    }

    /// The median of the rounds' ratios.
    pub(crate) fn ratio(&self) -> f64 {
        let ratios: Vec<f64> = self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect();
        median(&ratios)
    }

    pub(crate) fn line(&self, what: impl Into<String>, unit: &'static str) -> Line {
        Line {
            ours: Some(median(&self.ours)),
            theirs: Some(median(&self.theirs)),
            ratio: Some(self.ratio()),
            ..Line::alone(what, unit, f64::NAN)
        }
    }

    /// A line whose ratio has to be something.
    pub(crate) fn judged(&self, what: impl Into<String>, unit: &'static str, bar: Bar) -> Line {
        self.line(what, unit).barred(self.ratio(), bar)
    }
}

/// A figure with as many places as are of use.
fn short(figure: Option<f64>) -> String {
    match figure {
        None => "–".to_owned(),
        Some(figure) if figure.abs() >= 100.0 => format!("{figure:.0}"),
        Some(figure) if figure.abs() >= 10.0 => format!("{figure:.1}"),
        Some(figure) => format!("{figure:.2}"),
    }
}

pub(crate) fn print(row: &Row, lines: &[Line]) {
    println!("\n{:<64} {:>9} {:>9} {:>7}", row.name, "ours", row.theirs, "ratio");
    for line in lines {
        let what = if line.unit.is_empty() { line.what.clone() } else { format!("{} ({})", line.what, line.unit) };
        let ratio = line.ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"));
        let [ours, theirs] = [line.ours, line.theirs].map(short);
        println!("  {what:<62} {ours:>9} {theirs:>9} {ratio:>7}  {}", line.judgement());
        if !line.note.is_empty() {
            println!("      {}", line.note);
        }
    }
}

/// All figures for programs.
pub(crate) fn json(scene: &Scene, results: &[(&Row, Outcome)]) -> String {
    let lines: Vec<Value> =
        results.iter().flat_map(|(row, outcome)| outcome.lines.iter().map(|line| line.json(row.name))).collect();
    let run = json!({
        "run": scene.machine(), "rounds": scene.rounds, "threads": scene.threads, "formats": scene.formats,
        "lines": lines,
    });
    format!("{run:#}\n")
}
