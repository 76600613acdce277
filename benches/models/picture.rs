//! The tiers' times as a picture: from the question to the first words, and to the last.
//!
//! On a logarithmic scale, since a device command takes a thousandth of what an explanation takes. No background, and
//! colours that can be read on white and on black alike.

use std::path::Path;

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Text};
use plotters::prelude::{
    ChartBuilder, Color, DrawingArea, IntoDrawingArea, IntoFont, IntoLogRange, RGBColor, SVGBackend, ShapeStyle,
    TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Failure;

const SIZE: (u32, u32) = (760, 320);
const TEXT: RGBColor = RGBColor(0x80, 0x80, 0x80);
const OURS: RGBColor = RGBColor(0xe0, 0x6c, 0x1f);
const THEIRS: RGBColor = RGBColor(0x4a, 0x8c, 0xd8);
const FONT: &str = "sans-serif";
/// Milliseconds of the picture's edges; what is slower widens it.
const EDGES: (f64, f64) = (0.1, 50_000.0);
/// A line's place between two heights.
const LINE: f64 = 0.28;

/// One tier, in milliseconds: ours, and llama-server's where it has such a tier.
pub(crate) struct Time {
    pub(crate) name: String,
    pub(crate) first: (f64, Option<f64>),
    pub(crate) total: (f64, Option<f64>),
}

impl Time {
    pub(crate) fn ours(name: &str, first: f64, total: f64) -> Self {
        Self { name: name.to_owned(), first: (first, None), total: (total, None) }
    }
}

/// All tiers.
pub(crate) struct Times {
    /// What they were measured on.
    pub(crate) about: String,
    pub(crate) times: Vec<Time>,
}

/// One line of the picture.
struct Span {
    colour: RGBColor,
    first: f64,
    total: f64,
    height: f64,
}

pub(crate) fn draw(times: &Times, file: &Path) -> Result<(), Failure> {
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    title(&root, times)?;
    let tiers = u32::try_from(times.times.len())?;
    let slowest = times.times.iter().flat_map(|time| [Some(time.total.0), time.total.1]).flatten();
    let right = slowest.fold(EDGES.1, |right, total| right.max(total * 2.0));
    let mut chart = ChartBuilder::on(&root)
        .margin_top(58)
        .margin_left(200)
        .margin_right(30)
        .margin_bottom(6)
        .x_label_area_size(36)
        .build_cartesian_2d((EDGES.0..right).log_scale(), f64::from(tiers)..0.0)?;
    chart
        .configure_mesh()
        .disable_y_axis()
        .disable_y_mesh()
        .x_labels(6)
        .x_label_formatter(&|time| duration(*time))
        .label_style((FONT, 16).into_font().color(&TEXT))
        .axis_style(TEXT)
        .bold_line_style(TEXT.mix(0.3))
        .light_line_style(TEXT.mix(0.0))
        .draw()?;
    let area = chart.plotting_area();
    for span in spans(times) {
        let Span { colour, first, total, height, .. } = span;
        let style = ShapeStyle { color: colour.to_rgba(), filled: true, stroke_width: 3 };
        area.draw(&PathElement::new(vec![(first, height), (total, height)], style))?;
        area.draw(&Circle::new((first, height), 6, colour.filled()))?;
        area.draw(&Circle::new((total, height), 4, colour.filled()))?;
        // Ours above its line, theirs below; side by side where the dots are as good as one.
        let (side, aside) = if colour == OURS { (VPos::Bottom, -0.07) } else { (VPos::Top, 0.07) };
        let (left, right) = if total / first < 8.0 { (HPos::Right, HPos::Left) } else { (HPos::Center, HPos::Center) };
        area.draw(&Text::new(duration(first), (first, height + aside), label(16, colour, left, side)))?;
        area.draw(&Text::new(duration(total), (total, height + aside), label(16, colour, right, side)))?;
    }
    for (place, time) in times.times.iter().enumerate() {
        let height = chart.backend_coord(&(EDGES.0, f64::from(u32::try_from(place)?) + 0.5)).1;
        root.draw(&Text::new(time.name.clone(), (190, height), label(17, TEXT, HPos::Right, VPos::Center)))?;
    }
    root.present()?;
    Ok(())
}

fn spans(times: &Times) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut middle = 0.5;
    for time in &times.times {
        let theirs = time.first.1.zip(time.total.1);
        let apart = if theirs.is_some() { LINE / 2.0 } else { 0.0 };
        let ours = (time.first.0, time.total.0);
        let lines = [(Some(ours), OURS, middle - apart), (theirs, THEIRS, middle + apart)];
        for (line, colour, height) in lines {
            if let Some((first, total)) = line {
                spans.push(Span { colour, first, total, height });
            }
        }
        middle += 1.0;
    }
    spans
}

/// What the picture shows, and whose the colours are.
fn title(root: &DrawingArea<SVGBackend<'_>, Shift>, times: &Times) -> Result<(), Failure> {
    let heading = "From the question to the first words (large dot) and to the last (small dot)";
    root.draw(&Text::new(heading, (20, 10), label(19, TEXT, HPos::Left, VPos::Top)))?;
    root.draw(&Text::new(times.about.clone(), (20, 32), label(15, TEXT, HPos::Left, VPos::Top)))?;
    for (name, colour, place) in [("hearthd", OURS, 560), ("llama-server", THEIRS, 640)] {
        root.draw(&Circle::new((place, 39), 5, colour.filled()))?;
        root.draw(&Text::new(name, (place + 10, 32), label(16, colour, HPos::Left, VPos::Top)))?;
    }
    Ok(())
}

fn label(size: u32, colour: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let mut style = TextStyle::from((FONT, size).into_font()).pos(Pos::new(horizontal, vertical));
    style.color = colour.to_backend_color();
    style
}

/// Milliseconds as people say them.
fn duration(milliseconds: f64) -> String {
    match milliseconds {
        time if time >= 9_950.0 => format!("{:.0} s", time / 1e3),
        time if time >= 995.0 => format!("{:.1} s", time / 1e3).replace(".0 ", " "),
        time if time >= 9.95 => format!("{time:.0} ms"),
        time => format!("{time:.1} ms").replace(".0 ", " "),
    }
}
