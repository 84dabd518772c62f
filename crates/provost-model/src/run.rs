//! A run: one execution of an automation, as the fold of its facts.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Automation, Channel, EventId, Firing, Health, JobId, JsonMap, Moment, Name, RevisionId, RunEvent, RunId, Step,
    StepFact, StepId, StepKind, StepPhase, StopCause,
};

/// A run and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// A function of the automation and the cause (D2).
    pub id: RunId,
    /// What it executes: the effective automation of the revision in force when the run was accepted.
    pub spec: Arc<Automation>,
    /// The revision in force when it was accepted.
    pub revision: Option<RevisionId>,
    /// What caused it.
    pub cause: Cause,
    /// The instant that it is for: the due time, or when it was asked for.
    pub due: Timestamp,
    /// It is not started before this instant: due time and jitter.
    pub not_before: Timestamp,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// What was handed in, checked, with defaults.
    pub params: JsonMap,
    /// A flagged run: it carries `testing`, and notifies nobody.
    pub testing: bool,
    /// What its steps have set (E2).
    pub locals: JsonMap,
    /// How far it is.
    pub phase: Phase,
    /// Why it is asked to end, once it is.
    pub cancel: Option<StopCause>,
    /// The main containers, one an attempt.
    pub attempts: Vec<Step>,
    /// The firings of its events, in order.
    pub firings: Vec<Firing>,
    /// Of a service: how healthy the container of its last attempt is; absent before its health check has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Of a service: the image of its first container, by digest. A restart is of the same one, whatever its name means
    /// by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// What caused a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "camelCase")]
pub enum Cause {
    /// A due time.
    Schedule,
    /// A due time that was missed while down, made up for (D3).
    CatchUp,
    /// An event.
    Trigger {
        /// Its name.
        event: String,
        /// Its id.
        id: EventId,
    },
    /// A person.
    Manual {
        /// Who.
        by: String,
    },
    /// A call of an action.
    Action {
        /// Who.
        by: String,
        /// What the caller has in hand.
        job: JobId,
        /// Of which application.
        application: Name,
        /// What callers call it.
        action: String,
    },
    /// A person who wants an earlier run again.
    Retry {
        /// Who.
        by: String,
        /// Which run.
        of: RunId,
    },
    /// A service is wanted and is not up.
    Service,
}

impl Cause {
    /// What a caller of an action has in hand.
    pub fn job(&self) -> Option<&JobId> {
        match self {
            Self::Action { job, .. } => Some(job),
            _ => None,
        }
    }

    /// Whether it answers a due time.
    pub fn is_scheduled(&self) -> bool {
        matches!(self, Self::Schedule | Self::CatchUp)
    }
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
pub enum Phase {
    /// Accepted, and waiting for its time or for others.
    Queued {
        /// What it waits for, in one clause.
        why: String,
    },
    /// Its before-hooks run.
    Before,
    /// Its main container runs.
    Main {
        /// From 1.
        attempt: u32,
    },
    /// An attempt failed, another one follows.
    Backoff {
        /// The attempt that failed.
        attempt: u32,
        /// When the next one may start.
        until: Timestamp,
    },
    /// Its after-hooks run: first those of the outcome's event, then those of `run.finished`.
    After {
        /// How it went.
        outcome: Outcome,
        /// Why, in one clause; empty for a success.
        detail: String,
        /// The hooks of `run.finished` have begun.
        finishing: bool,
    },
    /// Over; hooks in the background may still run.
    Finished {
        /// How it went.
        outcome: Outcome,
        /// Why, in one clause; empty for a success.
        detail: String,
        /// When.
        at: Timestamp,
    },
}

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// The main container exited with 0.
    Succeeded,
    /// The last attempt failed, or a before-hook did.
    Failed,
    /// The last attempt took too long.
    TimedOut,
    /// Stopped by a person, replaced, or denied by a hook or receiver.
    Cancelled,
    /// Nobody knows (R9).
    Lost,
}

impl Outcome {
    /// The event that tells of it.
    pub fn event(self) -> &'static str {
        match self {
            Self::Succeeded => "run.succeeded",
            Self::Failed => "run.failed",
            Self::TimedOut => "run.timedOut",
            Self::Cancelled => "run.cancelled",
            Self::Lost => "run.lost",
        }
    }

    /// The moment that channels hear of.
    pub fn moment(self) -> Moment {
        match self {
            Self::Succeeded => Moment::Success,
            Self::Failed | Self::TimedOut | Self::Lost => Moment::Failure,
            Self::Cancelled => Moment::Cancelled,
        }
    }

    /// The word for people and wires: `Succeeded`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
            Self::Lost => "Lost",
        }
    }
}

