//! Every question to a server, through the client.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use provost_api::wire::*;
use provost_api::{ClientError, ROUTES};
use provost_controller::ApplyMode;
use provost_engine::{Script, When};
use serde_json::json;

fn problem<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Problem {
    match answer {
        Err(ClientError::Problem(problem)) => *problem,
        other => panic!("a problem was expected, and this came: {other:?}"),
    }
}

#[tokio::test]
async fn a_status_says_what_is_in_force() {
    let bench = Bench::new(&[automation("nightly"), every("price-sync", 3600)]).await;
    let status = bench.client.status().await.unwrap();
    assert_eq!((status.instance.as_str(), status.host.as_str()), ("test", "ber-1"));
    assert_eq!(status.revision.unwrap().revision, "r1");
    assert_eq!(status.startup, StartupState::Passed);
    assert_eq!((status.counts.automations, status.counts.new), (2, 2));
    assert_eq!(status.source.name, "folder /srv/shop");
}

#[tokio::test]
async fn automations_are_selected_by_label() {
    let mut other = automation("price-sync");
    other.labels.insert("team".into(), "shop".into());
    let bench = Bench::new(&[automation("nightly"), other]).await;
    let names = async |selector: &str| {
        let query = AutomationsQuery { selector: Some(selector.to_owned()) };
        let items = bench.client.automations(&query).await.unwrap();
        items.into_iter().map(|item| item.name).collect::<Vec<_>>()
    };
    assert_eq!(names("team=finance").await, ["nightly"]);
    assert_eq!(names("team!=finance").await, ["price-sync"]);
    assert_eq!(names("").await, ["nightly", "price-sync"]);
    let query = AutomationsQuery { selector: Some("team in (a)".into()) };
    assert_eq!(problem(bench.client.automations(&query).await).code, ProblemCode::Invalid);
}

