//! kill -9, a second process, and damage: what only a real file can go through.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::*;
use provost_controller::{Batch, FactQuery, Store, StoreError};
use provost_model::Outcome;
use provost_store::SqliteStore;
use rusqlite::Connection;

/// Where a child of this test works, and as what; absent in the test itself.
const CHILD_FOLDER: &str = "PROVOST_STORE_TEST_FOLDER";

/// This test binary once more, running only `test` in `folder`.
fn child(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--ignored"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Appends for ever, three facts a batch in four at once, and says which batches are acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is what r2_no_acknowledged_batch_is_lost_by_kill_9 kills"]
async fn child_that_appends() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else {
        return;
    };
    let store = SqliteStore::open(folder).unwrap();
    let mut next = store.load().await.unwrap().seq + 1;
    loop {
        let batches: [Batch; 4] = std::array::from_fn(|_| {
            let mut batch = facts(next, 0, [started(), skipped("a", 1), started()]);
            batch.runs = vec![run("a", next.cast_signed(), Some(Outcome::Succeeded))];
            batch.outcomes = vec![ran("a", next.cast_signed())];
            next += 3;
            batch
        });
        let [a, b, c, d] = batches.map(|batch| {
            let last = batch.facts[2].seq;
            let append = store.append(batch);
            async move {
                append.await.unwrap();
                writeln!(std::io::stdout(), "ack {last}").unwrap();
            }
        });
        tokio::join!(biased; a, b, c, d);
    }
}

#[tokio::test]
async fn r2_no_acknowledged_batch_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for milliseconds in [3, 31, 7, 58, 1, 17, 43, 90, 11, 26] {
        let mut child = child("child_that_appends", folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_ack = |line: &std::io::Result<String>| line.as_ref().is_ok_and(|line| line.contains("ack "));
        let first = lines.find(is_ack);
        assert!(first.is_some(), "the child appends");
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let acks = first.into_iter().chain(lines).map_while(Result::ok);
        let acks = acks.filter_map(|line| line.split("ack ").nth(1)?.trim().parse::<u64>().ok());
        acknowledged = acks.max().unwrap().max(acknowledged);
        check_whole(folder.path(), acknowledged).await;
    }
    assert!(acknowledged > 100, "only {acknowledged} facts were acknowledged");
}

/// Every acknowledged fact is there, without gaps; batches are whole; SQLite finds nothing wrong.
async fn check_whole(folder: &Path, acknowledged: u64) {
    let store = SqliteStore::open(folder).unwrap();
    let all = FactQuery { limit: usize::MAX, ..FactQuery::default() };
    let facts = store.facts(&all).await.unwrap();
    let last = facts.len() as u64;
    assert!(facts.iter().map(|fact| fact.seq).eq(1..=last), "facts have gaps");
    assert!(last >= acknowledged, "fact {acknowledged} was acknowledged and is lost; the last is {last}");
    assert_eq!(last % 3, 0, "half a batch is there");
    assert_eq!(store.load().await.unwrap().server.boots, last / 3 * 2);
    drop(store);
    let db = Connection::open(folder.join("provost.db")).unwrap();
    let count = |sql: &str| db.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    assert_eq!(count("SELECT count(*) FROM runs"), last / 3);
    assert_eq!(count("SELECT count(*) FROM outcomes"), last / 3);
    let verdict: String = db.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// Holds the state folder until it is killed.
#[test]
#[ignore = "it is what a_second_process_is_refused starts"]
fn child_that_holds() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else {
        return;
    };
    let _store = SqliteStore::open(folder).unwrap();
    writeln!(std::io::stdout(), "ack 1").unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = child("child_that_holds", folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("ack ")), "the child holds the folder");
    let refused = SqliteStore::open(folder.path()).err().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let expected = format!("{} is in use by process {}", folder.path().display(), child.id());
    assert!(refused.to_string().starts_with(&expected), "{refused}");
    assert!(matches!(refused, StoreError::InUse { .. }));
    SqliteStore::open(folder.path()).unwrap();
}

#[test]
fn a_folder_is_free_once_its_store_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(folder.path()).unwrap();
    let refused = SqliteStore::open(folder.path()).err().unwrap();
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
    drop(first);
    SqliteStore::open(folder.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(folder.path()).unwrap());
    let db = Connection::open(folder.path().join("provost.db")).unwrap();
    db.pragma_update(None, "user_version", 4711).unwrap();
    drop(db);
    let refused = SqliteStore::open(folder.path()).err().unwrap();
    assert!(matches!(refused, StoreError::TooNew { found: 4711, .. }), "{refused}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("provost.db"), "not a database, but long enough to be read as one".repeat(40))
        .unwrap();
    let refused = SqliteStore::open(folder.path()).err().unwrap();
    assert!(refused.to_string().contains("restore it from a backup"), "{refused}");
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    for seq in 1..=4 {
        store.append(facts(seq, 0, [started()])).await.unwrap();
        store.snapshot(&store.load().await.unwrap()).await.unwrap();
    }
    let state = store.load().await.unwrap();
    drop(store);
    for damaged in ["WHERE seq = 4", "WHERE seq = 3"] {
        let db = Connection::open(folder.path().join("provost.db")).unwrap();
        assert_eq!(db.execute(&format!("UPDATE snapshots SET state = x'00' {damaged}"), ()).unwrap(), 1);
        drop(db);
        assert_eq!(SqliteStore::open(folder.path()).unwrap().load().await.unwrap(), state, "{damaged}");
    }
}

#[tokio::test]
async fn a_backup_is_a_whole_store() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = SqliteStore::open(folder.path()).unwrap();
    let target = copy.path().join("provost.db");
    for seq in 1..=2 {
        store.append(whole_run(seq, "a", 1, Outcome::Succeeded)).await.unwrap();
        store.backup(&target).await.unwrap();
    }
    store.append(facts(3, 0, [started()])).await.unwrap();
    let copied = SqliteStore::open(copy.path()).unwrap();
    assert_eq!(copied.load().await.unwrap().seq, 2);
    assert_eq!(copied.run(&run_id("a", 1)).await.unwrap(), store.run(&run_id("a", 1)).await.unwrap());
    let refused = store.backup(copy.path().join("nowhere/provost.db")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Write { .. }), "{refused}");
}
