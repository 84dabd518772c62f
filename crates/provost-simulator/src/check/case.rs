//! A record, looked up: which revision was in force when, whose run is whose, when each container ran.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Automation, Desired, Fact, Hook, Outcome, Owner, RunFact, RunId};

use crate::record::{EndedBy, Tag, What};
use crate::{Record, Time};

/// A record, looked up.
pub struct Case<'a> {
    /// The record.
    pub record: &'a Record,
    /// What was in force from which fact on.
    pub in_force: Vec<(u64, &'a Desired)>,
    /// Accepted runs, with what they execute.
    pub runs: BTreeMap<RunId, Accepted<'a>>,
    /// When each container ran that was made for a step, in the order of their starts.
    pub spans: Vec<Span<'a>>,
}

/// An accepted run.
#[derive(Clone, Debug)]
pub struct Accepted<'a> {
    /// What it executes: its automation, as the revision says that was in force when it was accepted.
    pub spec: &'a Arc<Automation>,
    /// How it went, by the ledger.
    pub outcome: Option<Outcome>,
    /// Its line in the trace.
    pub line: usize,
}

/// When a container ran, and how it ended.
#[derive(Clone, Debug)]
pub struct Span<'a> {
    /// What it was for.
    pub tag: &'a Tag,
    /// When it started.
    pub started: Time,
    /// When it ended; absent: it runs at the end of the record.
    pub ended: Option<Time>,
    /// Its true exit code.
    pub code: Option<i64>,
    /// Why it ended.
    pub by: Option<EndedBy>,
    /// It answered "no".
    pub denied: bool,
    /// The line of its start.
    pub line: usize,
}

impl<'a> Case<'a> {
    /// Looks `record` up.
    pub fn new(record: &'a Record) -> Self {
        let mut case = Self { record, in_force: Vec::new(), runs: BTreeMap::new(), spans: Vec::new() };
        case.read_ledger();
        case.read_evidence();
        case
    }

    fn read_ledger(&mut self) {
        for noted in &self.record.ledger {
            match &noted.recorded.fact {
                Fact::RevisionApplied { change } => {
                    let manifest = self.record.manifests.get(&change.revision);
                    if let Some(desired) = manifest.and_then(|manifest| manifest.desired.as_deref()) {
                        self.in_force.push((noted.recorded.seq, desired));
                    }
                }
                Fact::RunAccepted { accepted } => {
                    let desired = self.in_force.last().map(|(_, desired)| *desired);
                    if let Some(spec) = desired.and_then(|desired| desired.automations.get(&accepted.automation)) {
                        let run = Accepted { spec, outcome: None, line: noted.line };
                        self.runs.entry(accepted.run.clone()).or_insert(run);
                    }
                }
                Fact::Run { run, change: RunFact::Finished { outcome, .. } } => {
                    if let Some(run) = self.runs.get_mut(run) {
                        run.outcome = Some(*outcome);
                    }
                }
                _ => {}
            }
        }
    }

    fn read_evidence(&mut self) {
        let mut open: BTreeMap<u64, usize> = BTreeMap::new();
        for deed in &self.record.evidence {
            let Some(tag) = deed.tag.as_deref() else {
                continue;
            };
            match deed.what {
                What::Started => {
                    open.insert(deed.id, self.spans.len());
                    let (started, line) = (deed.at, deed.line);
                    self.spans.push(Span { tag, started, ended: None, code: None, by: None, denied: false, line });
                }
                What::Ended { code, denied, by } => {
                    if let Some(index) = open.remove(&deed.id) {
                        let span = &mut self.spans[index];
                        (span.ended, span.code, span.by) = (Some(deed.at), Some(code), Some(by));
                        span.denied = denied;
                    }
                }
                What::Made | What::Refused | What::Removed { .. } => {}
            }
        }
    }

    /// What was in force when fact `seq` was recorded.
    pub fn in_force_at(&self, seq: u64) -> Option<&'a Desired> {
        let count = self.in_force.partition_point(|(from, _)| *from <= seq);
        self.in_force.get(count.checked_sub(1)?).map(|(_, desired)| *desired)
    }

    /// The spans of the containers of one run.
    pub fn spans_of<'s>(&'s self, run: &'s RunId) -> impl Iterator<Item = &'s Span<'a>> {
        self.spans.iter().filter(move |span| matches!(&span.tag.owner, Owner::Run(owner) if owner == run))
    }

    /// The spans of runs, by run.
    pub fn spans_by_run(&self) -> BTreeMap<&'a RunId, Vec<&Span<'a>>> {
        let mut found: BTreeMap<&RunId, Vec<&Span<'a>>> = BTreeMap::new();
        for span in &self.spans {
            if let Owner::Run(run) = &span.tag.owner {
                found.entry(run).or_default().push(span);
            }
        }
        found
    }
}

/// The hook of `spec` that step `id` is, and the key of its firing.
pub fn hook_of<'a>(hooks: impl IntoIterator<Item = &'a Arc<Hook>>, id: &str) -> Option<&'a Arc<Hook>> {
    let is_it = |hook: &&Arc<Hook>| {
        let key = id.strip_suffix(&hook.label()).and_then(|key| key.strip_suffix('-'));
        key.is_some_and(|key| key == hook.event || is_numbered(key, &hook.event))
    };
    hooks.into_iter().find(is_it)
}

/// Whether `key` is `event` with a number: `run.retrying.2`.
fn is_numbered(key: &str, event: &str) -> bool {
    let number = key.strip_prefix(event).and_then(|rest| rest.strip_prefix('.'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
