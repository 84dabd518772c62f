//! Services: C4, C5, and the rows of the runtime of many programs.

use std::sync::Arc;

use provost_model::{
    Automation, Fact, Health, Outcome, Phase, Replacement, RestartPolicy, Retries, Run, RunId, ServiceTerms, StepPhase,
};

use crate::bench::{Bench, exits, hangs, ok};
use crate::sample::{automation, channel, checked, desired, hook, name, service, telling, with_channels, with_hooks};

fn restarting(service: Automation, limit: u32) -> Automation {
    Automation { retries: Retries { limit, backoff_s: 10, max_backoff_s: 600 }, ..service }
}

fn always(service: Automation) -> Automation {
    let terms = ServiceTerms { restart: RestartPolicy::Always, ..ServiceTerms::default() };
    Automation { service: Some(Arc::new(terms)), ..service }
}

fn requiring(mut automation: Automation, service: &str) -> Automation {
    automation.requires.insert(name(service));
    automation
}

fn of_version(mut service: Automation, version: &str) -> Automation {
    service.workload.args = vec![version.to_owned()];
    service
}

fn listening(mut service: Automation, port: &str) -> Automation {
    service.workload.ports.push(port.parse().unwrap());
    service
}

/// A server whose containers of these images never end by themselves.
fn bench(images: &[&str]) -> Bench {
    let mut bench = Bench::new();
    for image in images {
        bench.script(image, [hangs()]);
    }
    bench
}

/// The run of the service that was accepted last.
fn last(bench: &Bench, service: &str) -> RunId {
    bench.runs().into_iter().rfind(|run| run.automation() == service).unwrap()
}

fn run<'a>(bench: &'a Bench, service: &str) -> &'a Run {
    bench.find(&last(bench, service))
}

/// Which services run, each with the arguments of its container.
fn up(bench: &Bench) -> Vec<String> {
    let runs = bench.state.runs.values().filter(|run| {
        run.attempts
            .last()
            .is_some_and(|step| matches!(step.phase, StepPhase::Running { .. } | StepPhase::Stopping { .. }))
    });
    let mut up: Vec<String> =
        runs.map(|run| format!("{} {}", run.spec.name, run.spec.workload.args.join(" ")).trim().to_owned()).collect();
    up.sort();
    up
}

fn drift(bench: &Bench) -> Vec<&str> {
    let word = |fact: &Fact| match fact {
        Fact::DriftFound { .. } => Some("found"),
        Fact::DriftCorrected { .. } => Some("corrected"),
        _ => None,
    };
    bench.log.iter().filter_map(|recorded| word(&recorded.fact)).collect()
}

fn stop(bench: &mut Bench, service: &str) {
    bench.record(Fact::ServiceStopped { service: name(service), by: "ann".to_owned() });
    bench.stop(&last(bench, service));
}

fn start(bench: &mut Bench, service: &str) {
    bench.record(Fact::ServiceStarted { service: name(service), by: "ann".to_owned() });
    bench.act();
}

#[test]
fn c4_a_service_is_started_once_and_goes_on_without_a_timeout() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([service("relay")])).wait(1_000_000);
    assert_eq!((up(&bench), bench.started.len()), (vec!["relay".to_owned()], 1));
    assert!(run(&bench, "relay").is_up());
    bench.down_for(86_400);
    assert_eq!((up(&bench).len(), bench.started.len()), (1, 1), "it is adopted");
}

#[test]
fn d32_exactly_n_restarts_and_then_it_says_so() {
    for (limit, says) in [
        (0, "exit 3; no restart is declared"),
        (1, "exit 3; restarted once, and not again"),
        (3, "exit 3; restarted 3 times, and not again"),
    ] {
        let mut bench = Bench::new();
        bench.script("relay", [exits(3, 5)]).apply(desired([restarting(service("relay"), limit)])).wait(100_000);
        assert_eq!(bench.started.len() as u32, limit + 1);
        assert_eq!(bench.outcome(&last(&bench, "relay")), (Outcome::Failed, says));
        assert_eq!(bench.state.ledgers[&name("relay")].last_detail, says);
        bench.down_for(60);
        bench.apply(desired([restarting(service("relay"), limit), automation("job")])).wait(100_000);
        assert_eq!(bench.started.len() as u32, limit + 1, "neither a restart nor another revision tries it again");
    }
}

