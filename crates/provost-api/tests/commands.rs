//! Every command, through the client, and who is said to have given it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::os::unix::fs::MetadataExt;

use common::*;
use futures_util::TryStreamExt;
use provost_api::wire::*;
use provost_engine::{Script, When};
use serde_json::json;

/// Who runs this test, as the server should say it.
fn is_me(by: &str, bench: &Bench) -> bool {
    let uid = std::fs::metadata(&bench.socket).unwrap().uid();
    if uid == 0 { by == "root" } else { by.ends_with(&format!("(uid {uid})")) || by == format!("uid {uid}") }
}

#[tokio::test]
async fn a_run_gets_its_parameters_and_says_who_asked() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let params = JsonMap::from_iter([("count".to_owned(), json!("5"))]);
    let request = RunRequest { params, testing: true, request: None };
    let run = bench.client.start_run("nightly", &request).await.unwrap().run;
    let run = bench.client.run(&run).await.unwrap().item;
    assert_eq!((run.params["count"].clone(), run.testing, run.cause.kind), (json!(5), true, CauseKind::Manual));
    assert!(is_me(run.cause.by.as_deref().unwrap(), &bench), "{:?}", run.cause);
    let wrong = RunRequest { params: JsonMap::from_iter([("count".to_owned(), json!("many"))]), ..request };
    let refused = bench.client.start_run("nightly", &wrong).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code, ProblemCode::Invalid);
}

#[tokio::test]
async fn a_header_does_not_change_who_asked() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let headers = "Content-Type: application/json\r\nX-Provost-By: mallory\r\n";
    let answer = raw::post_as(&bench.socket, "/v1/automations/nightly/pause", headers, "{}").await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let pause = bench.client.automation("nightly").await.unwrap().item.pause.unwrap();
    assert!(is_me(&pause.by, &bench), "{}", pause.by);
}

#[tokio::test]
async fn d2_asking_twice_with_one_id_starts_one_run() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let request = RunRequest { request: Some("r1".into()), ..RunRequest::default() };
    let first = bench.client.start_run("nightly", &request).await.unwrap();
    assert_eq!(bench.client.start_run("nightly", &request).await.unwrap(), first);
    let other = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap();
    assert_ne!(other, first);
    assert_ne!(bench.client.start_run("nightly", &RunRequest::default()).await.unwrap(), other);
    let endless = RunRequest { request: Some("x".repeat(129)), ..RunRequest::default() };
    let refused = bench.client.start_run("nightly", &endless).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code, ProblemCode::Invalid);
}

#[tokio::test]
async fn a_run_is_repeated_with_its_inputs() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let params = JsonMap::from_iter([("count".to_owned(), json!(5))]);
    let request = RunRequest { params: params.clone(), ..RunRequest::default() };
    let run = bench.client.start_run("nightly", &request).await.unwrap().run;
    bench.meanwhile(bench.client.wait_for_run(&run, 60)).await.unwrap();
    let again = bench.client.retry_run(&run, &RetryRequest::default()).await.unwrap().run;
    let again = bench.client.run(&again).await.unwrap().item;
    assert_eq!((again.params, again.cause.of), (params, Some(run)));
}

#[tokio::test]
async fn a_pause_is_shown_until_it_ends() {
    let bench = Bench::new(&[every("price-sync", 60)]).await;
    let until = Some(at("2026-12-01T00:00:00Z"));
    let request = PauseRequest { until, reason: "stocktaking".into() };
    bench.client.pause("price-sync", &request).await.unwrap();
    let item = bench.client.automation("price-sync").await.unwrap().item;
    assert_eq!(item.state, AutomationState::Paused);
    let pause = item.pause.unwrap();
    assert_eq!((pause.until, pause.reason.as_str()), (until, "stocktaking"));
    assert!(is_me(&pause.by, &bench));
    assert!(item.next_reason.unwrap().contains("stocktaking"));
    bench.pass(jiff::SignedDuration::from_mins(1));
    let skipped = async || bench.client.outcomes(&OutcomesQuery::default()).await.unwrap().pop();
    let outcome = bench.until(skipped).await;
    assert_eq!((outcome.verdict, outcome.reason.as_deref()), (DueVerdict::Skipped, Some("suspended")));
    bench.client.resume("price-sync").await.unwrap();
    assert_eq!(bench.client.automation("price-sync").await.unwrap().item.pause, None);
}

#[tokio::test]
async fn a_run_is_stopped_once() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.engine.script(When::any(), Script::endless());
    let run = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap().run;
    bench.client.stop_run(&run).await.unwrap();
    let ended = bench.meanwhile(bench.client.wait_for_run(&run, 60)).await.unwrap();
    assert_eq!(ended.item.outcome, Some(Outcome::Cancelled));
    let refused = bench.client.stop_run(&run).await.unwrap_err();
    let code = refused.problem().unwrap().code;
    assert!(matches!(code, ProblemCode::Conflict | ProblemCode::NotFound), "{code:?}");
}

#[tokio::test]
async fn e5_an_event_that_was_accepted_is_told() {
    let bench = Bench::new(&[]).await;
    let data = JsonMap::from_iter([("count".to_owned(), json!(3))]);
    let request = FireRequest { name: "orders.arrived".into(), data: data.clone(), request: Some("r1".into()) };
    let event = bench.client.fire(&request).await.unwrap();
    assert_eq!(bench.client.fire(&request).await.unwrap(), event);
    let events: Vec<EventItem> =
        bench.client.events(&EventsQuery::default()).await.unwrap().try_collect().await.unwrap();
    let told: Vec<_> = events.iter().filter(|event| event.name == "orders.arrived").collect();
    assert_eq!(told[0].event, Some(event.event));
    assert_eq!(told[0].data["data"], json!(data));
    let refused = bench.client.fire(&FireRequest { name: "run.finished".into(), ..request }).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code, ProblemCode::Invalid);
}
