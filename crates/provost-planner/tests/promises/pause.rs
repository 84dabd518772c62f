//! Pauses, with and without an end.

use provost_model::Fact;

use crate::bench::{Bench, exits};
use crate::sample::{at, desired, every, name, on};

#[test]
fn a_pause_skips_due_times_until_somebody_resumes() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.pause("tick", None);
    bench.wait(120);
    bench.record(Fact::Resumed { automation: name("tick"), by: "ann".to_owned() });
    bench.wait(60);
    assert_eq!(bench.verdicts(), ["00:01:00 suspended", "00:02:00 suspended", "00:03:00 ran"]);
}

#[test]
fn a_pause_with_an_end_ends_by_itself_and_not_before() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.pause("tick", Some(at("2026-11-20T00:02:00Z")));
    bench.wait(119);
    assert!(bench.state.ledgers[&name("tick")].pause.is_some());
    bench.wait(1);
    assert_eq!(bench.state.ledgers[&name("tick")].pause, None);
    assert_eq!(bench.verdicts(), ["00:01:00 suspended", "00:02:00 ran"]);
    let by = bench.log.iter().find_map(|it| match &it.fact {
        Fact::Resumed { by, .. } => Some(by.as_str()),
        _ => None,
    });
    assert_eq!(by, Some("the pause's end"));
}

#[test]
fn a_pause_lets_a_run_finish_and_a_person_start_one() {
    let mut bench = Bench::new();
    bench.script("tick", [exits(0, 100)]).apply(desired([every("tick", 60)]));
    bench.wait(70).pause("tick", None);
    bench.run("tick");
    bench.until(at("2026-11-20T00:10:00Z")).assert_clean();
    assert_eq!(bench.started.len(), 2);
}

#[test]
fn a_pause_skips_triggers_too() {
    let mut other = every("other", 60);
    (other.schedules, other.triggers) = (Vec::new(), vec![on("orders.arrived")]);
    let mut bench = Bench::with(desired([other]));
    bench.pause("other", None);
    bench.fire("orders.arrived", "{}");
    let skipped = bench
        .log
        .iter()
        .any(|it| matches!(&it.fact, Fact::TriggerSkipped { detail, .. } if detail == "paused by ann: audit"));
    assert!(skipped && bench.runs().is_empty());
}

#[test]
fn a_pause_survives_a_restart_and_a_revision() {
    let mut bench = Bench::with(desired([every("tick", 60)]));
    bench.pause("tick", None);
    bench.down_for(10);
    let mut changed = every("tick", 60);
    changed.timeout_s = 5;
    bench.apply(desired([changed]));
    bench.wait(60);
    assert_eq!(bench.verdicts(), ["00:01:00 suspended"]);
}
