//! Which value holds, and who said so.

use provost_manifest::{Code, Style};
use provost_model::{RevisionId, Scope};

use crate::{REPORT, automation, codes, compiled, report};

#[test]
fn a04_name_image_and_schedule_are_enough() {
    let report = report(&[REPORT]);
    assert_eq!((report.timeout_s, report.grace_s, report.retries.limit, report.late_after_s), (3600, 10, 0, 60));
    assert_eq!((report.queue_limit, report.start_deadline_s, report.suspend), (1, None, false));
    let workload = &report.workload;
    assert_eq!((workload.network.as_str(), workload.read_only_root, &workload.user), ("None", true, &None));
    assert_eq!(
        (workload.resources.cpu_millis, workload.resources.memory_bytes, workload.resources.pids),
        (1000, 512 << 20, 256)
    );
    assert_eq!(workload.drop_capabilities, ["ALL"]);
    assert!(report.origins.values().filter(|origin| origin.scope == Scope::BuiltIn).count() >= 20);
}

#[test]
fn a05_a07_a_policy_changes_automations_that_know_nothing_of_it() {
    let before = report(&[REPORT, ("Policy/shop", "{defaults: {timeout: 10m}}")]);
    let after =
        report(&[REPORT, ("Policy/shop", "{defaults: {timeout: 20m, env: {SHOP: acme}}, enforce: {user: '1000'}}")]);
    assert_eq!((before.timeout_s, after.timeout_s), (600, 1200));
    assert_eq!((after.workload.env["SHOP"].as_str(), after.workload.user.as_deref()), ("acme", Some("1000")));
}

#[test]
fn precedence_is_built_in_default_automation_enforced() {
    let low =
        ("Policy/low", "{order: 1, defaults: {timeout: 1m, gracePeriod: 1s, lateAfter: 1s}, enforce: {user: '1'}}");
    let high = ("Policy/high", "{order: 2, defaults: {gracePeriod: 2s, lateAfter: 2s}, enforce: {user: '2'}}");
    let own = ("Automation/report", "{image: report, lateAfter: 3s}");
    let report = report(&[high, own, low]);
    assert_eq!((report.timeout_s, report.grace_s, report.late_after_s), (60, 2, 3));
    assert_eq!(report.workload.user.as_deref(), Some("2"));
}

#[test]
fn maps_and_objects_are_laid_over_key_by_key() {
    let policy =
        ("Policy/shop", "{defaults: {retries: {limit: 3, backoff: 5s}, env: {A: p, B: p}, resources: {memory: 1Gi}}}");
    let report =
        report(&[policy, ("Automation/report", "{image: report, retries: 1, env: {B: own}, resources: {cpu: 2}}")]);
    assert_eq!((report.retries.limit, report.retries.backoff_s, report.retries.max_backoff_s), (1, 5, 600));
    assert_eq!((report.workload.env["A"].as_str(), report.workload.env["B"].as_str()), ("p", "own"));
    assert_eq!((report.workload.resources.memory_bytes, report.workload.resources.cpu_millis), (1 << 30, 2000));
}

#[test]
fn a06_a_field_that_policy_owns_is_refused_with_both_places() {
    let compiled = compiled(&[
        ("Policy/shop", "\n  enforce: {timeout: 1h}"),
        ("Automation/report", "\n  image: report\n  timeout: 2h"),
    ]);
    let [only] = compiled.diagnostics.as_slice() else { panic!("{}", compiled.report(Style::Plain)) };
    assert_eq!(only.code, Code::ENFORCED);
    assert!(only.message.contains("`timeout`") && only.message.contains("Policy/shop"));
    assert_eq!((only.place.file.as_str(), only.place.line), ("Automation-report.yaml", 6));
    assert_eq!((only.related[0].place.file.as_str(), only.related[0].place.line), ("Policy-shop.yaml", 5));
}

#[test]
fn to_say_what_is_enforced_is_no_error() {
    let policy = ("Policy/shop", "{enforce: {timeout: 1h, resources: {cpu: '1'}, retries: 2}}");
    let report = report(&[
        policy,
        ("Automation/report", "{image: report, timeout: 60m, resources: {cpu: 1000m}, retries: {limit: 2}}"),
    ]);
    assert_eq!(report.origins["spec.timeout"].scope, Scope::PolicyEnforced);
}

