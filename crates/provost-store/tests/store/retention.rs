//! What history retention takes, and what it never takes.

use super::*;

conformance! {
    retention_keeps_the_young_and_the_last
    retention_never_takes_what_the_fold_needs
    retention_of_output_alone
    what_was_pruned_before_a_restart_is_said_once_more
    many_runs_are_pruned_in_pieces
    what_is_about_no_automation_is_pruned_by_age
    automations_are_known_as_long_as_history_tells_of_them
}

/// Runs of `a` in the minutes 0 to 9, one of them going on, and one of `b`; a snapshot of them.
async fn with_history(store: &dyn Store) {
    store.append(facts(1, 0, [skipped("a", 0), armed("a", 0)])).await.unwrap();
    for (seq, minute) in (3..).zip(0..9) {
        store.append(whole_run(seq, "a", minute, Outcome::Succeeded)).await.unwrap();
    }
    let mut rest = facts(12, 9, [changed(&run_id("a", 9)), changed(&run_id("b", 0))]);
    rest.runs = vec![run("a", 9, None), run("b", 0, Some(Outcome::Failed))];
    store.append(rest).await.unwrap();
    store.snapshot(&store.load().await.unwrap()).await.unwrap();
}

/// Keeps the `keep_last` youngest runs, and those that ended at `runs_before` or later.
pub fn order(runs_before: i64, keep_last: u32, logs_before: i64) -> PruneOrder {
    PruneOrder { automation: Some(name("a")), runs_before: at(runs_before), keep_last, logs_before: at(logs_before) }
}

async fn retention_keeps_the_young_and_the_last(subject: Subject) {
    let store = subject.store();
    with_history(store).await;
    let pruned = store.prune(&order(7, 2, 0)).await.unwrap();
    let mut gone = pruned.runs.clone();
    gone.sort();
    assert_eq!(gone, (0..7).map(|minute| run_id("a", minute)).collect::<Vec<_>>());
    assert_eq!(pruned.logs, []);
    let of_a = RunQuery { automation: Some(name("a")), ..all_runs() };
    assert_eq!(minutes(store, of_a.clone()).await, [9, 8, 7]);
    assert_eq!(seqs(store, FactQuery { automation: Some(name("a")), ..all_facts() }).await, [2, 10, 11, 12]);
    assert_eq!(store.outcomes(&all_outcomes()).await.unwrap(), [ran("a", 8), ran("a", 7)]);
    assert!(store.run(&run_id("b", 0)).await.unwrap().is_some(), "another automation's runs stay");
    // However old: the youngest that ended stay, and what goes on stays.
    let pruned = store.prune(&order(1000, 1, 0)).await.unwrap();
    assert_eq!(pruned.runs, [run_id("a", 7)]);
    assert_eq!(minutes(store, of_a).await, [9, 8]);
    assert_eq!(store.prune(&order(1000, 1, 0)).await.unwrap(), Pruned::default());
}

async fn retention_never_takes_what_the_fold_needs(mut subject: Subject) {
    let store = subject.store();
    with_history(store).await;
    let after = [(14, 20), (15, 21)];
    for (seq, minute) in after {
        store.append(whole_run(seq, "a", minute, Outcome::Succeeded)).await.unwrap();
    }
    let state = store.load().await.unwrap();
    store.prune(&order(1000, 0, 1000)).await.unwrap();
    assert_eq!(store.load().await.unwrap(), state);
    assert_eq!(
        seqs(store, FactQuery { after_seq: 13, ..all_facts() }).await,
        [14, 15],
        "facts after the snapshot stay"
    );
    // Once newer snapshots cover them, they go too, although their runs went before.
    for _ in 0..2 {
        store.snapshot(&store.load().await.unwrap()).await.unwrap();
    }
    store.append(facts(16, 22, [started()])).await.unwrap();
    store.snapshot(&store.load().await.unwrap()).await.unwrap();
    store.prune(&order(1000, 0, 1000)).await.unwrap();
    assert_eq!(seqs(store, FactQuery { after_seq: 13, ..all_facts() }).await, [16]);
    let state = store.load().await.unwrap();
    subject.restart();
    assert_eq!(subject.store().load().await.unwrap(), state);
    subject.store().append(facts(17, 23, [started()])).await.unwrap();
}

