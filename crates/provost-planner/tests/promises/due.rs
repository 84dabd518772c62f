//! Due times and their outcomes: D1, D2, D4, T5.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use provost_model::{Automation, CatchUp, Cause, ConcurrencyPolicy, DueVerdict, Fact, MissReason, Name, Owner, StepId};
use provost_schedule::{Keep, Schedule, due_times};

use crate::bench::{Behaviour, Bench, exits, hangs, ok};
use crate::sample::{at, automation, cron, desired, every, freeze, name, period};

/// Every due time in `(from, until]` has exactly one outcome, and nothing else has one.
pub fn assert_accounted(bench: &Bench, automation: &Name, schedules: &[Schedule], from: Timestamp, until: Timestamp) {
    let mut expected: BTreeMap<Timestamp, u32> = BTreeMap::new();
    for due in due_times(schedules, from, until, usize::MAX, Keep::First).times {
        expected.insert(due, 0);
    }
    for outcome in bench.outcomes().into_iter().filter(|outcome| outcome.automation == *automation) {
        let range = expected.range_mut(outcome.due..=outcome.last);
        let counted = range.map(|(_, count)| *count += 1).count() as u64;
        assert_eq!(counted, outcome.count, "{outcome:?} counts what is not due");
    }
    let wrong: Vec<_> = expected.iter().filter(|(_, count)| **count != 1).collect();
    assert!(wrong.is_empty(), "{automation}: not exactly one outcome: {wrong:?} of {:#?}", bench.verdicts());
}

#[test]
fn d1_a_due_time_on_time_runs_once() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.wait(150).assert_clean();
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran"]);
    assert_eq!(bench.steps(), ["main.1", "main.1"]);
}

#[test]
fn d1_two_schedules_that_share_a_due_time_run_once() {
    let both = Automation { schedules: vec![period(60), period(120)], ..automation("tick") };
    let mut bench = Bench::with(desired([both]));
    bench.wait(120);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran"]);
}

#[test]
fn d1_each_reason_to_skip_is_named() {
    let mut bench = Bench::new();
    let suspended = Automation { suspend: true, ..every("suspended", 60) };
    let frozen = Automation { freezes: vec![freeze("1 0 * * *")], ..every("frozen", 60) };
    bench.script("busy", [hangs()]).apply(desired([suspended, frozen, every("busy", 60)]));
    bench.wait(120);
    let skipped = |automation: &str| -> Vec<String> {
        let own = bench.outcomes().into_iter().filter(|outcome| outcome.automation == name(automation));
        let detail = |verdict| match verdict {
            DueVerdict::Skipped { reason, detail } => format!("{}: {detail}", reason.word()),
            _ => "ran".to_owned(),
        };
        own.map(|outcome| detail(outcome.verdict)).collect()
    };
    assert_eq!(skipped("suspended"), ["suspended: suspended in its manifest"; 2]);
    assert_eq!(skipped("frozen"), ["frozen: frozen by Policy/shop: release night", "ran"]);
    assert_eq!(skipped("busy"), ["ran", "overlap: run busy.20261120T000100Z has not ended"]);
}

#[test]
fn d1_a_required_parameter_that_no_clock_can_give_is_a_skip_with_its_name() {
    let mut tick = every("tick", 60);
    let param = r#"{"day": {"type": "string", "required": true, "options": []}}"#;
    tick.params = serde_json::from_str(param).unwrap();
    let mut bench = Bench::with(desired([tick]));
    bench.wait(60);
    assert_eq!(bench.verdicts(), ["00:01:00 invalid"]);
}

#[test]
fn d1_a_rule_that_goes_takes_no_due_time_with_it() {
    // Down while two due times pass; then a revision changes the rule before the startup hooks have ended.
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.wait(60);
    bench.jump(125);
    bench.record(Fact::ServerStarted { version: "1.0.0".to_owned() });
    bench.apply_quietly(desired([Automation { schedules: vec![period(600)], ..automation("tick") }]));
    bench.act();
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 missed 2 down"]);
    bench.until(at("2026-11-20T00:10:00Z"));
    assert_eq!(bench.verdicts()[2..], ["00:10:00 ran"]);
}

#[test]
fn d2_the_run_is_a_function_of_automation_and_due_time() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.wait(60);
    assert_eq!(bench.runs()[0].as_str(), "tick.20261120T000100Z");
    let env = &bench.request("main.1").workload.env;
    assert_eq!(env["PROVOST_DUE"], "2026-11-20T00:01:00Z");
    assert_eq!(env["PROVOST_RUN"], "tick.20261120T000100Z");
}

