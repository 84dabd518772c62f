//! Commands: refused with a reason, or done once however often one request is sent.

use provost_controller::{Command, Done, Input, RefusalKind};
use provost_model::{DueVerdict, Fact, JsonMap, Outcome, RunId, SkipReason};
use serde_json::json;

use crate::bench::{Bench, automation, hooks, main_of, name, seconds};

pub fn run(automation: &str, request: &str) -> Command {
    let (params, by) = (JsonMap::new(), "ann".to_owned());
    Command::Run { automation: name(automation), params, testing: false, request: request.to_owned(), by }
}

fn fire(event: &str, request: &str) -> Command {
    let by = "ann".to_owned();
    Command::Fire { name: event.to_owned(), data: JsonMap::new(), request: request.to_owned(), by }
}

fn pause(automation: &str, until: Option<&str>) -> Command {
    let until = until.map(|until| until.parse().unwrap());
    Command::Pause { automation: name(automation), until, reason: "stocktaking".to_owned(), by: "ann".to_owned() }
}

fn resume(automation: &str) -> Command {
    Command::Resume { automation: name(automation), by: "ann".to_owned() }
}

fn stop(run: &RunId) -> Command {
    Command::Stop { run: run.clone(), by: "ann".to_owned() }
}

impl Bench {
    pub fn fire(&mut self, event: &str, request: &str) -> Done {
        self.order(fire(event, request)).unwrap()
    }

    fn refusal(&mut self, command: Command) -> (RefusalKind, String) {
        let facts = self.facts.len();
        let refusal = self.order(command).unwrap_err();
        assert_eq!(self.facts.len(), facts, "a refusal changes nothing");
        (refusal.kind, refusal.message)
    }
}

