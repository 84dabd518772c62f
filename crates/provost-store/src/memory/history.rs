//! What a [`MemoryStore`](super::MemoryStore) holds. Cloning it copies pointers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use provost_controller::{Batch, FactQuery, OutcomeQuery, PruneOrder, Pruned, Revision, RunQuery, StoreError};
use provost_model::{DueOutcome, DueVerdict, EventId, Name, Recorded, RevisionId, RunId, RunRecord, State};

use crate::about::{About, REVISION_KINDS, is_kept, kind_of};
use crate::fold::fold;
use crate::sqlite::warn_of_second;

/// How many snapshots are kept, as the real store does.
const SNAPSHOTS_KEPT: usize = 2;

#[derive(Clone, Default)]
pub(super) struct History {
    last: u64,
    latest: Timestamp,
    facts: BTreeMap<u64, Arc<Kept>>,
    facts_of: BTreeMap<Option<Name>, BTreeSet<u64>>,
    firsts: BTreeMap<EventId, About>,
    runs: BTreeMap<RunId, Arc<RunRecord>>,
    runs_of: BTreeMap<Name, BTreeSet<(Timestamp, RunId)>>,
    logs: BTreeSet<RunId>,
    outcomes: BTreeMap<Name, BTreeMap<Timestamp, Arc<DueOutcome>>>,
    snapshots: VecDeque<Arc<State>>,
    pub(super) revisions: BTreeMap<RevisionId, Arc<Revision>>,
    gone: BTreeMap<Option<Name>, Gone>,
}

/// A fact, what it is about, and the latest instant up to it: that never goes back, as clocks do.
struct Kept {
    recorded: Recorded,
    about: About,
    latest: Timestamp,
}

/// What an automation's orders let go: said since the last start, and owed from before it.
#[derive(Clone, Default)]
struct Gone {
    said: Pruned,
    owed: Pruned,
}

impl History {
    pub fn load(&self) -> State {
        let mut state = self.snapshots.back().map(|state| (**state).clone()).unwrap_or_default();
        for (_, fact) in self.facts.range(state.seq + 1..) {
            fold(&mut state, &fact.recorded);
        }
        state
    }

    pub fn append(&mut self, batch: Batch) -> Result<(), StoreError> {
        for (fact, seq) in batch.facts.iter().zip(self.last + 1..) {
            if fact.seq != seq {
                return Err(StoreError::Gap { last: seq - 1, got: fact.seq });
            }
        }
        batch.facts.into_iter().for_each(|fact| self.add_fact(fact));
        batch.runs.into_iter().for_each(|run| self.put_run(run));
        batch.outcomes.into_iter().for_each(|outcome| self.add_outcome(outcome));
        Ok(())
    }

    fn add_fact(&mut self, recorded: Recorded) {
        let mut about = About::of(&recorded.fact);
        if let Some(event) = about.event.clone() {
            let first = self.firsts.entry(event.clone()).or_insert_with(|| about.clone()).clone();
            if about.follows() {
                about = About { event: Some(event), ..first };
            }
        }
        self.facts_of.entry(about.automation.clone()).or_default().insert(recorded.seq);
        self.last = recorded.seq;
        self.latest = self.latest.max(recorded.at);
        self.facts.insert(recorded.seq, Arc::new(Kept { recorded, about, latest: self.latest }));
    }

    fn put_run(&mut self, run: RunRecord) {
        let key = (run.due, run.run.clone());
        let of_automation = self.runs_of.entry(run.automation.clone()).or_default();
        match self.runs.get(&run.run) {
            Some(earlier) => drop(of_automation.remove(&(earlier.due, run.run.clone()))),
            None => drop(self.logs.insert(run.run.clone())),
        }
        of_automation.insert(key);
        self.runs.insert(run.run.clone(), Arc::new(run));
    }

