//! Plugins that are configured several times, and servers that configure them in their own way. C2, C3, C27, C28, D35.

use provost_testkit::Cli;
use serde_json::{Value, json};

use crate::calls::{actions, call, job_over, until_actions, widgets};
use crate::common::{Server, Shop, evidence_volume, options, parsed, seen, server};
use crate::firing::{Fired, fire, with};

/// A hook that prints what it was given.
fn show() -> Value {
    json!({"name": "show", "event": "receipts.printed", "args": ["hook", "--get", "config", "--get", "plugin"]})
}

/// A plugin with these instances.
fn tills(instances: Value) -> Value {
    json!({
        "config": {"currency": "EUR", "printer": {"width": 80, "cut": true}},
        "configSchema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["currency"],
            "properties": {
                "currency": {"type": "string"},
                "printer": {"type": "object", "properties": {"width": {"type": "integer", "maximum": 80}}},
                "drawer": {"type": "boolean", "default": true},
            },
        },
        "hooks": [show()],
        "instances": instances,
    })
}

/// The names of the plugins as they run.
fn names(server: &Server) -> Vec<String> {
    server.list(&["plugins"]).iter().map(|plugin| plugin["name"].as_str().unwrap().to_owned()).collect()
}

fn until_plugins(server: &Server, wanted: &[&str]) {
    server.until(&format!("the plugins {wanted:?}"), || (names(server) == wanted).then_some(()));
}

/// What an instance was configured with, as its container saw it.
fn config(server: &Server, fired: &Fired, instance: &str) -> Value {
    fired.said(server, &format!("receipts.printed-till.{instance}.show"), "config")
}

fn validated(server: &Server, shop: &Shop, more: &[&str]) -> (i32, String) {
    let path = shop.path().display().to_string();
    let Cli { code, stdout, stderr } = server.cli(&[&["validate", path.as_str()], more].concat());
    (code, format!("{stdout}{stderr}"))
}

#[test]
fn c02_one_plugin_configured_twice_runs_twice_each_with_its_own_ident_and_settings() {
    let shop = Shop::new();
    let both = json!({"berlin": {"config": {"printer": {"width": 57}}}, "zurich": {"config": {"currency": "CHF"}}});
    shop.plugin("till", tills(both));
    // One that is configured once is what it always was.
    shop.plugin("plain", json!({"hooks": [{"name": "env", "event": "receipts.printed", "args": ["env"]}]}));
    let server = server(&shop);
    until_plugins(&server, &["plain", "till.berlin", "till.zurich"]);

    let fired = fire(&server, "receipts.printed", &json!({}));
    assert_eq!(fired.failure, None);
    let of = |width: u64, currency: &str| json!({"currency": currency, "printer": {"width": width, "cut": true}, "drawer": true});
    assert_eq!(config(&server, &fired, "berlin"), of(57, "EUR"), "a nested key keeps its siblings");
    assert_eq!(config(&server, &fired, "zurich"), of(80, "CHF"));
    for instance in ["berlin", "zurich"] {
        let ident = fired.said(&server, &format!("receipts.printed-till.{instance}.show"), "plugin");
        assert_eq!(ident, json!({"name": "till", "instance": instance}));
    }
    let event = format!("event/{}", fired.id);
    let env = server.ok(&["logs", &event, "--step", "receipts.printed-plain.env", "-o", "name"]);
    assert!(env.contains("PROVOST_PLUGIN=plain") && !env.contains("PROVOST_PLUGIN_INSTANCE"), "{env}");

    let wrong = json!({"berlin": {"config": {"printer": {"width": 90}}}, "zurich": {"config": {"currencie": "CHF"}}});
    shop.plugin("till", tills(wrong));
    let (code, report) = validated(&server, &shop, &[]);
    assert_eq!(code, 1, "{report}");
    for place in ["90 is greater than the maximum of 80", "\"width\": 90", "\"currencie\": \"CHF\""] {
        assert!(report.contains(place), "{place} is not in\n{report}");
    }
}

