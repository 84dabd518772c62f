//! Secrets on their way into containers, and what comes out of them.

use std::time::Duration;

use provost_controller::Logs;
use provost_engine::{Call, Script, When};
use provost_model::{ContainerName, Fact, Instance, Outcome, Owner, Run, RunId, Step, StepPhase};

use crate::world::{World, automation, channel, hook, name, run};

/// The middle of an armour: to a vault without a key the armour is the value.
const VALUE: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBjYW5hcnkgY2FuYXJ5IGNh";

fn secret(name: &str, end: &str) -> String {
    let armour = format!(
        "    -----BEGIN AGE ENCRYPTED FILE-----\n    {VALUE}\n    {end}\n    -----END AGE ENCRYPTED FILE-----\n"
    );
    format!("---\napiVersion: provost/v1\nkind: Secret\nmetadata: {{name: {name}}}\nspec:\n  age: |\n{armour}")
}

fn shop() -> String {
    secret("db", "AAAA") + &automation("a", "timeout: 1h, secrets: [{name: db}]")
}

fn container(run: &RunId, step: &str) -> ContainerName {
    ContainerName::of(&Instance::parse("world").unwrap(), run.as_str(), step)
}

/// Everything that was recorded, as it is stored.
async fn recorded(world: &World) -> String {
    world.facts().await.iter().map(|fact| serde_json::to_string(fact).unwrap() + "\n").collect()
}

