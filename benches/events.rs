//! A hundred events a second for a minute, through the event listener of the real binary: in order, with flat memory.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use provost_testkit::{EngineView, ServerOptions, ServerUnderTest, engine, eventually};
use serde_json::{Value, json};

use crate::rest::resident_mib;
use crate::table::Table;

/// How many events are fired, and how far apart.
const EVENTS: usize = 6_000;
const APART: Duration = Duration::from_millis(10);

/// Memory is looked at after these many, when what is kept of the youngest events is full, and at the end.
const WARM: usize = 2_000;

pub fn measure(table: &mut Table) {
    let shop = tempfile::tempdir().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let server = ServerOptions::new(env!("CARGO_BIN_EXE_provost"), EngineView::of(engine())).folder(shop.path());
    let events = json!({"enabled": true, "port": port});
    let server = server.set("allowEmpty", true.into()).set("events", events).start();
    let (mut fired, mut warm, since) = (Vec::new(), 0.0, Instant::now());
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
    for number in 0..EVENTS {
        let due = APART * u32::try_from(number).unwrap();
        std::thread::sleep(due.saturating_sub(since.elapsed()));
        fired.push(fire(&mut stream, number));
        if number == WARM {
            warm = resident_mib(server.id());
        }
    }
    let took = since.elapsed().as_secs_f64();
    let handled = eventually(Duration::from_secs(60), || {
        let handled = handled(&server, &fired);
        (handled.len() == EVENTS).then_some(handled)
    });
    assert_eq!(handled.as_ref(), Some(&fired), "all are handled, in the order of their arrival");
    let asked = APART.as_secs_f64() * EVENTS as f64;
    table.row("6,000 events, accepted durably and handled in order", "s", took, asked, "100 a second");
    let end = resident_mib(server.id());
    table.row("memory after 6,000 events", "MiB", end, warm, "the same server after 2,000");
}

/// Fires an event; returns its id.
fn fire(stream: &mut BufReader<TcpStream>, number: usize) -> String {
    let event = json!({"hook_name": "orders.arrived", "data": {"number": number}});
    stream.get_mut().write_all(format!("{event}\n").as_bytes()).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    answer["tid"].as_str().unwrap().to_owned()
}

/// Those of `fired` that were handled, in order.
fn handled(server: &ServerUnderTest, fired: &[String]) -> Vec<String> {
    let ours: std::collections::BTreeSet<&String> = fired.iter().collect();
    let events = server.http().get("/v1/events?after=0").unwrap().text();
    let events = events.lines().filter(|line| line.contains("event.handled"));
    let ids = events.filter_map(|line| Some(serde_json::from_str::<Value>(line).ok()?["event"].as_str()?.to_owned()));
    ids.filter(|id| ours.contains(id)).collect()
}