async fn retention_of_output_alone(subject: Subject) {
    let store = subject.store();
    with_history(store).await;
    let mut pruned = store.prune(&order(2, 0, 4)).await.unwrap();
    pruned.runs.sort();
    pruned.logs.sort();
    assert_eq!(pruned.runs, [run_id("a", 0), run_id("a", 1)]);
    assert_eq!(pruned.logs, [run_id("a", 2), run_id("a", 3)]);
    assert!(store.run(&run_id("a", 3)).await.unwrap().is_some());
    // A record that is written again does not get its output back.
    store.append(Batch { runs: vec![run("a", 3, Some(Outcome::Succeeded))], ..Batch::default() }).await.unwrap();
    assert_eq!(store.prune(&order(2, 0, 4)).await.unwrap(), Pruned::default());
}

async fn what_was_pruned_before_a_restart_is_said_once_more(mut subject: Subject) {
    with_history(subject.store()).await;
    let pruned = subject.store().prune(&order(1, 0, 2)).await.unwrap();
    assert_eq!((&pruned.runs[..], &pruned.logs[..]), (&[run_id("a", 0)][..], &[run_id("a", 1)][..]));
    for _ in 0..2 {
        subject.restart();
        assert_eq!(subject.store().prune(&order(1, 0, 2)).await.unwrap(), pruned, "owed after each crash");
    }
    assert_eq!(subject.store().prune(&order(1, 0, 2)).await.unwrap(), Pruned::default());
    subject.restart();
    assert_eq!(subject.store().prune(&order(1, 0, 2)).await.unwrap(), Pruned::default(), "it was heard");
}

async fn many_runs_are_pruned_in_pieces(subject: Subject) {
    let store = subject.store();
    let count = 2500;
    let mut batch = Batch::default();
    for (seq, minute) in (1..=count).zip(0..) {
        let one = whole_run(seq, "a", minute, Outcome::Succeeded);
        batch.facts.extend(one.facts);
        batch.runs.extend(one.runs);
        batch.outcomes.extend(one.outcomes);
    }
    store.append(batch).await.unwrap();
    store.snapshot(&store.load().await.unwrap()).await.unwrap();
    let pruned = store.prune(&order(10_000, 10, 10_000)).await.unwrap();
    assert_eq!((pruned.runs.len(), pruned.logs.len()), (2490, 10));
    assert_eq!(store.runs(&all_runs()).await.unwrap().len(), 10);
    assert_eq!(store.facts(&all_facts()).await.unwrap().len(), 10);
    assert_eq!(store.outcomes(&all_outcomes()).await.unwrap().len(), 10);
}

/// Takes the snapshots that let every fact up to now go.
async fn covered(store: &dyn Store) {
    for (seq, minute) in [(100, 50), (101, 51)] {
        store.append(facts(seq, minute, [started()])).await.unwrap();
        store.snapshot(&store.load().await.unwrap()).await.unwrap();
    }
}

async fn what_is_about_no_automation_is_pruned_by_age(subject: Subject) {
    let store = subject.store();
    let pinned = Fact::Pinned { revision: RevisionId::parse("abc").unwrap(), by: "ada".to_owned() };
    store.append(facts(1, 0, [started(), pinned, skipped("a", 0)])).await.unwrap();
    store.append(facts(4, 30, (4..100).map(|_| started()))).await.unwrap();
    covered(store).await;
    let order = PruneOrder { automation: None, ..order(20, 0, 20) };
    assert_eq!(store.prune(&order).await.unwrap(), Pruned::default());
    let left = seqs(store, all_facts()).await;
    assert_eq!(left[..3], [2, 3, 4], "what revisions were in force stays, and what is about an automation");
    store.prune(&PruneOrder { runs_before: at(51), ..order }).await.unwrap();
    assert_eq!(seqs(store, all_facts()).await, [2, 3, 101], "what no older snapshot covers stays");
}

async fn automations_are_known_as_long_as_history_tells_of_them(subject: Subject) {
    let store = subject.store();
    assert!(store.automations().await.unwrap().is_empty());
    store.append(whole_run(1, "a", 0, Outcome::Succeeded)).await.unwrap();
    store.append(facts(2, 1, [skipped("b", 1)])).await.unwrap();
    store.append(facts(3, 2, (3..100).map(|_| started()))).await.unwrap();
    assert_eq!(store.automations().await.unwrap(), [name("a"), name("b")].into());
    covered(store).await;
    store.prune(&order(20, 0, 20)).await.unwrap();
    assert_eq!(store.automations().await.unwrap(), [name("b")].into());
}
