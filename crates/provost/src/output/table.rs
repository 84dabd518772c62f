//! Tables for people: columns as wide as their widest cell, two spaces between them, no lines.

use super::{Text, Tone};

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its head, in capitals.
    pub title: &'static str,
    /// It is shown with `-o wide` only.
    pub wide: bool,
}

impl Column {
    /// A column that is always shown.
    pub const fn new(title: &'static str) -> Self {
        Self { title, wide: false }
    }

    /// A column that is shown with `-o wide` only.
    pub const fn wide(title: &'static str) -> Self {
        Self { title, wide: true }
    }
}

/// Lays `rows` out below the titles; a column that is empty in every row is left out.
pub fn layout(columns: &[Column], rows: &[Vec<Text>], wide: bool) -> Vec<Text> {
    let shown: Vec<usize> = (0..columns.len())
        .filter(|&index| wide || !columns[index].wide)
        .filter(|&index| rows.iter().any(|row| row.get(index).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let titles: Vec<Text> = columns.iter().map(|column| Text::toned(Tone::Dim, column.title)).collect();
    let lines = || std::iter::once(&titles).chain(rows);
    let width = |index: usize| lines().filter_map(|row| row.get(index)).map(Text::width).max().unwrap_or(0);
    let widths: Vec<usize> = shown.iter().map(|&index| width(index)).collect();
    lines().map(|row| line(row, &shown, &widths)).collect()
}

fn line(row: &[Text], shown: &[usize], widths: &[usize]) -> Text {
    let mut line = Text::default();
    let mut gap = 0;
    for (&index, &width) in shown.iter().zip(widths) {
        let cell = row.get(index).cloned().unwrap_or_default();
        if cell.is_empty() {
            gap += width + 2;
            continue;
        }
        // Spaces are written before a cell and never behind the last one.
        let filled = cell.width();
        line = line.plus(" ".repeat(gap)).join(cell);
        gap = width - filled + 2;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(wide: bool) -> Vec<String> {
        let columns = [Column::new("NAME"), Column::new("EMPTY"), Column::new("STATE"), Column::wide("MORE")];
        let row = |cells: [&str; 4]| cells.iter().map(|cell| Text::from(*cell)).collect();
        let rows = [row(["a", "", "✓ ok", "x"]), row(["a-long-name", "", "", "y"])];
        layout(&columns, &rows, wide).iter().map(Text::plain).collect()
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        assert_eq!(table(false), ["NAME         STATE", "a            ✓ ok", "a-long-name"]);
    }

    #[test]
    fn wide_shows_more() {
        assert_eq!(table(true), ["NAME         STATE  MORE", "a            ✓ ok   x", "a-long-name         y"]);
    }
}
