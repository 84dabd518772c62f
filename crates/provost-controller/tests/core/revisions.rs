//! C2, C3, D4: revisions take effect whole or not at all.

use provost_controller::{Input, Pin};
use provost_model::{Fact, RevisionId};

use crate::bench::{Bench, automation, compiled, name};

fn shop() -> String {
    automation("a", r#"schedule: "0 13 * * *""#) + &automation("b", "timeout: 1h")
}

fn in_force(bench: &Bench) -> &str {
    bench.core.state().desired.revision.as_ref().unwrap().as_str()
}

fn rejections(bench: &Bench) -> usize {
    bench.count(|fact| matches!(fact, Fact::RevisionRejected { .. }))
}

fn propose(bench: &Bench, revision: &str, yaml: &str) -> provost_controller::Proposal {
    let desired = compiled(revision, yaml).desired.unwrap();
    bench.core.propose(bench.now, &RevisionId::parse(revision).unwrap(), "", &desired, "")
}

#[test]
fn c2_a_bad_revision_changes_nothing_and_is_told_of_once() {
    let mut bench = Bench::new(&shop());
    let desired = bench.core.state().desired.clone();
    let bad = shop() + &automation("c", "colour: blue");
    for _ in 0..3 {
        bench.revision("r2", &bad);
    }
    assert_eq!((rejections(&bench), in_force(&bench)), (1, "r1"));
    assert_eq!(bench.core.state().desired, desired);
    let rejected = bench.core.state().rejected.clone().unwrap();
    assert!(rejected.report.contains("colour"), "{}", rejected.report);
    bench.crash();
    assert_eq!(in_force(&bench), "r1");
    bench.revision("r2", &bad);
    assert_eq!(rejections(&bench), 1, "nor after a restart");
}

#[test]
fn c2_a_good_revision_ends_the_rejection() {
    let mut bench = Bench::new(&shop());
    bench.revision("r2", "apiVersion: nonsense\n");
    bench.revision("r3", &(shop() + &automation("c", "timeout: 1h")));
    assert_eq!(in_force(&bench), "r3");
    assert_eq!(bench.core.state().rejected, None);
    assert_eq!(bench.core.waiting_for(bench.now), [""; 0]);
}

#[test]
fn c2_going_back_to_what_is_in_force_ends_the_rejection() {
    let mut bench = Bench::new(&shop());
    bench.revision("r2", "apiVersion: nonsense\n");
    bench.revision("r1", &shop());
    assert_eq!(bench.core.state().rejected, None);
    let facts = bench.facts.len();
    bench.revision("r1", &shop());
    assert_eq!(bench.facts.len(), facts, "what is in force is not applied again");
}

#[test]
fn c2_removing_everything_needs_to_be_said() {
    let mut bench = Bench::new(&shop());
    bench.revision("r2", "");
    assert_eq!((rejections(&bench), in_force(&bench)), (1, "r1"));
    assert_eq!(bench.core.state().desired.automations.len(), 2);
    let report = bench.core.state().rejected.clone().unwrap().report;
    assert!(report.contains("allowEmpty"), "{report}");
    bench.rules.allow_empty = true;
    bench.crash();
    bench.revision("r2", "");
    assert_eq!(in_force(&bench), "r2");
    assert!(bench.core.state().desired.automations.is_empty());
}

#[test]
fn c3_a_plan_has_one_id_for_one_world() {
    let mut bench = Bench::new(&shop());
    let next = shop() + &automation("c", "timeout: 1h");
    let plan = propose(&bench, "r2", &next);
    assert_eq!(plan, propose(&bench, "r2", &next));
    assert_ne!(plan.id, propose(&bench, "r2", &(shop() + &automation("c", "timeout: 2h"))).id, "other content");
    assert_ne!(plan.id, propose(&bench, "r3", &next).id, "another revision");
    bench.pass(3600);
    bench.work_out();
    assert_eq!(plan.id, propose(&bench, "r2", &next).id, "runs do not move the plan");
    bench.revision("r4", &automation("a", "timeout: 1h"));
    assert_ne!(plan.id, propose(&bench, "r2", &next).id, "the world has moved");
    bench.revision("r1", &shop());
    assert_ne!(plan.id, propose(&bench, "r2", &next).id, "and has moved back since");
}

#[test]
fn c3_apply_does_exactly_what_the_plan_says() {
    let mut bench = Bench::new(&shop());
    let next = automation("a", r#"schedule: "0 14 * * *""#) + &automation("c", "timeout: 1h");
    let plan = propose(&bench, "r2", &next);
    let subjects: Vec<String> =
        plan.changes.iter().map(|change| format!("{:?} {}", change.verb, change.subject)).collect();
    for expected in ["Change", "Add", "Remove"] {
        assert!(subjects.iter().any(|it| it.starts_with(expected)), "{subjects:?}");
    }
    bench.revision_by("r2", &next, "ann", Pin::Clear);
    assert_eq!(propose(&bench, "r2", &next).changes, []);
    let automations = &bench.core.state().desired.automations;
    assert_eq!(automations.keys().collect::<Vec<_>>(), [&name("a"), &name("c")]);
    assert_eq!(bench.core.state().desired.digest(), compiled("r2", &next).desired.unwrap().digest());
}

#[test]
fn d4_a_changed_schedule_is_armed_once_from_the_instant_of_its_revision() {
    let mut bench = Bench::new(&shop());
    let armed = |bench: &Bench| bench.count(|fact| matches!(fact, Fact::Armed { .. }));
    let before = armed(&bench);
    bench.revision("r2", &(automation("a", r#"schedule: "* * * * *""#) + &automation("b", "timeout: 1h")));
    assert_eq!(armed(&bench), before + 1);
    assert_eq!(bench.core.state().ledgers[&name("a")].accounted_until, bench.now);
    let jitter = r#"schedule: {cron: "* * * * *", jitter: 10s}"#;
    bench.revision("r3", &(automation("a", jitter) + &automation("b", "timeout: 1h")));
    assert_eq!(armed(&bench), before + 1, "jitter is no other schedule");
}

#[test]
fn d4_what_was_due_before_a_revision_is_decided_by_what_was_in_force() {
    let mut bench = Bench::new(&shop());
    bench.now = "2026-11-20T13:00:01Z".parse().unwrap();
    bench.revision("r2", &automation("b", "timeout: 1h"));
    let accepted = |fact: &Fact| matches!(fact, Fact::RunAccepted { accepted } if accepted.automation == name("a"));
    assert_eq!(bench.count(accepted), 1);
}

#[test]
fn a_stay_at_a_revision_ends_with_an_apply() {
    let mut bench = Bench::new(&shop());
    let next = shop() + &automation("c", "timeout: 1h");
    bench.revision_by("r2", &next, "ann", Pin::Clear);
    assert_eq!(bench.core.state().pinned, None);
    bench.revision_by("r1", &shop(), "ann", Pin::Set);
    assert_eq!((in_force(&bench), bench.core.state().pinned.as_ref().unwrap().as_str()), ("r1", "r1"));
    bench.crash();
    assert!(bench.core.state().pinned.is_some());
    bench.revision_by("r2", &next, "ann", Pin::Clear);
    assert_eq!((in_force(&bench), bench.core.state().pinned.as_ref()), ("r2", None));
    bench.hand([Input::Tick]);
}
