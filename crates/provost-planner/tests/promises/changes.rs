//! What a revision would change, as people read it: C3.

use std::sync::Arc;

use provost_model::{Automation, Moment, Origin, Retries, Scope};
use provost_planner::{Change, Verb, changes};

use crate::bench::{Bench, exits};
use crate::sample::{
    at, automation, channel, cron, desired, every, hook, name, on, period, telling, with_channels, with_hooks,
    with_server_hooks,
};

/// One line a change: `~ Automation/job spec.timeout: 10m → 5m (origin) [effect]`.
fn lines(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| {
        let verb = match change.verb {
            Verb::Add => "+",
            Verb::Change => "~",
            Verb::Remove => "-",
        };
        let mut line = format!("{verb} {}", change.subject);
        if let Some(field) = &change.field {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".to_owned());
            line += &format!(" {field}: {} → {}", value(&change.before), value(&change.after));
        }
        line += &change.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        line + &change.effect.as_ref().map(|effect| format!(" [{effect}]")).unwrap_or_default()
    };
    changes.iter().map(line).collect()
}

/// What replacing `old` by `new` shows.
fn shown(old: Automation, new: Automation) -> Vec<String> {
    let bench = Bench::with(desired([old]));
    lines(&changes(&bench.state, &desired([new]), bench.now))
}