#[tokio::test]
async fn an_automation_shows_its_last_run_and_its_next_due_times() {
    let bench = Bench::new(&[every("price-sync", 3600)]).await;
    bench.engine.script(When::automation("price-sync"), Script::default().code(7));
    let run = bench.run_to_its_end("price-sync").await;
    let detail = bench.client.automation("price-sync").await.unwrap();
    let last = detail.item.last_run.unwrap();
    assert_eq!(
        (last.run.as_str(), last.outcome, last.exit, last.attempts),
        (run.as_str(), Outcome::Failed, Some(7), 1)
    );
    assert_eq!(detail.item.state, AutomationState::Failing);
    assert_eq!(detail.item.recent, [Outcome::Failed]);
    assert_eq!(detail.next.len(), 5);
    assert_eq!(detail.next[0].due, at("2026-11-20T13:00:00Z"));
    assert_eq!(detail.next[1].due, at("2026-11-20T14:00:00Z"));
    assert_eq!(detail.runs[0].run, run);
    assert_eq!(detail.effective.workload.image, "image");
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_may_have_been_meant() {
    let bench = Bench::new(&[automation("nightly-backup")]).await;
    let missing = problem(bench.client.automation("nightly-bakup").await);
    assert_eq!((missing.status, missing.code), (404, ProblemCode::NotFound));
    assert_eq!(missing.detail, "there is no automation nightly-bakup");
    assert_eq!(missing.hint.as_deref(), Some("did you mean nightly-backup?"));
    assert_eq!(problem(bench.client.run("nightly-backup.x").await).code, ProblemCode::NotFound);
    let logs = bench.client.automation_logs("zzz", &LogsQuery::default()).await;
    assert_eq!(problem(logs.map(drop)).code, ProblemCode::NotFound);
    let logs = bench.client.run_logs("zzz.1", &LogsQuery::default()).await;
    assert_eq!(problem(logs.map(drop)).code, ProblemCode::NotFound);
}

#[tokio::test]
async fn whatever_people_type_is_no_other_path() {
    let bench = Bench::new(&[automation("nightly")]).await;
    for odd in ["../status", "a/b", "nightly?x=1", "%2e%2e", "ä", "Nightly"] {
        assert_eq!(problem(bench.client.automation(odd).await).code, ProblemCode::Invalid, "{odd}");
        assert_eq!(
            problem(bench.client.pause(odd, &PauseRequest::default()).await).code,
            ProblemCode::Invalid,
            "{odd}"
        );
    }
}

#[tokio::test]
async fn runs_and_outcomes_are_listed_youngest_first() {
    let bench = Bench::new(&[every("price-sync", 3600), automation("nightly")]).await;
    let by_hand = bench.run_to_its_end("price-sync").await;
    bench.run_to_its_end("nightly").await;
    bench.pass(jiff::SignedDuration::from_hours(1));
    let of_price_sync = RunsQuery { automation: Some("price-sync".into()), ..RunsQuery::default() };
    let scheduled = bench
        .until(async || {
            let runs = bench.client.runs(&of_price_sync).await.unwrap();
            runs.into_iter().find(|run| run.cause.kind == CauseKind::Schedule && run.ended_at.is_some())
        })
        .await;
    let runs = bench.client.runs(&of_price_sync).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.run.as_str()).collect::<Vec<_>>(), [scheduled.run.as_str(), by_hand.as_str()]);
    assert_eq!(bench.client.runs(&RunsQuery::default()).await.unwrap().len(), 3);
    let first = RunsQuery { limit: Some(1), ..RunsQuery::default() };
    assert_eq!(bench.client.runs(&first).await.unwrap()[0].run, scheduled.run);
    let failed = RunsQuery { outcome: Some(Outcome::Failed), ..RunsQuery::default() };
    assert_eq!(bench.client.runs(&failed).await.unwrap(), []);
    let earlier = RunsQuery { until: Some(scheduled.due), ..of_price_sync };
    assert_eq!(bench.client.runs(&earlier).await.unwrap()[0].run, by_hand);
    let outcomes = bench.client.outcomes(&OutcomesQuery::default()).await.unwrap();
    assert_eq!((outcomes.len(), outcomes[0].verdict), (1, DueVerdict::Ran));
    assert_eq!(outcomes[0].run.as_deref(), Some(scheduled.run.as_str()));
    let many = RunsQuery { limit: Some(1001), ..RunsQuery::default() };
    assert_eq!(problem(bench.client.runs(&many).await).code, ProblemCode::Invalid);
}

#[tokio::test]
async fn waiting_for_a_run_ends_with_it_or_with_the_time() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.engine.script(When::any(), Script::endless());
    let run = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap().run;
    let going_on = bench.client.wait_for_run(&run, 1).await.unwrap();
    assert_eq!(going_on.item.ended_at, None, "nobody let the time of the engine pass");
    let begun = async || bench.client.run(&run).await.unwrap().item.main_at;
    bench.until(begun).await;
    let waiting = bench.client.wait_for_run(&run, 300);
    let stopping = async {
        bench.client.stop_run(&run).await.unwrap();
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = bench.meanwhile(waiting) => ended.unwrap(),
        () = stopping => unreachable!(),
    };
    assert_eq!(ended.item.outcome, Some(Outcome::Cancelled));
    assert!(ended.steps.iter().any(|step| step.step == "main.1" && step.phase == StepPhase::Ended));
}

#[tokio::test]
async fn what_will_come_is_listed_soonest_first() {
    let mut frozen = every("price-sync", 3600);
    frozen.suspend = true;
    let bench = Bench::new(&[every("often", 1800), frozen]).await;
    let query = UpcomingQuery { until: Some(at("2026-11-20T13:00:00Z")), limit: None };
    let upcoming = bench.client.upcoming(&query).await.unwrap();
    let shown: Vec<_> = upcoming.iter().map(|it| (it.automation.as_str(), it.due, it.skipped.is_some())).collect();
    let [half, full] = ["2026-11-20T12:30:00Z", "2026-11-20T13:00:00Z"].map(at);
    assert_eq!(shown, [("often", half, false), ("often", full, false), ("price-sync", full, true)]);
}