    fn add_outcome(&mut self, outcome: DueOutcome) {
        let outcomes = self.outcomes.entry(outcome.automation.clone()).or_default();
        if outcomes.contains_key(&outcome.last) {
            return warn_of_second(&outcome.automation, outcome.last);
        }
        outcomes.insert(outcome.last, Arc::new(outcome));
    }

    pub fn snapshot(&mut self, state: &State) -> Result<(), StoreError> {
        if state.seq > self.last {
            return Err(StoreError::Gap { last: self.last, got: state.seq });
        }
        self.snapshots.retain(|kept| kept.seq != state.seq);
        self.snapshots.push_back(Arc::new(state.clone()));
        self.snapshots.make_contiguous().sort_by_key(|kept| kept.seq);
        while self.snapshots.len() > SNAPSHOTS_KEPT {
            self.snapshots.pop_front();
        }
        Ok(())
    }

    pub fn revision(&self, id: &str) -> Option<Revision> {
        if let Some(whole) = self.revisions.get(id) {
            return Some((**whole).clone());
        }
        let mut found = self.revisions.values().filter(|kept| !id.is_empty() && kept.id.as_str().starts_with(id));
        match (found.next(), found.next()) {
            (Some(only), None) => Some((**only).clone()),
            _ => None,
        }
    }

    pub fn run(&self, id: &RunId) -> Option<RunRecord> {
        self.runs.get(id).map(|run| (**run).clone())
    }

    pub fn runs(&self, query: &RunQuery) -> Vec<RunRecord> {
        let mut found: Vec<&RunRecord> = match &query.automation {
            Some(automation) => self.records_of(automation).collect(),
            None => self.runs.values().map(|run| &**run).collect(),
        };
        found.retain(|run| {
            query.outcome.is_none_or(|outcome| run.outcome == Some(outcome))
                && query.before.is_none_or(|before| run.due < before)
                && query.since.is_none_or(|since| run.due >= since)
                && query.behind.as_ref().is_none_or(|(due, id)| (run.due, &run.run) < (*due, id))
        });
        found.sort_by_key(|run| Reverse((run.due, &run.run)));
        found.into_iter().take(query.limit).cloned().collect()
    }

    /// The runs of `automation`, youngest due first.
    fn records_of(&self, automation: &Name) -> impl Iterator<Item = &RunRecord> {
        let keys = self.runs_of.get(automation).into_iter().flatten().rev();
        keys.filter_map(|(_, run)| self.runs.get(run)).map(|run| &**run)
    }

    pub fn outcomes(&self, query: &OutcomeQuery) -> Vec<DueOutcome> {
        let is_meant = |name: &Name| query.automation.as_ref().is_none_or(|wanted| wanted == name);
        let all = self.outcomes.iter().filter(|(name, _)| is_meant(name)).flat_map(|(_, outcomes)| outcomes.values());
        let mut found: Vec<_> = all.filter(|outcome| query.since.is_none_or(|since| outcome.last >= since)).collect();
        let is_behind =
            |outcome: &DueOutcome, (last, name): &(_, Name)| (outcome.last, &outcome.automation) < (*last, name);
        found.retain(|outcome| query.behind.as_ref().is_none_or(|behind| is_behind(outcome, behind)));
        found.sort_by_key(|outcome| Reverse((outcome.last, &outcome.automation)));
        found.into_iter().take(query.limit).map(|outcome| (**outcome).clone()).collect()
    }

    pub fn facts(&self, query: &FactQuery) -> Vec<Recorded> {
        let after = self.facts.range(query.after_seq.saturating_add(1)..).map(|(_, fact)| &**fact);
        let found = after.filter(|Kept { recorded, about, .. }| {
            query.since.is_none_or(|since| recorded.at >= since)
                && query.before_seq.is_none_or(|before| recorded.seq < before)
                && (query.run.is_none() || about.run == query.run)
                && (query.automation.is_none() || about.automation == query.automation)
                && (query.event.is_none() || about.event == query.event)
                && (!query.revisions_only || REVISION_KINDS.contains(&kind_of(&recorded.fact)))
        });
        let found = found.map(|kept| &kept.recorded);
        if query.tail {
            let mut youngest: Vec<Recorded> = found.rev().take(query.limit).cloned().collect();
            youngest.reverse();
            youngest
        } else {
            found.take(query.limit).cloned().collect()
        }
    }

