//! Events with data: their stages, what hooks get of them, and what a failure means.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    common::{Shop, evidence_volume, hook, seen, server},
    firing::{fire, till, with},
};

#[test]
fn c09_a_hook_gets_just_the_keys_that_it_takes() {
    let (get, shop) = (["hook", "--get", "data"], Shop::new());
    let all = hook("all", "orders.arrived", &get);
    let some = with(hook("some", "orders.arrived", &get), &json!({"takes": ["order"]}));
    let server = till(&shop, &[all, some]);
    let data = json!({"order": {"id": 17}, "customer": "x"});
    let fired = fire(&server, "orders.arrived", &data);
    assert_eq!(fired.failure, None);
    assert_eq!(fired.said(&server, "orders.arrived-till.some", "data"), json!({"order": {"id": 17}}));
    assert_eq!(fired.said(&server, "orders.arrived-till.all", "data"), data);
}

#[test]
fn c10_a_missing_key_fails_the_event_and_names_handler_and_key() {
    let shop = Shop::new();
    let needs = json!({"takes": ["customer"], "onError": "Fail"});
    let late = with(hook("late", "orders.arrived", &["hook"]), &json!({"stage": "Post"}));
    let server = till(&shop, &[with(hook("bill", "orders.arrived", &["hook"]), &needs), late]);
    let fired = fire(&server, "orders.arrived", &json!({"order": 17}));
    let why = fired.failure.clone().expect("it fails");
    assert!(why.contains("till.bill") && why.contains("`customer`"), "{why}");
    assert!(!fired.has_started(&server, "orders.arrived-till.bill"), "its container never ran");
    assert!(!fired.has_started(&server, "orders.arrived-till.late"));
    assert_eq!(fire(&server, "orders.arrived", &json!({"customer": null})).failure, None, "null is a value");
}

#[test]
fn c25_a_failure_that_is_ignored_goes_on_and_one_that_counts_fails_the_event() {
    let shop = Shop::new();
    let hooks = ["careless", "strict"].map(|event| {
        let on_error = if event == "strict" { "Fail" } else { "Ignore" };
        let name = format!("orders.{event}");
        let breaks =
            with(hook(&format!("a-breaks-{event}"), &name, &["fail", "3", "broken"]), &json!({"onError": on_error}));
        [breaks, hook(&format!("b-next-{event}"), &name, &["hook"])]
    });
    // What handled the event may be built on: it triggers only if the event did not fail.
    let triggers = json!([{"event": "orders.careless"}, {"event": "orders.strict"}]);
    shop.automation("load", json!({"args": ["echo"], "triggers": triggers}));
    let server = till(&shop, &hooks.concat());
    let strict = fire(&server, "orders.strict", &json!({}));
    let why = strict.failure.clone().expect("it fails");
    assert!(why.contains("a-breaks") && why.contains("exit 3"), "{why}");
    assert!(!strict.has_started(&server, "orders.strict-till.b-next-strict"), "nothing comes after it");

    let careless = fire(&server, "orders.careless", &json!({}));
    assert_eq!(careless.failure, None);
    let ended = careless.ended(&server, "orders.careless-till.a-breaks-careless").unwrap();
    assert_eq!(ended["data"]["exit"]["code"], 3, "it is recorded all the same: {ended}");
    assert!(careless.has_started(&server, "orders.careless-till.b-next-careless"));
    let runs = server.until("the trigger", || Some(server.list(&["runs", "load"])).filter(|runs| !runs.is_empty()));
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(runs[0]["cause"]["eventId"], careless.id.as_str());
}

#[test]
fn e3_all_pre_hooks_end_before_any_main_and_all_main_before_any_post() {
    let shop = Shop::new();
    let mut hooks = Vec::new();
    for stage in ["Pre", "Main", "Post"] {
        for (name, pause) in [("slow", "2"), ("quick", "0")] {
            let name = format!("{name}-{}", stage.to_lowercase());
            let mark = hook(&name, "orders.arrived", &["hook", "--sleep", pause]);
            hooks.push(with(mark, &json!({"stage": stage, "parallel": true})));
        }
    }
    // The order in which they are written down must not matter.
    hooks.reverse();
    let server = till(&shop, &hooks);
    let fired = fire(&server, "orders.arrived", &json!({}));
    assert_eq!(fired.failure, None);
    let spans = |stage: &str| {
        ["slow", "quick"].map(|name| fired.span(&server, &format!("orders.arrived-till.{name}-{stage}")).unwrap())
    };
    let [pre, main, post] = ["pre", "main", "post"].map(spans);
    for (earlier, later) in [(&pre, &main), (&main, &post)] {
        let end = earlier.iter().map(|span| span.end).max();
        let start = later.iter().map(|span| span.start).min();
        assert!(end <= start, "{earlier:?} {later:?}");
    }
}