#[test]
fn c02_each_instance_may_be_for_an_application_of_its_own() {
    let shop = Shop::new();
    let mut action = widgets(&["hook", "--get", "config.url", "--get", "plugin.instance"]);
    action["params"] = json!({});
    let both = json!({
        "one": {"config": {"url": "http://one"}, "application": "shop"},
        "two": {"config": {"url": "http://two"}, "application": "garden"},
    });
    shop.plugin("warehouse", json!({"actions": [action.clone()], "instances": both}));
    let server = server(&shop);
    until_actions(&server, 1);
    for (application, instance) in [("shop", "one"), ("garden", "two")] {
        let over = job_over(&server, &call(&server, application, "DeleteWidgets", &json!({})));
        let said = server.ok(&["logs", over["run"].as_str().unwrap(), "--step", "main.1", "-o", "name"]);
        assert!(said.contains(&format!("config.url = \"http://{instance}\"")), "{said}");
        assert!(said.contains(&format!("plugin.instance = \"{instance}\"")), "{said}");
    }
    assert_eq!(actions(&server)[0]["plugin"], "warehouse.one");

    // Two of one name would not be told apart.
    shop.plugin("warehouse", json!({"actions": [action], "instances": {"one": {}, "two": {}}}));
    let (code, report) = validated(&server, &shop, &[]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("there are two of action DeleteWidgets of shop"), "{report}");
    assert!(report.contains("give each instance an `application` of its own"), "{report}");
}

#[test]
fn c03_each_instance_is_initialised_once_a_start() {
    let shop = Shop::new();
    let prepare = json!({"args": ["mark", seen("initialised")], "volumes": evidence_volume()});
    let mut plugin = tills(json!({"berlin": {}, "zurich": {}}));
    plugin["prepare"] = prepare;
    shop.plugin("till", plugin);
    let mut server = server(&shop);
    for starts in 1..=2 {
        fire(&server, "receipts.printed", &json!({}));
        fire(&server, "receipts.printed", &json!({}));
        let marks = server.evidence("initialised").into_iter().map(|line| parsed(&line));
        let mut steps: Vec<String> =
            marks.filter(|mark| mark["mark"] == "end").map(|mark| mark["step"].as_str().unwrap().to_owned()).collect();
        steps.sort();
        let each = ["berlin", "zurich"].map(|name| format!("plugin.prepare-till.{name}.prepare"));
        let expected: Vec<String> = each.into_iter().flat_map(|step| vec![step; starts]).collect();
        assert_eq!(steps, expected);
        server.process.restart();
    }
}

#[test]
fn c27_enabled_false_silences_that_instance_alone() {
    let shop = Shop::new();
    let both = |berlin: bool| tills(json!({"berlin": {"enabled": berlin}, "zurich": {}}));
    shop.plugin("till", both(false));
    let server = server(&shop);
    until_plugins(&server, &["till.berlin", "till.zurich"]);
    let state = |name: &str| server.list(&["plugins", name]).remove(0)["enabled"].clone();
    assert_eq!((state("till.berlin"), state("till.zurich")), (json!(false), json!(true)));
    let ran = |fired: &Fired| {
        ["berlin", "zurich"].map(|name| fired.has_started(&server, &format!("receipts.printed-till.{name}.show")))
    };
    assert_eq!(ran(&fire(&server, "receipts.printed", &json!({}))), [false, true]);

    shop.plugin("till", both(true));
    server.until("the instance", || (state("till.berlin") == true).then_some(()));
    assert_eq!(ran(&fire(&server, "receipts.printed", &json!({}))), [true, true]);
}

