//! The health of services: when it is asked for, and what its answers come to.

use jiff::Timestamp;
use provost_model::{Fact, HealthCheck, Life, Run, RunFact, Step, StepFact, StepPhase, StopCause};

use crate::step::Subject;
use crate::world::later;
use crate::{Action, Moves, World};

/// From one question to the next while a service starts, in seconds, at most.
const STARTING_S: u64 = 1;

/// What was answered since a container runs: sight, and lost without harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// When the last answer came.
    pub at: Timestamp,
    /// The last answer; why it was bad, if it was.
    pub last: Result<(), String>,
    /// How many bad ones came in a row.
    pub failures: u32,
}

impl Answers {
    /// With one more answer.
    #[must_use]
    pub fn and(before: Option<&Self>, at: Timestamp, last: Result<(), String>) -> Self {
        let failures = if last.is_ok() { 0 } else { before.map_or(0, |before| before.failures).saturating_add(1) };
        Self { at, last, failures }
    }
}

/// A container whose health is asked for.
struct Patient<'a> {
    run: &'a Run,
    step: &'a Step,
    check: &'a HealthCheck,
    /// Since when it runs.
    since: Timestamp,
}

impl<'a> Patient<'a> {
    /// The container of `run` that does the work, if it has a health check.
    fn of(run: &'a Run) -> Option<Self> {
        let check = run.spec.service.as_ref()?.health_check.as_ref()?;
        let step = run.attempts.last()?;
        match step.phase {
            StepPhase::Running { at } => Some(Self { run, step, check, since: at }),
            _ => None,
        }
    }

    fn pause_s(&self) -> u64 {
        let is_starting = self.run.health.is_none();
        if is_starting { self.check.interval_s.min(STARTING_S) } else { self.check.interval_s }
    }
}

/// Whether the container of a service that is unhealthy is ended: it is restarted, or never was healthy. Else it is left as
/// it is, since nothing would take its place.
pub(crate) fn is_mended(run: &Run) -> bool {
    run.has_retries_left() || run.health.as_ref().is_some_and(|health| !health.was_healthy)
}

/// The questions that are due now.
pub(crate) fn probes(world: &World<'_>, moves: &mut Moves) -> Vec<Action> {
    let mut actions = Vec::new();
    for patient in world.state.runs.values().filter_map(Patient::of) {
        let subject = Subject::Run(patient.run);
        let name = subject.container(world, patient.step);
        if !world.seen.is_complete || !matches!(world.seen.life(&name), Some(Life::Running { .. })) {
            continue;
        }
        let next = world.seen.answers.get(&name).map_or(world.now, |answers| later(answers.at, patient.pause_s()));
        if next > world.now {
            moves.wake(next);
        } else {
            let (step, check) = (subject.step_ref(patient.step), Box::new(patient.check.clone()));
            actions.push(Action::Probe { name, step, check });
        }
    }
    actions
}

/// What the answers so far come to: a change of health, or the end of a container that does not do its work.
pub(crate) fn judge(world: &World<'_>, run: &Run, moves: &mut Moves) -> Option<Fact> {
    let patient = Patient::of(run)?;
    let answers = world.seen.answers.get(&Subject::Run(run).container(world, patient.step));
    let fact = |change| Some(Fact::Run { run: run.id.clone(), change });
    let health = |is_healthy, why: String| fact(RunFact::Health { is_healthy, why });
    let is_good = answers.is_some_and(|answers| answers.last.is_ok());
    let last = || answers.and_then(|answers| answers.last.clone().err()).unwrap_or_default();
    match &run.health {
        Some(now) if now.is_healthy => {
            let is_bad = answers.is_some_and(|answers| answers.failures >= patient.check.failures);
            if is_bad { health(false, last()) } else { None }
        }
        _ if is_good => health(true, String::new()),
        Some(now) if run.cancel.is_none() && is_mended(run) => {
            let why = StopCause::Unhealthy { why: now.why.clone() };
            fact(RunFact::Step { id: patient.step.id.clone(), fact: StepFact::Stopping { why } })
        }
        Some(_) => None,
        None => {
            let limit = later(patient.since, patient.check.start_timeout_s);
            // Whoever has not asked yet does not know: after a restart of the reconciler, say.
            let is_known = world.seen.is_complete && answers.is_some();
            match world.now < limit {
                true => {
                    moves.wake(limit);
                    None
                }
                false if is_known => {
                    let time = provost_model::duration_text(patient.check.start_timeout_s);
                    health(false, format!("not healthy within {time} of its start: {}", last()))
                }
                false => None,
            }
        }
    }
}
