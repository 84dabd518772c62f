//! What hooks tell each other: locals of one event or run, globals of the server.

use serde_json::json;

use crate::{
    common::{Server, Shop, hook, server},
    firing::{fire, said, till, with},
};

/// What one hook sets and says, in words of the toolbox.
fn step(name: &str, event: &str, stage: &str, words: &str) -> serde_json::Value {
    let words: Vec<&str> = ["hook"].into_iter().chain(words.split(' ')).collect();
    with(hook(name, event, &words), &json!({"stage": stage}))
}

#[test]
fn c11_a_global_is_read_in_a_later_event() {
    let shop = Shop::new();
    let sets = step("sets", "orders.first", "Main", "--set-global seen=17");
    let reads = step("reads", "orders.second", "Main", "--get globals");
    let mut server = till(&shop, &[sets, reads]);
    assert_eq!(fire(&server, "orders.first", &json!({})).failure, None);
    let check = |server: &Server| {
        let second = fire(server, "orders.second", &json!({}));
        assert_eq!(second.said(server, "orders.second-till.reads", "globals"), json!({"seen": 17}));
    };
    check(&server);
    // Globals live as long as the server's state, not as its process.
    server.process.restart();
    check(&server);
}

#[test]
fn c12_a_local_is_read_in_no_other_event_and_no_other_run() {
    let shop = Shop::new();
    let sets = step("sets", "orders.first", "Main", "--get locals --set-local shelf=3");
    let later = step("later", "orders.first", "Post", "--get locals");
    let reads = step("reads", "orders.second", "Main", "--get locals");
    let own = [hook("own", "run.starting", &["hook", "--get", "locals", "--set-local", "shelf=4"])];
    shop.automation("job", json!({"args": ["env", "PROVOST_LOCAL_SHELF"], "hooks": own}));
    shop.automation("other", json!({"args": ["env", "PROVOST_LOCAL_SHELF"]}));
    let server = till(&shop, &[sets, later, reads]);
    for _ in 0..2 {
        let first = fire(&server, "orders.first", &json!({}));
        assert_eq!(first.said(&server, "orders.first-till.sets", "locals"), json!({}), "not that of the last time");
        assert_eq!(first.said(&server, "orders.first-till.later", "locals"), json!({"shelf": 3}), "it is of one event");
        let second = fire(&server, "orders.second", &json!({}));
        assert_eq!(second.said(&server, "orders.second-till.reads", "locals"), json!({}));
        assert_eq!(server.run("job"), 0, "its own hook sets it");
        assert_eq!(said(&server, "job", "run.starting-own", "locals"), json!({}));
    }
    assert_ne!(server.run("other"), 0, "nobody sets it there");
}

#[test]
fn c22_what_the_background_leaves_reaches_no_post_hook_and_its_globals_come_later() {
    let shop = Shop::new();
    let slow = step("index", "orders.first", "Main", "--set-local shelf=3 --set-global indexed=1 --sleep 5");
    let post = step("thank", "orders.first", "Post", "--get locals --get globals");
    let reads = step("reads", "orders.second", "Main", "--get globals");
    let server = till(&shop, &[with(slow, &json!({"background": true})), post, reads]);
    let first = fire(&server, "orders.first", &json!({}));
    let thanked = |path| first.said(&server, "orders.first-till.thank", path);
    assert_eq!((thanked("locals"), thanked("globals")), (json!({}), json!({})));
    server.until("the end of the background", || first.ended(&server, "orders.first-till.index"));
    let second = fire(&server, "orders.second", &json!({}));
    assert_eq!(second.said(&server, "orders.second-till.reads", "globals"), json!({"indexed": 1}));
}

#[test]
fn c16_updating_one_nested_key_keeps_its_siblings() {
    let shop = Shop::new();
    let hooks = [
        step("a", "orders.arrived", "Pre", "--set-local box={\"size\":{\"x\":1,\"y\":2},\"tags\":[1,2]}"),
        step("b", "orders.arrived", "Main", "--set-local box.size.y=3 --set-global seen.a.first=1"),
        step("c", "orders.arrived", "Post", "--get locals --set-local box.tags=[3] --set-global seen.a.last=2"),
        step("d", "orders.arrived", "Post", "--get locals --set-local box.size.x=null"),
        step("e", "orders.arrived", "Post", "--get locals --get globals"),
    ];
    let server = till(&shop, &hooks);
    let fired = fire(&server, "orders.arrived", &json!({}));
    assert_eq!(fired.failure, None);
    let boxes = |name: &str| fired.said(&server, &format!("orders.arrived-till.{name}"), "locals")["box"].clone();
    assert_eq!(boxes("c"), json!({"size": {"x": 1, "y": 3}, "tags": [1, 2]}));
    assert_eq!(boxes("d"), json!({"size": {"x": 1, "y": 3}, "tags": [3]}), "a list is one value");
    assert_eq!(boxes("e"), json!({"size": {"y": 3}, "tags": [3]}), "null takes a key away, and no other");
    let globals = fired.said(&server, "orders.arrived-till.e", "globals");
    assert_eq!(globals, json!({"seen": {"a": {"first": 1, "last": 2}}}));
}

