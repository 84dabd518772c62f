//! Defences taken out: the simulator finds each of them missing.

use std::collections::BTreeSet;

use provost_simulator::{Dice, Fault, MINUTE, Scenario, Shop, Weakness, play_scenario};

/// The promises that are broken over some seeds in which the reconciler is often killed and `weakness` holds.
fn broken(weakness: Option<Weakness>) -> BTreeSet<&'static str> {
    let mut broken = BTreeSet::new();
    for seed in 0..12 {
        let fields = [("image", "\"job:1\""), ("schedule", "{every: 50s}"), ("timeout", "10m")];
        let scenario = Scenario {
            fatal: 0.1,
            faulty: 0.1,
            faults: vec![Fault::ReplyLost],
            weakness,
            ..Scenario::calm("2026-11-20T12:00:00Z".parse().unwrap(), 30 * MINUTE)
        };
        let played = play_scenario(Dice::new(seed), scenario, Shop::of_one("often", &fields), false);
        broken.extend(played.breaches.iter().map(|breach| breach.promise));
    }
    broken
}

#[test]
fn with_every_defence_in_place_no_promise_is_broken() {
    assert_eq!(broken(None), BTreeSet::new());
}

#[test]
fn a_store_that_does_not_wait_for_the_disk_is_found_out() {
    let broken = broken(Some(Weakness::StoreForgets));
    assert!(broken.contains("D2") || broken.contains("R9"), "{broken:?}");
}

#[test]
fn acting_before_the_intent_is_durable_is_found_out() {
    let broken = broken(Some(Weakness::ActsFirst));
    assert!(broken.contains("D2") || broken.contains("R9") || broken.contains("C4"), "{broken:?}");
}

#[test]
fn an_engine_that_starts_again_what_has_ended_is_found_out() {
    let broken = broken(Some(Weakness::StartsAgain));
    assert!(broken.contains("D2"), "{broken:?}");
}
