//! Many hooks of one event, and the order of events. C1, C7, C8, C20, C24.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::common::{Server, Shop, evidence_volume, hook, parsed, seen};
use crate::firing::{Fired, Span, fire, till, with};

/// A hook on `start_test` in this stage.
fn staged(name: &str, stage: &str, seconds: &str) -> Value {
    let sleep = hook(name, "start_test", &["hook", "--sleep", seconds]);
    with(sleep, &json!({"stage": stage, "parallel": true}))
}

fn span(server: &Server, fired: &Fired, name: &str) -> Span {
    let step = format!("start_test-till.{name}");
    fired.span(server, &step).unwrap_or_else(|| panic!("{step} has not ended"))
}

#[test]
fn c01_three_hook_containers_bound_to_one_event_all_run() {
    let shop = Shop::new();
    let server = till(&shop, &["a", "b", "c"].map(|name| hook(name, "start_test", &["hook"])));
    let fired = fire(&server, "start_test", &json!({}));
    assert_eq!(fired.failure, None);
    for name in ["a", "b", "c"] {
        let ended = fired.ended(&server, &format!("start_test-till.{name}")).expect("it ran");
        assert_eq!(ended["data"]["exit"]["code"], 0, "{ended}");
    }
}

#[test]
fn c07_all_pre_hooks_end_before_any_hook_starts() {
    let shop = Shop::new();
    let hooks = [
        staged("quick", "Pre", "0"),
        staged("slow", "Pre", "2"),
        staged("one", "Main", "0"),
        staged("two", "Main", "0"),
    ];
    let server = till(&shop, &hooks);
    let fired = fire(&server, "start_test", &json!({}));
    for (pre, main) in [("quick", "one"), ("quick", "two"), ("slow", "one"), ("slow", "two")] {
        let (pre, main) = (span(&server, &fired, pre), span(&server, &fired, main));
        assert!(pre.end <= main.start, "{pre:?} {main:?}");
    }
}

#[test]
fn c08_all_post_hooks_start_after_every_foreground_hook_has_ended() {
    let shop = Shop::new();
    let hooks = [
        staged("one", "Post", "0"),
        staged("two", "Post", "0"),
        staged("quick", "Main", "0"),
        staged("slow", "Main", "2"),
    ];
    let server = till(&shop, &hooks);
    let fired = fire(&server, "start_test", &json!({}));
    for (main, post) in [("quick", "one"), ("quick", "two"), ("slow", "one"), ("slow", "two")] {
        let (main, post) = (span(&server, &fired, main), span(&server, &fired, post));
        assert!(main.end <= post.start, "{main:?} {post:?}");
    }
}

#[test]
fn c24_a_second_event_is_handled_only_after_the_first_has_ended() {
    let shop = Shop::new();
    let on = |name: &str, event: &str, seconds: &str| hook(name, event, &["hook", "--sleep", seconds]);
    let server = till(&shop, &[on("first", "orders.first", "3"), on("second", "orders.second", "0")]);
    let first = server.json(&["fire", "orders.first"])["event"].as_str().unwrap().to_owned();
    let second = fire(&server, "orders.second", &json!({}));
    let first = Fired { id: first, failure: None };
    let ended = first.span(&server, "orders.first-till.first").expect("the first has ended").end;
    let began: Timestamp = second.span(&server, "orders.second-till.second").unwrap().start;
    assert!(ended <= began, "{ended} {began}");
}

#[test]
fn c20_a_hundred_events_are_handled_in_the_order_of_their_arrival() {
    const EVENTS: usize = 100;
    let shop = Shop::new();
    let note = hook("note", "orders.arrived", &["hook", "--get", "data.number", "--mark", &seen("handled")]);
    let server = till(&shop, &[with(note, &json!({"volumes": evidence_volume()}))]);
    let http = server.process.http();
    let fired: Vec<String> = (0..EVENTS)
        .map(|number| {
            let event = json!({"name": "orders.arrived", "data": {"number": number}});
            http.post("/v1/events", &event).unwrap().json()["event"].as_str().unwrap().to_owned()
        })
        .collect();
    let handled = || {
        let ids = server.events("event.handled").into_iter().map(|event| event["event"].as_str().unwrap().to_owned());
        ids.filter(|id| fired.contains(id)).collect::<Vec<_>>()
    };
    // Step by step, so that a slow machine is not taken for a broken one.
    for count in (10..=EVENTS).step_by(10) {
        server.until(&format!("event {count}"), || (handled().len() >= count).then_some(()));
    }
    let handled = handled();
    assert_eq!(handled, fired, "in the order of their arrival");
    // The containers say so themselves: none begins before the one before it.
    let times: Vec<u64> =
        server.evidence("handled").iter().map(|line| parsed(line)["time_ms"].as_u64().unwrap()).collect();
    assert_eq!(times.len(), EVENTS, "each once");
    assert!(times.is_sorted(), "{times:?}");
}
