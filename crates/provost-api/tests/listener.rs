//! The event listener, without an engine: its bounds, and that what it accepted is there afterwards.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::*;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A listener of `bench`, and where it is.
async fn listening(bench: &Bench) -> (std::net::SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    tokio::spawn(provost_api::take_events(listener, bench.controller.clone(), stop.clone()));
    (address, stop)
}

async fn ask(stream: &mut BufReader<TcpStream>, object: &Value) -> Value {
    stream.get_mut().write_all(format!("{object}\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

async fn connected(address: std::net::SocketAddr) -> BufReader<TcpStream> {
    BufReader::new(TcpStream::connect(address).await.unwrap())
}

#[tokio::test]
async fn c20_events_of_one_connection_are_handled_in_their_order() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let (address, _stop) = listening(&bench).await;
    let mut stream = connected(address).await;
    let mut fired = Vec::new();
    for number in 0..100 {
        let answer = ask(&mut stream, &json!({"hook_name": "start_test", "data": {"number": number}})).await;
        fired.push(answer["tid"].as_str().unwrap().to_owned());
    }
    let last = json!({"event_name": "task_check", "tid": fired[99], "grab_result": true});
    while ask(&mut stream, &last).await["state"] != "FINISHED" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ask(&mut stream, &last).await["output"], json!({"number": 99}));
    let query = provost_controller::FactQuery { limit: 100_000, ..Default::default() };
    let facts = bench.controller.store().facts(&query).await.unwrap();
    let handled = facts.iter().filter_map(|recorded| match &recorded.fact {
        provost_model::Fact::Event { id, change: provost_model::EventFact::Handled { .. } } => Some(id.to_string()),
        _ => None,
    });
    let ours: Vec<String> = handled.filter(|id| fired.contains(id)).collect();
    assert_eq!(ours, fired);
}

#[tokio::test]
async fn silent_clients_hold_up_nobody() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let (address, stop) = listening(&bench).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"{\"hook_name\": ").await.unwrap();
    let mut stream = connected(address).await;
    assert_eq!(ask(&mut stream, &json!({"event_name": "ping"})).await["message"], "PONG");
    // When the server is to stop, whoever is connected is let go at once.
    stop.cancel();
    let mut rest = Vec::new();
    for stream in silent.iter_mut().chain([&mut half]) {
        let end = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "its connection is closed");
    }
    assert_eq!(rest, b"");
}
