//! Questions about facts.

use super::*;

conformance! {
    facts_are_found_by_what_they_are_about
    facts_of_events_are_about_what_the_first_one_is_about
    facts_are_found_by_when_they_were_recorded
    facts_come_in_their_order_and_at_most_as_many
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