#[test]
fn d32_the_pause_before_a_restart_doubles() {
    let mut bench = Bench::new();
    bench.script("relay", [exits(1, 0)]).apply(desired([restarting(service("relay"), 3)])).wait(1_000);
    let first = bench.started[0].0;
    let starts: Vec<i64> = bench.started.iter().map(|(at, _)| at.as_second() - first.as_second()).collect();
    assert_eq!(starts, [0, 10, 30, 70]);
}

#[test]
fn d32_an_end_that_is_well_is_restarted_only_where_that_is_said() {
    let mut bench = Bench::new();
    bench.script("once", [exits(0, 1)]).script("ever", [exits(0, 1)]);
    bench.apply(desired([restarting(service("once"), 2), always(restarting(service("ever"), 2))])).wait(1_000);
    assert_eq!(bench.outcome(&last(&bench, "once")), (Outcome::Succeeded, ""));
    let said = (Outcome::Failed, "exit 0; restarted 2 times, and not again");
    assert_eq!(bench.outcome(&last(&bench, "ever")), said);
    assert_eq!(bench.started.len(), 1 + 3);
}

#[test]
fn d32_one_that_was_given_up_is_tried_again_when_it_changes_or_a_person_says_so() {
    let mut bench = Bench::new();
    bench.script("relay", [exits(1, 0)]).apply(desired([service("relay")])).wait(100);
    start(&mut bench, "relay");
    assert_eq!(bench.started.len(), 2);
    bench.apply(desired([of_version(service("relay"), "2")])).wait(100);
    assert_eq!(bench.started.len(), 3);
}

#[test]
fn c4_a_container_that_somebody_removes_is_made_again_and_no_restart_is_spent() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([with_hooks(service("relay"), [hook("sweep", "service.exited")])])).wait(100);
    for times in 1..4 {
        let container = bench.made.iter().rfind(|made| made.workload.image == "relay").unwrap().name.clone();
        bench.remove(&container);
        bench.act().wait(100);
        assert_eq!((up(&bench).len(), bench.count("service.exited-sweep")), (1, times));
    }
    assert_eq!(drift(&bench), ["found", "corrected"].repeat(3));
}

#[test]
fn c4_one_that_is_lost_at_once_is_not_made_again_without_a_pause() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([service("relay")])).wait(1);
    let container = bench.made[0].name.clone();
    bench.remove(&container);
    bench.act().wait(5);
    assert_eq!(bench.started.len(), 1);
    bench.wait(10);
    assert_eq!(bench.started.len(), 2);
}

#[test]
fn c4_a_service_that_an_operator_stopped_stays_stopped() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([service("relay")])).wait(10);
    stop(&mut bench, "relay");
    bench.wait(1_000);
    assert_eq!(bench.outcome(&last(&bench, "relay")), (Outcome::Cancelled, "stopped by ann"));
    bench.down_for(100);
    bench.apply(desired([of_version(service("relay"), "2")])).wait(1_000);
    assert_eq!((up(&bench), bench.started.len()), (Vec::new(), 1));
    start(&mut bench, "relay");
    assert_eq!(up(&bench), ["relay 2"]);
}

#[test]
fn d3_services_start_in_the_order_in_which_they_need_each_other() {
    let mut bench = bench(&["db", "relay", "web"]);
    bench.ill.insert("db".to_owned());
    let services = [requiring(service("web"), "relay"), requiring(checked("relay"), "db"), checked("db")];
    bench.apply(desired(services.map(|service| restarting(service, 5)))).wait(5);
    assert_eq!(up(&bench), ["db"]);
    assert_eq!(run(&bench, "relay").phase, Phase::Queued { why: "service db".to_owned() });
    assert_eq!(run(&bench, "web").phase, Phase::Queued { why: "service relay".to_owned() });
    bench.ill.clear();
    bench.wait(5);
    assert_eq!(up(&bench), ["db", "relay", "web"]);
    let order: Vec<&str> = bench.made.iter().map(|made| made.workload.image.as_str()).collect();
    assert_eq!(order, ["db", "relay", "web"]);
}