    /// What was said to go is owed again, as after a restart.
    pub fn owe_again(&mut self) {
        for gone in self.gone.values_mut() {
            gone.owed.runs.append(&mut gone.said.runs);
            gone.owed.logs.append(&mut gone.said.logs);
        }
    }

    pub fn automations(&self) -> BTreeSet<Name> {
        let with_facts =
            self.facts_of.iter().filter(|(_, seqs)| !seqs.is_empty()).filter_map(|(name, _)| name.as_ref());
        let with_runs = self.runs.values().map(|run| &run.automation);
        let with_outcomes = self.outcomes.iter().filter(|(_, outcomes)| !outcomes.is_empty()).map(|(name, _)| name);
        with_facts.chain(with_runs).chain(with_outcomes).cloned().collect()
    }

    pub fn prune(&mut self, order: &PruneOrder) -> Pruned {
        let mut pruned = std::mem::take(&mut self.gone.entry(order.automation.clone()).or_default().owed);
        if let Some(automation) = &order.automation {
            pruned.runs.extend(self.forget_runs(automation, order));
            pruned.logs.extend(self.forget_logs(automation, order));
            self.forget_outcomes(automation, order);
        }
        self.forget_facts(order);
        self.gone.entry(order.automation.clone()).or_default().said = pruned.clone();
        pruned
    }

    fn forget_runs(&mut self, automation: &Name, order: &PruneOrder) -> Vec<RunId> {
        let ended = self.records_of(automation).filter(|run| run.ended_at.is_some());
        let old = ended.skip(order.keep_last as usize).filter(|run| run.ended_at < Some(order.runs_before));
        let old: Vec<(Timestamp, RunId)> = old.map(|run| (run.due, run.run.clone())).collect();
        for key in &old {
            self.runs.remove(&key.1);
            self.logs.remove(&key.1);
            self.runs_of.entry(automation.clone()).or_default().remove(key);
        }
        old.into_iter().map(|(_, run)| run).collect()
    }

    fn forget_logs(&mut self, automation: &Name, order: &PruneOrder) -> Vec<RunId> {
        let is_old = |run: &&RunRecord| run.ended_at.is_some_and(|ended| ended < order.logs_before);
        let old = self.records_of(automation).filter(is_old).filter(|run| self.logs.contains(&run.run));
        let old: Vec<RunId> = old.map(|run| run.run.clone()).collect();
        for run in &old {
            self.logs.remove(run);
        }
        old
    }

    fn forget_facts(&mut self, order: &PruneOrder) {
        let covered = self.snapshots.front().map_or(0, |oldest| oldest.seq);
        let Some(seqs) = self.facts_of.get_mut(&order.automation) else {
            return;
        };
        let (facts, runs) = (&mut self.facts, &self.runs);
        let goes = |kept: &Kept| {
            kept.latest < order.runs_before
                && !is_kept(kind_of(&kept.recorded.fact))
                && kept.about.run.as_ref().is_none_or(|run| !runs.contains_key(run))
        };
        let old: Vec<u64> =
            seqs.range(..=covered).copied().filter(|seq| facts.get(seq).is_some_and(|fact| goes(fact))).collect();
        for seq in old {
            seqs.remove(&seq);
            facts.remove(&seq);
        }
    }

    fn forget_outcomes(&mut self, automation: &Name, order: &PruneOrder) {
        let Some(outcomes) = self.outcomes.get_mut(automation) else {
            return;
        };
        outcomes.retain(|last, outcome| {
            let is_of_kept = matches!(&outcome.verdict, DueVerdict::Ran { run } if self.runs.contains_key(run));
            *last >= order.runs_before || is_of_kept
        });
    }
}