#[test]
fn c13_every_hook_may_update_both() {
    let shop = Shop::new();
    let hooks = [
        step("first", "orders.arrived", "Pre", "--set-local box.size=3 --set-global count.pre=1"),
        step(
            "second",
            "orders.arrived",
            "Main",
            "--get locals --get globals --set-local box.color=red --set-global count.main=1",
        ),
        step(
            "third",
            "orders.arrived",
            "Post",
            "--get locals --get globals --set-local box.size=4 --set-global count.post=1",
        ),
        with(step("z-last", "orders.arrived", "Post", "--get locals --get globals"), &json!({})),
    ];
    let server = till(&shop, &hooks);
    let fired = fire(&server, "orders.arrived", &json!({}));
    assert_eq!(fired.failure, None);
    let heard = |name: &str| {
        let step = format!("orders.arrived-till.{name}");
        (fired.said(&server, &step, "locals"), fired.said(&server, &step, "globals"))
    };
    assert_eq!(heard("second"), (json!({"box": {"size": 3}}), json!({"count": {"pre": 1}})));
    assert_eq!(heard("third"), (json!({"box": {"size": 3, "color": "red"}}), json!({"count": {"pre": 1, "main": 1}})));
    assert_eq!(
        heard("z-last"),
        (json!({"box": {"size": 4, "color": "red"}}), json!({"count": {"pre": 1, "main": 1, "post": 1}}))
    );
}

#[test]
fn c14_a_local_hides_the_global_of_its_name() {
    let shop = Shop::new();
    let sets =
        step("a-sets", "orders.arrived", "Pre", "--set-global color=red --set-global size=9 --set-local color=blue");
    let shows = hook("shows", "orders.arrived", &["env", "PROVOST_LOCAL_COLOR", "PROVOST_LOCAL_SIZE"]);
    let other = hook("other", "orders.paid", &["env", "PROVOST_LOCAL_COLOR"]);
    let server = till(&shop, &[sets, shows, other]);
    let shown = |event: &str, step: &str| {
        let fired = fire(&server, event, &json!({}));
        server.ok(&["logs", &format!("event/{}", fired.id), "--step", step, "-o", "name"])
    };
    let here = shown("orders.arrived", "orders.arrived-till.shows");
    assert!(here.contains("blue") && !here.contains("red") && here.contains('9'), "{here}");
    let elsewhere = shown("orders.paid", "orders.paid-till.other");
    assert!(elsewhere.contains("red"), "the global is as it was: {elsewhere}");
}

#[test]
fn c15_what_a_pre_hook_makes_reaches_hook_and_post_unasked() {
    let shop = Shop::new();
    let hooks = [
        step("make", "orders.arrived", "Pre", "--set-local artifact_path=/x/17"),
        step("use", "orders.arrived", "Main", "--get locals.artifact_path"),
        step("tidy", "orders.arrived", "Post", "--get locals.artifact_path"),
    ];
    // A run is such an event too: its main container is in the middle.
    let own = [
        hook("make", "run.starting", &["hook", "--set-local", "artifact_path=/x/18"]),
        hook("tidy", "run.finished", &["hook", "--get", "locals.artifact_path"]),
    ];
    shop.automation("job", json!({"args": ["env", "PROVOST_LOCAL_ARTIFACT_PATH"], "hooks": own}));
    let server = till(&shop, &hooks);
    let fired = fire(&server, "orders.arrived", &json!({"order": 17}));
    assert_eq!(fired.failure, None);
    for name in ["use", "tidy"] {
        let said = fired.said(&server, &format!("orders.arrived-till.{name}"), "locals.artifact_path");
        assert_eq!(said, "/x/17", "{name}");
    }
    assert_eq!(server.run("job"), 0);
    assert!(server.ok(&["logs", "job", "--step", "main.1", "-o", "name"]).contains("/x/18"));
    assert_eq!(said(&server, "job", "run.finished-tidy", "locals.artifact_path"), "/x/18");
}

#[test]
fn e1_what_a_hook_leaves_and_cannot_be_read_is_an_error_that_is_told() {
    let shop = Shop::new();
    let breaks = hook("breaks", "run.starting", &["write", "/provost/out/locals.json", "{not", "json"]);
    shop.automation("job", json!({"args": ["echo"], "hooks": [breaks]}));
    let server = server(&shop);
    server.has("job");
    assert_ne!(server.run("job"), 0);
    let run = server.list(&["runs", "job"]).remove(0);
    let why = run["detail"].as_str().unwrap();
    assert!(why.contains("run.starting-breaks") && why.contains("locals.json"), "{why}");
}