#[test]
fn d40_what_a_service_waits_for_is_named_and_d41_all_others_start() {
    let mut bench = bench(&["web", "other"]);
    bench.script("db", [exits(1, 0)]);
    let services =
        [service("db"), requiring(service("web"), "db"), service("other"), requiring(automation("job"), "db")];
    bench.apply(desired(services)).wait(10);
    let job = bench.run("job");
    assert_eq!(up(&bench), ["other"]);
    let waits = Phase::Queued { why: "service db, which has ended".to_owned() };
    assert_eq!((&run(&bench, "web").phase, &bench.find(&job).phase), (&waits, &waits));
    bench.script("db", [hangs()]);
    start(&mut bench, "db");
    assert_eq!(up(&bench), ["db", "other", "web"]);
    assert_eq!(bench.outcome(&job).0, Outcome::Succeeded);
}

#[test]
fn d38_what_is_replaced_or_stopped_ends_nothing_that_needs_it() {
    let mut bench = bench(&["db", "web"]);
    let web = || requiring(service("web"), "db");
    bench.apply(desired([service("db"), web()])).wait(10);
    bench.apply(desired([of_version(service("db"), "2"), web()])).wait(10);
    assert_eq!(up(&bench), ["db 2", "web"]);
    stop(&mut bench, "db");
    bench.wait(100);
    bench.apply(desired([web()])).wait(100);
    assert_eq!(up(&bench), ["web"]);
    assert_eq!(bench.started.len(), 3);
}

#[test]
fn c5_the_new_one_is_healthy_before_the_old_one_goes() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([of_version(checked("relay"), "1")])).wait(10);
    bench.ill.insert("relay".to_owned());
    bench.apply(desired([of_version(checked("relay"), "2")])).wait(5);
    assert_eq!(up(&bench), ["relay 1", "relay 2"]);
    bench.ill.clear();
    bench.wait(5);
    assert_eq!(up(&bench), ["relay 2"]);
}

#[test]
fn c5_a_new_one_that_does_not_become_healthy_leaves_the_old_one() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([of_version(checked("relay"), "1")])).wait(10);
    let old = last(&bench, "relay");
    bench.ill.insert("relay".to_owned());
    bench.apply(desired([of_version(checked("relay"), "2")])).wait(10);
    bench.ill.clear();
    bench.wait(1_000);
    assert_eq!(up(&bench), ["relay 1"]);
    assert!(bench.find(&old).is_up());
    let says = "unhealthy: not healthy within 10s of its start: status 500; no restart is declared";
    assert_eq!(bench.outcome(&last(&bench, "relay")), (Outcome::Failed, says));
}

#[test]
fn c5_one_port_is_had_by_one_after_the_other() {
    let mut bench = bench(&["relay"]);
    let version = |version, port| listening(of_version(service("relay"), version), port);
    bench.apply(desired([version("1", "8090:80")])).wait(10);
    for (next, expected) in [(version("2", "8090:81"), "relay 2"), (version("3", "8091:80"), "relay 3")] {
        bench.apply(desired([next])).wait(10);
        assert_eq!(up(&bench), [expected]);
    }
    let order: Vec<String> = bench.log.iter().filter_map(milestone).collect();
    assert_eq!(order, ["start", "end", "start", "start", "end"], "8091 is free: the third one starts first");
}

#[test]
fn c5_who_says_so_is_stopped_first() {
    let mut bench = bench(&["relay"]);
    let terms = ServiceTerms { replace: Replacement::StopFirst, ..ServiceTerms::default() };
    let version = |text| Automation { service: Some(Arc::new(terms.clone())), ..of_version(service("relay"), text) };
    bench.apply(desired([version("1")])).wait(10);
    bench.apply(desired([version("2")])).wait(10);
    let order: Vec<String> = bench.log.iter().filter_map(milestone).collect();
    assert_eq!(order, ["start", "end", "start"]);
}

