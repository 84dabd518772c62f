//! The state, and what is recorded at all.

use super::*;

conformance! {
    an_empty_store_knows_nothing
    r2_the_state_is_the_fold_of_what_was_appended
    r2_a_snapshot_changes_nothing_that_is_loaded
    r2_a_snapshot_of_what_is_not_recorded_is_refused
    a_fact_that_does_not_fit_is_left_out
    facts_must_follow_on_one_another
    a_batch_is_recorded_whole_or_not_at_all
    concurrent_appends_are_all_kept
}

async fn an_empty_store_knows_nothing(subject: Subject) {
    let store = subject.store();
    assert_eq!(store.load().await.unwrap(), State::default());
    assert_eq!(store.runs(&all_runs()).await.unwrap(), []);
    assert_eq!(store.run(&run_id("a", 0)).await.unwrap(), None);
    assert_eq!(store.outcomes(&all_outcomes()).await.unwrap(), []);
    assert_eq!(store.facts(&all_facts()).await.unwrap(), []);
    assert_eq!(store.revision("abc").await.unwrap(), None);
    assert_eq!(store.prune(&retention::order(10, 0, 10)).await.unwrap(), Pruned::default());
}

async fn r2_the_state_is_the_fold_of_what_was_appended(mut subject: Subject) {
    let batches = [facts(1, 0, [started(), armed("a", 0)]), facts(3, 1, [skipped("a", 1)]), facts(4, 2, [started()])];
    let mut expected = State::default();
    for fact in batches.iter().flat_map(|batch| &batch.facts) {
        expected.apply(fact).unwrap();
    }
    for batch in batches {
        subject.store().append(batch).await.unwrap();
    }
    assert_eq!(subject.store().load().await.unwrap(), expected);
    subject.restart();
    assert_eq!(subject.store().load().await.unwrap(), expected);
    assert_eq!((expected.seq, expected.server.boots), (4, 2));
    subject.store().append(facts(5, 3, [started()])).await.unwrap();
}

async fn r2_a_snapshot_changes_nothing_that_is_loaded(mut subject: Subject) {
    for seq in 1..=9 {
        subject.store().append(facts(seq, 0, [started()])).await.unwrap();
        let state = subject.store().load().await.unwrap();
        assert_eq!((state.seq, state.server.boots), (seq, seq));
        if seq % 3 == 0 {
            subject.store().snapshot(&state).await.unwrap();
            subject.restart();
            assert_eq!(subject.store().load().await.unwrap(), state);
        }
    }
}

async fn r2_a_snapshot_of_what_is_not_recorded_is_refused(subject: Subject) {
    let ahead = State { seq: 5, ..State::default() };
    let error = subject.store().snapshot(&ahead).await.unwrap_err();
    assert!(matches!(error, StoreError::Gap { last: 0, got: 5 }), "{error}");
}

async fn a_fact_that_does_not_fit_is_left_out(subject: Subject) {
    let stray = changed(&run_id("nobody", 0));
    subject.store().append(facts(1, 0, [started(), stray, started()])).await.unwrap();
    let state = subject.store().load().await.unwrap();
    assert_eq!((state.seq, state.server.boots), (3, 2));
}

async fn facts_must_follow_on_one_another(subject: Subject) {
    let store = subject.store();
    store.append(facts(1, 0, [started()])).await.unwrap();
    for wrong in [facts(1, 0, [started()]), facts(3, 0, [started()])] {
        let got = wrong.facts[0].seq;
        let error = store.append(wrong).await.unwrap_err();
        assert!(matches!(error, StoreError::Gap { last: 1, got: g } if g == got), "{error}");
    }
    store.append(facts(2, 0, [started()])).await.unwrap();
    assert_eq!(seqs(store, all_facts()).await, [1, 2]);
}

async fn a_batch_is_recorded_whole_or_not_at_all(subject: Subject) {
    let store = subject.store();
    let mut batch = whole_run(1, "a", 0, Outcome::Succeeded);
    batch.facts.push(recorded(3, 0, started()));
    let error = store.append(batch).await.unwrap_err();
    assert!(matches!(error, StoreError::Gap { last: 1, got: 3 }), "{error}");
    assert_eq!(store.facts(&all_facts()).await.unwrap(), []);
    assert_eq!(store.runs(&all_runs()).await.unwrap(), []);
    assert_eq!(store.outcomes(&all_outcomes()).await.unwrap(), []);
}

async fn concurrent_appends_are_all_kept(subject: Subject) {
    let store = subject.store();
    let appends = (1..=200).map(|seq| store.append(facts(seq, 0, [started()])));
    // Polled in their order, so that their facts follow on one another.
    let mut waiting: Vec<_> = appends.map(Box::pin).collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for append in &mut waiting {
        if let std::task::Poll::Ready(done) = append.as_mut().poll(&mut context) {
            done.unwrap();
        }
    }
    drop(waiting);
    // Each of them was handed over; whether anybody waits for its answer makes no difference.
    store.append(facts(201, 0, [started()])).await.unwrap();
    assert_eq!(store.load().await.unwrap().seq, 201);
}
