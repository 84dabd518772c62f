//! How a step goes on: what was seen of its container, its timeout, and requests to end it.

use jiff::Timestamp;
use provost_model::{
    ContainerName, EventFact, Exit, Fact, Firing, Life, Occurrence, Owner, Phase, Reply, Run, RunFact, Step, StepFact,
    StepId, StepKind, StepOutput, StepPhase, StepRef, StopCause, Verdict,
};

use crate::request::missing_data;
use crate::world::later;
use crate::{Moves, World};

/// How often making a step's container is tried while waiting may help: a minute apart, an hour and a half. A step that
/// cannot begin does not hold up its automation for ever (D5).
pub const TRIES_MAX: u32 = 100;

/// What has steps: a run, or an event that is no run's own.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// A run.
    Run(&'a Run),
    /// An event.
    Event(&'a Occurrence),
}

impl<'a> Subject<'a> {
    /// Whose containers the steps have.
    pub fn owner(&self) -> Owner {
        match self {
            Self::Run(run) => Owner::Run(run.id.clone()),
            Self::Event(event) => Owner::Event(event.id.clone()),
        }
    }

    /// The owner's id as text.
    fn owner_id(&self) -> &'a str {
        match self {
            Self::Run(run) => run.id.as_str(),
            Self::Event(event) => event.id.as_str(),
        }
    }

    /// The step's place in the world.
    pub fn step_ref(&self, step: &Step) -> StepRef {
        StepRef { owner: self.owner(), step: step.id.clone() }
    }

    /// The name of the step's container (R3).
    pub fn container(&self, world: &World<'_>, step: &Step) -> ContainerName {
        ContainerName::of(&world.identity.instance, self.owner_id(), step.id.as_str())
    }

    /// Its steps, with the firing that each belongs to; main containers have none.
    pub fn steps(&self) -> impl Iterator<Item = (&'a Step, Option<&'a Firing>)> {
        let (attempts, firings): (&[Step], &[Firing]) = match self {
            Self::Run(run) => (&run.attempts, &run.firings),
            Self::Event(event) => (&[], event.firing.as_slice()),
        };
        let hooks = firings.iter().flat_map(|firing| firing.steps.iter().map(move |step| (step, Some(firing))));
        attempts.iter().map(|step| (step, None)).chain(hooks)
    }

    /// The steps whose turn it is to begin.
    pub fn turns(&self) -> Vec<&'a Step> {
        let waiting = |step: &&Step| matches!(step.phase, StepPhase::Waiting { .. });
        match self {
            Self::Run(run) => {
                let stops = run.cancel.is_some();
                let main = run.attempts.last().filter(|_| matches!(run.phase, Phase::Main { .. }) && !stops);
                let hooks = run.firings.iter().filter(|firing| !(stops && is_before_the_end(firing)));
                main.into_iter().filter(waiting).chain(hooks.flat_map(Firing::turns)).collect()
            }
            Self::Event(event) => event.firing.iter().flat_map(Firing::turns).collect(),
        }
    }

    fn fact(&self, step: &StepId, fact: StepFact) -> Fact {
        let id = step.clone();
        match self {
            Self::Run(run) => Fact::Run { run: run.id.clone(), change: RunFact::Step { id, fact } },
            Self::Event(event) => Fact::Event { id: event.id.clone(), change: EventFact::Step { id, fact } },
        }
    }

    /// Why `step` has to end before its time, if it has to: its run was asked to end. After-hooks run all the same (R4),
    /// and what goes on in the background goes on.
    fn stop_cause(&self, step: &Step, firing: Option<&Firing>) -> Option<&'a StopCause> {
        let goes_on = step.is_background() && step.is_going_on();
        match self {
            Self::Run(run) if firing.is_none_or(is_before_the_end) && !goes_on => run.cancel.as_ref(),
            _ => None,
        }
    }

    /// Whether its next steps open something new: before-hooks and main containers do, the hooks after them do not.
    fn is_opening(&self, step: &Step) -> bool {
        matches!(step.what, StepKind::Main { .. }) || matches!(self, Self::Run(run) if run.phase == Phase::Before)
    }
}

