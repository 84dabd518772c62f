//! C2, C3: what a source brings, plans, and going back.

use provost_controller::{Command, Done, RefusalKind};

use crate::world::{World, automation};

fn shop(more: &str) -> String {
    automation("a", "timeout: 1h") + more
}

fn apply(plan: Option<String>) -> Command {
    Command::Apply { plan, by: "ann".to_owned() }
}

fn roll_back() -> Command {
    Command::Rollback { revision: None, by: "ann".to_owned() }
}

#[tokio::test]
async fn c2_a_source_that_cannot_be_read_leaves_the_revision_in_force() {
    let mut world = World::new(&shop("")).await;
    world.lose_source();
    let told = world.until("trouble", |view| view.waiting_for.first().cloned()).await;
    assert!(told.contains("no route to host") && told.contains("stays"), "{told}");
    assert_eq!(world.command(Command::Plan).await.unwrap_err().kind, RefusalKind::Unavailable);
    world.crash().await;
    world.in_force("r1").await;
    world.commit("r2", &shop(&automation("b", "timeout: 1h")));
    world.in_force("r2").await;
    world.until("calm", |view| view.waiting_for.is_empty().then_some(())).await;
}

#[tokio::test]
async fn c2_a_bad_commit_is_rejected_and_the_good_one_after_it_is_not() {
    let world = World::new(&shop("")).await;
    world.commit("r2", &shop(&automation("b", "colour: blue")));
    let told = world.until("trouble", |view| view.waiting_for.first().cloned()).await;
    assert!(told.contains("r2"), "{told}");
    let refusal = world.command(apply(None)).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Rejected);
    assert!(refusal.message.contains("colour"), "{refusal}");
    world.commit("r1", &shop(""));
    world.until("calm", |view| view.waiting_for.is_empty().then_some(())).await;
}

#[tokio::test]
async fn c2_an_unsigned_commit_is_recorded_as_rejected_once_and_says_why() {
    let mut world = World::new(&shop("")).await;
    world.sign(false);
    world.commit("r2", &shop(&automation("b", "timeout: 1h")));
    let told = world.until("trouble", |view| view.waiting_for.first().cloned()).await;
    assert!(told.contains("Revision r2 is refused"), "{told}");
    for command in [Command::Plan, apply(None)] {
        let refusal = world.command(command).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Rejected);
        assert!(refusal.message.contains("revision r2 is not accepted: nobody signed it"), "{refusal}");
    }
    let rejected = |view: &provost_controller::View<'_>| view.state.rejected.clone();
    let first = world.until("the record", rejected).await;
    assert!(first.report.contains("nobody signed it"), "{}", first.report);

    // The same again, and after a restart, is no news.
    world.commit("r2", &shop(&automation("b", "timeout: 1h")));
    world.crash().await;
    world.in_force("r1").await;
    assert_eq!(world.until("the record", rejected).await.at, first.at);

    world.sign(true);
    world.commit("r3", &shop(&automation("b", "timeout: 1h")));
    world.in_force("r3").await;
    world.until("calm", |view| view.waiting_for.is_empty().then_some(())).await;
}

#[tokio::test]
async fn c3_apply_refuses_a_plan_that_is_out_of_date() {
    let mut world = World::new(&shop("")).await;
    world.apply = provost_controller::ApplyMode::Manual;
    world.crash().await;
    world.in_force("r1").await;
    world.commit("r2", &shop(&automation("b", "timeout: 1h")));
    world.until("the revision", |view| view.source.waiting.clone().filter(|it| it == "r2")).await;
    let Done::Planned { proposal } = world.command(Command::Plan).await.unwrap() else { panic!() };
    assert_eq!(world.command(apply(Some("nonsense".to_owned()))).await.unwrap_err().kind, RefusalKind::Conflict);
    let Done::Applied { proposal: applied } = world.command(apply(Some(proposal.id.clone()))).await.unwrap() else {
        panic!()
    };
    assert_eq!(applied.changes, proposal.changes);
    world.in_force("r2").await;
    assert_eq!(world.command(apply(Some(proposal.id))).await.unwrap_err().kind, RefusalKind::Conflict);
}

#[tokio::test]
async fn rollback_without_a_name_goes_to_the_one_before_even_after_a_restart_and_stays() {
    let mut world = World::new(&shop("")).await;
    assert_eq!(world.command(roll_back()).await.unwrap_err().kind, RefusalKind::NotFound);
    world.commit("r2", &shop(&automation("b", "timeout: 1h")));
    world.in_force("r2").await;
    world.crash().await;
    world.in_force("r2").await;
    world.command(roll_back()).await.unwrap();
    world.in_force("r1").await;
    world.commit("r3", &shop(&automation("c", "timeout: 1h")));
    world.until("the revision", |view| view.source.waiting.clone().filter(|it| it == "r3")).await;
    world.in_force("r1").await;
    world.command(apply(None)).await.unwrap();
    world.in_force("r3").await;
}
