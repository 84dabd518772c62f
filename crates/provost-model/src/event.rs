//! Events: something that happened, with a name and data, and the hooks that handle it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EventId, Hook, JsonMap, Name, OnError, Outcome, SKILL, Stage, Step, StepFact, StepId, StepKind};

/// The events that are Provost's own. Whoever binds to another `run.*`, `server.*`, … made a mistake;
/// every other name is free (`orders.arrived`).
pub const OWN_EVENTS: &[&str] = &[
    "server.startup",
    "server.shutdown",
    "revision.received",
    "revision.rejected",
    "revision.applied",
    "drift.found",
    "drift.corrected",
    "run.starting",
    "run.started",
    "run.succeeded",
    "run.failed",
    "run.timedOut",
    "run.cancelled",
    "run.lost",
    "run.retrying",
    "run.finished",
    "run.skipped",
    "run.missed",
    "run.late",
    "service.starting",
    "service.started",
    "service.healthy",
    "service.unhealthy",
    "service.restarting",
    "service.exited",
    "service.removed",
];

/// The first words of event names that are Provost's own, now or later.
pub const OWN_EVENT_FAMILIES: &[&str] =
    &["run", "server", "revision", "service", "drift", "build", "deploy", "protection", "plugin", "skill", "token"];

/// An event of a run, whatever it is a run of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// Before its main container starts.
    Starting,
    /// Its first main container has started.
    Started,
    /// An attempt failed, another one follows.
    Retrying,
    /// It is known how it went.
    Ended(Outcome),
    /// Everything else of it has ended.
    Finished,
}

impl RunEvent {
    /// Its name for an automation.
    pub fn of_run(self) -> &'static str {
        match self {
            Self::Starting => "run.starting",
            Self::Started => "run.started",
            Self::Retrying => "run.retrying",
            Self::Ended(outcome) => outcome.event(),
            Self::Finished => "run.finished",
        }
    }

    /// Its name for a service.
    pub fn of_service(self) -> &'static str {
        match self {
            Self::Starting => "service.starting",
            Self::Started => "service.started",
            Self::Retrying => "service.restarting",
            Self::Ended(_) => "service.exited",
            Self::Finished => "service.removed",
        }
    }
}

/// Whether `event` tells of an end: its hooks run in the reverse order (R5), and whatever happened before (R4).
pub fn is_after_event(event: &str) -> bool {
    matches!(
        event,
        "run.succeeded"
            | "run.failed"
            | "run.timedOut"
            | "run.cancelled"
            | "run.lost"
            | "run.finished"
            | "service.exited"
            | "service.removed"
            | "server.shutdown"
    )
}

/// Whether `event` is one of a run: of an automation's, or of a service's, which are called `service.*`.
fn is_of_run(event: &str) -> bool {
    event.starts_with("run.") || event.starts_with("service.")
}

/// The hooks of one event, being run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firing {
    /// The event's name.
    pub event: String,
    /// Distinguishes the firings of one owner: the event's name, with the attempt where it comes more than once.
    pub key: String,
    /// When it fired.
    pub at: Timestamp,
    /// Its steps, in the order in which they start.
    pub steps: Vec<Step>,
    /// Whether a step that failed with `onError: Fail` ends the firing. False for after-hooks: all of them run (R4).
    pub stops_on_failure: bool,
}

