//! Seeds that nobody has seen fail: every promise is kept in each of them.

use provost_simulator::{Failure, play_many};

/// How many seeds are played: some. Thousands are for `scripts/reliability seeds`, which is quicker at it.
const SEEDS: u64 = 60;

#[test]
fn every_promise_is_kept_whatever_goes_wrong() {
    let (figures, failures) = play_many(0..SEEDS, |_| {});
    let reports: String = failures.iter().take(10).map(Failure::report).collect();
    assert!(failures.is_empty(), "{} of {SEEDS} seeds fail\n{reports}", failures.len());
    assert_eq!(figures.seeds, SEEDS);
    // Faults of every kind were there.
    let kinds = figures.faults.len();
    assert!(kinds >= 23, "only {kinds} kinds of fault came: {:?}", figures.faults.keys());
}