#[test]
fn d2_the_same_acceptance_twice_is_one_run() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job")]));
    let run = bench.run("job");
    let accepted = bench.log.iter().find(|it| matches!(it.fact, Fact::RunAccepted { .. })).unwrap().fact.clone();
    let before = bench.find(&run).clone();
    bench.record(accepted);
    bench.act();
    assert_eq!((bench.find(&run), bench.steps().len()), (&before, 1));
}

#[test]
fn d2_a_step_that_may_have_started_is_never_started_again() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(desired([automation("job")]));
    let run = bench.run("job");
    let container = bench.made[0].name.clone();
    bench.remove(&container);
    bench.down_for(3600);
    assert_eq!(bench.steps(), ["main.1"]);
    let (outcome, detail) = bench.outcome(&run);
    assert_eq!((outcome.word(), detail), ("Lost", "lost: its container was removed by somebody else"));
}

#[test]
fn d4_a_new_automation_never_fires_for_times_before_it() {
    let mut bench = Bench::starting("2026-11-20T09:30:00Z");
    let daily = Automation { schedules: vec![cron("0 9 * * *")], catch_up: CatchUp::All, ..automation("daily") };
    bench.apply(desired([daily]));
    bench.until(at("2026-11-21T09:00:00Z"));
    assert_eq!(bench.runs()[0].as_str(), "daily.20261121T090000Z");
    assert_eq!(bench.runs().len(), 1);
}

#[test]
fn d4_a_changed_schedule_never_fires_for_times_before_it() {
    let with =
        |expression| Automation { schedules: vec![cron(expression)], catch_up: CatchUp::All, ..automation("daily") };
    let mut bench = Bench::with(desired([with("0 2 * * *")]));
    bench.until(at("2026-11-20T15:00:00Z"));
    bench.apply(desired([with("0 12 * * *")]));
    bench.until(at("2026-11-21T11:59:00Z"));
    assert_eq!(bench.verdicts(), ["02:00:00 ran"]);
    bench.wait(60);
    assert_eq!(bench.verdicts(), ["02:00:00 ran", "12:00:00 ran"]);
}

#[test]
fn d4_an_automation_that_was_away_does_not_make_up_for_its_absence() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.wait(60);
    bench.apply(desired([]));
    bench.wait(600);
    bench.apply(desired([Automation { catch_up: CatchUp::All, ..every("tick", 60) }]));
    bench.wait(60);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:12:00 ran"]);
}

#[test]
fn d4_a_change_beside_the_schedule_forgets_no_due_time() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.jump(90); // The due time at 00:01 has come, and nobody has looked yet.
    let mut change = every("tick", 60);
    (change.timeout_s, change.schedules[0].jitter_s) = (5, 10);
    bench.apply_quietly(desired([change]));
    bench.act();
    assert_eq!(bench.verdicts(), ["00:01:00 ran"]);
}

#[test]
fn t5_a_step_back_never_fires_a_due_time_again() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.wait(180);
    bench.jump(-150);
    bench.wait(149);
    assert_eq!(bench.runs().len(), 3);
    bench.wait(61);
    assert_eq!(bench.verdicts(), ["00:01:00 ran", "00:02:00 ran", "00:03:00 ran", "00:04:00 ran"]);
}

#[test]
fn t5_a_revision_after_a_step_back_fires_no_due_time_again() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.wait(180);
    bench.jump(-150);
    bench.apply(desired([Automation { schedules: vec![period(30)], ..automation("tick") }]));
    bench.wait(149);
    assert_eq!(bench.runs().len(), 3);
}

#[test]
fn t5_a_step_forward_is_like_downtime() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.jump(3600);
    bench.act();
    assert_eq!(bench.verdicts(), ["00:01:00 missed 59 down", "01:00:00 ran"]);
    let fact = bench.log.iter().find_map(|it| match &it.fact {
        Fact::RunAccepted { accepted } => Some(accepted.cause.clone()),
        _ => None,
    });
    // The last one is a moment old only: it is served as if nothing had happened.
    assert_eq!(fact, Some(Cause::Schedule));
}

#[derive(Clone, Debug)]
enum Turn {
    Live(u64),
    Down(u64),
    Step(i64),
    Pause(Option<u64>),
    Resume,
    Revise(usize),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        4 => (1u64..400).prop_map(Turn::Live),
        2 => (0u64..100_000).prop_map(Turn::Down),
        1 => (-4_000i64..4_000).prop_map(Turn::Step),
        1 => proptest::option::of(1u64..500).prop_map(Turn::Pause),
        1 => Just(Turn::Resume),
        1 => (0usize..4).prop_map(Turn::Revise),
    ];
    proptest::collection::vec(turn, 1..8)
}

