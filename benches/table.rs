//! The table, and its JSON.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Figures with their floors.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    figure: f64,
    floor: f64,
    unit: &'static str,
    floor_is: &'static str,
}

impl Table {
    /// Adds a figure, and the floor that was measured beside it.
    pub fn row(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        figure: f64,
        floor: f64,
        floor_is: &'static str,
    ) {
        let what = what.into();
        eprintln!("{what}: {figure:.3} {unit} (floor {floor:.3})");
        self.rows.push(Row { what, figure, floor, unit, floor_is });
    }

    /// Writes the table as JSON beside other build products, and says where.
    pub fn write(&self) -> Option<PathBuf> {
        let row = |row: &Row| json!({"what": row.what, "figure": row.figure, "floor": row.floor, "unit": row.unit, "floorIs": row.floor_is});
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let path = provost_testkit::workspace().join("target").join("bench.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&rows).ok()?).ok()?;
        Some(path)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | figure | floor | ratio | the floor is |\n|---|---|---|---|---|")?;
        for row in &self.rows {
            let ratio = row.figure / row.floor;
            let (figure, floor, unit) = (row.figure, row.floor, row.unit);
            writeln!(f, "| {} | {figure:.2} {unit} | {floor:.2} {unit} | {ratio:.1} | {} |", row.what, row.floor_is)?;
        }
        Ok(())
    }
}

/// The median of `times` tries of `work`, in milliseconds.
pub fn median_ms<T>(times: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut tries: Vec<Duration> = (0..times)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(work());
            begun.elapsed()
        })
        .collect();
    tries.sort();
    tries[times / 2].as_secs_f64() * 1000.0
}

/// The value below which `share` (0 to 1) of `values` lie.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = ((values.len() as f64 - 1.0) * share).round();
    values[index as usize]
}