#[test]
fn d35_a_value_of_the_config_stands_where_a_container_is_started_and_stays_text_elsewhere() {
    let shop = Shop::new();
    let show = |name: &str, args: &[&str]| json!({"name": name, "event": "receipts.printed", "args": args});
    let env = with(show("env", &["env", "WHERE"]), &json!({"env": {"WHERE": "$(config.root)/lib"}}));
    let data = with(show("data", &["cat", "$(config.root)/requirements"]), &json!({"volumes": evidence_volume()}));
    let literal = show("literal", &["echo", "{root} $$(config.root)"]);
    let mut action = widgets(&["echo", "$(config.root)/go", "$(params.count)"]);
    action["description"] = json!("Goes to $(config.root).");
    shop.plugin("till", json!({
        "config": {"root": "/nowhere", "note": "$(config.root)"},
        "prepare": {"args": ["write", "$(config.root)/requirements", "installed"], "volumes": evidence_volume()},
        "hooks": [show("start", &["echo", "$(config.root)/start"]), env, data, literal, show("config", &["hook", "--get", "config"])],
        "actions": [action],
        "instances": {"berlin": {"config": {"root": "/data"}}},
    }));
    let server = server(&shop);
    until_actions(&server, 1);
    let fired = fire(&server, "receipts.printed", &json!({}));
    let said = |name: &str| {
        let step = format!("receipts.printed-till.berlin.{name}");
        server.ok(&["logs", &format!("event/{}", fired.id), "--step", &step, "-o", "name"]).trim_end().to_owned()
    };
    assert_eq!(said("start"), "/data/start");
    assert_eq!(said("env"), "WHERE=/data/lib");
    assert_eq!(said("data"), "installed", "the prepare step wrote it there");
    assert_eq!(said("literal"), "{root} $(config.root)");
    assert_eq!(config_note(&server, &fired), "$(config.root)");
    assert_eq!(actions(&server)[0]["description"], "Goes to $(config.root).");
    let over = job_over(&server, &call(&server, "shop", "DeleteWidgets", &json!({"count": 2})));
    assert_eq!(server.lines(&over, "main.1"), ["/data/go 2"]);
}

/// What a value of the config is that looks like a placeholder itself.
fn config_note(server: &Server, fired: &Fired) -> Value {
    fired.said(server, "receipts.printed-till.berlin.config", "config")["note"].clone()
}

/// A server that says this of plugins.
fn server_with(shop: &Shop, plugins: &Value) -> Server {
    Server::start(options().folder(&shop.path()).set("plugins", plugins.clone()))
}

#[test]
fn c28_what_is_set_up_for_an_unknown_plugin_is_of_no_effect_and_told_and_the_rest_loads() {
    let shop = Shop::new();
    shop.plugin("till", tills(json!({"berlin": {}, "zurich": {}})));
    let plugins = json!({
        "tilt": {"config": {"currency": "GBP"}},
        "till": {
            "config": {"currency": "PLN"},
            "instances": {"berlin": {"config": {"drawer": false}}, "zurich": {"enabled": false}, "kiel": {}},
        },
    });
    let server = server_with(&shop, &plugins);
    until_plugins(&server, &["till.berlin", "till.kiel", "till.zurich", "tilt"]);
    let told = server.json(&["status"])["waitingFor"].clone();
    let sentences: Vec<&str> = told.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    for sentence in [
        "Plugin tilt does not run here: it requires a manifest of kind Plugin of that name, and there is none.",
        "Plugin till.kiel does not run here: it requires an instance of that name in Plugin/till, and there is none.",
    ] {
        assert!(sentences.contains(&sentence), "{sentences:?}");
    }
    let file = server.process.config().display().to_string();
    let (code, report) = validated(&server, &shop, &["--config", &file]);
    assert_eq!(code, 0, "{report}");
    for part in ["W0042", "did you mean `till`?", "sets up an instance `kiel` that Plugin/till has not", file.as_str()]
    {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    // What is known is as this server says.
    let fired = fire(&server, "receipts.printed", &json!({}));
    let expected = json!({"currency": "PLN", "printer": {"width": 80, "cut": true}, "drawer": false});
    assert_eq!(config(&server, &fired, "berlin"), expected);
    assert!(!fired.has_started(&server, "receipts.printed-till.zurich.show"));
}

#[test]
fn a12_settings_of_a_server_are_checked_against_the_schema_of_the_plugin() {
    let shop = Shop::new();
    shop.plugin("till", tills(json!({"berlin": {}})));
    let wrong = json!({"till": {"config": {"currency": 7}}});
    let server = server_with(&shop, &wrong);
    let report = server.until("the refusal", || {
        let status = server.json(&["status"]);
        status["rejected"]["report"].as_str().map(str::to_owned)
    });
    assert!(report.contains("E0157") && report.contains("7 is not of type \"string\""), "{report}");
    assert!(report.contains(&server.process.config().display().to_string()), "{report}");
}
