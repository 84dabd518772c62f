//! Whatever is in a file: an answer, soon, with a place, and never a panic.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and read its fixtures")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use provost_manifest::{Code, Compiled, ServerFacts, SourceFile, Style, compile};
use provost_model::RevisionId;

const HEAD: &str = "apiVersion: provost/v1\nkind: Automation\nmetadata: {name: report}\nspec:\n  image: report\n";

fn compiled(bytes: impl Into<Vec<u8>>) -> Compiled {
    let file = SourceFile { path: "a.yaml".into(), bytes: bytes.into() };
    compile(&[file], &ServerFacts::default(), RevisionId::parse("r1").unwrap(), "2026-11-20T12:00:00Z".parse().unwrap())
}

/// How long an answer may take: two seconds, and more in a build without optimisation on a busy machine.
const SOON: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 2 });

/// Refused with `code`, with file and line, soon.
fn refused(what: &str, bytes: impl Into<Vec<u8>>, code: Code) {
    let start = Instant::now();
    let compiled = compiled(bytes);
    let report = compiled.report(Style::Plain);
    assert!(start.elapsed() < SOON, "{what} took {:?}", start.elapsed());
    assert!(compiled.desired.is_none(), "{what} was accepted");
    let codes: Vec<_> = compiled.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert!(codes.contains(&code), "{what}: {report:.2000}");
    assert!(report.contains("a.yaml:"), "{what}: {report:.2000}");
    assert!(report.len() < 200_000, "{what} is told in {} bytes", report.len());
}

#[test]
fn what_is_too_large_is_refused() {
    refused("a scalar of 1 MB", format!("{HEAD}  args: [{}]\n", "x".repeat(1 << 20)), Code::TOO_LARGE);
    refused("a file of 300 KB", format!("{HEAD}#{}", "x".repeat(300 << 10)), Code::TOO_LARGE);
    refused(
        "a scalar of 200 KB where a name belongs",
        HEAD.replace("name: report", &format!("name: {}", "x".repeat(200 << 10))),
        Code::BAD_NAME,
    );
    refused("60,000 values", format!("{HEAD}  args: [{}]\n", "a,".repeat(60_000)), Code::TOO_MUCH);
    refused(
        "60,000 keys",
        format!("{HEAD}  env: {{{}}}\n", (0..30_000).map(|n| format!("k{n}: ,")).collect::<String>()),
        Code::TOO_MUCH,
    );
    refused("2,000 documents", "--- a\n".repeat(2_000), Code::TOO_MUCH);
    refused(
        "2,000 errors",
        format!("{HEAD}{}", (0..2_000).map(|n| format!("  x{n}: 1\n")).collect::<String>()),
        Code::TOO_MUCH,
    );
    refused(
        "9,000 channels that there are not",
        format!("{HEAD}  # ä\n  notify: {{failure: [{}]}}\n", "abcdefghijklmnopqrstu, ".repeat(9_000)),
        Code::UNKNOWN_CHANNEL,
    );
    refused("20,000 duplicate keys", format!("{HEAD}  env: {{{}}}\n", "k: a, ".repeat(20_000)), Code::DUPLICATE_KEY);
}

#[test]
fn warnings_are_bounded_too() {
    let schedules = "\"*/90 * * * *\", ".repeat(500);
    let compiled = compiled(format!("{HEAD}  schedule: [{schedules}]\n"));
    let (errors, warnings) = compiled.count();
    assert_eq!((errors, warnings), (0, 101));
    assert_eq!(compiled.diagnostics[100].code, Code::MORE);
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    let depth = 100_000;
    refused("lists", "[".repeat(depth), Code::TOO_MUCH);
    refused("closed lists", format!("{}{}", "[".repeat(depth), "]".repeat(depth)), Code::TOO_MUCH);
    refused("a little too many", format!("{HEAD}  args: {}{}\n", "[".repeat(64), "]".repeat(64)), Code::TOO_MUCH);
    refused("maps", "{a: ".repeat(depth / 2), Code::TOO_MUCH);
    refused("list items on one line", "- ".repeat(depth), Code::TOO_MUCH);
    refused(
        "maps by indentation",
        (0..700).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>(),
        Code::TOO_MUCH,
    );
    refused("keys of keys", "? ".repeat(depth), Code::BAD_KEY);
}