#[tokio::test]
async fn revisions_are_planned_applied_refused_and_gone_back_from() {
    let bench = Bench::with(&[automation("nightly")], ApplyMode::Manual).await;
    let client = &bench.client;
    let plan = client.plan().await.unwrap();
    assert_eq!((plan.from.as_deref(), plan.to.as_str(), plan.changes.len()), (None, "r1", 1));
    assert_eq!((plan.changes[0].verb, plan.changes[0].subject.as_str()), (ChangeVerb::Add, "Automation/nightly"));
    let applied = client.apply(&ApplyRequest { plan: Some(plan.id.clone()) }).await.unwrap();
    assert_eq!(applied.changes, plan.changes);
    bench.source.commit(revision("r2", &[automation("nightly"), automation("price-sync")]));
    let stale = client.apply(&ApplyRequest { plan: Some(plan.id) }).await;
    assert_eq!(problem(stale).code, ProblemCode::Conflict);
    client.apply(&ApplyRequest::default()).await.unwrap();
    bench.source.commit(broken("r3"));
    let refused = problem(client.apply(&ApplyRequest::default()).await);
    assert_eq!((refused.status, refused.code), (422, ProblemCode::Rejected));
    assert!(refused.detail.contains("error[E0001]"), "{}", refused.detail);
    let back = client.rollback(&RollbackRequest::default()).await.unwrap();
    assert_eq!(back.to, "r1");
    let status = client.status().await.unwrap();
    assert_eq!((status.revision.unwrap().revision.as_str(), status.pinned.as_deref()), ("r1", Some("r1")));
    let history = client.history(&HistoryQuery::default()).await.unwrap();
    let in_force: Vec<_> = history.iter().filter(|item| item.in_force).collect();
    assert_eq!((in_force.len(), in_force[0].revision.as_deref()), (1, Some("r1")));
    assert_eq!(history.last().unwrap().result, HistoryResult::Applied);
    assert!(history.windows(2).all(|pair| pair[0].seq > pair[1].seq));
}

/// An automation that is an action of `shop` too.
fn action(name: &str) -> provost_model::Automation {
    let mut automation = serde_json::to_value(automation(name)).unwrap();
    automation["action"] = json!({"application": "shop", "name": name, "plugin": "warehouse", "config": {}});
    serde_json::from_value(automation).unwrap()
}

/// The path of a route about the automation or action `nightly`, and this run.
fn filled_in(path: &str, run: &str) -> String {
    let path = path.replace("{application}", "shop").replace("{job}", "0198c1a0-7d1e-7cc0-8000-0123456789ab");
    let path = path.replace("{document}", "shared").replace("{skill}", "fx.rate");
    path.replace("{name}", "nightly").replace("{run}", run).replace("{event}", "e1")
}

#[tokio::test]
async fn questions_change_nothing() {
    let bench = Bench::new(&[action("nightly")]).await;
    let run = bench.run_to_its_end("nightly").await;
    let before = bench.seq().await;
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let answer = raw::get(&bench.socket, &filled_in(route.path, &run)).await;
        // There is no event, no job, no document and no service.
        let is_absent = ["{event}", "{job}", "{document}", "services/{"].iter().any(|part| route.path.contains(part));
        let path = route.path;
        let yes = match path {
            "/v1/ping" => 204,
            _ if is_absent => 404,
            _ => 200,
        };
        assert_eq!(answer.status, yes, "{path}: {}", answer.body);
    }
    assert_eq!(bench.seq().await, before);
}

#[tokio::test]
async fn every_route_is_answered() {
    let bench = Bench::new(&[action("nightly")]).await;
    for route in ROUTES {
        let path = filled_in(route.path, "nightly.x");
        let answer = match route.method {
            "GET" => raw::get(&bench.socket, &path).await,
            method => {
                let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
                let body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                raw::send(&bench.socket, &format!("{head}{body}")).await
            }
        };
        assert_ne!(answer.status, 405, "{} {path}", route.method);
        assert!(!answer.body.contains("there is nothing at"), "{} {path}", route.method);
        assert!(
            (route.path.starts_with("/v1/") || route.path == "/metrics") && route.summary.ends_with('.'),
            "{}",
            route.path
        );
    }
}
