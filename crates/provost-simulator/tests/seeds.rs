//! Seeds that nobody has seen fail: every promise is kept in each of them.

use provost_simulator::{Failure, play_many};

/// How many seeds are played where `PROVOST_SEEDS` does not say: some. Thousands are for `scripts/reliability seeds`.
const SEEDS: u64 = 60;

#[test]
fn every_promise_is_kept_whatever_goes_wrong() {
    let seeds = std::env::var("PROVOST_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(SEEDS);
    let (figures, failures) = play_many(0..seeds, |_| {});
    let reports: String = failures.iter().take(10).map(Failure::report).collect();
    assert!(failures.is_empty(), "{} of {seeds} seeds fail\n{reports}", failures.len());
    assert_eq!(figures.seeds, seeds);
    // Faults of every kind were there.
    let kinds = figures.faults.len();
    assert!(seeds < 200 || kinds >= 23, "only {kinds} kinds of fault came: {:?}", figures.faults.keys());
}
