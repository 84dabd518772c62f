//! kill -9 at random instants, again and again, while due times keep coming.

use std::env;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::common::{Shop, server};
use crate::evidence::{Sightings, hook, job};
use crate::ledger::{Ledger, check_output};

/// What the long job prints, while it is orphaned again and again.
const LINES: usize = 250;

/// Random instants from a seed: SplitMix64.
/// Source: <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// How long a process lives: mostly less than a start takes, sometimes long enough to get something done.
    fn life(&mut self) -> Duration {
        let most = if self.next().is_multiple_of(4) { 2_000 } else { 600 };
        Duration::from_millis(self.next() % most)
    }
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.policy(
        "house",
        json!({
            "select": {"names": ["hooked"]},
            "hooks": [hook("before", "run.starting"), hook("after", "run.finished")],
        }),
    );
    shop.automation("tick", job(Some("2s"), &[], json!({"catchUp": "All", "concurrencyPolicy": "Allow"})));
    shop.automation("hooked", job(Some("7s"), &["--sleep", "0.2"], json!({})));
    shop.automation("flaky", job(Some("11s"), &["--exit", "3"], json!({"retries": {"limit": 2, "backoff": "1s"}})));
    shop.automation("long", job(Some("30s"), &["--sleep", "25", "--lines", &LINES.to_string()], json!({})));
    shop
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
fn d1_d2_r9_hundreds_of_kills_lose_nothing_and_start_nothing_twice() {
    let (kills, seed) = (number("PROVOST_KILLS", 200), number("PROVOST_SEED", 1));
    let mut dice = Dice(seed);
    let shop = shop();
    let mut server = server(&shop);
    server.has("long");
    server.begun("long");
    let mut sightings = Sightings::default();
    for _ in 0..kills {
        server.process.kill9();
        server.process.begin();
        sightings.look(&server);
        sleep(dice.life());
    }
    server.process.answers();
    let ledger = Ledger::settled(&server, &["tick", "hooked", "flaky", "long"]);
    println!(
        "kills: {kills} (seed {seed}), due times: {}, runs: {}, main containers: {}, seen running over kills: {}",
        [("tick", 2), ("hooked", 7), ("flaky", 11), ("long", 30)]
            .map(|(name, seconds)| ledger.check_due_times(name, seconds))
            .iter()
            .sum::<u64>(),
        ledger.runs.len(),
        ledger.evidence.mains(),
        sightings.count(),
    );
    ledger.check_runs();
    // The engine was there all the time: nothing is lost, and everything ran to the end that it was made for.
    for (automation, outcome, attempts) in
        [("tick", "Succeeded", 1), ("hooked", "Succeeded", 1), ("flaky", "Failed", 3), ("long", "Succeeded", 1)]
    {
        let runs = ledger.runs_of(automation);
        assert!(!runs.is_empty(), "{automation} never ran");
        for run in runs {
            assert_eq!((&run["outcome"], &run["attempts"]), (&json!(outcome), &json!(attempts)), "{run}");
        }
    }
    for run in ledger.runs_of("hooked") {
        let id = run["run"].as_str().unwrap();
        for step in ["run.starting-house.before", "run.finished-house.after"] {
            assert_eq!(ledger.end_of(id, step), Some(0), "{step} of {run}");
        }
    }
    for run in ledger.runs_of("long") {
        check_output(&server, run, LINES);
    }
}