#[test]
fn a08_every_value_says_who_set_it() {
    let compiled = compiled(&[
        ("Policy/shop", "\n  defaults: {gracePeriod: 5s}\n  enforce: {user: '1000'}\n  limits: {memory: 256Mi}"),
        ("Automation/report", "\n  image: report\n  timeout: 2h"),
    ]);
    let report = automation(&compiled, "report");
    let origin = |path: &str| {
        let origin = &report.origins[path];
        (origin.document.as_str(), origin.scope, origin.file.as_deref(), origin.line)
    };
    let policy = |scope, line| ("Policy/shop", scope, Some("Policy-shop.yaml"), Some(line));
    assert_eq!(origin("spec.catchUp"), ("built-in default", Scope::BuiltIn, None, None));
    assert_eq!(origin("spec.gracePeriod"), policy(Scope::PolicyDefault, 5));
    assert_eq!(
        origin("spec.timeout"),
        ("Automation/report", Scope::Automation, Some("Automation-report.yaml"), Some(6))
    );
    assert_eq!(origin("spec.image"), ("Automation/report", Scope::Automation, Some("Automation-report.yaml"), Some(5)));
    assert_eq!(origin("spec.user"), policy(Scope::PolicyEnforced, 6));
    // The built-in default is above the limit, so the limit holds.
    assert_eq!(
        (origin("spec.resources.memory"), report.workload.resources.memory_bytes),
        (policy(Scope::PolicyDefault, 7), 256 << 20)
    );
}

#[test]
fn a09_equal_order_and_different_values_name_both_policies() {
    let two = |order: &str| {
        compiled(&[
            REPORT,
            ("Policy/a", "{defaults: {timeout: 1h}}"),
            ("Policy/b", &format!("{{order: {order}, defaults: {{timeout: 2h}}}}")),
        ])
    };
    assert_eq!(automation(&two("1"), "report").timeout_s, 7200);
    let wrong = two("0");
    assert_eq!(codes(&wrong), [Code::POLICIES_DISAGREE]);
    assert!(wrong.diagnostics[0].message.contains("Policy/a") && wrong.diagnostics[0].message.contains("Policy/b"));
    // Those that no automation meets both of may differ.
    let apart = compiled(&[
        REPORT,
        ("Policy/a", "{select: {names: [report]}, defaults: {timeout: 1h}}"),
        ("Policy/b", "{select: {labels: {team: nobody}}, defaults: {timeout: 2h}}"),
    ]);
    assert_eq!(automation(&apart, "report").timeout_s, 3600);
}

#[test]
fn selection_is_by_label_name_kind_and_server() {
    let applies = |select: &str| {
        let policy = format!("{{select: {select}, enforce: {{user: '7'}}}}");
        report(&[REPORT, ("Policy/shop", &policy)]).workload.user.is_some()
    };
    for yes in [
        "{}",
        "{labels: {team: report}}",
        "{names: [report]}",
        "{kinds: [Automation]}",
        "{servers: {tier: prod}}",
        "{kinds: [Plugin, Automation], labels: {team: report}}",
    ] {
        assert!(applies(yes), "{yes}");
    }
    for no in
        ["{labels: {team: other}}", "{labels: {team: report, x: y}}", "{kinds: [Channel]}", "{servers: {tier: test}}"]
    {
        assert!(!applies(no), "{no}");
    }
}

#[test]
fn c2_one_error_and_nothing_is_wanted() {
    let compiled = compiled(&[REPORT, ("Automation/other", "{image: a, timeout: soon}")]);
    assert!(compiled.desired.is_none());
    assert_eq!((compiled.files, compiled.manifests, compiled.count()), (2, 1, (1, 0)));
}

#[test]
fn c2_no_files_is_no_error_and_can_be_told() {
    let compiled = compiled(&[]);
    let desired = compiled.desired.unwrap();
    assert!(desired.automations.is_empty() && !desired.allow_empty);
    assert_eq!((compiled.files, compiled.manifests), (0, 0));
    assert_eq!(desired.revision, Some(RevisionId::parse("r1").unwrap()));
}

#[test]
fn a_reference_to_a_document_with_errors_is_no_further_error() {
    let compiled =
        compiled(&[("Automation/report", "{image: report, notify: {failure: [ops]}}"), ("Channel/ops", "{file: {}}")]);
    assert_eq!(codes(&compiled), [Code::MISSING_FIELD]);
}

#[test]
fn the_same_files_in_any_order_give_the_same() {
    let documents = [
        REPORT,
        ("Automation/b", "{image: b}"),
        ("Policy/p", "{hooks: [{event: run.starting, image: a}]}"),
        ("Policy/q", "{hooks: [{event: run.starting, image: a}]}"),
    ];
    let mut reversed = documents;
    reversed.reverse();
    assert_eq!(compiled(&documents).desired.unwrap().digest(), compiled(&reversed).desired.unwrap().digest());
}