/// One change of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "camelCase")]
pub enum RunFact {
    /// It waits for something else now.
    Queued {
        /// For what.
        why: String,
    },
    /// Its before-hooks begin; channels that reply are asked first.
    Began {
        /// The channels that are asked.
        ask: Vec<Arc<Channel>>,
    },
    /// An attempt begins.
    Attempt {
        /// From 1.
        attempt: u32,
    },
    /// A step of it changed.
    Step {
        /// Which.
        id: StepId,
        /// How.
        fact: StepFact,
    },
    /// The attempt failed; another one follows.
    Retrying {
        /// Why it failed.
        why: String,
        /// When the next one may start.
        until: Timestamp,
    },
    /// A service's health changed.
    #[serde(rename_all = "camelCase")]
    Health {
        /// Whether it does its work.
        is_healthy: bool,
        /// What is wrong, in one clause; empty while nothing is.
        why: String,
    },
    /// It is asked to end.
    Cancelling {
        /// Why.
        why: StopCause,
    },
    /// It is known how it went; its after-hooks begin.
    Concluded {
        /// How.
        outcome: Outcome,
        /// Why, in one clause; empty for a success.
        detail: String,
    },
    /// The hooks of its outcome ended; those of `run.finished` begin.
    Finishing,
    /// It is over.
    Finished {
        /// How it went.
        outcome: Outcome,
        /// Why, in one clause; empty for a success.
        detail: String,
    },
}

/// A change that the run's phase does not allow (R1).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("run {run} is {phase} and cannot take {fact}")]
pub struct IllegalChange {
    /// Which run.
    pub run: RunId,
    /// How far it is.
    pub phase: String,
    /// What did not fit.
    pub fact: String,
}

impl Run {
    /// Applies `fact`, recorded at `at`. The one place where a run changes (R1).
    pub fn apply(&mut self, at: Timestamp, fact: &RunFact) -> Result<(), IllegalChange> {
        let phase = match (&self.phase, fact) {
            (_, RunFact::Step { id, fact: step_fact }) => return self.apply_to_step(at, id, step_fact, fact),
            (Phase::Finished { .. }, _) => return Err(self.illegal(fact)),
            (_, RunFact::Cancelling { why }) => {
                self.cancel.get_or_insert_with(|| why.clone());
                return Ok(());
            }
            (Phase::Main { .. }, RunFact::Health { is_healthy, why }) => {
                let was_healthy = *is_healthy || self.health.as_ref().is_some_and(|health| health.was_healthy);
                self.health = Some(Health { is_healthy: *is_healthy, since: at, was_healthy, why: why.clone() });
                return Ok(());
            }
            (Phase::Queued { .. }, RunFact::Queued { why }) => Phase::Queued { why: why.clone() },
            (Phase::Queued { .. }, RunFact::Began { ask }) => {
                let questions = ask.iter().filter_map(question).collect();
                self.fire(RunEvent::Starting, None, at, questions);
                Phase::Before
            }
            (Phase::Before | Phase::Backoff { .. }, RunFact::Attempt { attempt }) if self.is_next(*attempt) => {
                self.attempts.push(Step::new(StepId::main(*attempt), StepKind::Main { attempt: *attempt }));
                self.health = None;
                Phase::Main { attempt: *attempt }
            }
            (Phase::Main { attempt }, RunFact::Retrying { until, .. }) => {
                let attempt = *attempt;
                self.fire(RunEvent::Retrying, Some(attempt), at, Vec::new());
                Phase::Backoff { attempt, until: *until }
            }
            (Phase::Before | Phase::Main { .. } | Phase::Backoff { .. }, RunFact::Concluded { outcome, detail }) => {
                self.fire(RunEvent::Ended(*outcome), None, at, Vec::new());
                Phase::After { outcome: *outcome, detail: detail.clone(), finishing: false }
            }
            (Phase::After { outcome, detail, finishing: false }, RunFact::Finishing) => {
                let phase = Phase::After { outcome: *outcome, detail: detail.clone(), finishing: true };
                self.fire(RunEvent::Finished, None, at, Vec::new());
                phase
            }
            (Phase::After { finishing: true, .. } | Phase::Queued { .. }, RunFact::Finished { outcome, detail }) => {
                Phase::Finished { outcome: *outcome, detail: detail.clone(), at }
            }
            _ => return Err(self.illegal(fact)),
        };
        self.phase = phase;
        Ok(())
    }

    fn apply_to_step(
        &mut self,
        at: Timestamp,
        id: &StepId,
        change: &StepFact,
        fact: &RunFact,
    ) -> Result<(), IllegalChange> {
        let Some(step) = self.step_mut(id) else {
            return Err(self.illegal(fact));
        };
        let is_background = step.is_background();
        if !step.apply(at, change) {
            return Err(self.illegal(fact));
        }
        match change {
            StepFact::Ended { output, .. } if !is_background => crate::deep_merge(&mut self.locals, &output.locals),
            StepFact::Started { image, .. } if id.is_main() && self.starts() == 1 => {
                self.image = image.clone().filter(|_| self.spec.service.is_some());
                self.fire(RunEvent::Started, None, at, Vec::new());
            }
            _ => {}
        }
        Ok(())
    }

