//! One seed, from its first throw to the checks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::check::check;
use crate::errors::Errors;
use crate::shop::Shop;
use crate::world::World;
use crate::{Breach, Dice, Record, Scenario, Trace};

/// What came of a seed.
#[derive(Debug, Default)]
pub struct Played {
    /// What it left behind.
    pub record: Record,
    /// What happened, if it was to be kept.
    pub trace: Trace,
    /// Promises that were broken.
    pub breaches: Vec<Breach>,
}

/// Plays `seed`, and checks what it leaves behind.
pub fn play(seed: u64, keeps_trace: bool) -> Played {
    let mut dice = Dice::new(seed);
    let shop = Shop::new(&mut dice);
    let scenario = Scenario::new(&mut dice.fork(), &shop);
    play_scenario(dice, scenario, shop, keeps_trace)
}

/// Plays `scenario` with `shop`, and checks what it leaves behind.
pub fn play_scenario(dice: Dice, scenario: Scenario, shop: Shop, keeps_trace: bool) -> Played {
    let errors = Errors::default();
    let playing = || World::new(dice, scenario, shop, Trace::new(keeps_trace)).play();
    let played = tracing::subscriber::with_default(errors.clone(), || catch_unwind(AssertUnwindSafe(playing)));
    let (mut record, trace) = match played {
        Ok(played) => played,
        Err(panic) => {
            let breaches = vec![Breach::new("R1", 0, format!("it panicked: {}", words(&panic)))];
            return Played { breaches, ..Played::default() };
        }
    };
    let heard = errors.heard().into_iter().map(|error| Breach::new("R1", 0, format!("an error of its own: {error}")));
    record.breaches.extend(heard);
    let breaches = check(&record);
    Played { record, trace, breaches }
}

fn words(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