fn is_before_the_end(firing: &Firing) -> bool {
    !provost_model::is_after_event(&firing.event)
}

/// Records what follows for the steps of `subject` from what is seen, asked and late.
pub fn settle_steps(world: &World<'_>, subject: &Subject<'_>, moves: &mut Moves) {
    for step in subject.turns() {
        if let Some(fact) = begin(world, subject, step) {
            moves.push(subject.fact(&step.id, fact));
        }
    }
    for (step, firing) in subject.steps().filter(|(step, _)| !step.is_over()) {
        let fact = go_on(world, subject, step, firing, moves);
        if let Some(fact) = fact {
            moves.push(subject.fact(&step.id, fact));
        }
    }
}

/// A step whose turn it is begins once its container is there; a question, at once.
fn begin(world: &World<'_>, subject: &Subject<'_>, step: &Step) -> Option<StepFact> {
    if subject.is_opening(step) && !world.may_begin() {
        return None;
    }
    if let StepKind::Hook { hook } = &step.what
        && let Some(why) = missing_data(world, subject, hook)
    {
        return Some(ended(world.now, Exit::NotStarted { why }));
    }
    let is_ready = match &step.what {
        StepKind::Ask { .. } => true,
        StepKind::Main { .. } | StepKind::Hook { .. } => {
            world.seen.is_complete && crate::act::is_made_for(world, subject, step)
        }
    };
    is_ready.then_some(StepFact::Starting)
}

/// What happens to a step that is going on, or that waits and has no turn any more.
fn go_on(
    world: &World<'_>,
    subject: &Subject<'_>,
    step: &Step,
    firing: Option<&Firing>,
    moves: &mut Moves,
) -> Option<StepFact> {
    let cause = subject.stop_cause(step, firing);
    match &step.phase {
        StepPhase::Ended { .. } => None,
        // A step that was never begun when its run was asked to end does not begin any more.
        StepPhase::Waiting { until } => {
            if let Some(until) = until.filter(|until| *until > world.now) {
                moves.wake(until);
            } else if step.tries >= TRIES_MAX {
                let why = format!("its container could not be made in {TRIES_MAX} tries");
                return Some(ended(world.now, Exit::NotStarted { why }));
            }
            cause.map(|cause| ended(world.now, Exit::NotStarted { why: crate::run::cancel_detail(cause) }))
        }
        StepPhase::Starting { .. } if matches!(step.what, StepKind::Ask { .. }) => unasked(world, step, cause),
        StepPhase::Starting { at } | StepPhase::Running { at } => {
            // One that has ended by itself is collected: asking it to end would only hide how it went (R9).
            let name = subject.container(world, step);
            let has_ended = world.seen.life(&name).is_some_and(Life::is_over);
            if let Some(cause) = cause.filter(|_| !has_ended) {
                return Some(StepFact::Stopping { why: cause.clone() });
            }
            let change = seen_change(world, subject, step, &name, moves);
            change.or_else(|| if has_ended { None } else { timed_out(world, subject, step, *at, moves) })
        }
        StepPhase::Stopping { .. } => seen_change(world, subject, step, &subject.container(world, step), moves),
    }
}

/// A question is over without an answer as soon as nobody waits for one, or nobody is there to be asked.
fn unasked(world: &World<'_>, step: &Step, cause: Option<&StopCause>) -> Option<StepFact> {
    let StepKind::Ask { channel, default, .. } = &step.what else {
        return None;
    };
    if let Some(cause) = cause {
        return Some(ended(world.now, Exit::NotStarted { why: crate::run::cancel_detail(cause) }));
    }
    if world.state.desired.channels.contains_key(channel) {
        return None;
    }
    let reason = format!("channel {channel} is gone; its default is {default:?}");
    let reply = Some(Reply { allow: *default == Verdict::Allow, reason });
    let output = Box::new(StepOutput { reply, ..StepOutput::default() });
    Some(StepFact::Ended { result: Exit::Code { code: 0 }, started_at: None, finished_at: world.now, output })
}

