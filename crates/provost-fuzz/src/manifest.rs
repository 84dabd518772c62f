use std::sync::LazyLock;

use jiff::Timestamp;
use provost_manifest::{ServerFacts, SourceFile, Style, compile};
use provost_model::RevisionId;

static NOW: LazyLock<Timestamp> = LazyLock::new(|| "2026-11-20T12:00:00Z".parse().unwrap());

/// Files of manifests, separated by form feeds: compiled or refused, with places that are there, and never half.
pub fn manifest(bytes: &[u8]) {
    let pieces = bytes.split(|byte| *byte == 0x0c).enumerate();
    let files = pieces.map(|(at, bytes)| SourceFile { path: format!("{at}.yaml"), bytes: bytes.to_vec() });
    let files: Vec<SourceFile> = files.collect();
    let revision = RevisionId::parse("r1").unwrap();
    let compiled = compile(&files, &ServerFacts::default(), revision, *NOW);
    let (errors, _) = compiled.count();
    assert_eq!(compiled.desired.is_none(), errors > 0, "a revision with an error has nothing in force, and only it");
    for diagnostic in &compiled.diagnostics {
        let place = &diagnostic.place;
        assert!(!diagnostic.message.is_empty());
        assert!(place.line >= 1 && place.column >= 1 && place.end_column > place.column, "{place:?}");
    }
    let plain = compiled.report(Style::Plain);
    assert!(!plain.contains('\u{1b}'), "a report tells no terminal what to do");
    compiled.report(Style::Coloured);
    if let Some(desired) = compiled.desired {
        let stored = serde_json::to_string(&desired).unwrap();
        assert_eq!(serde_json::from_str::<provost_model::Desired>(&stored).unwrap(), desired, "it can be stored");
    }
}
