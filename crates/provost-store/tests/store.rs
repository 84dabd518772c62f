//! What every store does: the same tests on the one in memory and the one on disk.

mod common;

use common::*;
use provost_controller::{
    Batch, FactQuery, OutcomeQuery, PruneOrder, Pruned, Revision, RunQuery, SourceFile, Store, StoreError,
};
use provost_model::{
    AcceptedEvent, DueOutcome, DueVerdict, Fact, JsonMap, MissReason, Outcome, RevisionId, RunId, SkipReason, State,
};
use provost_store::{MemoryStore, SqliteStore};

/// A store that can be started again.
enum Subject {
    Memory(MemoryStore),
    Sqlite(Option<SqliteStore>, tempfile::TempDir),
}

impl Subject {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::Sqlite(Some(SqliteStore::open(folder.path()).unwrap()), folder)
    }

    fn store(&self) -> &dyn Store {
        match self {
            Self::Memory(store) => store,
            Self::Sqlite(store, _) => store.as_ref().unwrap(),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Memory(store) => *store = store.durable(),
            Self::Sqlite(store, folder) => {
                drop(store.take());
                *store = Some(SqliteStore::open(folder.path()).unwrap());
            }
        }
    }
}

macro_rules! conformance {
    ($($test:ident)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(Subject::Memory(MemoryStore::new())).await })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(Subject::sqlite()).await })*
        }
    };
}

conformance! {
    an_empty_store_knows_nothing
    r2_the_state_is_the_fold_of_what_was_appended
    r2_a_snapshot_changes_nothing_that_is_loaded
    r2_a_snapshot_of_what_is_not_recorded_is_refused
    a_fact_that_does_not_fit_is_left_out
    facts_must_follow_on_one_another
    a_batch_is_recorded_whole_or_not_at_all
    facts_are_found_by_what_they_are_about
    facts_of_events_are_about_what_the_first_one_is_about
    facts_are_found_by_when_they_were_recorded
    facts_come_in_their_order_and_at_most_as_many
    runs_come_youngest_first
    runs_are_as_they_were_last
    d1_every_kind_of_outcome_comes_back
    d1_the_first_outcome_of_a_due_time_stands
    outcomes_come_youngest_first
    revisions_are_found_by_their_beginning
    retention_keeps_the_young_and_the_last
    retention_never_takes_what_the_fold_needs
    retention_of_output_alone
    what_was_pruned_before_a_restart_is_said_once_more
    many_runs_are_pruned_in_pieces
    concurrent_appends_are_all_kept
}

fn all_facts() -> FactQuery {
    FactQuery { limit: 1000, ..FactQuery::default() }
}

fn all_runs() -> RunQuery {
    RunQuery { limit: 1000, ..RunQuery::default() }
}

fn all_outcomes() -> OutcomeQuery {
    OutcomeQuery { limit: 1000, ..OutcomeQuery::default() }
}

async fn seqs(store: &dyn Store, query: FactQuery) -> Vec<u64> {
    store.facts(&query).await.unwrap().iter().map(|fact| fact.seq).collect()
}

async fn minutes(store: &dyn Store, query: RunQuery) -> Vec<i64> {
    let runs = store.runs(&query).await.unwrap();
    runs.iter().map(|run| (run.due - at(0)).total(jiff::Unit::Minute).unwrap() as i64).collect()
}

