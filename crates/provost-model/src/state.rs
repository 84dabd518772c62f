//! The state of a server: the fold of its facts.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AcceptedEvent, AcceptedRun, Cause, Desired, EventFact, EventId, Fact, IllegalChange, JsonMap, LastRun, Name, Notice,
    Occurrence, Outcome, Phase, Recorded, RevisionChange, RevisionId, Run, RunFact, RunId, StepFact, deep_merge,
};

/// How many outcomes of an automation the state remembers, for lists. All others are in the store's history.
pub const RECENT_MAX: usize = 8;

/// What is known of a server. Nothing in it is anything but the fold of recorded facts (R2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The last fact that is in it.
    pub seq: u64,
    /// What the revision in force wants.
    pub desired: Desired,
    /// The revision in force.
    pub applied: Option<AppliedRevision>,
    /// The revision that the server stays at, if somebody rolled back.
    pub pinned: Option<RevisionId>,
    /// The last revision that was refused, until a newer one is applied.
    pub rejected: Option<RejectedRevision>,
    /// What is known of each automation, also of those that are gone.
    pub ledgers: BTreeMap<Name, Ledger>,
    /// Runs that are not closed.
    pub runs: BTreeMap<RunId, Run>,
    /// Events that are not closed, by their order of arrival.
    pub events: BTreeMap<u64, Occurrence>,
    /// What hooks have set for every later event (E2).
    pub globals: JsonMap,
    /// Notifications that are not delivered.
    pub outbox: BTreeMap<EventId, Notice>,
    /// How the server itself is.
    pub server: ServerState,
}

/// The revision in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedRevision {
    /// Which.
    pub revision: RevisionId,
    /// Since when.
    pub at: Timestamp,
    /// Who applied it.
    pub by: String,
    /// The fact that applied it; plans are for the state at this fact.
    pub seq: u64,
}

/// A revision that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRevision {
    /// Which.
    pub revision: RevisionId,
    /// When.
    pub at: Timestamp,
    /// How many errors it has.
    pub errors: u32,
    /// The diagnostics, as people read them.
    pub report: String,
}

/// How the server itself is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerState {
    /// How often the reconciler started.
    pub boots: u64,
    /// When it started the last time.
    pub started_at: Option<Timestamp>,
    /// How its startup hooks went.
    pub startup: Startup,
    /// It was asked to end.
    pub stopping: bool,
}

/// How the startup hooks went. Nothing starts before they passed (A1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "startup", rename_all = "camelCase")]
pub enum Startup {
    /// They have not been run since the reconciler started.
    #[default]
    Owed,
    /// They run.
    Running,
    /// They ended well.
    Passed,
    /// One refused: nothing starts until a new revision is applied or the reconciler starts again.
    Refused {
        /// Which hook, and why.
        why: String,
    },
}

/// What is known of one automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Every due time up to this instant has its outcome (D1).
    pub accounted_until: Timestamp,
    /// Since when the automation is known.
    pub known_since: Timestamp,
    /// Set while a person has paused it.
    pub pause: Option<Pause>,
    /// Its last run that is over.
    pub last: Option<LastRun>,
    /// When it succeeded the last time.
    pub last_success: Option<Timestamp>,
    /// How many runs failed since its last success.
    pub failures: u32,
    /// When channels heard of its failure, or of the want of success, the last time.
    pub told_at: Option<Timestamp>,
    /// Its last outcomes, oldest first, at most [`RECENT_MAX`].
    pub recent: VecDeque<Outcome>,
}

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Until when; absent: until somebody resumes it.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

impl Ledger {
    fn new(accounted_until: Timestamp) -> Self {
        Self {
            accounted_until,
            known_since: accounted_until,
            pause: None,
            last: None,
            last_success: None,
            failures: 0,
            told_at: None,
            recent: VecDeque::new(),
        }
    }
}

/// A fact that the state cannot take.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum FoldError {
    /// A run is in a phase that does not allow it (R1).
    #[error(transparent)]
    Illegal(#[from] IllegalChange),
    /// It is about a run, event or automation that the state does not hold.
    #[error("fact {seq} is about {what}, which is not known")]
    Unknown {
        /// The fact.
        seq: u64,
        /// What it is about.
        what: String,
    },
}

