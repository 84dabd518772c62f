//! What adds up: hooks and notifications.

use provost_manifest::Code;
use provost_model::{HookOwner, Moment, Name, OnError};

use crate::{REPORT, automation, codes, compiled, report};

#[test]
fn a10_twenty_automations_each_get_the_policys_hooks() {
    let names: Vec<String> = (0..20).map(|n| format!("Automation/n{n}")).collect();
    let mut documents: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "{image: a}")).collect();
    documents.push(("Policy/shop", "{hooks: [{event: run.starting, image: check}]}"));
    let desired = compiled(&documents).desired.unwrap();
    assert_eq!(desired.automations.len(), 20);
    assert!(desired.automations.values().all(|automation| automation.hooks.len() == 1));
    assert_eq!(desired.policies["shop"].automations, 20);
}

#[test]
fn a19_a20_r5_hooks_are_in_order_and_a_plugin_that_goes_changes_no_other() {
    let hook = "hooks: [{event: run.starting, image: a}, {name: late, event: run.finished, image: a}, {event: orders.arrived, image: a}]";
    let all = [
        ("Automation/report", "{image: report, hooks: [{event: run.starting, image: a}]}".to_owned()),
        ("Plugin/b", format!("{{order: 1, {hook}}}")),
        ("Plugin/a", format!("{{order: 1, {hook}}}")),
        ("Plugin/first", format!("{{order: 0, {hook}}}")),
        ("Policy/z", format!("{{order: 5, {hook}}}")),
        ("Policy/y", format!("{{order: 7, {hook}}}")),
    ];
    let of = |documents: &[(&str, String)]| {
        let documents: Vec<(&str, &str)> = documents.iter().map(|(id, spec)| (*id, spec.as_str())).collect();
        compiled(&documents).desired.unwrap()
    };
    let owners = |hooks: &[std::sync::Arc<provost_model::Hook>], event: &str| -> Vec<String> {
        let bound = hooks.iter().filter(|hook| hook.event == event);
        bound
            .map(|hook| match &hook.owner {
                HookOwner::Policy { name, .. } => name.to_string(),
                HookOwner::Plugin { name, .. } => name.to_string(),
                HookOwner::Automation => "own".to_owned(),
            })
            .collect()
    };
    let desired = of(&all);
    assert_eq!(owners(&desired.automations["report"].hooks, "run.starting"), ["z", "y", "first", "a", "b", "own"]);
    assert_eq!(owners(&desired.automations["report"].hooks, "run.finished"), ["z", "y", "first", "a", "b"]);
    assert_eq!(owners(&desired.hooks, "orders.arrived"), ["z", "y", "first", "a", "b"]);
    let without: Vec<_> = all.iter().filter(|(id, _)| *id != "Plugin/a").cloned().collect();
    let rest = of(&without);
    let others: Vec<_> = desired.automations["report"]
        .hooks
        .iter()
        .filter(|hook| hook.owner != HookOwner::Plugin { name: Name::new("a").unwrap().into(), order: 1 })
        .collect();
    assert_eq!(rest.automations["report"].hooks.iter().collect::<Vec<_>>(), others);
}

#[test]
fn a22_config_of_a_plugin_is_optional_and_checked() {
    let hooks = "hooks: [{event: run.starting, image: a}]";
    let schema = "configSchema: {type: object, additionalProperties: false, properties: {url: {type: string}}}";
    let absent = compiled(&[REPORT, ("Plugin/p", &format!("{{{hooks}, {schema}}}"))]);
    assert_eq!(automation(&absent, "report").hooks[0].config, serde_json::json!({}));
    let given = compiled(&[REPORT, ("Plugin/p", &format!("{{{hooks}, {schema}, config: {{url: x}}}}"))]);
    assert_eq!(automation(&given, "report").hooks[0].config, serde_json::json!({"url": "x"}));
    let wrong = compiled(&[REPORT, ("Plugin/p", &format!("{{{hooks}, {schema}, config: {{ulr: x}}}}"))]);
    assert_eq!(codes(&wrong), [Code::CONFIG]);
    assert_eq!(wrong.diagnostics[0].place.file, "Plugin-p.yaml");
}

