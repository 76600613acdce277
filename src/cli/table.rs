//! Tables for people: columns as wide as their widest cell.

use std::io::{self, Write};

/// Writes the rows; the last column is as wide as it is, and one may end its cells in one line, as numbers do.
///
/// # Errors
/// The output cannot be written.
pub(super) fn write<const COLUMNS: usize>(
    rows: &[[String; COLUMNS]],
    numbers: Option<usize>,
    out: &mut impl Write,
) -> io::Result<()> {
    let widths: Vec<usize> =
        (0..COLUMNS).map(|column| rows.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0)).collect();
    for cells in rows {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let is_number = numbers == Some(column);
            let cell = if is_number { format!("{cell:>width$}  ") } else { format!("{cell:width$}  ") };
            line.push_str(&cell);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
