//! What needs a hand inside: a full disk, and how the database is set up.

use super::*;
use provost_model::Fact;

fn started(seq: u64) -> Batch {
    let fact = Fact::ServerStarted { version: "x".repeat(3000) };
    Batch { facts: vec![Recorded { seq, at: Timestamp::UNIX_EPOCH, fact }], ..Batch::default() }
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_written_and_work_goes_on_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    store.append(started(1)).await.unwrap();
    // SQLite's own limit fails as a full disk does.
    let limit = |pages: i64| {
        store
            .writer
            .run(move |db| db.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0)))
    };
    let now = limit(1).await.unwrap();
    let mut last = 1;
    let error = loop {
        match store.append(started(last + 1)).await {
            Ok(()) => last += 1,
            Err(error) => break error,
        }
        assert!(last < 100, "{now} pages are never full");
    };
    let text = error.to_string();
    assert!(matches!(error, StoreError::Write { .. }) && text.contains("provost.db: the disk is full"), "{text}");
    assert_eq!(store.load().await.unwrap().seq, last);
    limit(1_000_000).await.unwrap();
    store.append(started(last + 1)).await.unwrap();
    assert_eq!(store.load().await.unwrap().seq, last + 1);
}

#[tokio::test]
async fn r2_commits_are_synced() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let pragma = |name: &'static str| {
        store.writer.run(move |db| db.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)))
    };
    assert_eq!(pragma("journal_mode").await.unwrap(), rusqlite::types::Value::Text("wal".to_owned()));
    assert_eq!(pragma("synchronous").await.unwrap(), rusqlite::types::Value::Integer(2), "2 is FULL");
}

#[tokio::test]
async fn a_group_with_a_gap_refuses_only_the_gap() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    // The writer is kept busy until all four wait for it: they are committed together.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let busy = store.writer.run(move |_| Ok(wait.recv().is_ok()));
    let appends = async {
        let let_go = async { go.send(()).unwrap() };
        let (a, b, c, d, ()) = tokio::join!(
            biased;
            store.append(started(1)), store.append(started(5)), store.append(started(2)), store.append(started(2)), let_go
        );
        [a, b, c, d].map(|result| result.is_ok())
    };
    let (was_let_go, accepted) = tokio::join!(biased; busy, appends);
    assert!(was_let_go.unwrap());
    assert_eq!(accepted, [true, false, true, false]);
    assert_eq!(store.load().await.unwrap().seq, 2);
}
