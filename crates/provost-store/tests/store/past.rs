//! Questions about runs, outcomes and revisions.

use super::*;

conformance! {
    runs_come_youngest_first
    lists_go_on_behind_what_was_read
    runs_are_as_they_were_last
    d1_every_kind_of_outcome_comes_back
    d1_the_first_outcome_of_a_due_time_stands
    outcomes_come_youngest_first
    revisions_are_found_by_their_beginning
}

async fn runs_come_youngest_first(subject: Subject) {
    let store = subject.store();
    let runs = |runs| Batch { runs, ..Batch::default() };
    let failed = |minute| run("a", minute, Some(Outcome::Failed));
    store
        .append(runs(vec![run("a", 3, Some(Outcome::Succeeded)), failed(1), run("b", 2, None), failed(4)]))
        .await
        .unwrap();
    assert_eq!(minutes(store, all_runs()).await, [4, 3, 2, 1]);
    let of_a = RunQuery { automation: Some(name("a")), ..all_runs() };
    assert_eq!(minutes(store, of_a.clone()).await, [4, 3, 1]);
    assert_eq!(minutes(store, RunQuery { limit: 2, ..of_a.clone() }).await, [4, 3]);
    assert_eq!(minutes(store, RunQuery { before: Some(at(3)), ..of_a.clone() }).await, [1]);
    assert_eq!(minutes(store, RunQuery { since: Some(at(3)), ..of_a.clone() }).await, [4, 3]);
    assert_eq!(minutes(store, RunQuery { outcome: Some(Outcome::Failed), ..of_a }).await, [4, 1]);
    assert_eq!(minutes(store, RunQuery { outcome: Some(Outcome::Lost), ..all_runs() }).await, [] as [i64; 0]);
}

/// Also where several are for one instant, and a page ends among them.
async fn lists_go_on_behind_what_was_read(subject: Subject) {
    let store = subject.store();
    let names = ["a", "b", "c"];
    let runs = (1..4).flat_map(|minute| names.map(|name| run(name, minute, None))).collect();
    let outcomes = (1..4).flat_map(|minute| names.map(|name| ran(name, minute))).collect();
    store.append(Batch { runs, outcomes, ..Batch::default() }).await.unwrap();
    let (all, mut behind, mut paged) = (store.runs(&all_runs()).await.unwrap(), None, Vec::new());
    loop {
        let page = store.runs(&RunQuery { behind, limit: 2, ..RunQuery::default() }).await.unwrap();
        let Some(last) = page.last() else { break };
        behind = Some((last.due, last.run.clone()));
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let (all, mut behind, mut paged) = (store.outcomes(&all_outcomes()).await.unwrap(), None, Vec::new());
    loop {
        let page = store.outcomes(&OutcomeQuery { behind, limit: 2, ..OutcomeQuery::default() }).await.unwrap();
        let Some(last) = page.last() else { break };
        behind = Some((last.last, last.automation.clone()));
        paged.extend(page);
    }
    assert_eq!(paged, all);
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
    expected.push(DueOutcome {
        last: at(400),
        count: 300,
        ..outcome(100, DueVerdict::Missed { reason: MissReason::Down })
    });
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
    assert_eq!(store.outcomes(&OutcomeQuery { limit: 1, ..of_a.clone() }).await.unwrap(), std::slice::from_ref(&range));
    // A range of which a part is recent enough counts.
    assert_eq!(
        store.outcomes(&OutcomeQuery { since: Some(at(7)), ..of_a }).await.unwrap(),
        std::slice::from_ref(&range)
    );
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
