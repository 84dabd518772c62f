//! What a revision is made of besides its own files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use provost_manifest::{Code, Compiled, Machine, ServerFacts, SourceFile, Style, compile, references};
use provost_model::{LOCK, Name, RevisionId, SourceFrom};

const TOOLS: &str = "{apiVersion: provost/v1, kind: Source, metadata: {name: tools}, spec: {git: {url: 'https://git.example.org/tools.git'}}}";
const TRUSTED: &str = "{apiVersion: provost/v1, kind: Source, metadata: {name: tools}, spec: {policies: true, git: {url: 'https://git.example.org/tools.git'}}}";
const POLICY: &str = "{apiVersion: provost/v1, kind: Policy, metadata: {name: theirs}, spec: {}}";
const CHANNEL: &str = "{apiVersion: provost/v1, kind: Channel, metadata: {name: ops}, spec: {file: {path: ops.jsonl}}}";
const USER: &str = "{apiVersion: provost/v1, kind: Automation, metadata: {name: bread}, spec: {image: 'x:1', notify: {failure: [ops]}}}";
const HAD: &str = r#"{"tools": {"from": "git https://git.example.org/tools.git", "revision": "9f86d0"}}"#;
const MISSING: &str = r#"{"tools": {"from": "git …", "trouble": "there is nobody"}}"#;

fn compiled(files: &[(&str, &str)], policy_paths: &[&str]) -> Compiled {
    let file = |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() };
    let files: Vec<_> = files.iter().map(file).collect();
    let policy_paths = policy_paths.iter().map(|path| (*path).to_owned()).collect();
    let facts = ServerFacts { policy_paths, ..ServerFacts::default() };
    compile(&files, &facts, RevisionId::parse("r1").unwrap(), "2026-11-20T12:00:00Z".parse().unwrap())
}

fn codes(compiled: &Compiled) -> Vec<Code> {
    compiled.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn what_a_source_brings_is_part_of_the_revision_and_named_in_errors() {
    let good = compiled(&[("a.yaml", TOOLS), ("b.yaml", USER), (LOCK, HAD), ("tools//ops.yaml", CHANNEL)], &[]);
    let desired = good.desired.as_ref().unwrap();
    assert!(desired.channels.contains_key("ops"));
    assert_eq!(desired.sources[&Name::new("tools").unwrap()].revision, "9f86d0");

    let wrong = CHANNEL.replace("file:", "fiel:");
    let bad = compiled(&[("a.yaml", TOOLS), (LOCK, HAD), ("tools//ops.yaml", &wrong)], &[]);
    assert!(bad.desired.is_none());
    assert!(bad.report(Style::Plain).contains("tools//ops.yaml:1:"), "{}", bad.report(Style::Plain));
}

#[test]
fn a_name_in_both_is_told_with_both_places() {
    let both = compiled(&[("a.yaml", TOOLS), ("ops.yaml", CHANNEL), (LOCK, HAD), ("tools//ops.yaml", CHANNEL)], &[]);
    let report = both.report(Style::Plain);
    assert!(report.contains("tools//ops.yaml") && report.contains("ops.yaml:1:"), "{report}");
    assert_eq!(codes(&both), [Code::SAME_NAME]);
}

#[test]
fn a_source_that_cannot_be_had_is_one_error_and_what_it_would_bring_none() {
    let bad = compiled(&[("a.yaml", TOOLS), ("b.yaml", USER), (LOCK, MISSING)], &[]);
    assert_eq!(codes(&bad), [Code::SOURCE_MISSING]);
    assert!(bad.desired.is_none());
    let report = bad.report(Style::Plain);
    assert!(report.contains("a.yaml:1:") && report.contains("there is nobody"), "{report}");
}

#[test]
fn where_nobody_reads_sources_that_is_a_warning() {
    let offline = compiled(&[("a.yaml", TOOLS), ("b.yaml", USER)], &[]);
    assert_eq!(codes(&offline), [Code::SOURCE_UNREAD]);
    assert!(offline.desired.is_some());
}

#[test]
fn on_a_server_a_source_that_was_not_read_is_an_error() {
    let file = SourceFile { path: "a.yaml".to_owned(), bytes: TOOLS.replace("Source", "\"\\x53ource\"").into_bytes() };
    let machine = Some(Machine { architecture: "amd64".to_owned(), memory_bytes: 1 << 30 });
    let facts = ServerFacts { machine, ..ServerFacts::default() };
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let bad = compile(std::slice::from_ref(&file), &facts, RevisionId::parse("r1").unwrap(), now);
    assert_eq!(codes(&bad), [Code::SOURCE_MISSING], "nobody hides one from whoever reads sources");
    assert!(references(&[file]).is_empty());
}

#[test]
fn a_source_refers_to_no_further_source() {
    let nested = TOOLS.replace("name: tools", "name: more");
    let bad = compiled(&[("a.yaml", TOOLS), (LOCK, HAD), ("tools//more.yaml", &nested)], &[]);
    assert_eq!(codes(&bad), [Code::NESTED_SOURCE]);
    let file = |path: &str| SourceFile { path: path.to_owned(), bytes: TOOLS.as_bytes().to_vec() };
    assert!(references(&[file("tools//more.yaml")]).is_empty());
    assert_eq!(references(&[file("a.yaml"), file("b.yaml")]).len(), 1);
}

#[test]
fn policies_come_from_a_source_only_where_a_policy_may_say_so() {
    let with = |source: &str, place: &str, paths: &[&str]| {
        codes(&compiled(&[(place, source), (LOCK, HAD), ("tools//policies/p.yaml", POLICY)], paths))
    };
    assert_eq!(with(TOOLS, "a.yaml", &[]), [Code::POLICY_PATH], "nobody said so");
    assert_eq!(
        with(TOOLS, "a.yaml", &["policies", "tools"]),
        [Code::POLICY_PATH],
        "paths are of the server's own source"
    );
    assert_eq!(with(TRUSTED, "a.yaml", &[]), []);
    assert_eq!(with(TRUSTED, "policies/a.yaml", &["policies"]), []);
    let outside = with(TRUSTED, "a.yaml", &["policies"]);
    assert_eq!(outside, [Code::POLICY_PATH, Code::POLICY_PATH], "whoever may not write policies cannot refer to any");
}

#[test]
fn a_reference_says_where_and_how_often() {
    let text = "{apiVersion: provost/v1, kind: Source, metadata: {name: tools}, spec: {poll: 5m, git: {url: 'git@h:t.git', branch: b, path: p}}}";
    let file = SourceFile { path: "a.yaml".to_owned(), bytes: text.as_bytes().to_vec() };
    let found = references(&[file]);
    let expected =
        SourceFrom::Git { url: "git@h:t.git".to_owned(), branch: Some("b".to_owned()), path: Some("p".to_owned()) };
    assert_eq!((found[0].from.clone(), found[0].poll_s), (expected, 300));
    assert_eq!(found[0].from.to_string(), "git git@h:t.git branch b folder p");
}
