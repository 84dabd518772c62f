//! What the store takes, beside what the disk itself takes, in one run:
//! `cargo run --release --package provost-store --example figures -- [rows of history, 1000000]`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people at a terminal")]

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use provost_controller::{Batch, Logs, OutputStream, RunQuery, Store};
use provost_model::{
    Cause, DueOutcome, DueVerdict, Fact, JsonMap, Name, Outcome, Owner, Recorded, RunFact, RunId, RunRecord, StepId,
    StepRef,
};
use provost_store::{FileLogs, SqliteStore};

/// How long each rate is measured.
const SPAN: Duration = Duration::from_secs(3);

/// How many automations the history is of.
const AUTOMATIONS: i64 = 1000;

fn main() {
    let rows = std::env::args().nth(1).map_or(1_000_000, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir_in(".").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        rates(folder.path()).await;
        history(folder.path(), rows).await;
        logs(folder.path()).await;
    });
}

fn row(what: &str, value: f64, unit: &str) {
    println!("{what:<58} {value:>12.2} {unit}");
}

/// How often a second `work` is done.
fn rate(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0.0;
    while start.elapsed() < SPAN {
        work();
        count += 1.0;
    }
    count / start.elapsed().as_secs_f64()
}

async fn rates(folder: &Path) {
    let mut raw = std::fs::File::create(folder.join("raw")).unwrap();
    let bytes = [b'x'; 1200];
    let floor = rate(|| {
        raw.write_all(&bytes).unwrap();
        raw.sync_data().unwrap();
    });
    row("append of 1200 bytes and fdatasync to a bare file", floor, "/s");
    let store = SqliteStore::open(folder.join("rates")).unwrap();
    let mut next = 1;
    for together in [1, 8, 64] {
        let start = Instant::now();
        let mut count = 0.0;
        while start.elapsed() < SPAN {
            let batches: Vec<_> = (0..together).map(|n| run_batch(next + n, (next + n).cast_signed())).collect();
            next += together;
            let appends: Vec<_> = batches.into_iter().map(|batch| store.append(batch)).collect();
            all(appends).await;
            count += together as f64;
        }
        let durable = count / start.elapsed().as_secs_f64();
        row(&format!("durable batches (fact, run, outcome), {together} at once"), durable, "/s");
        row("    of the bare file's", durable / floor, "times");
    }
}

/// Polls every one of `appends` once, in their order, and then waits for all of them.
async fn all<F: Future<Output = Result<(), provost_controller::StoreError>>>(appends: Vec<F>) {
    let mut waiting: Vec<_> = appends.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|append| match append.as_mut().poll(context) {
            std::task::Poll::Ready(done) => {
                done.unwrap();
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

async fn history(folder: &Path, rows: i64) {
    let store = SqliteStore::open(folder.join("history")).unwrap();
    let start = Instant::now();
    for first in (1..=rows).step_by(500) {
        let mut batch = Batch::default();
        for number in first..(first + 500).min(rows + 1) {
            let one = run_batch(number.unsigned_abs(), number);
            batch.facts.extend(one.facts);
            batch.runs.extend(one.runs);
            batch.outcomes.extend(one.outcomes);
        }
        store.append(batch).await.unwrap();
    }
    row(&format!("runs a second, {rows} of them in batches of 500"), rows as f64 / start.elapsed().as_secs_f64(), "/s");
    let size = std::fs::metadata(folder.join("history/provost.db")).unwrap().len();
    row("    size of the database", size as f64 / f64::from(1 << 20), "MiB");
    for outcome in [None, Some(Outcome::Failed)] {
        let mut times = Vec::new();
        for n in 0..200 {
            let automation = Some(name(n * 7 % AUTOMATIONS));
            let start = Instant::now();
            let found = store.runs(&RunQuery { automation, outcome, limit: 50, ..RunQuery::default() }).await.unwrap();
            times.push(start.elapsed());
            assert!(found.len() == 50 || rows < 1000 * AUTOMATIONS);
        }
        times.sort();
        let what = if outcome.is_some() { "the last 50 failed runs" } else { "the last 50 runs" };
        row(&format!("{what} of one automation of {AUTOMATIONS}, p50"), times[100].as_secs_f64() * 1e3, "ms");
        row("    p99", times[198].as_secs_f64() * 1e3, "ms");
    }
    let start = Instant::now();
    store.backup(folder.join("copy.db")).await.unwrap();
    row("a backup", start.elapsed().as_secs_f64(), "s");
}

async fn logs(folder: &Path) {
    let logs = FileLogs::open(folder).unwrap();
    let owner = Owner::Run(RunId::scheduled(&name(0), due(0)));
    let step = StepRef { owner: owner.clone(), step: StepId::main(1) };
    let mut sink = logs.open(&step, 1 << 30, &["hunter2".to_owned()]).unwrap();
    let start = Instant::now();
    for number in 0..2_000_000 {
        sink.write(OutputStream::Stdout, due(number), b"a line of output of an ordinary length\n").unwrap();
    }
    sink.finish().unwrap();
    row("2 million lines of output, one at a time", start.elapsed().as_secs_f64(), "s");
    let start = Instant::now();
    logs.close(&owner).await.unwrap();
    row("    compressed", start.elapsed().as_secs_f64(), "s");
    let start = Instant::now();
    assert_eq!(logs.read(&owner, 1_999_000, 1000).await.unwrap().len(), 1000);
    row("    the last 1000 of them read", start.elapsed().as_secs_f64(), "s");
}

fn name(number: i64) -> Name {
    Name::new(format!("automation-{number:04}")).unwrap()
}

fn due(number: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T02:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(number)
}

/// A fact, a run and an outcome; every 20th run failed.
fn run_batch(seq: u64, number: i64) -> Batch {
    let (automation, due) = (name(number % AUTOMATIONS), due(number));
    let run = RunId::scheduled(&automation, due);
    let fact = Fact::Run { run: run.clone(), change: RunFact::Queued { why: "its turn".to_owned() } };
    let outcome = if number / AUTOMATIONS % 20 == 0 { Outcome::Failed } else { Outcome::Succeeded };
    let record = RunRecord {
        run: run.clone(),
        automation: automation.clone(),
        revision: None,
        cause: Cause::Schedule,
        due,
        accepted_at: due,
        began_at: Some(due),
        main_at: Some(due),
        ended_at: Some(due + SignedDuration::from_secs(5)),
        phase: "Finished".into(),
        outcome: Some(outcome),
        detail: String::new(),
        attempts: 1,
        params: JsonMap::new(),
        testing: false,
        steps: Vec::new(),
        progress: Vec::new(),
    };
    let verdict = DueVerdict::Ran { run };
    Batch {
        facts: vec![Recorded { seq, at: due, fact }],
        runs: vec![record],
        outcomes: vec![DueOutcome { automation, due, last: due, count: 1, verdict, at: due }],
    }
}
