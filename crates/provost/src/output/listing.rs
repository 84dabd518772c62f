//! Lists of things, in every format of `-o`.

use serde_json::Value;

use super::{Column, Format, Output, Text, layout};
use crate::exit::Failure;

/// A list of things of one kind.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The columns of the table.
    pub columns: Vec<Column>,
    /// The things.
    pub rows: Vec<Row>,
    /// Said on stderr, for people, when there is nothing in the list.
    pub when_empty: String,
}

/// One thing.
#[derive(Clone, Debug)]
pub struct Row {
    /// What `-o name` prints.
    pub name: String,
    /// A cell for each column.
    pub cells: Vec<Cell>,
    /// What `-o json` and `-o yaml` print.
    pub json: Value,
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: Text,
    exact: Option<String>,
}

impl Cell {
    /// A cell that says `text` to people, and `exact` in CSV.
    pub fn exact(text: impl Into<Text>, exact: impl ToString) -> Self {
        Self { text: text.into(), exact: Some(exact.to_string()) }
    }

    fn csv(&self) -> String {
        let text = self.exact.clone().unwrap_or_else(|| self.text.plain());
        if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    }
}

impl<T: Into<Text>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), exact: None }
    }
}

impl Listing {
    /// Prints the list in `format`.
    pub fn print(&self, output: &mut Output, format: Format) -> Result<(), Failure> {
        match format {
            Format::Table | Format::Wide => self.print_table(output, format == Format::Wide),
            Format::Json | Format::Yaml => {
                let items: Vec<&Value> = self.rows.iter().map(|row| &row.json).collect();
                output.value(&serde_json::json!({ "items": items }), format)
            }
            Format::Name => self.rows.iter().try_for_each(|row| output.line(row.name.as_str())),
            Format::Csv => {
                let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_lowercase()).collect();
                output.line(titles.join(","))?;
                self.rows.iter().try_for_each(|row| {
                    let cells: Vec<String> = row.cells.iter().map(Cell::csv).collect();
                    output.line(cells.join(","))
                })
            }
        }
    }

    fn print_table(&self, output: &mut Output, wide: bool) -> Result<(), Failure> {
        if self.rows.is_empty() {
            return output.note(self.when_empty.as_str());
        }
        let cells: Vec<Vec<Text>> =
            self.rows.iter().map(|row| row.cells.iter().map(|cell| cell.text.clone()).collect()).collect();
        layout(&self.columns, &cells, wide).into_iter().try_for_each(|line| output.line(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_would_break_a_row() {
        assert_eq!(Cell::from("a").csv(), "a");
        assert_eq!(Cell::from("a,\"b\"").csv(), "\"a,\"\"b\"\"\"");
        assert_eq!(Cell::exact("2 minutes ago", 120).csv(), "120");
    }
}