impl Firing {
    /// The firing of `event` with those of `hooks` that are bound to it, in their order (R5), after `first`.
    pub fn new<'a>(
        event: &str,
        key: String,
        at: Timestamp,
        first: Vec<Step>,
        hooks: impl DoubleEndedIterator<Item = &'a Arc<Hook>>,
    ) -> Self {
        let bound = hooks.filter(|hook| hook.event == event);
        let step = |hook: &Arc<Hook>| Step::new(StepId::hook(&key, hook), StepKind::Hook { hook: Arc::clone(hook) });
        let mut steps: Vec<Step> =
            if is_after_event(event) { bound.rev().map(step).collect() } else { bound.map(step).collect() };
        steps.splice(0..0, first);
        steps.sort_by_key(Step::stage);
        Self {
            event: event.to_owned(),
            key,
            at,
            steps,
            stops_on_failure: !is_of_run(event) || matches!(event, "run.starting" | "service.starting"),
        }
    }

    /// Why the firing failed: the first foreground step that failed or said no, with its name.
    pub fn failure(&self) -> Option<FiringFailure> {
        self.steps.iter().filter(|step| !step.is_background() && step.on_error() == OnError::Fail).find_map(|step| {
            let result = step.result()?;
            let denied = result.denial().map(str::to_owned);
            let why = denied.clone().or_else(|| result.failure())?;
            Some(FiringFailure { step: step.id.clone(), why, denied: denied.is_some() })
        })
    }

    /// The step with `id`.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// What the end of the step `id` sets for the whole server.
    ///
    /// What steps in the background set waits until the foreground has ended, so that none of its steps ever sees it (E3).
    pub fn globals_after<'a>(&'a self, id: &'a StepId) -> impl Iterator<Item = &'a JsonMap> {
        let is_done = self.is_done();
        let ends_foreground = is_done && self.step(id).is_some_and(|step| !step.is_background());
        let is_released = move |step: &&Step| {
            if step.is_background() { is_done && (ends_foreground || step.id == *id) } else { step.id == *id }
        };
        self.steps.iter().filter(is_released).filter_map(Step::result).map(|result| &result.output.globals)
    }

    /// Whether nothing in the foreground is left to do: all ended, or one failed and the others have no turn any more.
    pub fn is_done(&self) -> bool {
        let mut foreground = self.steps.iter().filter(|step| !step.is_background());
        if self.is_cut_short() { foreground.all(|step| !step.is_going_on()) } else { foreground.all(Step::is_over) }
    }

    /// Whether nothing at all is left to do, in the background either.
    pub fn is_closed(&self) -> bool {
        self.is_done() && self.steps.iter().all(|step| step.is_over() || (self.is_cut_short() && !step.is_going_on()))
    }

    /// The steps whose turn it is: not begun, and nothing before them is left to wait for (E3, R5).
    pub fn turns(&self) -> Vec<&Step> {
        if self.is_cut_short() {
            return Vec::new();
        }
        let stage = self.stage();
        let mut chain_is_free = true;
        let mut turns = Vec::new();
        for step in self.steps.iter().filter(|step| step.stage() <= stage) {
            if step.is_over() {
                continue;
            }
            if step.is_parallel() {
                turns.push(step);
            } else if chain_is_free {
                turns.push(step);
                chain_is_free = false;
            }
        }
        turns.retain(|step| !step.is_going_on());
        turns
    }

    /// The earliest stage whose foreground steps have not all ended; the last one when all have.
    fn stage(&self) -> Stage {
        let open = self.steps.iter().filter(|step| !step.is_background() && !step.is_over());
        open.map(Step::stage).min().unwrap_or(Stage::Post)
    }

    fn is_cut_short(&self) -> bool {
        self.stops_on_failure && self.failure().is_some()
    }
}

/// Why a firing failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiringFailure {
    /// Which step.
    pub step: StepId,
    /// What happened, in one clause.
    pub why: String,
    /// It was not a failure but an answer of "no".
    pub denied: bool,
}

/// An event that is no run's own, from its acceptance until its last hook ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Occurrence {
    /// Unique; the same event accepted twice has the same id.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// The automation that it is about, if one.
    pub subject: Option<Name>,
    /// The run that it is about, if one.
    pub run: Option<crate::RunId>,
    /// Its data.
    pub data: JsonMap,
    /// When it was accepted.
    pub at: Timestamp,
    /// What its hooks have set.
    pub locals: JsonMap,
    /// Its hooks; absent until its turn (E4).
    pub firing: Option<Firing>,
    /// Set once its foreground hooks ended: why it failed, or nothing.
    #[serde(with = "handled")]
    pub handled: Option<Option<String>>,
}

impl Occurrence {
    /// Events of one lane are handled one after the other; those of different automations do not wait for each other,
    /// and nothing waits for the server's own (E4). Calls of skills wait for nothing: one may call another.
    pub fn lane(&self) -> &str {
        if self.name.starts_with(SKILL) {
            return self.id.as_str();
        }
        let families = ["server.", "plugin."];
        let own = families.into_iter().find(|family| self.name.starts_with(family)).unwrap_or("");
        self.subject.as_ref().map_or(own, Name::as_str)
    }

    /// The application that it is about, as its data says.
    pub fn application(&self) -> Option<&str> {
        self.data.get("application")?.as_str()
    }

    /// The step with `id`.
    pub fn step_mut(&mut self, id: &StepId) -> Option<&mut Step> {
        self.firing.as_mut()?.steps.iter_mut().find(|step| step.id == *id)
    }

    /// Whether nothing is left to do.
    pub fn is_closed(&self) -> bool {
        self.handled.is_some() && self.firing.as_ref().is_none_or(Firing::is_closed)
    }
}

/// The stored form of [`Occurrence::handled`]: absent is null, and set is an object, so that an event that was handled
/// well is not read back as one that was not.
mod handled {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Handled {
        failure: Option<String>,
    }

    pub fn serialize<S: Serializer>(handled: &Option<Option<String>>, to: S) -> Result<S::Ok, S::Error> {
        handled.clone().map(|failure| Handled { failure }).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
        Ok(Option::<Handled>::deserialize(from)?.map(|handled| handled.failure))
    }
}

/// One change of an event that is no run's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "camelCase")]
pub enum EventFact {
    /// Its turn has come; its hooks are those of the revision in force.
    Began,
    /// A step of it changed.
    Step {
        /// Which.
        id: StepId,
        /// How.
        fact: StepFact,
    },
    /// Its foreground hooks ended.
    Handled {
        /// Why it failed, if it did.
        failure: Option<String>,
    },
}
