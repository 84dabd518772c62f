//! Output and events as they come.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::*;
use futures_util::{StreamExt, TryStreamExt};
use provost_api::wire::*;
use provost_api::{ClientError, EventStream, LogStream};
use provost_engine::{Script, When};

/// Prints a line a second, and ends.
fn counting(lines: u64) -> Script {
    let script = Script::running(Duration::from_secs(lines + 1));
    (1..=lines).fold(script, |script, line| script.line(Duration::from_secs(line), &format!("line {line}")))
}

fn expected(lines: u64) -> Vec<String> {
    (1..=lines).map(|line| format!("line {line}")).collect()
}

async fn texts(stream: LogStream) -> Vec<String> {
    stream.map_ok(|line| line.text).try_collect().await.unwrap()
}

fn follow() -> LogsQuery {
    LogsQuery { follow: true, ..LogsQuery::default() }
}

#[tokio::test]
async fn output_that_is_kept_is_told_whole_or_in_part() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.engine.script(When::any(), counting(5));
    let run = bench.run_to_its_end("nightly").await;
    let of_run = async |query: &LogsQuery| texts(bench.client.run_logs(&run, query).await.unwrap()).await;
    assert_eq!(of_run(&LogsQuery::default()).await, expected(5));
    assert_eq!(of_run(&follow()).await, expected(5), "a run that is over is not followed");
    assert_eq!(of_run(&LogsQuery { tail: Some(2), ..LogsQuery::default() }).await, ["line 4", "line 5"]);
    assert_eq!(of_run(&LogsQuery { tail: Some(0), ..LogsQuery::default() }).await, [""; 0]);
    assert_eq!(of_run(&LogsQuery { step: Some("main.2".into()), ..LogsQuery::default() }).await, [""; 0]);
    let lines: Vec<LogLine> =
        bench.client.run_logs(&run, &LogsQuery::default()).await.unwrap().try_collect().await.unwrap();
    assert_eq!((lines[0].run.as_str(), lines[0].step.as_str()), (run.as_str(), "main.1"));
    let middle = LogsQuery { since: Some(lines[1].at), until: Some(lines[3].at), ..LogsQuery::default() };
    assert_eq!(of_run(&middle).await, ["line 2", "line 3"]);
    let last = bench.client.automation_logs("nightly", &LogsQuery::default()).await.unwrap();
    assert_eq!(texts(last).await, expected(5));
}

#[tokio::test]
async fn a_run_is_followed_to_its_end_and_each_line_is_told_once() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.engine.script(When::any(), counting(40));
    let run = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap().run;
    // One listens from the first moment, one joins in the middle.
    let early = bench.client.run_logs(&run, &follow()).await.unwrap();
    let is_in_the_middle = async || {
        let kept = bench.client.run_logs(&run, &LogsQuery::default()).await.unwrap();
        (texts(kept).await.len() > 10).then_some(())
    };
    bench.until(is_in_the_middle).await;
    let late = bench.client.run_logs(&run, &follow()).await.unwrap();
    let (early, late) = bench.meanwhile(async { tokio::join!(texts(early), texts(late)) }).await;
    assert_eq!(early, expected(40));
    assert_eq!(late, expected(40));
}

#[tokio::test]
async fn a_slow_reader_gets_every_line_of_a_loud_run_once() {
    let mut loud = automation("nightly");
    loud.history.log_bytes = 100_000_000;
    let bench = Bench::new(&[loud]).await;
    let burst = |script: Script, line: u64| script.line(Duration::from_millis(line / 100), &format!("line {line}"));
    let script = (1..=LOUD).fold(Script::running(Duration::from_secs(LOUD / 100_000 + 5)), burst);
    bench.engine.script(When::any(), script);
    let run = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap().run;
    let stream = bench.client.run_logs(&run, &follow()).await.unwrap();
    // Nothing is read until all is written: by then the channel of new lines has lost most of them.
    bench.meanwhile(bench.client.wait_for_run(&run, 300)).await.unwrap();
    let told = texts(stream).await;
    assert_eq!(told.len() as u64, LOUD);
    assert_eq!(told, expected(LOUD));
}

/// More lines than any channel on the way holds.
const LOUD: u64 = 40_000;

#[tokio::test]
async fn following_a_run_that_has_not_begun_waits_for_it() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.engine.script(When::any(), counting(2));
    let first = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap().run;
    let second = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap().run;
    let stream = bench.client.run_logs(&second, &follow()).await.unwrap();
    assert_eq!(bench.client.run(&second).await.unwrap().item.phase, RunPhase::Queued);
    let lines: Vec<LogLine> = bench.meanwhile(stream.try_collect()).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), expected(2));
    assert!(lines.iter().all(|line| line.run == second), "not those of {first}");
}

#[tokio::test]
async fn an_automation_is_followed_from_run_to_run() {
    let bench = Bench::new(&[automation("nightly"), automation("other")]).await;
    bench.engine.script(When::any(), counting(2));
    let first = bench.run_to_its_end("nightly").await;
    let mut stream = bench.client.automation_logs("nightly", &follow()).await.unwrap();
    bench.run_to_its_end("other").await;
    let second = bench.run_to_its_end("nightly").await;
    let mut runs = Vec::new();
    while runs.len() < 4 {
        let line: LogLine = bench.meanwhile(stream.next()).await.unwrap().unwrap();
        runs.push(line.run);
    }
    assert_eq!(runs, [first.clone(), first, second.clone(), second]);
}

