//! C7: it can always say why it is not converging, one sentence for each trouble.

use provost_controller::{Input, Pin};
use provost_planner::Action;

use crate::bench::{Bench, automation, hooks, rules, unavailable};

fn shop() -> String {
    automation("a", "timeout: 1h")
}

fn says(bench: &Bench, words: &[&str]) {
    let sentences = bench.core.waiting_for(bench.now);
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    let missing = words.iter().find(|word| !sentences[0].contains(**word));
    assert_eq!(missing, None, "{sentences:?}");
    assert!(sentences[0].ends_with('.') && !sentences[0].contains('\n'), "{sentences:?}");
}

#[test]
fn c7_a_server_that_is_as_it_should_be_says_nothing() {
    let mut bench = Bench::new(&shop());
    bench.run("a");
    bench.work();
    assert_eq!(bench.core.waiting_for(bench.now), [""; 0]);
}

#[test]
fn c7_the_engine() {
    let mut bench = Bench::new(&shop());
    bench.engine_down();
    says(&bench, &["engine", "connection refused", "tried again"]);
    bench.engine_up();
    assert_eq!(bench.core.waiting_for(bench.now), [""; 0]);
}

#[test]
fn c7_no_revision_yet() {
    says(&Bench::bare(rules()), &["No revision"]);
}

#[test]
fn c7_a_rejected_revision() {
    let mut bench = Bench::new(&shop());
    bench.revision("r2", &automation("a", "colour: blue"));
    says(&bench, &["r2", "(1 error)", "stays in force"]);
}

#[test]
fn c7_a_stay_at_a_revision() {
    let mut bench = Bench::new(&shop());
    bench.revision_by("r1", &shop(), "ann", Pin::Set);
    says(&bench, &["r1", "provost apply"]);
}

#[test]
fn c7_startup_hooks_that_run_refuse_or_cannot_be_made() {
    let mut bench = Bench::new(&(shop() + &hooks(&["server.startup"])));
    says(&bench, &["startup hooks"]);
    let Some(Action::Create { request }) = bench.todo.pop() else { panic!() };
    bench.hand([Input::Created { name: request.name, step: request.step, result: Err(unavailable()) }]);
    let sentences = bench.core.waiting_for(bench.now);
    assert_eq!(sentences.len(), 2, "{sentences:?}");
    assert!(
        sentences[1].contains("server.startup-shop.h0") && sentences[1].contains("tried again at"),
        "{sentences:?}"
    );
    bench.pass(1);
    bench.work();
    let hook = bench.running().unwrap();
    bench.ended(&hook, 1);
    bench.work();
    says(&bench, &["Nothing starts", "exit 1", "next revision or start"]);
}

#[test]
fn c7_a_run_that_waits_for_its_image() {
    let mut bench = Bench::new(&shop());
    let run = bench.run("a");
    let Some(Action::Create { request }) = bench.todo.pop() else { panic!() };
    bench.hand([Input::Created { name: request.name, step: request.step, result: Err(unavailable()) }]);
    says(&bench, &[run.as_str(), "2026-11-20T12:00:01Z"]);
    bench.pass(1);
    bench.work();
    assert_eq!(bench.core.waiting_for(bench.now), [""; 0]);
}
