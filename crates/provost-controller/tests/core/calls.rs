//! Calls of actions, and events: once, in order, none lost, and nothing of them stays.

use provost_controller::{Command, Done, Input, RefusalKind};
use provost_model::{Cause, EventFact, Fact, JobId, JsonMap, Startup};
use serde_json::{Value, json};

use crate::bench::{Bench, container, hooks, main_of, name};

const PLUGIN: &str = "---\napiVersion: provost/v1\nkind: Plugin\nmetadata: {name: warehouse}\nspec:\n  image: widgets\n  \
    actions: [{name: DeleteWidgets, application: shop, params: {count: {type: integer}}}]\n";

fn call(action: &str, params: Value, job: &str) -> Command {
    Command::Call {
        application: name("shop"),
        action: action.to_owned(),
        params: params.as_object().cloned().unwrap_or_default(),
        testing: false,
        job: JobId::parse(job).unwrap(),
        by: "ann".to_owned(),
    }
}

#[test]
fn b4_a_call_starts_once_however_often_it_is_asked_for() {
    let mut bench = Bench::new(PLUGIN);
    let done = bench.order(call("DeleteWidgets", json!({"count": 3, "more": [1]}), "j1")).unwrap();
    assert_eq!(bench.order(call("DeleteWidgets", json!({"count": 3}), "j1")).unwrap(), done);
    let Done::Accepted { run } = done else { panic!("{done:?}") };
    let accepted = &bench.core.state().runs[&run];
    assert_eq!(Value::Object(accepted.params.clone()), json!({"count": 3, "more": [1]}));
    assert_eq!(accepted.cause.job().map(JobId::as_str), Some("j1"));
    assert!(matches!(&accepted.cause, Cause::Action { action, .. } if action == "DeleteWidgets"));
    bench.work_out();
    assert_eq!((bench.started[&main_of(&run)], bench.started.len()), (1, 1));
    let other = bench.order(call("DeleteWidgets", json!({"count": 3}), "j2")).unwrap();
    assert_ne!(other, Done::Accepted { run }, "another job is another run");
}

#[test]
fn b5_b9_what_is_missing_wrong_or_unknown_is_refused_and_starts_nothing() {
    let mut bench = Bench::new(PLUGIN);
    for (command, kind, why) in [
        (call("DeleteWidgets", json!({}), "j"), RefusalKind::Invalid, "`count` is missing"),
        (call("DeleteWidgets", json!({"count": "3"}), "j"), RefusalKind::Invalid, "not of type integer"),
        (call("DeleteWidgets", json!({"count": true}), "j"), RefusalKind::Invalid, "not of type integer"),
        // One automation, but not what it is called.
        (call("delete-widgets", json!({"count": 3}), "j"), RefusalKind::NotFound, "no action delete-widgets"),
        (call("", json!({}), "j"), RefusalKind::NotFound, "no action"),
    ] {
        let refusal = bench.order(command).unwrap_err();
        assert_eq!(refusal.kind, kind, "{refusal}");
        assert!(refusal.message.contains(why), "{refusal}");
    }
    assert!(bench.core.state().runs.is_empty() && bench.todo.is_empty());
}

fn fire(bench: &mut Bench, number: usize) -> String {
    let data = JsonMap::from_iter([("number".to_owned(), json!(number))]);
    let (name, by) = ("orders.arrived".to_owned(), "ann".to_owned());
    match bench.order(Command::Fire { name, data, request: number.to_string(), by }).unwrap() {
        Done::Fired { event } => event.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The events of ours that were handled, in order.
fn handled(bench: &Bench, ours: &[String]) -> Vec<String> {
    let ids = bench.facts.iter().filter_map(|recorded| match &recorded.fact {
        Fact::Event { id, change: EventFact::Handled { .. } } => Some(id.to_string()),
        _ => None,
    });
    ids.filter(|id| ours.contains(id)).collect()
}

#[test]
fn c20_a_hundred_events_a_second_are_handled_in_order_and_nothing_of_them_stays() {
    const SECONDS: usize = 8;
    let mut bench = Bench::new(&hooks(&["orders.arrived"]));
    let size = |bench: &Bench| serde_json::to_vec(bench.core.state()).unwrap().len();
    let (mut fired, mut sizes) = (Vec::new(), Vec::new());
    for second in 0..SECONDS {
        fired.extend((0..100).map(|number| fire(&mut bench, 100 * second + number)));
        bench.work_out();
        sizes.push(size(&bench));
    }
    assert_eq!(handled(&bench, &fired), fired);
    assert!(bench.core.state().events.is_empty() && bench.containers.is_empty());
    // All that grows is the number of the last fact.
    assert!(sizes.iter().all(|size| size.abs_diff(sizes[0]) < 100), "{sizes:?}");
}

#[test]
fn c31_what_was_accepted_is_handled_before_the_end_and_what_is_left_by_the_next_start() {
    let mut bench = Bench::new(&hooks(&["orders.arrived", "orders.arrived, background: true", "server.shutdown"]));
    let fired: Vec<String> = (0..3).map(|number| fire(&mut bench, number)).collect();
    bench.work();
    bench.hand([Input::Shutdown]);
    assert!(!bench.exit);
    let steps = ["orders.arrived-shop.h0", "orders.arrived-shop.h1"];
    for step in steps {
        bench.ended(&container(&fired[0], step), 0);
        bench.work();
    }
    assert_eq!(handled(&bench, &fired), fired[..1]);
    // The second takes longer than the grace: it is left running, and the third keeps.
    bench.pass(60);
    bench.work();
    let goodbye = bench.containers.keys().find(|name| name.as_str().contains("server.shutdown")).unwrap().clone();
    bench.ended(&goodbye, 0);
    bench.work();
    assert!(bench.exit);
    assert!(
        !bench.made.keys().any(|name| name.as_str().contains(&fired[2])),
        "nothing begins behind the shutdown hooks"
    );
    bench.crash();
    assert_eq!(bench.core.state().server.startup, Startup::Passed);
    bench.work_out();
    assert_eq!(handled(&bench, &fired), fired, "in order, over the end and the start");
    assert!(bench.started.values().all(|count| *count == 1), "{:?}", bench.started);
}

#[test]
fn c31_events_that_can_all_be_handled_in_time_are() {
    let mut bench = Bench::new(&hooks(&["orders.arrived"]));
    let fired: Vec<String> = (0..5).map(|number| fire(&mut bench, number)).collect();
    bench.work();
    bench.hand([Input::Shutdown]);
    bench.work_out();
    assert_eq!(handled(&bench, &fired), fired);
    assert!(bench.exit);
}
