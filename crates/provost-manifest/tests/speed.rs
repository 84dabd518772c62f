//! How long a large set takes; run by hand: `cargo test --release -p provost-manifest --test speed -- --ignored --nocapture`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, and this one measures"
)]

use std::time::{Duration, Instant};

use provost_manifest::{ServerFacts, SourceFile, compile};
use provost_model::RevisionId;

#[test]
#[ignore = "measures a release build"]
fn ten_thousand_files_of_four_lines_take_less_than_a_second() {
    let file = |n: usize| {
        let text = format!(
            "apiVersion: provost/v1\nkind: Automation\nmetadata: {{name: job-{n}}}\nspec: {{schedule: \"{} 12 * * *\", image: \"registry.example.org/job:{n}\"}}\n",
            n % 60
        );
        SourceFile { path: format!("automations/job-{n}.yaml"), bytes: text.into_bytes() }
    };
    let mut files: Vec<SourceFile> = (0..10_000).map(file).collect();
    let policy = "apiVersion: provost/v1\nkind: Policy\nmetadata: {name: shop}\nspec:\n  defaults: {timeZone: Europe/Berlin, timeout: 30m}\n  enforce: {user: \"1000:1000\"}\n  limits: {memory: 2Gi}\n  hooks: [{event: run.starting, image: check}]\n";
    for with_policy in [false, true] {
        if with_policy {
            files.push(SourceFile { path: "policies/shop.yaml".into(), bytes: policy.into() });
        }
        let start = Instant::now();
        let compiled = compile(
            &files,
            &ServerFacts::default(),
            RevisionId::parse("r1").unwrap(),
            "2026-11-20T12:00:00Z".parse().unwrap(),
        );
        let took = start.elapsed();
        assert_eq!(compiled.desired.unwrap().automations.len(), 10_000);
        eprintln!("{} files in {took:?}", files.len());
        assert!(took < Duration::from_secs(1));
    }
}