fn shop() -> Bench {
    let amount = "params: {amount: {type: integer, default: 1}}";
    Bench::new(&(automation("a", r#"schedule: "* * * * *""#) + &automation("p", amount) + &hooks(&["run.cancelled"])))
}

#[test]
fn commands_are_refused_with_what_is_wrong() {
    let mut bench = shop();
    let unknown = RunId::parse("a.0123456789ab").unwrap();
    let past = Some("2026-11-20T12:00:00Z");
    let (params, by) = (JsonMap::from_iter([("amount".to_owned(), json!("blue"))]), "ann".to_owned());
    let wrong = Command::Run { automation: name("p"), params, testing: false, request: "1".to_owned(), by };
    let retry = Command::Retry { run: unknown.clone(), request: "1".to_owned(), by: "ann".to_owned() };
    for (command, kind, words) in [
        (run("nobody", "1"), RefusalKind::NotFound, "nobody"),
        (wrong, RefusalKind::Invalid, "amount"),
        (retry, RefusalKind::NotFound, unknown.as_str()),
        (stop(&unknown), RefusalKind::NotFound, unknown.as_str()),
        (pause("nobody", None), RefusalKind::NotFound, "nobody"),
        (pause("a", past), RefusalKind::Invalid, "passed"),
        (resume("a"), RefusalKind::Conflict, "not paused"),
        (fire("run.started", "1"), RefusalKind::Invalid, "run.started"),
        (fire("no spaces", "1"), RefusalKind::Invalid, "no spaces"),
        (fire("", "1"), RefusalKind::Invalid, "name"),
        (Command::Plan, RefusalKind::Conflict, "shell"),
    ] {
        let (found, message) = bench.refusal(command.clone());
        assert_eq!(found, kind, "{command:?}");
        assert!(message.contains(words), "{command:?}: {message}");
    }
}

#[test]
fn a1_a_run_is_refused_while_the_startup_hooks_refused() {
    let mut bench = Bench::new(&(automation("a", "timeout: 1h") + &hooks(&["server.startup"])));
    bench.work();
    let hook = bench.running().unwrap();
    bench.ended(&hook, 1);
    bench.work();
    let (kind, message) = bench.refusal(run("a", "1"));
    assert_eq!(kind, RefusalKind::Conflict);
    assert!(message.contains("exit 1"), "{message}");
}

#[test]
fn d2_one_request_is_one_run_and_one_event() {
    let mut bench = shop();
    let first = bench.order(run("p", "1")).unwrap();
    assert_eq!(bench.order(run("p", "1")).unwrap(), first);
    assert_ne!(bench.order(run("p", "2")).unwrap(), first);
    assert_eq!(bench.count(|fact| matches!(fact, Fact::RunAccepted { .. })), 2);
    let both = bench.fire("orders.arrived", "1");
    assert_ne!(bench.fire("orders.arrived", "2"), both);
}

#[test]
fn r7_stop_asks_the_container_to_end_and_after_hooks_run() {
    let mut bench = shop();
    let run = bench.run("p");
    bench.work();
    bench.order(stop(&run)).unwrap();
    let (kind, message) = bench.refusal(stop(&run));
    assert_eq!(kind, RefusalKind::Conflict);
    assert!(message.contains("already"), "{message}");
    bench.work_out();
    assert_eq!(bench.outcomes[&run], (Outcome::Cancelled, "stopped by ann".to_owned()));
    assert_eq!(bench.started.len(), 2, "{:?}", bench.started.keys());
}

#[test]
fn r7_stop_before_the_start_starts_nothing() {
    let mut bench = shop();
    let run = bench.run("p");
    let create = bench.todo.remove(0);
    let made = bench.carry_out(create).unwrap();
    bench.order(stop(&run)).unwrap();
    bench.hand([made]);
    bench.work_out();
    assert_eq!(bench.outcome(&run), Outcome::Cancelled);
    assert!(!bench.started.contains_key(&main_of(&run)));
    assert!(bench.containers.is_empty());
}

fn skipped(bench: &Bench) -> usize {
    bench.count(|fact| matches!(fact, Fact::DueSkipped { reason: SkipReason::Suspended, .. }))
}

#[test]
fn a_pause_skips_due_times_until_it_is_ended() {
    let mut bench = shop();
    bench.order(pause("a", None)).unwrap();
    bench.pass(60);
    bench.pass(60);
    assert_eq!(skipped(&bench), 2);
    bench.order(resume("a")).unwrap();
    bench.pass(60);
    assert_eq!((skipped(&bench), bench.core.state().runs.len()), (2, 1));
}

#[test]
fn a_pause_ends_by_itself() {
    let mut bench = shop();
    bench.order(pause("a", Some("2026-11-20T12:01:30Z"))).unwrap();
    bench.pass(60);
    bench.pass(60);
    assert_eq!((skipped(&bench), bench.core.state().runs.len()), (1, 1));
    assert_eq!(bench.core.state().ledgers[&name("a")].pause, None);
}

#[test]
fn a_pause_that_ended_while_nothing_may_start_keeps_its_due_times() {
    let mut bench = Bench::new(&(automation("a", r#"schedule: "* * * * *""#) + &hooks(&["server.startup"])));
    bench.work_out();
    bench.order(pause("a", Some("2026-11-20T12:01:30Z"))).unwrap();
    bench.crash();
    // The startup hook takes its time: what is due waits for it, and so does the end of the pause.
    bench.now += seconds(120);
    bench.hand([Input::Tick]);
    bench.work_out();
    assert_eq!(bench.core.state().ledgers[&name("a")].pause, None);
    let lost = bench.count(|fact| matches!(fact, Fact::DueMissed { .. }));
    assert_eq!((skipped(&bench) + lost, bench.outcomes.len()), (1, 1), "{:?}", bench.facts.last());
}

#[test]
fn what_was_due_before_a_pause_is_not_paused() {
    let mut bench = shop();
    bench.now += seconds(61);
    bench.order(pause("a", None)).unwrap();
    assert_eq!((skipped(&bench), bench.core.state().runs.len()), (0, 1));
    let outcome = |verdict: &DueVerdict| matches!(verdict, DueVerdict::Ran { .. });
    let outcomes: Vec<_> = bench.facts.iter().filter_map(provost_model::DueOutcome::of).collect();
    assert!(outcomes.iter().all(|it| outcome(&it.verdict)), "{outcomes:?}");
}
