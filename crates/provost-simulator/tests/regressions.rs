//! Seeds that once showed a fault of Provost's: each stays mended.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use provost_simulator::{Failure, play};

const SEEDS: &str = include_str!("../regressions.txt");

#[test]
fn every_seed_that_ever_failed_is_mended() {
    let lines = SEEDS.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let seeds: Vec<u64> = lines.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        let breaches = play(seed, false).breaches;
        assert!(breaches.is_empty(), "{}", Failure { seed, breaches }.report());
    }
}
