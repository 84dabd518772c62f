//! Every file in `tests/manifests`: those in `ok` are right, each of those in `bad` gets what its name says.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and read its fixtures")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use provost_manifest::{
    Code, Compiled, InstanceSetting, Machine, Never, PluginSetting, ServerFacts, ServerPlugins, SourceFile, Style,
    compile, explain,
};
use provost_model::{Name, RevisionId};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/manifests").join(name)
}

/// The files of a folder, sorted, each with the name that diagnostics give it.
fn files(name: &str) -> Vec<SourceFile> {
    let entries = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| SourceFile {
            path: entry.file_name().into_string().unwrap(),
            bytes: fs::read(entry.path()).unwrap(),
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn facts() -> ServerFacts {
    ServerFacts {
        name: "ber-1".to_owned(),
        labels: BTreeMap::from([("tier".to_owned(), "prod".to_owned())]),
        policy_paths: Vec::new(),
        never: Never { host_paths: vec!["/var/run/docker.sock".to_owned()], ..Never::default() },
        plugins: ServerPlugins::default(),
        peers: BTreeMap::from([("shipping.cost".to_owned(), BTreeSet::from([Name::new("kiel").unwrap()]))]),
        machine: None,
    }
}

/// A server that sets up a plugin and an instance which no manifest declares.
fn nobodys_plugins() -> ServerPlugins {
    let text = "source: {folder: {path: shop}}\nplugins:\n  warehuose: {}\n  warehouse:\n    instances: {kiel: {}}\n";
    let setting = |instances: &[&str]| {
        let instances = instances.iter().map(|name| (Name::new(*name).unwrap(), InstanceSetting::default()));
        PluginSetting { instances: instances.collect(), ..PluginSetting::default() }
    };
    let by_name = [("warehuose", setting(&[])), ("warehouse", setting(&["kiel"]))];
    ServerPlugins {
        file: Some(SourceFile { path: "/etc/provost/server.yaml".to_owned(), bytes: text.into() }),
        by_name: by_name.map(|(name, setting)| (Name::new(name).unwrap(), setting)).into(),
    }
}

fn compiled(files: &[SourceFile], facts: &ServerFacts) -> Compiled {
    compile(files, facts, RevisionId::parse("r1").unwrap(), "2026-11-20T12:00:00Z".parse().unwrap())
}

/// `E0142` of `E0142-time-zone.yaml`.
fn code_of(file: &SourceFile) -> &str {
    file.path.split('-').next().unwrap()
}

#[test]
fn bad_manifests_get_what_their_names_say() {
    let files = files("bad");
    assert!(files.len() >= 40);
    for file in &files {
        let policy_paths = if code_of(file) == "E0133" { vec!["policies".to_owned()] } else { Vec::new() };
        let machine = Machine { architecture: "amd64".to_owned(), memory_bytes: 8 << 30 };
        let machine = (code_of(file) == "W0041").then_some(machine);
        let plugins = if code_of(file) == "W0042" { nobodys_plugins() } else { ServerPlugins::default() };
        let facts = ServerFacts { policy_paths, machine, plugins, ..facts() };
        let compiled = compiled(std::slice::from_ref(file), &facts);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots/bad" }, {
            insta::assert_snapshot!(file.path.trim_end_matches(".yaml"), compiled.report(Style::Plain));
        });
        let codes: BTreeSet<&str> = compiled.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
        assert!(codes.contains(code_of(file)), "{}: {codes:?}", file.path);
        assert!(
            codes.len() == 1,
            "{} has one sort of fault, not {codes:?}\n{}",
            file.path,
            compiled.report(Style::Plain)
        );
        assert_eq!(compiled.desired.is_none(), code_of(file).starts_with('E'), "{}", file.path);
    }
}

#[test]
fn every_code_is_explained_and_used() {
    let mut used: BTreeSet<String> = files("bad").iter().map(|file| code_of(file).to_owned()).collect();
    // Those that need a large file are made in `hostile.rs`, those that need what was read of a source in `sources.rs`; the
    // first one is a fault of ours, and cannot be provoked.
    used.extend(["E0101", "E0108", "W0030", "E0180", "E0181", "E0001"].map(str::to_owned));
    for code in Code::ALL {
        let text = explain(code.as_str()).unwrap_or_else(|| panic!("{code} is not explained"));
        assert!(text.contains("\nWrong") && text.contains("\nRight"), "{code} lacks a wrong or a right example");
        assert!(used.remove(code.as_str()), "no fixture for {code}");
    }
    assert!(used.is_empty(), "fixtures for codes that there are not: {used:?}");
    assert_eq!(explain("E9999"), None);
    assert!(explain("e0142").unwrap().contains("time zone"));
}

#[test]
fn right_manifests_have_no_errors() {
    let files = files("ok");
    let compiled = compiled(&files, &facts());
    assert!(compiled.desired.is_some(), "{}", compiled.report(Style::Plain));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("ok", compiled.desired.unwrap());
        insta::assert_snapshot!("ok-report", compile(&files, &facts(), RevisionId::parse("r1").unwrap(), "2026-11-20T12:00:00Z".parse().unwrap()).report(Style::Plain));
    });
}

#[test]
fn every_shipped_manifest_passes() {
    fn all(folder: &Path, files: &mut Vec<SourceFile>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                all(&path, files);
            } else {
                let bytes = fs::read(&path).unwrap();
                files.push(SourceFile { path: path.display().to_string(), bytes });
            }
        }
    }
    let mut files = Vec::new();
    all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests"), &mut files);
    let compiled = compiled(&files, &ServerFacts::default());
    assert!(compiled.manifests > 0 && compiled.desired.is_some(), "{}", compiled.report(Style::Plain));
}

#[test]
fn all_errors_of_all_files_come_in_one_pass() {
    let compiled = compiled(&files("bad"), &facts());
    let files: BTreeSet<&str> = compiled.diagnostics.iter().map(|diagnostic| diagnostic.place.file.as_str()).collect();
    assert!(files.len() > 60, "only {} files are told of", files.len());
    assert!(compiled.desired.is_none());
    let places: Vec<_> =
        compiled.diagnostics.iter().map(|d| (d.severity, d.place.file.clone(), d.place.line)).collect();
    assert!(places.is_sorted());
}

#[test]
fn diagnostics_are_json_too() {
    let file = SourceFile {
        path: "a.yaml".to_owned(),
        bytes: fs::read(folder("bad").join("E0162-above-limit.yaml")).unwrap(),
    };
    let compiled = compiled(&[file], &facts());
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("json", compiled.diagnostics);
    });
}

#[test]
fn colours_change_nothing_but_colours() {
    let file = SourceFile {
        path: "a.yaml".to_owned(),
        bytes: fs::read(folder("bad").join("E0107-duplicate-key.yaml")).unwrap(),
    };
    let compiled = compiled(&[file], &facts());
    let coloured = compiled.report(Style::Coloured);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut parts = coloured.split("\u{1b}[");
    plain.push_str(parts.next().unwrap());
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    assert_eq!(plain, compiled.report(Style::Plain));
}