#[tokio::test]
async fn a35_a_container_has_its_secrets_until_it_is_removed_and_nothing_of_them_is_kept() {
    let world = World::new(&shop()).await;
    let locals = format!(r#"{{"pw": "{VALUE}", "n": {{"in": ["x{VALUE}"]}}}}"#);
    let script = Script::running(Duration::from_secs(9))
        .line(Duration::ZERO, &format!("pw={VALUE}."))
        .file("locals.json", &locals);
    world.engine.script(When::automation("a"), script);
    let id = world.run("a").await;
    world.until("its start", |view| view.state.runs.values().any(|run| run.starts() == 1).then_some(())).await;
    assert_eq!(world.vault.has(&container(&id, "main.1")), [name("db")].into());
    assert_eq!(world.outcome(&id).await, Outcome::Succeeded);
    world.in_time("the removal", || world.vault.has(&container(&id, "main.1")).is_empty()).await;
    let lines = world.logs.read(&Owner::Run(id), 0, 100).await.unwrap();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["pw=***."]);
    let of_run = recorded(&world).await;
    let of_run: Vec<&str> = of_run.lines().filter(|line| !line.contains("revisionApplied")).collect();
    assert!(of_run.iter().any(|line| line.contains(r#""in":["x***"]"#)), "{of_run:?}");
    let bare: Vec<&&str> = of_run.iter().filter(|line| line.contains(&format!("x{VALUE}"))).collect();
    assert_eq!(bare, Vec::<&&str>::new());
}

#[tokio::test]
async fn d31_a_secret_that_does_not_open_ends_that_step_alone() {
    let with_secret = hook("look", "run.succeeded").replace("image: hook", "image: hook, secrets: [{name: db}]");
    let world = World::new(&(secret("db", "AAAA") + &automation("a", "timeout: 1h") + &with_secret)).await;
    world.vault.close(name("db"));
    let id = world.run("a").await;
    assert_eq!(world.outcome(&id).await, Outcome::Succeeded);
    let facts = recorded(&world).await;
    let told: Vec<&str> = facts.lines().filter(|line| line.contains("secret db cannot be opened")).collect();
    assert_eq!(told.len(), 1, "{facts}");
    assert!(told[0].contains("run.succeeded-look.look") && told[0].contains("notStarted"), "{}", told[0]);
}

#[tokio::test]
async fn a35_memory_that_was_lost_is_written_again_before_the_start() {
    let world =
        World::new(&(shop() + &automation("b", r#"schedule: "1 12 * * *", secrets: [{name: db, file: /pw}]"#))).await;
    let id = RunId::parse("b.20261120T120100Z").unwrap();
    let made = container(&id, "main.1");
    world.engine.script(When::automation("b"), Script::running(Duration::from_secs(30)));
    world.in_time("it is made ahead", || !world.vault.has(&made).is_empty()).await;
    world.vault.forget();
    world.until_started(&id).await;
    assert_eq!(world.vault.has(&made), [name("db")].into());
    assert_eq!(world.outcome(&id).await, Outcome::Succeeded);
}

#[tokio::test]
async fn a35_an_exchanged_secret_makes_what_was_made_ahead_anew() {
    let plan = automation("b", r#"schedule: "1 12 * * *", secrets: [{name: db}]"#);
    let world = World::new(&(secret("db", "AAAA") + &plan)).await;
    let made = container(&RunId::parse("b.20261120T120100Z").unwrap(), "main.1");
    world.in_time("it is made ahead", || !world.vault.has(&made).is_empty()).await;
    world.engine.take_calls();
    world.commit("r2", &(secret("db", "BBBB") + &plan));
    world.in_force("r2").await;
    let mut calls = Vec::new();
    for _ in 0..500 {
        calls.extend(world.engine.take_calls().into_iter().map(|called| called.call));
        if calls.contains(&Call::Create) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(calls.contains(&Call::Remove) && calls.contains(&Call::Create), "{calls:?}");
}

/// The end of a run whose secret does not open any more after a restart, as it was recorded.
async fn end_without_masks(world: &mut World, script: Script) -> (Outcome, String) {
    let line = format!("pw={VALUE}");
    world.engine.script(When::automation("a"), script.line(Duration::from_secs(1), &line));
    let id = world.run("a").await;
    let runs = |run: &Run| matches!(run.attempts[..], [Step { phase: StepPhase::Running { .. }, .. }]);
    world.until("its start", move |view| view.state.runs.values().any(runs).then_some(())).await;
    world.vault.close(name("db"));
    world.crash().await; // Whoever followed its output knew the masks.
    let outcome = world.outcome(&id).await;
    let facts = recorded(world).await;
    let end = facts.lines().find(|line| line.contains(r#""step":"ended""#)).unwrap();
    assert!(!end.contains(VALUE) && end.contains("secret db cannot be opened"), "{end}");
    (outcome, end.to_owned())
}

#[tokio::test]
async fn r8_output_that_cannot_be_masked_is_not_kept_and_changes_no_outcome() {
    let mut world = World::new(&shop()).await;
    let (outcome, end) = end_without_masks(&mut world, Script::running(Duration::from_secs(2))).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(end.contains("the output was not kept"), "{end}");
}

#[tokio::test]
async fn r8_files_that_cannot_be_masked_are_not_kept_and_are_a_problem_of_the_step() {
    let mut world = World::new(&shop()).await;
    let script = Script::running(Duration::from_secs(2)).file("locals.json", r#"{"a": 1}"#);
    let (outcome, end) = end_without_masks(&mut world, script).await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(end.contains("what it left behind was not kept") && !end.contains(r#""a":1"#), "{end}");
}

#[tokio::test]
async fn d31_a_channel_without_its_secret_fails_over() {
    let pager = channel("pager", "command: {image: pager, secrets: [{name: db}]}, failover: [book]");
    let book = channel("book", "file: {path: book.jsonl}");
    let yaml = secret("db", "AAAA") + &pager + &book + &automation("a", "timeout: 1h, notify: {success: [pager]}");
    let world = World::new(&yaml).await;
    world.vault.close(name("db"));
    let id = world.run("a").await;
    world.outcome(&id).await;
    world.in_time("the failover", || world.taken() == ["book"]).await;
    let facts = world.facts().await;
    let failed = facts.iter().find_map(|fact| match fact {
        Fact::NoticeFailed { why, .. } | Fact::NoticeGivenUp { why, .. } => Some(why.clone()),
        _ => None,
    });
    assert!(failed.unwrap().contains("secret db cannot be opened"));
}

#[tokio::test]
async fn a35_a_command_channel_has_its_secrets_while_it_delivers() {
    let yaml = secret("db", "AAAA")
        + &channel("pager", "command: {image: pager, secrets: [{name: db}]}")
        + &automation("a", "timeout: 1h, notify: {success: [pager]}");
    let world = World::new(&yaml).await;
    world.engine.script(When::image("pager"), Script::running(Duration::from_secs(2)).line(Duration::ZERO, VALUE));
    world.command(run("a", "1")).await.unwrap();
    let mut notice = None;
    for _ in 0..2_000 {
        notice = world.until("a look", |view| Some(view.state.outbox.keys().next().cloned())).await.or(notice);
        let is_there = notice.as_ref().is_some_and(|id| {
            let name = ContainerName::of(&Instance::parse("world").unwrap(), id.as_str(), "deliver");
            !world.vault.has(&name).is_empty()
        });
        if is_there {
            break;
        }
        world.advance(1);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let id = notice.unwrap();
    let name = ContainerName::of(&Instance::parse("world").unwrap(), id.as_str(), "deliver");
    world.in_time("the end of the delivery", || world.vault.has(&name).is_empty()).await;
    let lines = world.logs.read(&Owner::Notice(id), 0, 10).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["***"]);
}