#[tokio::test]
async fn the_output_of_an_events_hooks_is_told() {
    let bench = Bench::new(&[]).await;
    bench.engine.script(When::any(), counting(3));
    bench.source.commit(revision_with("r2", &[], vec![hook("orders.arrived")]));
    let in_force = async || bench.client.status().await.unwrap().revision.filter(|it| it.revision == "r2");
    bench.until(in_force).await;
    let request = FireRequest { name: "orders.arrived".into(), ..FireRequest::default() };
    let event = bench.client.fire(&request).await.unwrap().event;
    let handled = async || {
        let stream = bench.client.events(&EventsQuery::default()).await.unwrap();
        let told: Vec<EventItem> = stream.try_collect().await.unwrap();
        let is_it = |it: &EventItem| it.name == "event.handled" && it.event.as_ref() == Some(&event);
        told.iter().any(is_it).then_some(())
    };
    bench.until(handled).await;
    let of_event = async |query: &LogsQuery| texts(bench.client.event_logs(&event, query).await.unwrap()).await;
    assert_eq!(of_event(&LogsQuery::default()).await, expected(3));
    assert_eq!(of_event(&LogsQuery { tail: Some(1), ..LogsQuery::default() }).await, ["line 3"]);
    assert!(bench.client.event_logs(&event, &follow()).await.is_err(), "it cannot be followed");
}

async fn names(stream: EventStream) -> Vec<String> {
    stream.map_ok(|event| event.name).try_collect().await.unwrap()
}

#[tokio::test]
async fn events_are_told_in_order_from_where_it_was_left() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let before = bench.seq().await;
    let run = bench.run_to_its_end("nightly").await;
    let after = EventsQuery { after: Some(before), run: Some(run), ..EventsQuery::default() };
    let told = names(bench.client.events(&after).await.unwrap()).await;
    let order =
        ["run.accepted", "run.starting", "run.attempt", "step.started", "step.ended", "run.succeeded", "run.finished"];
    let told: Vec<_> = told.iter().filter(|name| order.contains(&name.as_str())).collect();
    assert_eq!(told, order);
}

#[tokio::test]
async fn the_youngest_events_are_told_where_nobody_says_from_when() {
    let bench = Bench::new(&[automation("nightly")]).await;
    bench.run_to_its_end("nightly").await;
    let all = EventsQuery { after: Some(0), ..EventsQuery::default() };
    let all: Vec<EventItem> = bench.client.events(&all).await.unwrap().try_collect().await.unwrap();
    assert_eq!(all[0].name, "server.started");
    for limit in [0, 1, 3, all.len(), all.len() + 1] {
        let youngest = EventsQuery { limit: Some(limit), ..EventsQuery::default() };
        let youngest: Vec<EventItem> = bench.client.events(&youngest).await.unwrap().try_collect().await.unwrap();
        assert_eq!(youngest, all[all.len().saturating_sub(limit)..]);
    }
    let many = EventsQuery { limit: Some(10_001), ..EventsQuery::default() };
    assert!(bench.client.events(&many).await.is_err());
}

#[tokio::test]
async fn new_events_follow_the_old_without_a_gap() {
    let bench = Bench::new(&[automation("nightly"), automation("other")]).await;
    let query =
        EventsQuery { follow: true, after: Some(0), automation: Some("nightly".into()), ..EventsQuery::default() };
    bench.run_to_its_end("nightly").await;
    let mut stream = bench.client.events(&query).await.unwrap();
    bench.run_to_its_end("other").await;
    bench.run_to_its_end("nightly").await;
    let mut seqs = Vec::new();
    let mut ends = 0;
    while ends < 2 {
        let event = bench.meanwhile(stream.next()).await.unwrap().unwrap();
        assert_eq!(event.automation.as_deref(), Some("nightly"));
        ends += usize::from(event.name == "run.finished");
        seqs.push(event.seq);
    }
    assert!(seqs.is_sorted() && seqs.windows(2).all(|pair| pair[0] != pair[1]), "{seqs:?}");
    let kept = EventsQuery { follow: false, ..query };
    let kept: Vec<EventItem> = bench.client.events(&kept).await.unwrap().try_collect().await.unwrap();
    assert_eq!(kept.iter().map(|event| event.seq).take(seqs.len()).collect::<Vec<_>>(), seqs);
}

#[tokio::test]
async fn a_stream_that_the_servers_end_cuts_off_is_no_whole_one() {
    let mut bench = Bench::new(&[automation("nightly")]).await;
    bench.engine.script(When::any(), Script::endless());
    let run = bench.client.start_run("nightly", &RunRequest::default()).await.unwrap().run;
    let mut output = bench.client.run_logs(&run, &follow()).await.unwrap();
    let query = EventsQuery { follow: true, limit: Some(0), ..EventsQuery::default() };
    let mut events = bench.client.events(&query).await.unwrap();
    bench.shut_down().await;
    assert!(matches!(output.next().await, Some(Err(ClientError::Io { .. }))));
    let end = async {
        while let Some(event) = events.next().await {
            if let Err(error) = event {
                return Some(error);
            }
        }
        None
    };
    assert!(matches!(end.await, Some(ClientError::Io { .. })));
    assert!(!bench.socket.exists(), "a server that ends takes its socket with it");
    let gone = bench.client.status().await.unwrap_err();
    assert!(matches!(gone, ClientError::NotRunning { .. }) && gone.hint().is_some());
}