/// The starts and ends of main containers.
fn milestone(recorded: &provost_model::Recorded) -> Option<String> {
    use provost_model::{RunFact, StepFact};
    match &recorded.fact {
        Fact::Run { change: RunFact::Step { id, fact: StepFact::Started { .. } }, .. } if id.is_main() => {
            Some("start".to_owned())
        }
        Fact::Run { change: RunFact::Step { id, fact: StepFact::Ended { .. } }, .. } if id.is_main() => {
            Some("end".to_owned())
        }
        _ => None,
    }
}

#[test]
fn c5_what_changes_around_a_container_changes_nothing_in_it() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([service("relay")])).wait(10);
    bench.apply(desired([with_hooks(restarting(service("relay"), 2), [hook("sweep", "service.exited")])])).wait(10);
    assert_eq!(bench.started.len(), 1);
    assert_eq!(run(&bench, "relay").spec.retries.limit, 2);
    stop(&mut bench, "relay");
    assert_eq!(bench.count("service.exited-sweep"), 1);
}

#[test]
fn c5_what_no_manifest_declares_any_more_is_taken_down() {
    let mut bench = bench(&["relay", "other"]);
    bench.apply(desired([with_hooks(service("relay"), [hook("sweep", "service.removed")]), service("other")])).wait(10);
    let relay = last(&bench, "relay");
    bench.apply(desired([service("other")])).wait(10);
    assert_eq!(bench.outcome(&relay), (Outcome::Cancelled, "no manifest declares it any more"));
    assert_eq!((up(&bench), bench.count("service.removed-sweep")), (vec!["other".to_owned()], 1));
}

#[test]
fn d36_every_clean_up_runs_once_on_a_stop_and_one_that_fails_blocks_no_other() {
    let mut bench = bench(&["relay"]);
    bench.script("a", [exits(1, 0)]).script("b", [ok()]).script("c", [exits(2, 1)]);
    let hooks = ["a", "b", "c"].map(|text| hook(text, "service.exited"));
    bench.apply(desired([with_hooks(restarting(service("relay"), 5), hooks)])).wait(10);
    stop(&mut bench, "relay");
    bench.wait(100);
    assert_eq!(bench.steps(), ["main.1", "service.exited-c", "service.exited-b", "service.exited-a"]);
    bench.assert_clean();
}

#[test]
fn r5_hooks_of_a_service_come_at_its_moments() {
    let mut bench = Bench::new();
    bench.script("relay", [exits(1, 5), hangs()]);
    let events = ["starting", "started", "healthy", "unhealthy", "restarting", "exited", "removed"];
    let hooks = events.map(|event| hook(event, &format!("service.{event}")));
    bench.apply(desired([with_hooks(restarting(checked("relay"), 1), hooks)])).wait(30);
    stop(&mut bench, "relay");
    let expected = [
        "service.starting-starting",
        "main.1",
        "service.started-started",
        "service.healthy-healthy",
        "service.restarting.1-restarting",
        "main.2",
        "service.healthy-healthy",
        "service.exited-exited",
        "service.removed-removed",
    ];
    assert_eq!(bench.steps(), expected);
    let request = bench.request("service.healthy-healthy");
    assert_eq!((&request.event["data"]["service"], &request.event["subject"]), (&"relay".into(), &"relay".into()));
}

#[test]
fn r6_a_hook_that_says_no_keeps_a_service_from_starting() {
    let mut bench = bench(&["relay"]);
    let mut guard = hook("guard", "service.starting");
    guard.on_error = provost_model::OnError::Fail;
    bench.script("guard", [exits(1, 0)]);
    bench.apply(desired([with_hooks(service("relay"), [guard])])).wait(1_000);
    assert_eq!(bench.steps(), ["service.starting-guard"]);
    assert_eq!(bench.outcome(&last(&bench, "relay")).0, Outcome::Failed);
}

fn health<'a>(bench: &'a Bench, service: &str) -> &'a Health {
    run(bench, service).health.as_ref().unwrap()
}