fn rules(index: usize) -> Vec<Schedule> {
    match index {
        0 => vec![period(60)],
        1 => vec![period(45), period(70)],
        2 => vec![cron("*/3 * * * *"), Schedule { jitter_s: 50, ..period(100) }],
        _ => vec![cron("7 */2 * * *")],
    }
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![Just(ok()), (0i64..2, 0u64..200).prop_map(|(code, lasts_s)| exits(code, lasts_s)), Just(hangs())]
}

fn concurrency() -> impl Strategy<Value = ConcurrencyPolicy> {
    use ConcurrencyPolicy as P;
    prop_oneof![Just(P::Forbid), Just(P::Queue), Just(P::Replace), Just(P::Allow)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn d1_every_due_time_has_exactly_one_outcome(
        turns in turns(),
        first in 0usize..4,
        concurrency in concurrency(),
        catch_up in prop_oneof![Just(CatchUp::None), Just(CatchUp::Last), Just(CatchUp::All)],
        start_deadline_s in proptest::option::of(10u64..5_000),
        retries in 0u32..3,
        behaviours in proptest::collection::vec(behaviour(), 1..4),
        frozen in any::<bool>(),
    ) {
        let make = |rule: usize| {
            let freezes = if frozen { vec![freeze("10-19 * * * *")] } else { Vec::new() };
            let mut made = Automation { concurrency, catch_up, start_deadline_s, freezes, timeout_s: 90, ..automation("tick") };
            made.schedules = rules(rule);
            made.retries.limit = retries;
            made
        };
        let mut bench = Bench::new();
        bench.script("tick", behaviours).apply(desired([make(first)]));
        let tick = name("tick");
        // Which rule counts from when on.
        let mut stretches = vec![(first, bench.now)];
        for turn in turns {
            match turn {
                Turn::Live(seconds) => { bench.wait(seconds); },
                Turn::Down(seconds) => { bench.down_for(seconds); },
                Turn::Step(seconds) => { bench.jump(seconds); bench.act(); }
                Turn::Pause(seconds) => {
                    let until = seconds.map(|it| bench.now + jiff::SignedDuration::from_secs(it.cast_signed()));
                    bench.pause("tick", until);
                }
                Turn::Resume => {
                    bench.record(Fact::Resumed { automation: tick.clone(), by: "ann".to_owned() });
                    bench.act();
                }
                Turn::Revise(rule) => {
                    bench.apply(desired([make(rule)]));
                    if stretches.last().is_some_and(|(last, _)| *last != rule) {
                        stretches.push((rule, bench.state.ledgers[&tick].accounted_until));
                    }
                }
            }
        }
        // After a step back, what is accounted reaches further than the clock.
        let ledger = &bench.state.ledgers[&tick];
        let end = bench.now.max(ledger.accounted_until);
        let ends = stretches.iter().skip(1).map(|(_, from)| *from).chain([end]);
        let mut expected: Vec<Timestamp> = Vec::new();
        for ((rule, from), until) in stretches.iter().zip(ends) {
            expected.extend(due_times(&rules(*rule), *from, until, usize::MAX, Keep::First).times);
        }
        let mut counted = 0;
        let mut last = Timestamp::MIN;
        for outcome in bench.outcomes() {
            prop_assert!(outcome.due > last, "{:?} is not after {last}", outcome);
            last = outcome.last;
            counted += outcome.count as usize;
            let inside = expected.iter().filter(|due| (outcome.due..=outcome.last).contains(due)).count() as u64;
            prop_assert_eq!(inside, outcome.count, "{:?} of {:?}", &outcome, &expected);
        }
        prop_assert_eq!(counted, expected.len(), "{:#?}", bench.verdicts());

        // D2: nothing is started twice; D5: unless they may, runs never overlap.
        let mut started: Vec<_> = bench.started.iter().map(|(_, step)| step).collect();
        let before = started.len();
        started.sort();
        started.dedup();
        prop_assert_eq!(started.len(), before);
        // R7
        for run in bench.runs() {
            let attempts = bench.started.iter().filter(|(_, step)| step.owner == Owner::Run(run.clone())).count();
            prop_assert!(attempts as u32 <= retries + 1);
        }
    }
}

#[test]
fn d1_the_reason_of_a_range_that_nobody_was_there_for_is_down() {
    let mut bench = Bench::with(desired([Automation { catch_up: CatchUp::None, ..every("tick", 60) }]));
    bench.down_for(600);
    let missed = bench.outcomes().into_iter().map(|outcome| outcome.verdict).next().unwrap();
    assert_eq!(missed, DueVerdict::Missed { reason: MissReason::Down });
    assert!(bench.started.iter().all(|(_, step)| step.step == StepId::main(1)));
    assert_accounted(&bench, &name("tick"), &[period(60)], at("2026-11-20T00:00:00Z"), bench.now);
}
