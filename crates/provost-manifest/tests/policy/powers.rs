//! What containers may do, and who may say so.

use provost_manifest::{Code, Never, PortRule, ServerFacts};

use crate::{REPORT, automation, codes, compiled, compiled_on, facts, report};

#[test]
fn more_than_the_hardened_default_needs_a_policy_that_names_the_automation() {
    let wants = "{image: report, network: backend, user: root, readOnlyRoot: false, addCapabilities: [NET_RAW], volumes: [{name: s, path: /s, hostPath: /srv/a}]}";
    let denied = compiled(&[("Automation/report", wants)]);
    assert_eq!(codes(&denied), [Code::NOT_ALLOWED; 5]);
    let allow = "allow: {hostPaths: [/srv], networks: [backend], addCapabilities: [NET_RAW], writableRoot: true, rootUser: true}";
    for select in ["names: [report]", "labels: {team: report}"] {
        let allowed =
            compiled(&[("Automation/report", wants), ("Policy/shop", &format!("{{select: {{{select}}}, {allow}}}"))]);
        assert_eq!(automation(&allowed, "report").workload.network, "backend");
    }
    let other = compiled(&[
        ("Automation/report", wants),
        ("Automation/other", "{image: a}"),
        ("Policy/shop", &format!("{{select: {{names: [other]}}, {allow}}}")),
    ]);
    assert_eq!(codes(&other), [Code::NOT_ALLOWED; 5]);
    // What everyone may: the shared network.
    assert_eq!(report(&[("Automation/report", "{image: report, network: Shared}")]).workload.network, "Shared");
}

#[test]
fn the_network_of_the_host_is_a_power_and_has_no_ports() {
    let policy = ("Policy/shop", "{select: {names: [report]}, allow: {networks: [Host]}}");
    let wants = ("Automation/report", "{image: report, network: Host}");
    assert_eq!(codes(&compiled(&[wants])), [Code::NOT_ALLOWED]);
    assert_eq!(report(&[wants, policy]).workload.network, "Host");
    for word in ["Host", "host"] {
        let never = Never { networks: vec![word.into()], ..Never::default() };
        let forbidden = compiled_on(&ServerFacts { never, ..facts() }, &[wants, policy]);
        assert_eq!(codes(&forbidden), [Code::NEVER], "{word}");
    }
    let policy = ("Policy/shop", "{select: {names: [front]}, allow: {networks: [Host]}}");
    let front = |spec: &str| codes(&compiled(&[("Service/front", spec), policy]));
    assert_eq!(front("{image: a, network: Host, healthCheck: {http: {port: 80}}}"), []);
    assert_eq!(front("{image: a, network: Host, ports: ['8090:80']}"), [Code::TOGETHER]);
}

#[test]
fn a_policy_may_give_what_it_says_itself_but_not_what_the_server_forbids() {
    let policy = (
        "Policy/shop",
        "{enforce: {network: backend, readOnlyRoot: false}, hooks: [{event: server.startup, image: a, volumes: [{name: s, path: /s, hostPath: /srv}]}]}",
    );
    assert_eq!(report(&[REPORT, policy]).workload.network, "backend");
    let never = Never {
        host_paths: vec!["/srv/secret".into()],
        networks: vec!["backend".into()],
        writable_root: true,
        ..Never::default()
    };
    let forbidden = compiled_on(&ServerFacts { never, ..facts() }, &[REPORT, policy]);
    assert_eq!(codes(&forbidden), [Code::NEVER; 3]);
}

