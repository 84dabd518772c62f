//! Notifications: failover, later delivery, and receivers that decide.

use std::time::Duration;

use provost_engine::{Script, When};
use provost_model::{Outcome, Reply};

use crate::world::{World, automation, channel};

#[tokio::test]
async fn a30_a_channel_that_cannot_be_reached_has_a_stand_in_and_is_told_later() {
    let yaml = automation("a", "notify: {failure: [ops]}")
        + &channel("ops", "file: {path: ops.jsonl}, failover: [mail]")
        + &channel("mail", "file: {path: mail.jsonl}");
    let mut world = World::new(&yaml).await;
    world.engine.script(When::automation("a"), Script::running(Duration::from_secs(1)).code(3));
    world.messenger.deaf.lock().unwrap().insert("ops".to_owned());
    let id = world.run("a").await;
    assert_eq!(world.outcome(&id).await, Outcome::Failed);
    world.in_time("the stand-in", || world.taken() == ["mail"]).await;
    let (_, body) = world.messenger.taken.lock().unwrap()[0].clone();
    assert_eq!((body["insteadOf"].as_str(), body["run"].as_str()), (Some("ops"), Some(id.as_str())));
    world.crash().await;
    world.messenger.deaf.lock().unwrap().clear();
    world.in_time("the channel itself", || world.taken() == ["mail", "ops"]).await;
    world.until("the outbox", |view| view.state.outbox.is_empty().then_some(())).await;
}

#[tokio::test]
async fn a26_a_receiver_decides_whether_a_run_starts() {
    let yaml = automation("a", "notify: {starting: [gate]}")
        + &automation("b", "notify: {starting: [gate]}")
        + &channel("gate", "file: {path: gate.jsonl}, reply: {timeout: 5s, default: Deny}");
    let world = World::new(&yaml).await;
    *world.messenger.reply.lock().unwrap() = Some(Reply { allow: true, reason: String::new() });
    let allowed = world.run("a").await;
    assert_eq!(world.outcome(&allowed).await, Outcome::Succeeded);
    *world.messenger.reply.lock().unwrap() = Some(Reply { allow: false, reason: "stocktaking".to_owned() });
    let denied = world.run("b").await;
    assert_eq!(world.outcome(&denied).await, Outcome::Cancelled);
    let record = provost_controller::Store::run(world.store.as_ref(), &denied).await.unwrap().unwrap();
    assert!(record.detail.contains("stocktaking"), "{}", record.detail);
}
