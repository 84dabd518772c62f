//! Kills between any two steps: R2, D2, R4, and nothing is left behind.

use proptest::prelude::*;
use provost_model::{Automation, Fact, Hook, HookOwner, Moment, Outcome, Recorded, State};

use crate::bench::{Behaviour, Bench, exits, globals, hangs, leaves, locals, ok};
use crate::sample::{
    automation, channel, desired, every, hook, name, on, telling, with_channels, with_hooks, with_server_hooks,
};

fn shop() -> provost_model::Desired {
    let aside = Hook { background: true, ..hook("aside", "run.started") };
    let owned = Hook { owner: HookOwner::Policy { name: name("shop"), order: 1 }, ..hook("announce", "run.starting") };
    let mut tick =
        with_hooks(every("tick", 120), [owned, aside, hook("alarm", "run.failed"), hook("after", "run.finished")]);
    tick.retries.limit = 1;
    tick.timeout_s = 50;
    let mut then = automation("then");
    then.triggers = vec![provost_model::Trigger { from: Some(name("tick")), ..on("run.finished") }];
    let all = desired([telling(tick, Moment::Failure, "ops"), Automation { ..then }]);
    with_server_hooks(
        with_channels(all, [channel("ops")]),
        [hook("check", "server.startup"), hook("pick", "orders.arrived")],
    )
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        3 => (0i64..2, 0u64..40).prop_map(|(code, lasts_s)| exits(code, lasts_s)),
        1 => Just(hangs()),
        1 => Just(Behaviour { is_deaf: true, ..hangs() }),
        1 => Just(leaves(locals(r#"{"a": {"b": 1}}"#))),
        1 => Just(leaves(globals(r#"{"g": 2}"#))),
    ]
}

#[derive(Clone, Debug)]
enum Turn {
    Live(u64),
    Kill(u64),
    /// The engine does not answer for so long.
    Away(u64),
    /// Somebody removes a container.
    Take(usize),
    Fire,
    Stop,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        4 => (1u64..150).prop_map(Turn::Live),
        3 => (0u64..200).prop_map(Turn::Kill),
        1 => (1u64..200).prop_map(Turn::Away),
        1 => (0usize..4).prop_map(Turn::Take),
        1 => Just(Turn::Fire),
        1 => Just(Turn::Stop),
    ];
    proptest::collection::vec(turn, 1..12)
}

fn take(bench: &mut Bench, turn: Turn) {
    match turn {
        Turn::Live(seconds) => {
            bench.wait(seconds);
        }
        Turn::Kill(seconds) => {
            bench.down_for(seconds);
        }
        Turn::Away(seconds) => {
            bench.seen.is_complete = false;
            bench.wait(seconds);
            bench.seen.is_complete = true;
            bench.act();
        }
        Turn::Take(index) => {
            let taken = bench.seen.containers.keys().nth(index).cloned();
            taken.iter().for_each(|container| bench.remove(container));
            bench.act();
        }
        Turn::Fire => {
            bench.fire("orders.arrived", "{}");
        }
        Turn::Stop => {
            let run = bench
                .state
                .runs
                .values()
                .find(|run| run.cancel.is_none() && !run.is_finished())
                .map(|run| run.id.clone());
            run.iter().for_each(|run| {
                bench.stop(run);
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r2_whatever_happens_nothing_is_lost_started_twice_or_left_behind(
        turns in turns(),
        scripts in proptest::collection::vec(proptest::collection::vec(behaviour(), 1..4), 7),
    ) {
        let images = ["tick", "then", "announce", "aside", "alarm", "after", "pick"];
        let mut bench = Bench::new();
        for (image, script) in images.into_iter().zip(scripts) {
            bench.script(image, script);
        }
        bench.apply(shop());
        turns.into_iter().for_each(|turn| take(&mut bench, turn));
        // Nothing becomes due any more, and all that was begun comes to its end.
        bench.apply(with_channels(desired([]), [channel("ops")]));
        bench.wait(3_600);
        bench.assert_clean();

        let mut started: Vec<_> = bench.started.iter().map(|(_, step)| step).collect();
        let all = started.len();
        started.sort();
        started.dedup();
        prop_assert_eq!(started.len(), all, "a step was started twice");
        for run in bench.runs() {
            let run = bench.find(&run);
            let (outcome, _) = run.outcome().unwrap();
            prop_assert!(run.attempts.len() <= 2);
            // R4: where a before-hook or an attempt was begun, the hooks of the end were, too.
            let has_begun = run.steps().any(|step| step.started_at().is_some());
            let ended = run.firing("run.finished").map_or(0, |firing| firing.steps.len());
            prop_assert!(!has_begun || ended == usize::from(run.spec.name.as_str() == "tick"), "{:?}", run);
            // R9: success is never invented.
            let succeeded = run.attempts.last().and_then(|step| step.result()).is_some_and(|result| result.succeeded());
            prop_assert_eq!(outcome == Outcome::Succeeded, succeeded);
        }
        assert_fold(&bench)?;
    }
}

/// The state is the fold of the facts, also after a way through their stored form.
fn assert_fold(bench: &Bench) -> Result<(), TestCaseError> {
    let mut state = State::default();
    for recorded in &bench.log {
        let stored = serde_json::to_string(recorded).unwrap();
        let read: Recorded = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(&read, recorded);
        state.apply(&read).unwrap();
    }
    prop_assert_eq!(&state, &bench.state);
    Ok(())
}

#[test]
fn r2_a_kill_after_every_single_fact_loses_nothing() {
    // How many facts there are when nobody kills anything.
    let play = |kill_at: Option<usize>| {
        let mut bench = Bench::new();
        bench.script("tick", [exits(1, 5), ok()]).script("aside", [exits(0, 20)]).apply_quietly(shop());
        let mut kill_at = kill_at;
        let end = bench.now + jiff::SignedDuration::from_secs(300);
        while bench.now < end {
            if kill_at.is_some_and(|at| bench.log.len() >= at) {
                kill_at = None;
                bench.down_for(1);
            }
            bench.wait(1);
        }
        bench
    };
    let undisturbed = play(None);
    assert!(undisturbed.log.len() > 60);
    for kill_at in (0..undisturbed.log.len()).step_by(4) {
        let bench = play(Some(kill_at));
        let outcome = |bench: &Bench| {
            bench.runs().iter().map(|run| (run.clone(), bench.find(run).outcome().map(|it| it.0))).collect::<Vec<_>>()
        };
        assert_eq!(outcome(&bench), outcome(&undisturbed), "killed after fact {kill_at}");
    }
}

#[test]
fn r2_a_decision_is_recorded_before_its_effect() {
    // No container is started whose intent is not recorded, no run ends that was not accepted.
    let mut bench = Bench::new();
    bench.apply(shop());
    bench.wait(130);
    let mut known = State::default();
    for recorded in &bench.log {
        if let Fact::Run { run, .. } = &recorded.fact {
            assert!(known.runs.contains_key(run), "{run} changed before it was accepted");
        }
        known.apply(recorded).unwrap();
    }
    assert_eq!(known.seq, bench.log.len() as u64);
}