impl State {
    /// Folds one fact in, and returns the run that it closed, if it closed one: the state does not hold that any more.
    ///
    /// On an error the state is as it was, and the fact counts as seen.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<Option<Run>, FoldError> {
        let Recorded { seq, at, fact } = recorded;
        self.seq = *seq;
        match fact {
            Fact::ServerStarted { .. } => {
                self.server.boots += 1;
                self.server.started_at = Some(*at);
                self.server.startup = Startup::Owed;
                self.server.stopping = false;
            }
            Fact::ServerStopping => self.server.stopping = true,
            Fact::RevisionApplied { change } => self.apply_revision(*seq, *at, change),
            Fact::RevisionRejected { revision, errors, report } => {
                let (revision, report) = (revision.clone(), report.clone());
                self.rejected = Some(RejectedRevision { revision, at: *at, errors: *errors, report });
            }
            Fact::Pinned { revision, .. } => self.pinned = Some(revision.clone()),
            Fact::Unpinned { .. } => self.pinned = None,
            Fact::Armed { automation, from } => self.ledger(automation, *from).accounted_until = *from,
            Fact::DueSkipped { automation, due, .. } => self.account(automation, *due),
            Fact::DueMissed { automation, last, .. } => self.account(automation, *last),
            Fact::RunAccepted { accepted } => self.accept_run(*seq, *at, accepted)?,
            Fact::Run { run, change } => return self.apply_to_run(*seq, *at, run, change),
            Fact::EventAccepted { event } => self.accept_event(*seq, *at, event),
            Fact::Event { id, change } => self.apply_to_event(*seq, *at, id, change)?,
            Fact::NoticeQueued { notice } => {
                self.outbox.insert(notice.id.clone(), (**notice).clone());
                let is_warning = matches!(notice.moment, crate::Moment::Failure);
                if is_warning && let Some(ledger) = self.ledgers.get_mut(&notice.automation) {
                    ledger.told_at = Some(*at);
                }
            }
            Fact::NoticeDelivered { id } | Fact::NoticeGivenUp { id, .. } => drop(self.outbox.remove(id)),
            Fact::NoticeFailed { id, until, .. } => {
                if let Some(notice) = self.outbox.get_mut(id) {
                    notice.tries += 1;
                    notice.until = Some(*until);
                }
            }
            Fact::Paused { automation, until, reason, by } => {
                let pause = Pause { until: *until, reason: reason.clone(), by: by.clone() };
                self.ledger(automation, *at).pause = Some(pause);
            }
            Fact::Resumed { automation, .. } => self.ledger(automation, *at).pause = None,
            Fact::TriggerSkipped { .. } | Fact::DriftFound { .. } | Fact::DriftCorrected { .. } => {}
        }
        Ok(None)
    }

    fn apply_revision(&mut self, seq: u64, at: Timestamp, change: &RevisionChange) {
        change.apply_to(&mut self.desired);
        self.applied = Some(AppliedRevision { revision: change.revision.clone(), at, by: change.by.clone(), seq });
        self.rejected = None;
        if matches!(self.server.startup, Startup::Refused { .. }) {
            self.server.startup = Startup::Owed;
        }
    }

    fn ledger(&mut self, automation: &Name, at: Timestamp) -> &mut Ledger {
        self.ledgers.entry(automation.clone()).or_insert_with(|| Ledger::new(at))
    }

    fn account(&mut self, automation: &Name, due: Timestamp) {
        let ledger = self.ledger(automation, due);
        ledger.accounted_until = ledger.accounted_until.max(due);
    }

    fn accept_run(&mut self, seq: u64, at: Timestamp, accepted: &AcceptedRun) -> Result<(), FoldError> {
        if accepted.cause.is_scheduled() {
            self.account(&accepted.automation, accepted.due);
        }
        let unknown = || FoldError::Unknown { seq, what: format!("automation {}", accepted.automation) };
        let spec = self.desired.automations.get(&accepted.automation).cloned().ok_or_else(unknown)?;
        let revision = self.desired.revision.clone();
        // A run that was accepted once stays as it is (D2).
        self.runs.entry(accepted.run.clone()).or_insert_with(|| Run {
            id: accepted.run.clone(),
            spec,
            revision,
            cause: accepted.cause.clone(),
            due: accepted.due,
            not_before: accepted.not_before,
            accepted_at: at,
            params: accepted.params.clone(),
            testing: accepted.testing,
            locals: JsonMap::new(),
            phase: Phase::Queued { why: "its turn".to_owned() },
            cancel: None,
            attempts: Vec::new(),
            firings: Vec::new(),
        });
        Ok(())
    }

    fn apply_to_run(
        &mut self,
        seq: u64,
        at: Timestamp,
        id: &RunId,
        change: &RunFact,
    ) -> Result<Option<Run>, FoldError> {
        let unknown = || FoldError::Unknown { seq, what: format!("run {id}") };
        let run = self.runs.get_mut(id).ok_or_else(unknown)?;
        run.apply(at, change)?;
        let is_closed = run.is_closed();
        let over = match change {
            RunFact::Finished { outcome, .. } => Some(LastRun {
                run: run.id.clone(),
                automation: run.spec.name.clone(),
                outcome: *outcome,
                began: run.steps().filter_map(|step| step.result()?.started_at).min(),
                ended: at,
            }),
            _ => None,
        };
        if let RunFact::Step { fact: StepFact::Ended { output, .. }, .. } = change {
            deep_merge(&mut self.globals, &output.globals);
        }
        if let Some(over) = over {
            self.remember(over);
        }
        Ok(if is_closed { self.runs.remove(id) } else { None })
    }

    fn remember(&mut self, over: LastRun) {
        let ledger = self.ledger(&over.automation.clone(), over.ended);
        match over.outcome {
            Outcome::Succeeded => {
                ledger.failures = 0;
                ledger.last_success = Some(over.ended);
                ledger.told_at = None;
            }
            Outcome::Failed | Outcome::TimedOut | Outcome::Lost => ledger.failures += 1,
            Outcome::Cancelled => {}
        }
        ledger.recent.push_back(over.outcome);
        while ledger.recent.len() > RECENT_MAX {
            ledger.recent.pop_front();
        }
        ledger.last = Some(over);
    }

    fn accept_event(&mut self, seq: u64, at: Timestamp, event: &AcceptedEvent) {
        if event.name == "server.startup" {
            self.server.startup = Startup::Running;
        }
        let occurrence = Occurrence {
            id: event.id.clone(),
            name: event.name.clone(),
            subject: event.subject.clone(),
            run: event.run.clone(),
            data: event.data.clone(),
            at,
            locals: JsonMap::new(),
            firing: None,
            handled: None,
        };
        self.events.insert(seq, occurrence);
    }

    fn apply_to_event(&mut self, seq: u64, at: Timestamp, id: &EventId, change: &EventFact) -> Result<(), FoldError> {
        let unknown = || FoldError::Unknown { seq, what: format!("event {id}") };
        let (key, event) = self.events.iter_mut().find(|(_, event)| event.id == *id).ok_or_else(unknown)?;
        let key = *key;
        match change {
            EventFact::Began => {
                let automation = event.subject.as_ref().and_then(|name| self.desired.automations.get(name));
                // What is about an automation is for the hooks that apply to it.
                let hooks = automation.map_or(&self.desired.hooks, |automation| &automation.hooks).iter();
                event.firing = Some(crate::Firing::new(&event.name, event.name.clone(), at, Vec::new(), hooks));
            }
            EventFact::Step { id, fact } => {
                let what = || FoldError::Unknown { seq, what: format!("step {id} in this phase") };
                let step = event.step_mut(id).ok_or_else(what)?;
                if !step.apply(at, fact) {
                    return Err(what());
                }
                if let StepFact::Ended { output, .. } = fact {
                    deep_merge(&mut event.locals, &output.locals);
                    deep_merge(&mut self.globals, &output.globals);
                }
            }
            EventFact::Handled { failure } => {
                event.handled = Some(failure.clone());
                if event.name == "server.startup" {
                    self.server.startup = match failure {
                        None => Startup::Passed,
                        Some(why) => Startup::Refused { why: why.clone() },
                    };
                }
            }
        }
        if self.events.get(&key).is_some_and(Occurrence::is_closed) {
            self.events.remove(&key);
        }
        Ok(())
    }

    /// The runs of `automation` that are not closed, by id.
    pub fn runs_of<'a>(&'a self, automation: &'a Name) -> impl Iterator<Item = &'a Run> {
        self.runs.values().filter(move |run| run.spec.name == *automation)
    }

    /// Whether anything waits for its cause's end: runs that a person asked for count too.
    pub fn is_idle(&self) -> bool {
        self.runs.is_empty() && self.events.is_empty()
    }
}

impl Run {
    /// The run that it repeats, if a person asked for it again.
    pub fn repeats(&self) -> Option<&RunId> {
        match &self.cause {
            Cause::Retry { of, .. } => Some(of),
            _ => None,
        }
    }
}