#[test]
fn d1_ill_health_is_mended_by_a_restart_as_long_as_there_is_one_left() {
    let mut bench = bench(&["relay"]);
    bench.apply(desired([restarting(checked("relay"), 1)])).wait(100);
    assert!(health(&bench, "relay").is_healthy);
    bench.ill.insert("relay".to_owned());
    bench.wait(59);
    assert_eq!(bench.started.len(), 1, "two bad answers in a row are not three");
    bench.wait(36);
    bench.ill.clear();
    bench.wait(30);
    assert_eq!(bench.started.len(), 2);
    assert!(health(&bench, "relay").is_healthy);
    bench.ill.insert("relay".to_owned());
    bench.wait(1_000);
    assert_eq!((bench.started.len(), up(&bench).len()), (2, 1), "nothing would take its place: it is left");
    assert_eq!((health(&bench, "relay").is_healthy, health(&bench, "relay").why.as_str()), (false, "status 500"));
    bench.ill.clear();
    bench.wait(60);
    assert!(run(&bench, "relay").is_up());
}

#[test]
fn d43_a_start_that_hangs_is_told_as_dead() {
    let mut bench = bench(&["relay"]);
    bench.ill.insert("relay".to_owned());
    bench.apply(desired([checked("relay")])).wait(9);
    assert_eq!(up(&bench), ["relay"]);
    bench.wait(2);
    assert_eq!(up(&bench), Vec::<String>::new());
    let says = "unhealthy: not healthy within 10s of its start: status 500; no restart is declared";
    assert_eq!(bench.outcome(&last(&bench, "relay")), (Outcome::Failed, says));
}

#[test]
fn a27_who_hears_of_failures_hears_of_services_too_and_of_their_recovery() {
    let mut bench = Bench::new();
    bench.script("relay", [exits(1, 5), hangs()]);
    let service = telling(service("relay"), provost_model::Moment::Failure, "ops");
    let service = telling(service, provost_model::Moment::Recovery, "ops");
    bench.apply(with_channels(desired([service]), [channel("ops")])).wait(100);
    assert_eq!(bench.heard(), ["ops failure"]);
    start(&mut bench, "relay");
    bench.wait(10);
    assert_eq!(bench.heard(), ["ops failure", "ops recovery"]);
}

#[test]
fn a1_no_service_starts_before_the_startup_hooks_have_passed() {
    let mut bench = bench(&["relay"]);
    bench.script("mounts", [exits(1, 0)]);
    let mut guard = hook("mounts", "server.startup");
    guard.on_error = provost_model::OnError::Fail;
    bench.apply(crate::sample::with_server_hooks(desired([service("relay")]), [guard])).wait(100);
    assert_eq!(bench.steps(), ["server.startup-mounts"]);
}

#[test]
fn c3_a_plan_says_what_becomes_of_services() {
    let relay = || listening(checked("relay"), "8090:80");
    let mut bench = bench(&["relay"]);
    bench.apply(desired([relay()])).wait(10);
    let says = |bench: &Bench, new: provost_model::Desired| -> Vec<String> {
        let changes = provost_planner::changes(&bench.state, &new, bench.now);
        let text = |it: Option<String>| it.unwrap_or_default();
        let line = |it: provost_planner::Change| {
            let what = format!("{} {} {}", it.subject, text(it.field), text(it.after));
            format!("{:?} {what}: {}", it.verb, text(it.effect))
        };
        changes.into_iter().map(line).collect()
    };
    let new = desired([restarting(listening(relay(), "8091:80"), 2), service("web")]);
    let expected = [
        "Change Service/relay spec.ports 127.0.0.1:8090:80, 127.0.0.1:8091:80: a new container takes the place of the old one",
        "Change Service/relay spec.restart.limit 2: ",
        "Add Service/web  web: starts",
    ];
    assert_eq!(says(&bench, new), expected);
    assert_eq!(says(&bench, desired([])), ["Remove Service/relay  : is taken down"]);
    let kind = ["Remove Service/relay  : is taken down", "Add Automation/relay  relay: runs by hand only"];
    assert_eq!(says(&bench, desired([automation("relay")])), kind);
}