#[test]
fn bombs_of_aliases_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..10 {
        let before = format!("*a{}, ", n - 1).repeat(9);
        bomb += &format!("a{n}: &a{n} [{before}]\n");
    }
    refused("a billion laughs", bomb, Code::NOT_USED);
    refused("20,000 aliases", format!("{HEAD}  args: [&a x, {}]\n", "*a, ".repeat(20_000)), Code::NOT_USED);
}

#[test]
fn what_is_no_text_is_refused() {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| HEAD.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    refused("UTF-16", [vec![0xff, 0xfe], utf16(u16::to_le_bytes)].concat(), Code::NOT_UTF8);
    refused("UTF-16, big end first", [vec![0xfe, 0xff], utf16(u16::to_be_bytes)].concat(), Code::NOT_UTF8);
    refused("UTF-16 without a mark", utf16(u16::to_le_bytes), Code::CONTROL_CHARACTER);
    refused("NUL", format!("{HEAD}  args: [\0]\n"), Code::CONTROL_CHARACTER);
    refused("escape", format!("{HEAD}  args: [\u{1b}]\n"), Code::CONTROL_CHARACTER);
    refused("a byte that is no UTF-8", [HEAD.as_bytes(), b"  args: [\x80]\n"].concat(), Code::NOT_UTF8);
    refused("the wrong half", [HEAD.as_bytes(), b"\xed\xa0\x80"].concat(), Code::NOT_UTF8);
}

#[test]
fn places_count_characters_and_lines_of_any_sort() {
    let compiled =
        compiled(format!("# ä€😀\r\n{HEAD}  env: {{\"ä😀\": 1}}\r\n").replace("\n", "\r\n").replace("\r\r", "\r"));
    let place = compiled.diagnostics.iter().map(|d| (d.code, d.place.line, d.place.column)).collect::<Vec<_>>();
    assert_eq!(place, [(Code::WRONG_TYPE, 7, 15)]);
    assert_eq!(compiled.diagnostics[0].place.text.as_deref(), Some("  env: {\"ä😀\": 1}"));
}

#[test]
fn texts_of_several_lines_may_hold_tabs() {
    let compiled = compiled(format!(
        "{HEAD}  command:\n    - sh\n    - -c\n    - |\n      if true; then\n      \techo yes\n      fi\n    - \"a\n      \tb\"\n"
    ));
    let desired = compiled.desired.as_ref().unwrap_or_else(|| panic!("{}", compiled.report(Style::Plain)));
    assert_eq!(desired.automations["report"].workload.command[2], "if true; then\n\techo yes\nfi\n");
}

#[test]
fn expressions_are_bounded_where_they_stand() {
    let when = |text: &str| format!("{HEAD}  triggers: [{{event: a.b, when: '{text}'}}]\n");
    refused("a long sum", when(&format!("{} == 1", vec!["1"; 900].join("+"))), Code::EXPRESSION);
    refused("brackets", when(&format!("{}1{}", "(".repeat(500), ")".repeat(500))), Code::EXPRESSION);
    refused("a long one", when(&"x".repeat(5_000)), Code::EXPRESSION);
}

static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/manifests");
    let entries = ["ok", "bad"].map(|name| fs::read_dir(folder.join(name)).unwrap());
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut texts: Vec<String> = paths.filter_map(|path| fs::read_to_string(path).ok()).collect();
    texts.sort();
    texts
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        compiled(bytes).report(Style::Plain);
    }

    #[test]
    fn mutated_manifests_get_an_answer(
        seed in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..4, "[-:{}\\[\\]&*!|>'\"%@`#,? \\n\\ta0ä]{0,4}"), 1..6),
    ) {
        let mut text: Vec<char> = seed.get(&SEEDS).chars().collect();
        for (at, what, insert) in edits {
            if text.is_empty() {
                break;
            }
            let at = at.index(text.len());
            match what {
                0 => drop(text.drain(at..(at + 5).min(text.len()))),
                1 => text.truncate(at),
                _ => drop(text.splice(at..at, insert.chars())),
            }
        }
        let compiled = compiled(text.into_iter().collect::<String>());
        compiled.report(Style::Plain);
        for diagnostic in &compiled.diagnostics {
            prop_assert!(diagnostic.place.line >= 1 && diagnostic.place.column >= 1 && diagnostic.place.end_column > diagnostic.place.column);
            prop_assert!(!diagnostic.message.is_empty());
        }
    }
}
