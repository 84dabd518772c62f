//! What happened, line by line.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;

/// Milliseconds since the seed began: elapsed time, which no clock step changes.
pub type Time = i64;

/// The trace of one seed.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Vec<String>,
    count: usize,
    is_kept: bool,
}

impl Trace {
    /// A trace that keeps its lines, or only counts them.
    pub fn new(is_kept: bool) -> Self {
        Self { is_kept, ..Self::default() }
    }

    /// Writes one line and returns its number, from 1. Without a trace being kept, `what` is never asked.
    pub fn say(&mut self, at: Time, wall: Timestamp, what: impl FnOnce() -> String) -> usize {
        self.count += 1;
        if self.is_kept {
            let line = format!("{:>6} {:>12.3} {} {}", self.count, at as f64 / 1e3, wall.strftime("%FT%T%.3f"), what());
            self.lines.push(line);
        }
        self.count
    }

    /// The lines that were kept.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// A digest of all lines.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.lines.hash(&mut hasher);
        hasher.finish()
    }
}
