//! An engine that is away, and a store that cannot be written.

use std::time::Duration;

use provost_controller::{RefusalKind, Store};
use provost_engine::{Call, ScriptedEngine};
use provost_model::Outcome;
use provost_store::Fault;

use crate::world::{World, automation, run};

fn makes(engine: &ScriptedEngine) -> usize {
    engine.take_calls().iter().filter(|called| matches!(called.call, Call::Create | Call::Start)).count()
}

#[tokio::test]
async fn an_engine_that_is_away_is_waited_for() {
    let world = World::new(&automation("a", "timeout: 1h")).await;
    world.engine.go_down(None, false);
    let id = world.run("a").await;
    let told = world.until("trouble", |view| view.waiting_for.first().cloned());
    assert!(told.await.contains("engine"));
    world.engine.come_back();
    assert_eq!(world.outcome(&id).await, Outcome::Succeeded);
    world.until("calm", |view| view.waiting_for.is_empty().then_some(())).await;
}

#[tokio::test]
async fn r2_while_the_store_cannot_be_written_nothing_starts_and_nothing_is_lost() {
    let world = World::new(&automation("a", "timeout: 1h")).await;
    world.engine.take_calls();
    world.store.fail_appends(2, Fault::Before);
    let (first, ()) = tokio::join!(world.command(run("a", "1")), async {
        let told = world.until("trouble", |view| view.waiting_for.first().cloned()).await;
        assert!(told.contains("told to fail") && told.contains("every second"), "{told}");
        let refusal = world.command(run("a", "2")).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Unavailable);
        assert!(refusal.message.contains("told to fail"), "{refusal}");
        assert_eq!(makes(&world.engine), 0);
        world.commit("r2", &(automation("a", "timeout: 1h") + &automation("b", "timeout: 1h")));
        // Somebody who looks all the time does not keep the store from being tried again.
        world.until("calm", |view| view.waiting_for.is_empty().then_some(())).await;
    });
    let provost_controller::Done::Accepted { run } = first.unwrap() else { panic!() };
    assert_eq!(world.outcome(&run).await, Outcome::Succeeded);
    world.in_force("r2").await;
    assert_eq!(
        world.store.durable().load().await.unwrap(),
        world.until("the state", |view| Some(view.state.clone())).await
    );
}

#[tokio::test]
async fn r2_a_batch_that_was_recorded_in_spite_of_its_error_is_not_recorded_twice() {
    let world = World::new(&automation("a", "timeout: 1h")).await;
    world.store.fail_appends(1, Fault::After);
    let id = world.run("a").await;
    assert_eq!(world.outcome(&id).await, Outcome::Succeeded);
}

#[tokio::test]
async fn a2_a_server_that_cannot_record_its_end_ends_after_the_grace() {
    let mut world = World::new(&automation("a", "timeout: 1h")).await;
    world.store.fail_appends(usize::MAX, Fault::Before);
    let controller = world.controller().clone();
    let asked = tokio::spawn(async move { controller.command(run("a", "1")).await });
    world.until("trouble", |view| (!view.waiting_for.is_empty()).then_some(())).await;
    world.controller().shut_down();
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.advance(61);
    world.ended().await;
    assert!(asked.await.unwrap().is_err(), "nobody is told that it was done");
    assert_eq!(makes(&world.engine), 0);
}

#[tokio::test]
async fn a2_an_end_that_was_asked_for_meanwhile_comes_once_the_store_can_be_written() {
    let mut world = World::new(&automation("a", "timeout: 1h")).await;
    world.store.fail_appends(1, Fault::Before);
    let controller = world.controller().clone();
    let asked = tokio::spawn(async move { controller.command(run("a", "1")).await });
    world.until("trouble", |view| (!view.waiting_for.is_empty()).then_some(())).await;
    world.controller().shut_down();
    asked.await.unwrap().unwrap();
    world.in_time("its end", || world.has_ended()).await;
    world.ended().await;
}
