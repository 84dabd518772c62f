//! Defences taken out: the simulator finds each of them missing.

use std::collections::BTreeSet;

use provost_simulator::{Dice, Fault, MINUTE, Scenario, Shop, Weakness, play_scenario};

/// The promises that are broken in a seed in which the reconciler is often killed and `weakness` holds.
fn broken(seed: u64, weakness: Option<Weakness>) -> BTreeSet<&'static str> {
    let fields = [("image", "\"job:1\""), ("schedule", "{every: 50s}"), ("timeout", "10m")];
    let scenario = Scenario {
        fatal: 0.1,
        faulty: 0.1,
        faults: vec![Fault::ReplyLost],
        weakness,
        ..Scenario::calm("2026-11-20T12:00:00Z".parse().unwrap(), 30 * MINUTE)
    };
    let played = play_scenario(Dice::new(seed), scenario, Shop::of_one("often", &fields), false);
    played.breaches.iter().map(|breach| breach.promise).collect()
}

/// Plays seeds until one of `promises` is broken.
fn is_found_out(weakness: Weakness, promises: &[&str]) {
    let found = (0..200).any(|seed| broken(seed, Some(weakness)).iter().any(|promise| promises.contains(promise)));
    assert!(found, "none of {promises:?} is ever broken");
}

#[test]
fn with_every_defence_in_place_no_promise_is_broken() {
    for seed in 0..12 {
        assert_eq!(broken(seed, None), BTreeSet::new(), "seed {seed}");
    }
}

#[test]
fn a_store_that_does_not_wait_for_the_disk_is_found_out() {
    is_found_out(Weakness::StoreForgets, &["D2", "R9", "C4"]);
}

#[test]
fn acting_before_the_intent_is_durable_is_found_out() {
    is_found_out(Weakness::ActsFirst, &["D2", "R9", "C4"]);
}