/// What the container's being there, running, or gone says about a step that is going on.
fn seen_change(
    world: &World<'_>,
    subject: &Subject<'_>,
    step: &Step,
    name: &ContainerName,
    moves: &mut Moves,
) -> Option<StepFact> {
    if !world.seen.is_complete {
        return None;
    }
    let is_starting = matches!(step.phase, StepPhase::Starting { .. });
    match world.seen.life(name) {
        Some(Life::Running { started_at }) if is_starting => {
            let image = world.seen.images.get(name).cloned();
            Some(StepFact::Started { started_at: started_at.unwrap_or(world.now), image })
        }
        // It ended before anybody saw it run. That it started is recorded first.
        Some(Life::Exited { started_at: Some(started_at), .. }) if is_starting => {
            let image = world.seen.images.get(name).cloned();
            Some(StepFact::Started { started_at: *started_at, image })
        }
        // Ended: its output is collected first, then the end is recorded (`act`).
        Some(_) => None,
        // It was removed as it was, since it was not to run any more (`act`); whether it had begun, nobody has seen.
        None if matches!(step.phase, StepPhase::Stopping { started_at: None, .. }) => {
            Some(ended(world.now, Exit::Lost { why: "it was asked to end before it was seen to run".to_owned() }))
        }
        // It was asked to end, and somebody else was faster: of a service, nothing more was to be known.
        None if matches!(&step.phase, StepPhase::Stopping { .. }) && is_of_service(subject, step) => {
            Some(ended(world.now, Exit::Lost { why: "its container was removed while it was ending".to_owned() }))
        }
        None => {
            let what = "it was removed by somebody else before its end was known".to_owned();
            moves.push(Fact::DriftFound { container: name.to_string(), what });
            let lost = Exit::Lost { why: "its container was removed by somebody else".to_owned() };
            Some(ended(world.now, lost))
        }
    }
}

fn is_of_service(subject: &Subject<'_>, step: &Step) -> bool {
    matches!(step.what, StepKind::Main { .. }) && matches!(subject, Subject::Run(run) if run.spec.service.is_some())
}

fn timed_out(
    world: &World<'_>,
    subject: &Subject<'_>,
    step: &Step,
    since: Timestamp,
    moves: &mut Moves,
) -> Option<StepFact> {
    let StepPhase::Running { .. } = step.phase else {
        return None;
    };
    let timeout_s = timeout_s(subject, step);
    if timeout_s == u64::MAX {
        return None; // A service is meant not to end.
    }
    let deadline = later(since, timeout_s);
    if world.now < deadline {
        moves.wake(deadline);
        return None;
    }
    // While the engine is away, nobody knows whether it has ended in time.
    world.seen.is_complete.then_some(StepFact::Stopping { why: StopCause::Timeout })
}

/// The longest that `step` may take, in seconds.
pub fn timeout_s(subject: &Subject<'_>, step: &Step) -> u64 {
    match (&step.what, subject) {
        (StepKind::Main { .. }, Subject::Run(run)) => run.spec.timeout_s,
        (StepKind::Hook { hook }, _) => hook.timeout_s,
        (StepKind::Ask { timeout_s, .. }, _) => *timeout_s,
        (StepKind::Main { .. }, Subject::Event(_)) => u64::MAX,
    }
}

/// From SIGTERM to SIGKILL, in seconds.
pub fn grace_s(subject: &Subject<'_>, step: &Step) -> u64 {
    match (&step.what, subject) {
        (StepKind::Hook { hook }, _) => hook.grace_s,
        (_, Subject::Run(run)) => run.spec.grace_s,
        (_, Subject::Event(_)) => 10,
    }
}

/// The end of a step that left nothing behind.
pub(crate) fn ended(at: Timestamp, result: Exit) -> StepFact {
    StepFact::Ended { result, started_at: None, finished_at: at, output: Box::new(StepOutput::default()) }
}
