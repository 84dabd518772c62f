//! Every checker can fail: records are doctored, and defences taken out, and each is seen.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod ends;
mod ledger;
mod starts;
mod weak;

use std::sync::{Arc, OnceLock};

use provost_model::{Fact, Owner, RunFact, StepFact};
use provost_simulator::check::check;
use provost_simulator::{Deed, Noted, Record, Tag, What, play};

/// How many seeds are looked through for three that a doctor can do something with.
const SEEDS: usize = 24;
/// How many, if there was none until then.
const SEEDS_MAX: usize = 200;

/// The record of a seed in which every promise is kept. It is played once, whoever asks.
fn record(seed: usize) -> Option<&'static Record> {
    static RECORDS: [OnceLock<Option<Record>>; SEEDS_MAX] = [const { OnceLock::new() }; SEEDS_MAX];
    let played = RECORDS[seed].get_or_init(|| {
        let played = play(seed as u64, false);
        played.breaches.is_empty().then_some(played.record)
    });
    played.as_ref()
}

/// Doctors the first records that `doctor` can do something with; every one must show a breach of `promise`.
fn is_seen(promise: &str, doctor: impl Fn(&mut Record) -> Option<()>) {
    let mut doctored = 0;
    for seed in 0..SEEDS_MAX {
        if doctored == 3 || doctored > 0 && seed >= SEEDS {
            return;
        }
        let Some(mut record) = record(seed).cloned() else {
            continue;
        };
        if doctor(&mut record).is_some() {
            doctored += 1;
            let found: Vec<_> = check(&record).into_iter().map(|breach| breach.promise).collect();
            assert!(found.contains(&promise), "{promise} is not among {found:?}");
        }
    }
    assert!(doctored > 0, "no seed has what this needs");
}

/// The first fact that `is_it` says, with its place.
fn fact(record: &Record, is_it: impl Fn(&Fact) -> bool) -> Option<usize> {
    record.ledger.iter().position(|noted| is_it(&noted.recorded.fact))
}

/// The first deed that `is_it` says, with its place.
fn deed(record: &Record, is_it: impl Fn(&Deed, &Tag) -> bool) -> Option<usize> {
    record.evidence.iter().position(|deed| deed.tag.as_deref().is_some_and(|tag| is_it(deed, tag)))
}

/// The place of the end of the container whose start is at `index`.
fn end_of(record: &Record, index: usize) -> Option<usize> {
    let id = record.evidence[index].id;
    record.evidence.iter().position(|deed| deed.id == id && matches!(deed.what, What::Ended { .. }))
}

/// Gives the deed at `index` another tag.
fn retag(record: &mut Record, index: usize, change: impl FnOnce(&mut Tag)) -> Option<()> {
    let mut tag = Tag::clone(record.evidence[index].tag.as_deref()?);
    change(&mut tag);
    record.evidence[index].tag = Some(Arc::new(tag));
    Some(())
}

fn is_started_main(deed: &Deed, tag: &Tag) -> bool {
    deed.what == What::Started && tag.is_main()
}

fn is_hook_of(tag: &Tag, event: &str) -> bool {
    matches!(tag.owner, Owner::Run(_)) && tag.step.as_str().starts_with(&format!("{event}-"))
}

/// Whether `noted` says that a main container ended.
fn is_main_end(noted: &Noted) -> bool {
    matches!(&noted.recorded.fact, Fact::Run { change: RunFact::Step { id, fact: StepFact::Ended { .. } }, .. } if id.is_main())
}

#[test]
fn records_that_nobody_doctored_are_green() {
    let kept: Vec<_> = (0..SEEDS).filter_map(record).collect();
    assert!(kept.len() > 10, "only {} of {SEEDS} seeds keep every promise", kept.len());
    assert!(kept.iter().all(|record| check(record).is_empty()));
}
