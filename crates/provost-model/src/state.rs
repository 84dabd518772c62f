//! The state of a server: the fold of its facts.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AcceptedEvent, AcceptedRun, Cause, Desired, Digest, Document, EventFact, EventId, Fact, IllegalChange, JsonMap,
    LastRun, Moment, Name, Notice, Occurrence, Outcome, PREPARE, Phase, PluginName, Recorded, RevisionChange,
    RevisionId, Run, RunFact, RunId, StepFact, Token, deep_merge,
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
    /// How the preparation of each plugin went that has one (D29).
    #[serde(default)]
    pub prepared: BTreeMap<PluginName, Startup>,
    /// Tokens that were made and not revoked.
    #[serde(default)]
    pub tokens: BTreeMap<Name, Token>,
    /// Documents, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, Document>,
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
    /// Its shutdown hooks have begun: no event is handled any more but those that were begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
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
    /// How many runs failed since its last success. Flagged runs count neither as failures nor as successes.
    pub failures: u32,
    /// When each channel heard the last time that it fails; empty once it succeeds.
    #[serde(default)]
    pub told_failure: BTreeMap<Name, Timestamp>,
    /// When channels heard the last time that there was no success for too long; absent once it succeeds.
    #[serde(default)]
    pub told_no_success: Option<Timestamp>,
    /// Its last outcomes, oldest first, at most [`RECENT_MAX`].
    pub recent: VecDeque<Outcome>,
    /// Set while a person has stopped the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// The service as it was started the last time: one that was given up is not tried again before it changes or a
    /// person starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Digest>,
    /// Of a service: why its last run ended, in one clause.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_detail: String,
}

/// A person's stop of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Since when.
    pub at: Timestamp,
    /// Who.
    pub by: String,
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
            told_failure: BTreeMap::new(),
            told_no_success: None,
            recent: VecDeque::new(),
            stopped: None,
            tried: None,
            last_detail: String::new(),
        }
    }
}

