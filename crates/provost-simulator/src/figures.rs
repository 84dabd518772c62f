//! What is counted, over one seed or many.

use std::collections::BTreeMap;
use std::ops::AddAssign;

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many seeds.
    pub seeds: u64,
    /// Simulated time, in milliseconds.
    pub simulated_ms: u64,
    /// How many facts were recorded.
    pub facts: u64,
    /// How many containers started.
    pub starts: u64,
    /// How often the core was asked.
    pub steps: u64,
    /// How often the reconciler was started again after it was killed.
    pub crashes: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Figures {
    /// Counts one fault of `kind`.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Simulated time, in days.
    pub fn days(&self) -> f64 {
        self.simulated_ms as f64 / 86_400_000.0
    }
}

impl AddAssign<&Figures> for Figures {
    fn add_assign(&mut self, other: &Figures) {
        self.seeds += other.seeds;
        self.simulated_ms += other.simulated_ms;
        self.facts += other.facts;
        self.starts += other.starts;
        self.steps += other.steps;
        self.crashes += other.crashes;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}
