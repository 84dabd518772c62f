//! What prepares plugins: D29.

use std::sync::Arc;

use provost_model::{ActionTerms, Automation, Hook, HookOwner, OnError, Outcome, PREPARE, PluginName, Startup};

use crate::bench::{Bench, exits};
use crate::sample::{automation, desired, hook, name, with_hooks, with_server_hooks};

fn of_plugin(hook: Hook) -> Hook {
    Hook { owner: HookOwner::Plugin { name: name("tools").into(), order: 0 }, ..hook }
}

/// A plugin with a hook around the runs of `job`, one on the server's start, and a step that prepares it.
fn shop(timeout_s: u64) -> provost_model::Desired {
    let announce = of_plugin(Hook { on_error: OnError::Fail, ..hook("announce", "run.starting") });
    let prepare = of_plugin(Hook { on_error: OnError::Fail, timeout_s, ..hook("prepare", PREPARE) });
    let startup = of_plugin(hook("initialize", "server.startup"));
    let others = hook("arrived", "orders.arrived");
    let job = with_hooks(automation("job"), [announce]);
    with_server_hooks(desired([job, automation("other")]), [prepare, startup, others])
}

#[test]
fn d29_a_plugin_is_prepared_before_anything_else_of_it_runs() {
    let mut bench = Bench::new();
    bench.script("prepare", [exits(0, 10)]).apply(shop(60));
    bench.run("job");
    bench.wait(9);
    assert_eq!(bench.steps(), ["plugin.prepare-tools.prepare"]);
    bench.wait(5);
    let steps =
        ["plugin.prepare-tools.prepare", "server.startup-tools.initialize", "run.starting-tools.announce", "main.1"];
    assert_eq!(bench.steps(), steps);
    bench.assert_clean();
}

#[test]
fn d29_what_fails_to_be_prepared_is_not_launched_and_all_else_is() {
    let mut bench = Bench::new();
    bench.script("prepare", [exits(3, 1)]).apply(shop(60));
    bench.wait(5);
    let run = bench.run("job");
    bench.fire("orders.arrived", "{}");
    bench.wait(5);
    let why = "hook plugin.prepare-tools.prepare: exit 3".to_owned();
    assert_eq!(bench.state.prepared[&PluginName::from(name("tools"))], Startup::Refused { why });
    assert_eq!(bench.state.server.startup, Startup::Passed);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
    assert_eq!(bench.count("run.starting-tools.announce") + bench.count("server.startup-tools.initialize"), 0);
    assert_eq!(bench.count("orders.arrived-arrived"), 1);
    bench.assert_clean();
}

#[test]
fn d29_it_is_prepared_once_a_start_and_again_when_it_changes() {
    let mut bench = Bench::new();
    bench.apply(shop(60));
    let mut other = shop(60);
    other.automations.remove("other");
    bench.apply(other);
    assert_eq!(bench.count("plugin.prepare-tools.prepare"), 1, "another change is none of it");
    bench.apply(shop(61));
    assert_eq!(bench.count("plugin.prepare-tools.prepare"), 2);
    bench.down_for(1);
    bench.wait(1);
    assert_eq!(bench.count("plugin.prepare-tools.prepare"), 3);
    bench.assert_clean();
}

#[test]
fn d29_only_what_the_plugin_takes_part_in_waits_for_it() {
    let mut bench = Bench::new();
    bench.script("prepare", [exits(0, 0), exits(0, 100)]).apply(shop(600));
    bench.apply(shop(601));
    let (job, other) = (bench.run("job"), bench.run("other"));
    bench.wait(10);
    assert_eq!(bench.outcome(&other).0, Outcome::Succeeded);
    assert_eq!(bench.count("run.starting-tools.announce"), 0);
    bench.wait(100);
    assert_eq!(bench.outcome(&job).0, Outcome::Succeeded);
    assert_eq!(bench.count("run.starting-tools.announce"), 1);
    bench.assert_clean();
}

#[test]
fn d29_an_action_runs_only_once_its_plugin_is_prepared() {
    for (code, starts) in [(0, 1), (3, 0)] {
        let terms = ActionTerms {
            application: name("shop"),
            name: "Index".to_owned(),
            plugin: name("tools").into(),
            config: serde_json::json!({}),
        };
        let action = Automation { action: Some(Arc::new(terms)), ..automation("shop-index") };
        let mut wanted = shop(60);
        wanted.automations.insert(action.name.clone(), Arc::new(action));
        let mut bench = Bench::new();
        bench.script("prepare", [exits(code, 10)]).apply(wanted);
        bench.run("shop-index");
        bench.wait(9);
        assert_eq!(bench.count("main.1"), 0);
        bench.wait(10);
        assert_eq!(bench.count("main.1"), starts, "prepared with {code}");
    }
}
