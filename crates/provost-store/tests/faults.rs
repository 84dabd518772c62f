//! A store that was told to fail.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use provost_controller::{Store, StoreError};
use provost_store::{Fault, MemoryStore};

#[tokio::test]
async fn an_append_that_fails_before_left_nothing() {
    let store = MemoryStore::new();
    store.fail_appends(2, Fault::Before);
    for _ in 0..2 {
        let error = store.append(facts(1, 0, [started()])).await.unwrap_err();
        assert!(matches!(error, StoreError::Write { .. }), "{error}");
        assert_eq!(store.load().await.unwrap().seq, 0);
    }
    store.append(facts(1, 0, [started()])).await.unwrap();
    assert_eq!(store.load().await.unwrap().seq, 1);
}

#[tokio::test]
async fn an_append_that_fails_after_is_there_after_a_crash() {
    let store = MemoryStore::new();
    store.fail_appends(1, Fault::After);
    store.append(facts(1, 0, [started()])).await.unwrap_err();
    assert_eq!(store.durable().load().await.unwrap().seq, 1);
}

#[tokio::test]
async fn what_is_durable_is_apart_from_what_comes_later() {
    let store = MemoryStore::new();
    store.append(facts(1, 0, [started()])).await.unwrap();
    store.fail_appends(5, Fault::Before);
    let after_crash = store.durable();
    after_crash.append(facts(2, 0, [started()])).await.unwrap();
    assert_eq!((store.load().await.unwrap().seq, after_crash.load().await.unwrap().seq), (1, 2));
}
