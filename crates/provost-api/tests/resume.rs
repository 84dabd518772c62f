//! What programs need besides answers: streams that go on where they broke off, requests that may be sent twice, lists in
//! pages, numbers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::raw::{Answer, post_as, send};
use common::*;
use provost_api::wire::*;
use provost_engine::{Script, When};
use serde_json::Value;

async fn stream(bench: &Bench, path: &str, last: Option<&str>) -> Vec<(String, Value)> {
    let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
    let head = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n{last}\r\n");
    let answer = send(&bench.socket, &head).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("content-type: text/event-stream"), "{answer:?}");
    let events = answer.body.split("\n\n").filter(|event| event.starts_with("id: "));
    let read = |event: &str| {
        let (id, data) = event.split_once("\ndata: ").unwrap();
        (id.trim_start_matches("id: ").to_owned(), serde_json::from_str(data).unwrap())
    };
    events.map(read).collect()
}

#[tokio::test]
async fn events_go_on_where_the_stream_broke_off() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.run_to_its_end("nightly").await;
    let all = stream(&bench, "/v1/events?after=0", None).await;
    assert!(all.len() > 4);
    assert!(all.iter().all(|(id, event)| id.parse::<u64>().ok() == event["seq"].as_u64()));
    let behind = stream(&bench, "/v1/events?limit=1", Some(&all[2].0)).await;
    assert_eq!(behind, all[3..]);
}

#[tokio::test]
async fn output_goes_on_where_the_stream_broke_off() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let script = Script::running(Duration::from_secs(4));
    // Two of one moment.
    let lines = [(1, "a"), (2, "b"), (2, "c"), (3, "d")];
    let script = lines.iter().fold(script, |script, (at, text)| script.line(Duration::from_secs(*at), text));
    bench.engine.script(When::any(), script);
    let run = bench.run_to_its_end("nightly").await;
    for path in [format!("/v1/runs/{run}/logs"), "/v1/automations/nightly/logs".to_owned()] {
        let all = stream(&bench, &path, None).await;
        assert_eq!(
            all.iter().map(|(_, line)| line["text"].as_str().unwrap()).collect::<Vec<_>>(),
            ["a", "b", "c", "d"]
        );
        for told in 0..4 {
            assert_eq!(stream(&bench, &format!("{path}?tail=1"), Some(&all[told].0)).await, all[told + 1..], "{path}");
        }
    }
}

async fn start(bench: &Bench, headers: &str, body: &str) -> Answer {
    let headers = format!("Content-Type: application/json\r\n{headers}");
    post_as(&bench.socket, "/v1/automations/nightly/run", &headers, body).await
}

#[tokio::test]
async fn the_same_key_is_the_same_answer() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let first = start(&bench, "Idempotency-Key: k1\r\n", "{}").await;
    assert_eq!(first.status, 200);
    let again = start(&bench, "Idempotency-Key: k1\r\n", "{}").await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    let in_body = start(&bench, "", "{\"request\": \"k1\"}").await;
    assert_eq!(in_body.body, first.body, "the header and the body say the same");
    let other = start(&bench, "Idempotency-Key: k2\r\n", "{}").await;
    assert_ne!(other.body, first.body);
    for wrong in [("Idempotency-Key: k1\r\n", "{\"request\": \"k2\"}"), ("Idempotency-Key: \r\n", "{}")] {
        assert_eq!(start(&bench, wrong.0, wrong.1).await.status, 400, "{wrong:?}");
    }
    assert_eq!(bench.client.runs(&RunsQuery::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let bench = Bench::new(&[every("nightly", 60)]).await;
    for _ in 0..5 {
        bench.run_to_its_end("nightly").await;
    }
    for path in ["/v1/runs", "/v1/outcomes", "/v1/history"] {
        let list = async |query: String| {
            let answer = raw::get(&bench.socket, &format!("{path}?{query}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            serde_json::from_str::<Value>(&answer.body).unwrap()
        };
        let all = list("limit=1000".to_owned()).await["items"].as_array().unwrap().clone();
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(format!("limit=2{cursor}")).await;
            pages.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(pages, all, "{path}");
        assert_eq!(raw::get(&bench.socket, &format!("{path}?cursor=x")).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn numbers_are_told_to_prometheus() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.run_to_its_end("nightly").await;
    let said = bench.until(async || {
        let answer = raw::get(&bench.socket, "/metrics").await;
        answer.body.contains("provost_runs_total{outcome=\"Succeeded\"} 1").then_some(answer)
    });
    let said = said.await;
    assert!(said.head.contains("content-type: application/openmetrics-text"), "{}", said.head);
    for line in ["provost_start_lag_seconds_count 1", "provost_runs_queued 0", "provost_automations 1", "# EOF"] {
        assert!(said.body.contains(line), "{line} is not in {}", said.body);
    }
}