async fn an_empty_store_knows_nothing(subject: Subject) {
    let store = subject.store();
    assert_eq!(store.load().await.unwrap(), State::default());
    assert_eq!(store.runs(&all_runs()).await.unwrap(), []);
    assert_eq!(store.run(&run_id("a", 0)).await.unwrap(), None);
    assert_eq!(store.outcomes(&all_outcomes()).await.unwrap(), []);
    assert_eq!(store.facts(&all_facts()).await.unwrap(), []);
    assert_eq!(store.revision("abc").await.unwrap(), None);
    assert_eq!(store.prune(&order(10, 0, 10)).await.unwrap(), Pruned::default());
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

async fn facts_are_found_by_what_they_are_about(subject: Subject) {
    let store = subject.store();
    let (a, b) = (run_id("a", 0), run_id("b", 0));
    let pinned = Fact::Pinned { revision: RevisionId::parse("abc").unwrap(), by: "ann".to_owned() };
    let batch = facts(1, 0, [started(), armed("a", 0), changed(&a), changed(&b), pinned, skipped("a", 1), changed(&a)]);
    store.append(batch.clone()).await.unwrap();
    assert_eq!(store.facts(&all_facts()).await.unwrap(), batch.facts);
    assert_eq!(seqs(store, FactQuery { run: Some(a.clone()), ..all_facts() }).await, [3, 7]);
    assert_eq!(seqs(store, FactQuery { automation: Some(name("a")), ..all_facts() }).await, [2, 3, 6, 7]);
    assert_eq!(seqs(store, FactQuery { automation: Some(name("b")), ..all_facts() }).await, [4]);
    assert_eq!(seqs(store, FactQuery { revisions_only: true, ..all_facts() }).await, [5]);
    assert_eq!(seqs(store, FactQuery { run: Some(a), after_seq: 3, ..all_facts() }).await, [7]);
}

fn arrived(id: &str, subject: Option<&str>, run: Option<RunId>) -> Fact {
    let event = AcceptedEvent {
        id: event(id),
        name: "orders.arrived".to_owned(),
        subject: subject.map(name),
        run,
        data: JsonMap::new(),
        by: "ann".to_owned(),
    };
    Fact::EventAccepted { event: Box::new(event) }
}

async fn facts_of_events_are_about_what_the_first_one_is_about(subject: Subject) {
    let store = subject.store();
    let run = run_id("a", 0);
    let handled = |id| Fact::Event { id: event(id), change: provost_model::EventFact::Handled { failure: None } };
    let first = [arrived("e1", Some("a"), Some(run.clone())), handled("e1"), arrived("e2", None, None)];
    store.append(facts(1, 0, first)).await.unwrap();
    store.append(facts(4, 0, [handled("e2"), handled("e1")])).await.unwrap();
    assert_eq!(seqs(store, FactQuery { event: Some(event("e1")), ..all_facts() }).await, [1, 2, 5]);
    assert_eq!(seqs(store, FactQuery { event: Some(event("e2")), ..all_facts() }).await, [3, 4]);
    assert_eq!(seqs(store, FactQuery { automation: Some(name("a")), ..all_facts() }).await, [1, 2, 5]);
    assert_eq!(seqs(store, FactQuery { run: Some(run), ..all_facts() }).await, [1, 2, 5]);
}

async fn facts_are_found_by_when_they_were_recorded(subject: Subject) {
    let store = subject.store();
    // The clock steps back after the third fact.
    for (seq, minute) in [(1, 0), (2, 10), (3, 100), (4, 20), (5, 30)] {
        store.append(facts(seq, minute, [skipped("a", minute)])).await.unwrap();
    }
    let since = |minute| FactQuery { since: Some(at(minute)), ..all_facts() };
    assert_eq!(seqs(store, since(0)).await, [1, 2, 3, 4, 5]);
    assert_eq!(seqs(store, since(15)).await, [3, 4, 5]);
    assert_eq!(seqs(store, since(25)).await, [3, 5]);
    assert_eq!(seqs(store, since(101)).await, [] as [u64; 0]);
    assert_eq!(seqs(store, FactQuery { tail: true, limit: 1, ..since(25) }).await, [5]);
    assert_eq!(seqs(store, FactQuery { automation: Some(name("a")), ..since(25) }).await, [3, 5]);
}

async fn facts_come_in_their_order_and_at_most_as_many(subject: Subject) {
    let store = subject.store();
    store.append(facts(1, 0, (0..10).map(|_| started()))).await.unwrap();
    assert_eq!(seqs(store, FactQuery { limit: 3, ..all_facts() }).await, [1, 2, 3]);
    assert_eq!(seqs(store, FactQuery { limit: 3, after_seq: 4, ..all_facts() }).await, [5, 6, 7]);
    assert_eq!(seqs(store, FactQuery { limit: 3, tail: true, ..all_facts() }).await, [8, 9, 10]);
    assert_eq!(seqs(store, FactQuery { limit: 3, tail: true, after_seq: 8, ..all_facts() }).await, [9, 10]);
    assert_eq!(seqs(store, FactQuery { limit: 0, ..all_facts() }).await, [] as [u64; 0]);
    assert_eq!(seqs(store, FactQuery { limit: usize::MAX, after_seq: u64::MAX, ..all_facts() }).await, [] as [u64; 0]);
}

async fn runs_come_youngest_first(subject: Subject) {
    let store = subject.store();
    let runs = |runs| Batch { runs, ..Batch::default() };
    let failed = |minute| run("a", minute, Some(Outcome::Failed));
    store.append(runs(vec![run("a", 3, Some(Outcome::Succeeded)), failed(1), run("b", 2, None), failed(4)])).await.unwrap();
    assert_eq!(minutes(store, all_runs()).await, [4, 3, 2, 1]);
    let of_a = RunQuery { automation: Some(name("a")), ..all_runs() };
    assert_eq!(minutes(store, of_a.clone()).await, [4, 3, 1]);
    assert_eq!(minutes(store, RunQuery { limit: 2, ..of_a.clone() }).await, [4, 3]);
    assert_eq!(minutes(store, RunQuery { before: Some(at(3)), ..of_a.clone() }).await, [1]);
    assert_eq!(minutes(store, RunQuery { since: Some(at(3)), ..of_a.clone() }).await, [4, 3]);
    assert_eq!(minutes(store, RunQuery { outcome: Some(Outcome::Failed), ..of_a }).await, [4, 1]);
    assert_eq!(minutes(store, RunQuery { outcome: Some(Outcome::Lost), ..all_runs() }).await, [] as [i64; 0]);
}

async fn runs_are_as_they_were_last(mut subject: Subject) {
    let store = subject.store();
    let (going_on, over) = (run("a", 1, None), run("a", 1, Some(Outcome::TimedOut)));
    store.append(Batch { runs: vec![going_on.clone()], ..Batch::default() }).await.unwrap();
    assert_eq!(store.run(&going_on.run).await.unwrap(), Some(going_on));
    store.append(Batch { runs: vec![over.clone()], ..Batch::default() }).await.unwrap();
    subject.restart();
    assert_eq!(subject.store().run(&over.run).await.unwrap(), Some(over.clone()));
    assert_eq!(subject.store().runs(&all_runs()).await.unwrap(), [over]);
}

async fn d1_every_kind_of_outcome_comes_back(mut subject: Subject) {
    let outcome = |minute, verdict| DueOutcome { verdict, ..ran("a", minute) };
    let reasons = [
        SkipReason::Overlap,
        SkipReason::Frozen,
        SkipReason::Suspended,
        SkipReason::Limit,
        SkipReason::Policy,
        SkipReason::Deadline,
    ];
    let skipped = |reason| DueVerdict::Skipped { reason, detail: "why \"so\"".to_owned() };
    let missed = [MissReason::Down, MissReason::Deadline].map(|reason| DueVerdict::Missed { reason });
    let verdicts = reasons.map(skipped).into_iter().chain(missed);
    let mut expected: Vec<DueOutcome> = (1..).zip(verdicts).map(|(minute, verdict)| outcome(minute, verdict)).collect();
    expected.insert(0, ran("a", 0));
    expected.push(DueOutcome { last: at(400), count: 300, ..outcome(100, DueVerdict::Missed { reason: MissReason::Down }) });
    subject.store().append(Batch { outcomes: expected.clone(), ..Batch::default() }).await.unwrap();
    subject.restart();
    let mut found = subject.store().outcomes(&all_outcomes()).await.unwrap();
    found.reverse();
    assert_eq!(found, expected);
}

async fn d1_the_first_outcome_of_a_due_time_stands(subject: Subject) {
    let store = subject.store();
    let second = DueOutcome { verdict: DueVerdict::Missed { reason: MissReason::Down }, ..ran("a", 1) };
    for outcome in [ran("a", 1), second] {
        store.append(Batch { outcomes: vec![outcome], ..Batch::default() }).await.unwrap();
    }
    assert_eq!(store.outcomes(&all_outcomes()).await.unwrap(), [ran("a", 1)]);
}

async fn outcomes_come_youngest_first(subject: Subject) {
    let store = subject.store();
    let range = DueOutcome { last: at(9), count: 5, ..ran("a", 5) };
    let outcomes = vec![ran("a", 1), ran("b", 2), ran("a", 3), range.clone()];
    store.append(Batch { outcomes, ..Batch::default() }).await.unwrap();
    let of_a = OutcomeQuery { automation: Some(name("a")), ..all_outcomes() };
    assert_eq!(store.outcomes(&of_a).await.unwrap(), [range.clone(), ran("a", 3), ran("a", 1)]);
    assert_eq!(store.outcomes(&OutcomeQuery { limit: 1, ..of_a.clone() }).await.unwrap(), [range.clone()]);
    // A range of which a part is recent enough counts.
    assert_eq!(store.outcomes(&OutcomeQuery { since: Some(at(7)), ..of_a }).await.unwrap(), [range.clone()]);
    let since = OutcomeQuery { since: Some(at(2)), ..all_outcomes() };
    assert_eq!(store.outcomes(&since).await.unwrap(), [range, ran("a", 3), ran("b", 2)]);
}

async fn revisions_are_found_by_their_beginning(mut subject: Subject) {
    let revision = |id: &str, files: usize| Revision {
        id: RevisionId::parse(id).unwrap(),
        author: "Ann <ann@example.org>".to_owned(),
        subject: "Möbel".to_owned(),
        at: Some(at(1)),
        signer: None,
        files: (0..files).map(|n| SourceFile { path: format!("{n}.yaml"), bytes: vec![0, 255, n as u8] }).collect(),
    };
    let (first, second, third) = (revision("abc1", 3), revision("abc2", 0), revision("abc", 1));
    for kept in [&first, &second, &third, &first] {
        subject.store().keep_revision(kept, at(2)).await.unwrap();
    }
    subject.restart();
    let store = subject.store();
    assert_eq!(store.revision("abc1").await.unwrap(), Some(first));
    assert_eq!(store.revision("abc2").await.unwrap(), Some(second));
    assert_eq!(store.revision("abc").await.unwrap(), Some(third), "the whole id counts before longer ones");
    for none in ["ab", "", "abc3", "b", "a%"] {
        assert_eq!(store.revision(none).await.unwrap(), None, "{none:?}");
    }
}

/// Keeps the `keep_last` youngest runs, and those that ended at `runs_before` or later.
fn order(runs_before: i64, keep_last: u32, logs_before: i64) -> PruneOrder {
    PruneOrder { automation: name("a"), runs_before: at(runs_before), keep_last, logs_before: at(logs_before) }
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
    assert_eq!(seqs(store, FactQuery { after_seq: 13, ..all_facts() }).await, [14, 15], "facts after the snapshot stay");
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
