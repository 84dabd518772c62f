//! From a commit to a recorded outcome, with its output; and across a crash.

use std::time::Duration;

use provost_controller::Logs;
use provost_engine::{Call, Script, When};
use provost_model::{Fact, Outcome, Owner};

use crate::world::{World, automation, fire, hook, run};

fn shop() -> String {
    automation("a", r#"schedule: "1 12 * * *""#) + &hook("before", "run.starting") + &hook("after", "run.succeeded")
}

#[tokio::test]
async fn a_commit_becomes_a_run_with_its_hooks_and_their_output_in_order() {
    let world = World::new(&shop()).await;
    let second = Duration::from_secs(1);
    world.engine.script(When::any().step("run.starting"), Script::running(second).line(Duration::ZERO, "is about to"));
    world
        .engine
        .script(When::any().step("main."), Script::running(9 * second).line(second, "one").line(2 * second, "two"));
    world.engine.script(When::any().step("run.succeeded"), Script::running(second).line(Duration::ZERO, "has"));
    let id = provost_model::RunId::parse("a.20261120T120100Z").unwrap();
    assert_eq!(world.outcome(&id).await, Outcome::Succeeded);
    let lines = world.logs.read(&Owner::Run(id.clone()), 0, 100).await.unwrap();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["is about to", "one", "two", "has"]);
    let record = provost_controller::Store::run(world.store.as_ref(), &id).await.unwrap().unwrap();
    assert_eq!(record.steps.len(), 3, "{record:?}");
    let starts = world.engine.take_calls().iter().filter(|called| called.call == Call::Start).count();
    assert_eq!(starts, 3);
    world.until("the end", |view| view.state.is_idle().then_some(())).await;
    assert!(world.facts().await.iter().all(|fact| !matches!(fact, Fact::DriftFound { .. })));
}

#[tokio::test]
async fn d2_after_a_crash_a_run_goes_on_where_it_was() {
    let mut world = World::new(&automation("a", "timeout: 1h")).await;
    world.engine.script(When::automation("a"), Script::running(Duration::from_secs(30)).line(Duration::ZERO, "once"));
    let id = world.run("a").await;
    world.until("its start", |view| view.state.runs.values().any(|run| run.starts() == 1).then_some(())).await;
    world.crash().await;
    assert_eq!(world.outcome(&id).await, Outcome::Succeeded);
    let starts = world.engine.take_calls().iter().filter(|called| called.call == Call::Start).count();
    assert_eq!(starts, 1);
    let lines = world.logs.read(&Owner::Run(id), 0, 100).await.unwrap();
    assert_eq!(lines.len(), 1, "its output is there, once: {lines:?}");
}

#[tokio::test]
async fn d2_one_request_is_one_run_and_one_event_however_often_it_is_sent() {
    let mut world = World::new(&automation("a", "timeout: 1h")).await;
    let (first, second) =
        tokio::join!(world.command(fire("orders.arrived", "1")), world.command(fire("orders.arrived", "1")));
    assert_eq!(first.unwrap(), second.unwrap());
    let id = world.run("a").await;
    world.outcome(&id).await;
    world.crash().await;
    world.in_force("r1").await;
    assert_eq!(world.run("a").await, id);
    world.command(fire("orders.arrived", "1")).await.unwrap();
    let facts = world.facts().await;
    let is_order = |fact: &&Fact| matches!(fact, Fact::EventAccepted { event } if event.name == "orders.arrived");
    assert_eq!(facts.iter().filter(is_order).count(), 1);
    assert_eq!(facts.iter().filter(|fact| matches!(fact, Fact::RunAccepted { .. })).count(), 1);
    assert!(world.command(run("nobody", "2")).await.unwrap_err().message.contains("nobody"));
}

#[tokio::test]
async fn a2_a_server_ends_after_its_hooks() {
    let mut world = World::new(&(automation("a", "timeout: 1h") + &hook("goodbye", "server.shutdown"))).await;
    world.controller().shut_down();
    world.until("the hook", |view| view.state.events.values().any(|it| it.firing.is_some()).then_some(())).await;
    let engine = world.engine.clone();
    let calls = std::cell::RefCell::new(Vec::new());
    let has_started = || {
        calls.borrow_mut().extend(engine.take_calls());
        calls.borrow().iter().any(|called| called.call == Call::Start)
    };
    world.in_time("its start", has_started).await;
    world.advance(5);
    world.ended().await;
}