#[test]
fn c03_each_field_is_named_as_its_manifest_names_it() {
    type Case = (fn(&mut Automation), &'static str);
    let cases: [Case; 22] = [
        (|it| it.timeout_s = 300, "spec.timeout: 10m → 5m"),
        (|it| it.grace_s = 90, "spec.gracePeriod: 10s → 90s"),
        (|it| it.retries.limit = 2, "spec.retries.limit: 0 → 2"),
        (|it| it.retries.backoff_s = 3_600, "spec.retries.backoff: 30s → 1h"),
        (|it| it.retries.max_backoff_s = 86_400, "spec.retries.maxBackoff: 10m → 1d"),
        (|it| it.concurrency = provost_model::ConcurrencyPolicy::Queue, "spec.concurrencyPolicy: Forbid → Queue"),
        (|it| it.queue_limit = 3, "spec.queueLimit: 1 → 3"),
        (|it| it.catch_up = provost_model::CatchUp::All, "spec.catchUp: Last → All"),
        (|it| it.start_deadline_s = Some(60), "spec.startDeadline: ∅ → 1m"),
        (|it| it.late_after_s = 5, "spec.lateAfter: 1m → 5s"),
        (|it| it.suspend = true, "spec.suspend: false → true"),
        (|it| it.description = Some("x".to_owned()), "metadata.description: ∅ → x"),
        (|it| drop(it.labels.insert("team".to_owned(), "a".to_owned())), "metadata.labels.team: ∅ → a"),
        (|it| it.workload.image = "other:2".to_owned(), "spec.image: job → other:2"),
        (|it| it.workload.args = vec!["-v".to_owned()], r#"spec.args: ∅ → ["-v"]"#),
        (|it| drop(it.workload.env.insert("A".to_owned(), "1".to_owned())), "spec.env.A: ∅ → 1"),
        (|it| it.workload.pull = provost_model::PullPolicy::Always, "spec.pullPolicy: IfNotPresent → Always"),
        (|it| it.workload.resources.memory_bytes = 512 << 20, "spec.resources.memory: 0 → 512Mi"),
        (|it| it.workload.resources.cpu_millis = 1_500, "spec.resources.cpu: 0 → 1.5"),
        (|it| it.history.log_bytes = 50 << 20, "spec.history.logSize: 1Mi → 50Mi"),
        (|it| it.history.keep_s = 90 * 86_400, "spec.history.keep: 1d → 90d"),
        (
            |it| {
                it.locks.insert("warehouse".to_owned());
            },
            r#"spec.locks: ∅ → ["warehouse"]"#,
        ),
    ];
    for (change, expected) in cases {
        let mut new = automation("job");
        change(&mut new);
        assert_eq!(shown(automation("job"), new), [format!("~ Automation/job {expected}")]);
    }
}

#[test]
fn c03_schedules_triggers_and_channels_are_shown_as_people_write_them() {
    let mut new = telling(automation("job"), Moment::Failure, "ops");
    new.schedules = vec![cron("0 2 * * *"), provost_schedule::Schedule { jitter_s: 300, ..period(90) }];
    new.triggers = vec![provost_model::Trigger { from: Some(name("extract")), ..on("run.succeeded") }];
    new.notify.no_success_for = Some(provost_model::NoSuccessFor { after_s: 26 * 3_600, channels: vec![name("ops")] });
    let expected = [
        r#"~ Automation/job spec.notify.failure: ∅ → ["ops"]"#,
        "~ Automation/job spec.notify.noSuccessFor.after: ∅ → 26h",
        r#"~ Automation/job spec.notify.noSuccessFor.channels: ∅ → ["ops"]"#,
        "~ Automation/job spec.schedule: ∅ → 0 2 * * * (UTC), every 90s with jitter up to 5m [next run 2026-11-20T00:01:30Z]",
        "~ Automation/job spec.triggers: ∅ → run.succeeded from extract",
    ];
    assert_eq!(shown(automation("job"), new), expected);
}

#[test]
fn c03_hooks_are_shown_one_by_one() {
    let with = |text: &str| {
        with_hooks(
            automation("job"),
            [provost_model::Hook {
                workload: provost_model::Workload { args: vec![text.to_owned()], ..crate::sample::workload("tools:2") },
                ..hook("tell", "run.failed")
            }],
        )
    };
    let shown = shown(with("a"), with("b"));
    assert_eq!(shown.len(), 1);
    assert!(shown[0].starts_with("~ Automation/job spec.hooks.run.failed.tell: tools:2 a ("), "{shown:?}");
}

#[test]
fn c03_the_origin_of_a_new_value_is_told() {
    let with = |timeout_s, document: &str, file: Option<&str>, line| {
        let scope = Scope::PolicyEnforced;
        let origin = Origin { document: document.to_owned(), scope, file: file.map(str::to_owned), line };
        Automation { timeout_s, origins: Arc::new([("spec.timeout".to_owned(), origin)].into()), ..automation("job") }
    };
    let old = || automation("job");
    let expected = "~ Automation/job spec.timeout: 10m → 5m";
    assert_eq!(
        shown(old(), with(300, "Automation/job", Some("a/job.yaml"), Some(8))),
        [format!("{expected} (a/job.yaml:8)")]
    );
    assert_eq!(
        shown(old(), with(300, "Policy/shop", Some("shop.yaml"), Some(3))),
        [format!("{expected} (Policy/shop, shop.yaml:3)")]
    );
    assert_eq!(shown(old(), with(300, "built-in default", None, None)), [format!("{expected} (built-in default)")]);
    // Where a value comes from is no change by itself.
    assert_eq!(shown(old(), with(600, "Policy/shop", Some("shop.yaml"), Some(3))), Vec::<String>::new());
}

#[test]
fn c03_what_comes_and_goes_is_told_with_what_follows() {
    let mut bench = Bench::new();
    bench.script("busy", [exits(0, 100)]).apply(desired([automation("busy"), automation("gone")]));
    bench.run("busy");
    let mut triggered = automation("triggered");
    triggered.triggers = vec![on("orders.arrived")];
    let suspended = Automation { suspend: true, ..every("suspended", 60) };
    let new = desired([every("tick", 60), triggered, suspended, automation("hand")]);
    let expected = [
        "- Automation/busy [1 run in progress: it may finish]",
        "- Automation/gone",
        "+ Automation/hand [runs by hand only]",
        "+ Automation/suspended [suspended]",
        "+ Automation/tick [first run 2026-11-20T00:01:00Z]",
        "+ Automation/triggered [runs on its triggers]",
    ];
    assert_eq!(lines(&changes(&bench.state, &new, bench.now)), expected);
}

#[test]
fn c03_a_run_in_progress_keeps_its_values_and_the_plan_says_so() {
    let mut bench = Bench::new();
    bench.script("job", [exits(0, 100)]).apply(desired([automation("job")]));
    bench.run("job");
    let new = desired([Automation { retries: Retries { limit: 1, ..automation("job").retries }, ..automation("job") }]);
    let expected = ["~ Automation/job spec.retries.limit: 0 → 1 [the run in progress keeps the value before]"];
    assert_eq!(lines(&changes(&bench.state, &new, bench.now)), expected);
}

#[test]
fn c03_channels_plugins_and_the_servers_hooks_are_compared() {
    let old = with_server_hooks(
        with_channels(desired([]), [channel("a"), channel("b")]),
        [hook("x", "orders.arrived"), hook("y", "server.startup")],
    );
    let mut new = with_channels(desired([]), [channel("b"), channel("c")]);
    new = with_server_hooks(new, [provost_model::Hook { timeout_s: 1, ..hook("x", "orders.arrived") }]);
    new.channels.insert(name("b"), Arc::new(provost_model::Channel { timeout_s: 1, ..channel("b") }));
    let plugin =
        provost_model::PluginSummary { order: 1, enabled: true, hooks: 2, actions: 0, skills: 0, unmet: Vec::new() };
    new.plugins.insert(name("p").into(), plugin);
    let bench = Bench::with(old);
    let expected = [
        "- Channel/a",
        "~ Channel/b",
        "+ Channel/c",
        "+ Plugin/p",
        "~ Hook/orders.arrived.x",
        "- Hook/server.startup.y",
    ];
    assert_eq!(lines(&changes(&bench.state, &new, bench.now)), expected);
}

#[test]
fn c03_of_a_source_that_changes_the_revision_is_told() {
    let shop = |revision: &str| {
        let mut shop = desired([]);
        let source = provost_model::SourceSummary { from: "git t".to_owned(), revision: revision.to_owned() };
        shop.sources.insert(name("tools"), source);
        shop
    };
    let bench = Bench::with(shop("a1"));
    assert_eq!(lines(&changes(&bench.state, &shop("b2"), bench.now)), ["~ Source/tools revision: a1 → b2"]);
    assert_eq!(lines(&changes(&bench.state, &desired([]), bench.now)), ["- Source/tools"]);
}

#[test]
fn c03_the_same_again_changes_nothing() {
    let shop = || with_channels(desired([every("a", 60), automation("b")]), [channel("ops")]);
    let bench = Bench::with(shop());
    assert_eq!(changes(&bench.state, &shop(), at("2027-01-01T00:00:00Z")), []);
}

#[test]
fn c03_an_exchanged_secret_is_shown_by_its_digest_and_no_value_at_all() {
    let with = |armour: &str| {
        let mut job = automation("job");
        let (sealed, file) = (provost_model::Sealed::new(armour), Some("/run/secrets/db".to_owned()));
        job.workload.secrets = vec![provost_model::SecretUse { name: name("db"), sealed, env: None, file }];
        job
    };
    let shown = shown(with("first armour"), with("second armour"));
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].starts_with("~ Automation/job spec.secrets: db at /run/secrets/db (sealed "), "{shown:?}");
    assert!(!shown[0].contains("armour"), "{shown:?}");
}