    /// Attempts come one after the other, and at most `retries + 1` of them (R7).
    fn is_next(&self, attempt: u32) -> bool {
        let begun = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        attempt == begun + 1 && begun <= self.spec.retries.limit
    }

    /// What `event` is called: a service's events are `service.*`.
    pub fn event(&self, event: RunEvent) -> &'static str {
        if self.spec.service.is_some() { event.of_service() } else { event.of_run() }
    }

    /// The key of the firing of `event`; those that come more than once have the attempt in it.
    pub fn firing_key(&self, event: RunEvent, attempt: Option<u32>) -> String {
        let name = self.event(event);
        attempt.map_or_else(|| name.to_owned(), |attempt| format!("{name}.{attempt}"))
    }

    /// Whether it is a service that does its work: its container runs, and its health check, if there is one, says so.
    pub fn is_up(&self) -> bool {
        let runs = |step: &Step| matches!(step.phase, StepPhase::Running { .. });
        let Some(service) = &self.spec.service else {
            return false;
        };
        let is_healthy = || self.health.as_ref().is_some_and(|health| health.is_healthy);
        matches!(self.phase, Phase::Main { .. })
            && self.attempts.last().is_some_and(runs)
            && (service.health_check.is_none() || is_healthy())
    }

    /// Whether an attempt that fails now is followed by another one (R7).
    pub fn has_retries_left(&self) -> bool {
        let begun = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        begun <= self.spec.retries.limit
    }

    /// How many of its main containers have started.
    pub fn starts(&self) -> usize {
        self.attempts.iter().filter(|step| step.started_at().is_some()).count()
    }

    /// When its first step started.
    pub fn began_at(&self) -> Option<Timestamp> {
        self.steps().filter_map(Step::started_at).min()
    }

    fn fire(&mut self, event: RunEvent, attempt: Option<u32>, at: Timestamp, first: Vec<Step>) {
        let name = self.event(event);
        if first.is_empty() && self.spec.hooks.iter().all(|hook| hook.event != name) {
            return;
        }
        let key = self.firing_key(event, attempt);
        self.firings.push(Firing::new(name, key, at, first, self.spec.hooks.iter()));
    }

    fn illegal(&self, fact: &RunFact) -> IllegalChange {
        IllegalChange { run: self.id.clone(), phase: format!("{:?}", self.phase), fact: format!("{fact:?}") }
    }

    /// Every step, main containers first.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.attempts.iter().chain(self.firings.iter().flat_map(|firing| &firing.steps))
    }

    /// The step with `id`.
    pub fn step_mut(&mut self, id: &StepId) -> Option<&mut Step> {
        let hooks = self.firings.iter_mut().flat_map(|firing| &mut firing.steps);
        self.attempts.iter_mut().chain(hooks).find(|step| step.id == *id)
    }

    /// The firing with `key`; absent when nothing is bound to its event.
    pub fn firing(&self, key: &str) -> Option<&Firing> {
        self.firings.iter().find(|firing| firing.key == key)
    }

    /// The firing of `event`; absent when nothing is bound to it.
    pub fn firing_of(&self, event: RunEvent, attempt: Option<u32>) -> Option<&Firing> {
        if self.firings.is_empty() { None } else { self.firing(&self.firing_key(event, attempt)) }
    }

    /// How it went, once that is settled.
    pub fn outcome(&self) -> Option<(Outcome, &str)> {
        match &self.phase {
            Phase::After { outcome, detail, .. } | Phase::Finished { outcome, detail, .. } => Some((*outcome, detail)),
            _ => None,
        }
    }

    /// Whether its outcome is settled and its after-hooks have ended.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished { .. })
    }

    /// Whether it has begun and is not finished: it holds its locks and counts against limits.
    pub fn is_going_on(&self) -> bool {
        !self.is_finished() && !self.is_queued()
    }

    /// Whether it waits for its turn.
    pub fn is_queued(&self) -> bool {
        matches!(self.phase, Phase::Queued { .. })
    }

    /// Whether nothing at all is left to do: finished, and the hooks in the background have ended too.
    pub fn is_closed(&self) -> bool {
        self.is_finished() && self.firings.iter().all(Firing::is_closed)
    }
}

fn question(channel: &Arc<Channel>) -> Option<Step> {
    let rule = channel.reply?;
    let what = StepKind::Ask { channel: channel.name.clone(), default: rule.default, timeout_s: rule.timeout_s };
    Some(Step::new(StepId::ask("run.starting", &channel.name), what))
}

/// How a run that is over went, for lists and for what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// Which run.
    pub run: RunId,
    /// Of which automation.
    pub automation: Name,
    /// How it went.
    pub outcome: Outcome,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it was over.
    pub ended: Timestamp,
}