#[test]
fn ports_of_the_loopback_address_are_free_others_need_a_policy_and_some_are_never_had() {
    let front = |port: &str| ("Service/front", format!("{{image: a, ports: [\"{port}\"]}}"));
    let with = |facts: &ServerFacts, port: &str, policies: &[(&str, &str)]| {
        let (name, spec) = front(port);
        let documents: Vec<(&str, &str)> =
            [(name, spec.as_str())].into_iter().chain(policies.iter().copied()).collect();
        codes(&compiled_on(facts, &documents))
    };
    let allow = ("Policy/shop", "{select: {names: [front]}, allow: {ports: [\"0.0.0.0:8000-8999\", \"[::]:53\"]}}");
    let other = ("Policy/shop", "{select: {names: [front]}, allow: {ports: [\"192.0.2.1:*\"]}}");
    assert_eq!(with(&facts(), "8090:80", &[]), []);
    assert_eq!(with(&facts(), "[::1]:8090:80", &[]), []);
    for port in ["0.0.0.0:8090:80", "[::]:53:53/udp"] {
        assert_eq!(with(&facts(), port, &[]), [Code::NOT_ALLOWED], "{port}");
        assert_eq!(with(&facts(), port, &[other]), [Code::NOT_ALLOWED], "{port}");
        assert_eq!(with(&facts(), port, &[allow]), [], "{port}");
    }
    let never = Never { ports: vec![PortRule::parse("*:8090").unwrap()], ..Never::default() };
    let forbidding = ServerFacts { never, ..facts() };
    assert_eq!(with(&forbidding, "0.0.0.0:8090:80", &[allow]), [Code::NEVER]);
    assert_eq!(with(&forbidding, "8090:80", &[]), [Code::NEVER]);
}

#[test]
fn a_service_is_under_the_same_policies() {
    let relay = ("Service/relay", "{image: relay, user: root}");
    let rule = "{enforce: {network: backend}, limits: {memory: 64Mi}, rules: [{assert: 'spec.image == \"other\"'}]}";
    let found = codes(&compiled(&[relay, ("Policy/shop", rule)]));
    assert!(found.contains(&Code::NOT_ALLOWED) && found.contains(&Code::RULE_BROKEN), "{found:?}");
    let hooks = "{hooks: [{event: service.exited, image: sweep}, {event: run.failed, image: b}], notify: {failure: [ops], noSuccessFor: {after: 1h, channels: [ops]}}}";
    let documents = [("Service/relay", "{image: relay}"), ("Policy/shop", hooks), ("Channel/ops", "{file: {path: a}}")];
    let service = automation(&compiled(&documents), "relay");
    assert_eq!(service.hooks.iter().map(|hook| hook.event.as_str()).collect::<Vec<_>>(), ["service.exited"]);
    assert!(service.notify.no_success_for.is_none(), "a service that goes on has no success");
    assert_eq!(service.notify.channels.len(), 1);
}

#[test]
fn a_limit_is_checked_with_both_places_and_rules_on_what_is_in_force() {
    let above =
        compiled(&[("Automation/report", "{image: report, timeout: 2h}"), ("Policy/shop", "{limits: {timeout: 1h}}")]);
    assert_eq!(codes(&above), [Code::ABOVE_LIMIT]);
    assert_eq!(above.diagnostics[0].related[0].place.file, "Policy-shop.yaml");
    let rules = "{defaults: {timeout: 2h}, rules: [{assert: 'spec.timeout == \"2h\" && spec.resources.pids + 1 == 257'}, {assert: '!has(spec.user)'}, {assert: 'metadata.name == \"report\"'}]}";
    report(&[REPORT, ("Policy/shop", rules)]);
    let hooks = "{image: report, hooks: [{event: run.failed, image: a}]}";
    report(&[
        ("Automation/report", hooks),
        ("Policy/shop", "{rules: [{assert: 'spec.hooks.all(hook, hook.network == \"None\")'}]}"),
    ]);
}

#[test]
fn a_rule_sees_what_is_not_written_as_not_there() {
    let rule = "{rules: [{assert: 'has(metadata.description)', mode: Audit}, {assert: '!has(spec.user)'}]}";
    assert_eq!(codes(&compiled(&[REPORT, ("Policy/shop", rule)])), [Code::RULE_AUDIT]);
}
