//! Many seeds, on all cores.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{Breach, Figures, play};

/// A seed that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What it broke; at least one.
    pub breaches: Vec<Breach>,
}

impl Failure {
    /// What failed, and the command that replays it.
    pub fn report(&self) -> String {
        let seed = self.seed;
        let line = |breach: &Breach| format!("seed {seed} breaks {}: {}\n", breach.promise, breach.what);
        let lines: String = self.breaches.iter().take(3).map(line).collect();
        format!("{lines}    replay: cargo run -p provost-simulator -- --seed {seed} --trace\n")
    }
}

/// Plays `seeds` on all cores, tells of each that fails as soon as it does, and returns the figures and all failures.
pub fn play_many(seeds: Range<u64>, tell: impl Fn(&Failure) + Sync) -> (Figures, Vec<Failure>) {
    let next = AtomicU64::new(seeds.start);
    let results = Mutex::new((Figures::default(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let played = play(seed, false);
            let failure = (!played.breaches.is_empty()).then_some(Failure { seed, breaches: played.breaches });
            failure.iter().for_each(&tell);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.0 += &played.record.figures;
            results.1.extend(failure);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (figures, mut failures) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(|failure| failure.seed);
    (figures, failures)
}