impl Ledger {
    /// It did what it is for: a run succeeded, or a service came up.
    fn has_succeeded(&mut self, at: Timestamp) {
        self.failures = 0;
        self.last_success = Some(at);
        self.told_failure.clear();
        self.told_no_success = None;
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
                self.owe_all_preparations();
                self.server.closing = false;
            }
            Fact::ServerStopping => self.server.stopping = true,
            Fact::RevisionApplied { change } => self.apply_revision(*seq, *at, change),
            Fact::RevisionRejected { revision, errors, report } => {
                let (revision, report) = (revision.clone(), report.clone());
                self.rejected = Some(RejectedRevision { revision, at: *at, errors: *errors, report });
            }
            Fact::Pinned { revision, .. } => self.pinned = Some(revision.clone()),
            Fact::Unpinned { .. } => self.pinned = None,
            // Never backwards: after the clock was stepped back, what ran does not become due again (T5).
            Fact::Armed { automation, from } => self.account(automation, *from),
            Fact::DueSkipped { automation, due, .. } => self.account(automation, *due),
            Fact::DueMissed { automation, last, .. } => self.account(automation, *last),
            Fact::RunAccepted { accepted } => self.accept_run(*seq, *at, accepted)?,
            Fact::Run { run, change } => return self.apply_to_run(*seq, *at, run, change),
            Fact::EventAccepted { event } => self.accept_event(*seq, *at, event),
            Fact::Event { id, change } => self.apply_to_event(*seq, *at, id, change)?,
            Fact::NoticeQueued { notice } => self.queue_notice(*at, notice),
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
            Fact::ServiceStopped { service, by } => {
                self.ledger(service, *at).stopped = Some(Stopped { at: *at, by: by.clone() });
            }
            Fact::ServiceStarted { service, .. } => {
                let ledger = self.ledger(service, *at);
                ledger.stopped = None;
                ledger.tried = None;
            }
            Fact::TokenMade { token } => drop(self.tokens.insert(token.name.clone(), token.clone())),
            Fact::TokenRevoked { name, .. } => drop(self.tokens.remove(name)),
            Fact::DocumentWritten { name, value, by } => {
                let document = Document { value: value.clone(), at: *at, by: by.clone() };
                self.documents.insert(name.clone(), document);
            }
            Fact::DocumentRemoved { name, .. } => drop(self.documents.remove(name)),
            Fact::TriggerSkipped { .. } | Fact::DriftFound { .. } | Fact::DriftCorrected { .. } => {}
        }
        Ok(None)
    }

    fn apply_revision(&mut self, seq: u64, at: Timestamp, change: &RevisionChange) {
        let before = self.desired.clone();
        change.apply_to(&mut self.desired);
        self.owe_new_preparations(&before);
        self.applied = Some(AppliedRevision { revision: change.revision.clone(), at, by: change.by.clone(), seq });
        self.rejected = None;
        self.renew_services(at);
        if matches!(self.server.startup, Startup::Refused { .. }) {
            self.server.startup = Startup::Owed;
        }
    }

    /// What changes around the container of a service that is up holds for it from now on: hooks, channels, restarts.
    fn renew_services(&mut self, at: Timestamp) {
        let mut renewed = Vec::new();
        for run in self.runs.values_mut().filter(|run| run.spec.service.is_some() && !run.is_finished()) {
            let wanted = self.desired.automations.get(&run.spec.name).filter(|wanted| wanted.service.is_some());
            if let Some(wanted) = wanted.filter(|wanted| wanted.workload == run.spec.workload) {
                run.spec = std::sync::Arc::clone(wanted);
                renewed.push(wanted.name.clone());
            }
        }
        for name in renewed {
            let tried = self.desired.automations.get(&name).map(|wanted| wanted.digest());
            self.ledger(&name, at).tried = tried;
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
        let unknown = || FoldError::Unknown { seq, what: format!("automation {}", accepted.automation) };
        let spec = self.desired.automations.get(&accepted.automation).cloned().ok_or_else(unknown)?;
        let revision = self.desired.revision.clone();
        if accepted.cause.is_scheduled() {
            self.account(&accepted.automation, accepted.due);
        }
        if accepted.cause == Cause::Service {
            self.ledger(&accepted.automation, at).tried = Some(spec.digest());
        }
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
            health: None,
            image: None,
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
        let launched = match change {
            RunFact::Began { .. } => self.runs.get(id).and_then(|run| self.launched(&run.spec)),
            _ => None,
        };
        let run = self.runs.get_mut(id).ok_or_else(unknown)?;
        if let Some(launched) = launched {
            run.spec = launched;
        }
        let was_up = run.is_up();
        run.apply(at, change)?;
        let is_closed = run.is_closed();
        if !was_up && run.is_up() {
            let name = run.spec.name.clone();
            self.ledger(&name, at).has_succeeded(at);
        }
        match change {
            RunFact::Health { is_healthy: false, .. } => {
                let name = self.runs[id].spec.name.clone();
                self.ledger(&name, at).failures += 1;
            }
            RunFact::Finished { outcome, detail } => {
                let run = &self.runs[id];
                let (began, testing) = (run.began_at(), run.testing);
                // Of a run of an automation, the history tells.
                let detail = if run.spec.service.is_some() { detail.as_str() } else { "" };
                let (run, automation) = (run.id.clone(), run.spec.name.clone());
                self.remember(LastRun { run, automation, outcome: *outcome, began, ended: at }, detail, testing);
            }
            RunFact::Step { id: step, fact: StepFact::Ended { output, .. } } => {
                match self.runs[id].firings.iter().find(|firing| firing.step(step).is_some()) {
                    Some(firing) => {
                        firing.globals_after(step).for_each(|globals| deep_merge(&mut self.globals, globals))
                    }
                    None => deep_merge(&mut self.globals, &output.globals),
                }
            }
            _ => {}
        }
        Ok(if is_closed { self.runs.remove(id) } else { None })
    }

    fn remember(&mut self, over: LastRun, detail: &str, testing: bool) {
        let ledger = self.ledger(&over.automation.clone(), over.ended);
        match over.outcome {
            _ if testing => {} // It pages nobody, and so it must not silence anybody either (A32).
            Outcome::Succeeded => ledger.has_succeeded(over.ended),
            Outcome::Failed | Outcome::TimedOut | Outcome::Lost => ledger.failures += 1,
            Outcome::Cancelled => {}
        }
        ledger.recent.push_back(over.outcome);
        while ledger.recent.len() > RECENT_MAX {
            ledger.recent.pop_front();
        }
        detail.clone_into(&mut ledger.last_detail);
        ledger.last = Some(over);
    }

    fn queue_notice(&mut self, at: Timestamp, notice: &Notice) {
        self.outbox.insert(notice.id.clone(), notice.clone());
        let Some(ledger) = self.ledgers.get_mut(&notice.automation) else {
            return;
        };
        match notice.moment {
            Moment::Failure if notice.instead_of.is_none() => {
                ledger.told_failure.insert(notice.channel.name.clone(), at);
            }
            Moment::NoSuccess => ledger.told_no_success = Some(at),
            _ => {}
        }
    }

    fn accept_event(&mut self, seq: u64, at: Timestamp, event: &AcceptedEvent) {
        if self.events.values().any(|known| known.id == event.id) {
            return; // Accepted twice, handled once (E5).
        }
        match event.name.as_str() {
            "server.startup" => self.server.startup = Startup::Running,
            "server.shutdown" => self.server.closing = true,
            _ => {}
        }
        if event.name == PREPARE {
            self.set_preparation(&event.data, Startup::Running);
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
        let (key, event) = self.events.iter().find(|(_, event)| event.id == *id).ok_or_else(unknown)?;
        let key = *key;
        let began = matches!(change, EventFact::Began).then(|| {
            let automation = event.subject.as_ref().and_then(|name| self.desired.automations.get(name));
            // What is about an automation is for the hooks that apply to it.
            let hooks = automation.map_or(&self.desired.hooks, |automation| &automation.hooks).iter();
            let hooks = hooks.filter(|hook| hook.is_for(event.application()) && self.takes_part(hook, event));
            crate::Firing::new(&event.name, event.name.clone(), at, Vec::new(), hooks)
        });
        let event = self.events.get_mut(&key).ok_or_else(unknown)?;
        match change {
            EventFact::Began => event.firing = began,
            EventFact::Step { id, fact } => {
                let what = || FoldError::Unknown { seq, what: format!("step {id} in this phase") };
                let step = event.step_mut(id).ok_or_else(what)?;
                if !step.apply(at, fact) {
                    return Err(what());
                }
                if let StepFact::Ended { output, .. } = fact {
                    if !step.is_background() {
                        deep_merge(&mut event.locals, &output.locals);
                    }
                    let set = event.firing.iter().flat_map(|firing| firing.globals_after(id));
                    set.for_each(|globals| deep_merge(&mut self.globals, globals));
                }
            }
            EventFact::Handled { failure } => {
                event.handled = Some(failure.clone());
                let went = match failure {
                    None => Startup::Passed,
                    Some(why) => Startup::Refused { why: why.clone() },
                };
                match event.name.as_str() {
                    "server.startup" => self.server.startup = went,
                    PREPARE => {
                        let data = event.data.clone();
                        self.set_preparation(&data, went);
                    }
                    _ => {}
                }
            }
        }
        if self.events.get(&key).is_some_and(Occurrence::is_closed) {
            self.events.remove(&key);
        }
        Ok(())
    }

    /// The runs of `automation` that are not closed, by id.
    pub fn runs_of<'a>(&'a self, automation: &Name) -> impl Iterator<Item = &'a Run> + use<'a> {
        // A run's id is its automation's name, a dot and more; names have no dot.
        let head = [automation.as_str(), "."].concat();
        let from = self.runs.range::<str, _>((Bound::Included(head.as_str()), Bound::Unbounded));
        from.take_while(move |(id, _)| id.as_str().starts_with(&head)).map(|(_, run)| run)
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
