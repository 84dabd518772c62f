//! What a manifest cannot say, however it is spelled. `tests/security.md` is the whole list.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use provost_manifest::{Code, Compiled, ServerFacts, SourceFile, Style, compile};
use provost_model::RevisionId;

fn compiled(text: &str) -> Compiled {
    let file = SourceFile { path: "a.yaml".into(), bytes: text.as_bytes().to_vec() };
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    compile(&[file], &ServerFacts::default(), RevisionId::parse("r1").unwrap(), now)
}

fn document(kind: &str, name: &str, spec: &str) -> String {
    format!("---\napiVersion: provost/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

/// The code of the first error, and everything that is said.
#[track_caller]
fn refused(text: &str) -> (Code, String) {
    let compiled = compiled(text);
    let report = compiled.report(Style::Plain);
    assert!(compiled.desired.is_none(), "this was accepted: {text}");
    (compiled.diagnostics[0].code, report)
}

#[test]
fn privilege_has_no_key() {
    let keys = [
        "privileged: true",
        "securityContext: {privileged: true}",
        "securityOpt: [seccomp=unconfined]",
        "capAdd: [ALL]",
        "devices: [/dev/sda]",
        "deviceCgroupRules: ['a *:* rwm']",
        "gpus: all",
        "pid: host",
        "pidMode: host",
        "hostPID: true",
        "ipc: host",
        "uts: host",
        "userns: host",
        "usernsMode: host",
        "cgroup: host",
        "cgroupParent: /",
        "runtime: other",
        "sysctls: {kernel.msgmax: 1}",
        "hostNetwork: true",
        "ports: ['0.0.0.0:80:80']",
        "volumesFrom: [other]",
        "binds: ['/:/host']",
        "tmpfs: [/run]",
        "mounts: [{type: bind, source: /, target: /host}]",
        "restart: always",
        "healthcheck: {test: x}",
        "labels: {provost.instance: other}",
        "containerLabels: {provost.instance: other}",
        "hostConfig: {Privileged: true}",
        "HostConfig: {Privileged: true}",
        "engine: {privileged: true}",
        "extraHosts: ['registry.example.org:127.0.0.1']",
        "dns: [10.0.0.1]",
        "entrypoint: [sh]",
        "tty: true",
        "stdin: true",
    ];
    for key in keys {
        for place in ["", "hooks: [{event: run.failed, image: a, X}]"] {
            let spec = if place.is_empty() {
                format!("{{image: a, {key}}}")
            } else {
                format!("{{image: a, {}}}", place.replace('X', key))
            };
            let (code, report) = refused(&document("Automation", "job", &spec));
            assert_eq!(code, Code::UNKNOWN_FIELD, "{key}: {report}");
        }
        let policy = document("Policy", "shop", &format!("{{select: {{names: [job]}}, allow: {{{key}}}}}"));
        // A policy gives ports, to services, in another form.
        let expected = if key.starts_with("ports") { Code::BAD_FORM } else { Code::UNKNOWN_FIELD };
        assert_eq!(refused(&policy).0, expected, "a policy cannot give it either: {key}");
    }
}

#[test]
fn privilege_by_a_value_is_refused() {
    for (spec, expected) in [
        ("network: host", Code::NOT_ALLOWED),
        ("network: Host", Code::NOT_ALLOWED),
        ("network: 'container:other'", Code::BAD_FORM),
        ("network: 'ns:/proc/1/ns/net'", Code::BAD_FORM),
        ("network: ''", Code::BAD_FORM),
        ("user: root", Code::NOT_ALLOWED),
        ("user: '0'", Code::NOT_ALLOWED),
        ("user: '00:1'", Code::NOT_ALLOWED),
        ("user: '0:1000'", Code::NOT_ALLOWED),
        ("user: 'a b'", Code::BAD_FORM),
        ("readOnlyRoot: false", Code::NOT_ALLOWED),
        ("dropCapabilities: []", Code::NOT_ALLOWED),
        ("dropCapabilities: [NET_RAW]", Code::NOT_ALLOWED),
        ("addCapabilities: [ALL]", Code::NOT_ALLOWED),
        ("addCapabilities: [SYS_ADMIN]", Code::NOT_ALLOWED),
        ("addCapabilities: [sys_admin]", Code::BAD_FORM),
        ("resources: {pids: 0}", Code::OUT_OF_RANGE),
    ] {
        let (code, report) = refused(&document("Automation", "job", &format!("{{image: a, {spec}}}")));
        assert_eq!(code, expected, "{spec}: {report}");
    }
}

/// With a policy that lets the automation have `/srv/data`, and nothing else.
#[test]
fn host_paths_are_refused_in_all_their_spellings() {
    let with = |path: &str| {
        let volumes = format!("{{image: a, volumes: [{{name: v, path: /v, hostPath: {}}}]}}", serde_json::json!(path));
        let policy = document("Policy", "shop", "{select: {names: [job]}, allow: {hostPaths: [/srv/data]}}");
        document("Automation", "job", &volumes) + &policy
    };
    for path in ["/srv/data", "/srv/data/below", "/srv/data/\u{e4}", "/srv/data/with blank", "/srv/data/..."] {
        assert!(compiled(&with(path)).desired.is_some(), "{path:?}: {}", compiled(&with(path)).report(Style::Plain));
    }
    for path in [
        "",
        "srv/data",
        "./srv/data",
        "../srv/data",
        "~/data",
        "$HOME",
        "C:\\data",
        "/",
        "//",
        "/.",
        "/..",
        "/etc",
        "/srv",
        "/srv/",
        "/srv/data-not",
        "/srv/dataset",
        "/SRV/data",
        "//srv/data",
        "/srv//data",
        "/srv/data/",
        "/srv/data/.",
        "/srv/./data",
        "/srv/data/..",
        "/srv/data/../../etc",
        "/srv/data/../data",
        "/srv/data,dst=/x",
        "/srv/data:/x:rw",
        "/srv/data\n/etc",
        "/srv/data\u{7f}",
        "/%73rv/data",
        "/srv%2fdata",
        "/srv\u{2215}data",
        "/\u{ff53}rv/data",
        "/srv\u{200b}/data",
        "/srv/da\u{301}ta",
        "/var/run/docker.sock",
        "//var//run/../run/docker.sock",
        "/var/run/../run/docker.sock",
        "/proc/self/root",
        "/dev/sda",
    ] {
        refused(&with(path));
    }
}

#[test]
fn places_in_the_container_are_refused_too() {
    for path in [
        "",
        "data",
        "/",
        "//",
        "/data/",
        "/a//b",
        "/a/../b",
        "/a/.",
        "/a:b",
        "/a,b",
        "/provost",
        "/provost/out",
        "/provost/",
        "//provost",
    ] {
        let spec = format!("{{image: a, volumes: [{{name: v, path: {}}}]}}", serde_json::json!(path));
        refused(&document("Automation", "job", &spec));
    }
}

#[test]
fn image_references_are_nothing_else() {
    for image in [
        "",
        " ",
        "a b",
        "a;id",
        "a|id",
        "a&&id",
        "$(id)",
        "`id`",
        "${HOME}",
        "a\nb",
        "a\u{0}b",
        "-v",
        "--privileged",
        "../a",
        "./a",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        "a/./b",
        "a?b",
        "a#b",
        "a%2fb",
        "a\\b",
        "http://registry.example.org/a",
        "https://registry.example.org/a:1",
        "file:///etc/passwd",
        "docker://a",
        "oci-archive:/x",
        "user:password@registry.example.org/a",
        "registry.example.org:port/a",
        "registry.example.org:999999/a",
        "a:",
        "a:b:c",
        "a:-x",
        "a@sha256:0123",
        "a@md5:0123",
        "A/B",
        "\u{e4}",
        "\u{ff41}",
        "a\u{200b}",
        "a..b",
        ".a",
        "a.",
    ] {
        let spec = format!("{{image: {}}}", serde_json::json!(image));
        let (code, report) = refused(&document("Automation", "job", &spec));
        assert!(matches!(code, Code::IMAGE | Code::BAD_FORM | Code::CONTROL_CHARACTER), "{image:?}: {report}");
    }
    let long = "a".repeat(401);
    refused(&document("Automation", "job", &format!("{{image: {long}}}")));
}

#[test]
fn names_are_dns_labels() {
    for name in [
        "''",
        "-a",
        "a-",
        "A",
        "a.b",
        "a_b",
        "a/b",
        "../a",
        "a b",
        "'a\0'",
        "\u{e4}",
        "a\u{200b}",
        "'a%2f'",
        "provost.x",
        "'$(id)'",
    ] {
        refused(&document("Automation", name, "{image: a}"));
    }
    refused(&document("Automation", &"a".repeat(53), "{image: a}"));
    for (kind, spec) in [("Policy", "{}"), ("Channel", "{file: {path: a}}"), ("Plugin", "{image: a}")] {
        refused(&document(kind, "../a", spec));
    }
}

#[test]
fn files_and_addresses_of_channels_stay_where_they_belong() {
    for path in ["", "/etc/passwd", "../a", "a/../../b", "a//b", ".a", "a/.b", "a\nb", "a\u{0}"] {
        let spec = format!("{{file: {{path: {}}}}}", serde_json::json!(path));
        refused(&document("Channel", "ops", &spec));
    }
    for url in [
        "",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "gopher://x/",
        "unix:///run/docker.sock",
        "//hooks.example.org/",
        "javascript:x",
        "http://",
        "http:///x",
        "http://user:password@hooks.example.org/",
        "http://a b/",
        "http://a/\n",
        "HTTP://hooks.example.org/",
    ] {
        let spec = format!("{{webhook: {{url: {}}}}}", serde_json::json!(url));
        refused(&document("Channel", "ops", &spec));
    }
    for secret in ["../server.key", "/etc/shadow", "a/../../b", ""] {
        let spec = format!("{{webhook: {{url: 'https://hooks.example.org/', secret: {}}}}}", serde_json::json!(secret));
        refused(&document("Channel", "ops", &spec));
    }
}
