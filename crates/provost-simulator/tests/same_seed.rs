//! The same seed twice is the same, line by line.

use provost_simulator::play;

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in 0..8 {
        let (first, second) = (play(seed, true), play(seed, true));
        let differs = first.trace.lines().iter().zip(second.trace.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.trace.lines().len(), second.trace.lines().len(), "seed {seed}");
        assert_eq!(first.trace.digest(), second.trace.digest(), "seed {seed}");
    }
}

#[test]
fn seeds_differ_and_keeping_the_trace_changes_nothing() {
    let (one, other) = (play(1, true), play(2, true));
    assert_ne!(one.trace.digest(), other.trace.digest());
    assert_eq!(play(1, false).record.figures, one.record.figures);
}