#[test]
fn c21_a_background_hook_starts_after_pre_and_delays_no_post() {
    let shop = Shop::new();
    let on =
        |name: &str, stage: &str, args: &[&str]| with(hook(name, "orders.arrived", args), &json!({"stage": stage}));
    let slow =
        with(on("index", "Main", &["hook", "--set-local", "x=1", "--sleep", "60"]), &json!({"background": true}));
    let pre = on("locate", "Pre", &["hook", "--sleep", "1"]);
    let post = on("thank", "Post", &["hook", "--get", "locals"]);
    let server = till(&shop, &[slow, pre, on("store", "Main", &["hook"]), post]);
    let fired = fire(&server, "orders.arrived", &json!({}));
    assert_eq!(fired.failure, None);
    let thanked = fired.span(&server, "orders.arrived-till.thank").expect("post has ended");
    assert!(fired.ended(&server, "orders.arrived-till.index").is_none(), "the background goes on: {thanked:?}");
    assert_eq!(fired.said(&server, "orders.arrived-till.thank", "locals"), json!({}), "and feeds no post hook");
    let started = server.until("its start", || {
        let is_it = |one: &Value| one["data"]["step"] == "orders.arrived-till.index";
        server.events("step.started").into_iter().find(is_it)
    });
    let started: Timestamp = started["data"]["startedAt"].as_str().unwrap().parse().unwrap();
    let located = fired.span(&server, "orders.arrived-till.locate").unwrap();
    assert!(located.end <= started, "{located:?} {started}");
}

#[test]
fn c23_parallel_hooks_overlap_and_others_run_one_after_the_other() {
    let shop = Shop::new();
    let two = |event: &str, seconds: &str, parallel: bool| {
        ["a", "b"].map(|name| with(hook(name, event, &["hook", "--sleep", seconds]), &json!({"parallel": parallel})))
    };
    let beside = two("orders.beside", "8", true).map(|hook| rename(hook, "beside"));
    let chained = two("orders.chained", "2", false).map(|hook| rename(hook, "chained"));
    let server = till(&shop, &[beside, chained].concat());
    let spans = |event: &str| {
        let fired = fire(&server, &format!("orders.{event}"), &json!({}));
        ["a", "b"].map(|name| fired.span(&server, &format!("orders.{event}-till.{name}-{event}")).unwrap())
    };
    let [a, b] = spans("beside");
    assert!(a.start < b.end && b.start < a.end, "they overlap: {a:?} {b:?}");
    let [a, b] = spans("chained");
    assert!(a.end <= b.start || b.end <= a.start, "they do not: {a:?} {b:?}");
}

/// Two hooks of one plugin have two names, though they are bound to two events.
fn rename(mut hook: Value, event: &str) -> Value {
    hook["name"] = json!(format!("{}-{event}", hook["name"].as_str().unwrap()));
    hook
}

#[test]
fn a37_another_target_needs_only_an_edit_of_the_configuration() {
    let shop = Shop::new();
    let ship = hook("ship", "orders.arrived", &["hook", "--get", "config.target", "--mark", &seen("shipped")]);
    let plugin = |target: &str| {
        let ship = with(ship.clone(), &json!({"volumes": evidence_volume()}));
        json!({"config": {"target": target}, "hooks": [ship]})
    };
    shop.plugin("till", plugin("ftp://files.example.org"));
    let server = server(&shop);
    server.until("the plugin", || (!server.list(&["plugins"]).is_empty()).then_some(()));
    let target = || {
        let fired = fire(&server, "orders.arrived", &json!({}));
        fired.said(&server, "orders.arrived-till.ship", "config.target")
    };
    assert_eq!(target(), "ftp://files.example.org");
    shop.plugin("till", plugin("/srv/files"));
    server.until("the edit", || (server.events("revision.applied").len() == 2).then_some(()));
    assert_eq!(target(), "/srv/files");
    assert_eq!(server.evidence("shipped").len(), 2, "by the same hook");
}

#[test]
fn r8_the_output_of_an_events_hooks_is_kept() {
    let shop = Shop::new();
    let server = till(&shop, &[hook("count", "orders.arrived", &["spam", "3"])]);
    let event = format!("event/{}", fire(&server, "orders.arrived", &json!({})).id);
    let lines = |more: &[&str]| {
        let said = server.ok(&[&["logs", &event, "-o", "name"], more].concat());
        said.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = lines(&[]);
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(lines(&["--tail", "1"]), all[2..]);
    assert_eq!(lines(&["--step", "another"]), [""; 0]);
    let followed = server.cli(&["logs", &event, "--follow"]);
    assert_eq!(followed.code, 2, "{followed:?}");
    let unknown = server.cli(&["logs", "event/e0000000000000000"]);
    assert!(unknown.code != 0 && unknown.stderr.contains("e0000000000000000"), "{unknown:?}");
}