#[test]
fn a24_a_hook_that_cannot_run_fails_at_validation() {
    let wrong = compiled(&[REPORT, ("Plugin/p", "{hooks: [{event: run.starting, command: [x]}]}")]);
    assert_eq!(codes(&wrong), [Code::NO_IMAGE]);
    let right =
        compiled(&[REPORT, ("Plugin/p", "{image: p, hooks: [{event: run.starting}, {event: run.failed, image: q}]}")]);
    let images: Vec<_> = automation(&right, "report").hooks.iter().map(|hook| hook.workload.image.clone()).collect();
    assert_eq!(images, ["p", "q"]);
}

#[test]
fn a29_notifications_add_up() {
    let channels = [("Channel/ops", "{file: {path: a}}"), ("Channel/team", "{file: {path: b}}")];
    let policy = ("Policy/shop", "{notify: {failure: [ops], noSuccessFor: {after: 26h, channels: [ops]}}}");
    let own = ("Automation/report", "{image: report, notify: {failure: [team, ops], late: [team]}}");
    let report = report(&[channels[0], channels[1], policy, own]);
    let heard = |moment| report.notify.channels[&moment].iter().map(Name::as_str).collect::<Vec<_>>();
    assert_eq!((heard(Moment::Failure), heard(Moment::Late)), (vec!["ops", "team"], vec!["team"]));
    assert_eq!(report.notify.no_success_for.unwrap().after_s, 26 * 3600);
}

#[test]
fn hooks_and_channels_are_containers_under_policy_too() {
    let policy = ("Policy/shop", "{enforce: {user: '7', env: {SHOP: acme}}, limits: {memory: 100Mi, timeout: 1m}}");
    let documents = [
        ("Automation/report", "{image: report, timeout: 30s, hooks: [{event: run.failed, image: a}]}"),
        ("Plugin/p", "{image: p, hooks: [{event: orders.arrived}]}"),
        ("Channel/c", "{command: {image: c}}"),
        policy,
    ];
    let desired = compiled(&documents).desired.unwrap();
    let own = &desired.automations["report"].hooks[0];
    let provost_model::Target::Command { workload } = &desired.channels["c"].target else { panic!() };
    for workload in [&own.workload, &desired.hooks[0].workload, workload] {
        assert_eq!(
            (workload.user.as_deref(), workload.env["SHOP"].as_str(), workload.resources.memory_bytes),
            (Some("7"), "acme", 100 << 20)
        );
    }
    assert_eq!((own.timeout_s, desired.hooks[0].timeout_s), (60, 60));
    let wrong = compiled(&[
        (
            "Automation/report",
            "{image: report, timeout: 30s, hooks: [{event: run.failed, image: a, user: '8', volumes: [{name: e, path: /e, hostPath: /etc}]}]}",
        ),
        policy,
    ]);
    assert_eq!(codes(&wrong), [Code::ENFORCED, Code::NOT_ALLOWED]);
}

#[test]
fn what_a_hooks_failure_means_depends_on_its_event() {
    let events = "{event: run.starting, image: a}, {event: run.failed, image: a}, {event: run.starting, image: a, background: true}, {event: run.failed, image: a, onError: Fail}";
    let report = report(&[REPORT, ("Policy/shop", &format!("{{hooks: [{events}]}}"))]);
    let meanings: Vec<_> = report.hooks.iter().map(|hook| hook.on_error).collect();
    assert_eq!(meanings, [OnError::Fail, OnError::Ignore, OnError::Ignore, OnError::Fail]);
    let names: Vec<_> = report.hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(names, ["hook-1", "hook-2", "hook-3", "hook-4"]);
}
