//! What is to be done so that the world becomes what the state says: engine calls, deliveries, clean-up.
//!
//! It is level-triggered: the same state and sight ask for the same actions, again and again, until they are seen to be
//! done. The controller leaves out those that are under way.

use std::cell::LazyCell;

use jiff::Timestamp;
use provost_model::{
    Channel, ContainerName, ContainerRequest, EventId, HealthCheck, Life, Notice, Owner, Run, SecretUse, Step,
    StepKind, StepPhase, StepRef, Workload,
};
use serde_json::{Value, json};

use crate::due::start_of;
use crate::health::probes;
use crate::request::{event_json, masked_values, request_for};
use crate::step::{Subject, grace_s};
use crate::world::later;
use crate::{Moves, World};

/// Containers of runs that are due within this time, in seconds, are made ahead.
pub const AHEAD_S: u64 = 20;

/// How many containers are made ahead at most.
pub const AHEAD_MAX: usize = 100;

/// Something to do in the world. Nothing in it is left to decide.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Make sure of the image and make the container.
    Create {
        /// All that the engine has to know.
        request: Box<ContainerRequest>,
    },
    /// Start a container that was made.
    Start {
        /// Which.
        name: ContainerName,
        /// For which step.
        step: StepRef,
        /// What it gets, should it be gone from memory since the container was made.
        secrets: Vec<SecretUse>,
    },
    /// Keep the output of a container that runs.
    Follow {
        /// Which container.
        name: ContainerName,
        /// Whose output it is.
        output: OutputOf,
    },
    /// Ask a container to end, and kill it after the grace time.
    Stop {
        /// Which.
        name: ContainerName,
        /// The grace time, in seconds.
        grace_s: u64,
    },
    /// Collect how a container ended and what it left behind.
    Collect {
        /// Which container.
        name: ContainerName,
        /// Whose output it is.
        output: OutputOf,
    },
    /// Ask whether a service does its work.
    Probe {
        /// Its container.
        name: ContainerName,
        /// Its step.
        step: StepRef,
        /// How it is asked.
        check: Box<HealthCheck>,
    },
    /// Remove a container that is not needed any more.
    Remove {
        /// Which.
        name: ContainerName,
    },
    /// Ask a receiver whether a run may start.
    Ask {
        /// The step that the answer ends.
        step: StepRef,
        /// The question's own id.
        id: EventId,
        /// Whom.
        channel: Box<Channel>,
        /// What the receiver gets.
        body: Value,
    },
    /// Deliver a notification.
    Deliver {
        /// Which.
        notice: Box<Notice>,
        /// What the receiver gets.
        body: Value,
    },
}

/// Whose output a container writes, and how it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputOf {
    /// Whose.
    pub step: StepRef,
    /// The most that is kept, in bytes.
    pub limit_bytes: u64,
    /// Texts that are replaced by `***`.
    pub masked: Vec<String>,
    /// Secrets that its container got: they are masked too.
    pub secrets: Vec<SecretUse>,
}

/// Everything that is to be done in this world, in no particular order.
pub fn actions(world: &World<'_>, moves: &mut Moves) -> Vec<Action> {
    let mut actions = Vec::new();
    for notice in world.state.outbox.values() {
        match notice.until {
            Some(until) if until > world.now => moves.wake(until),
            _ => actions.push(Action::Deliver { notice: Box::new(notice.clone()), body: notice_body(world, notice) }),
        }
    }
    for run in world.state.runs.values() {
        for_steps(world, &Subject::Run(run), &mut actions);
    }
    for event in world.state.events.values() {
        for_steps(world, &Subject::Event(event), &mut actions);
    }
    actions.extend(probes(world, moves));
    if world.seen.is_complete && !world.state.server.stopping {
        actions.extend(made_ahead(world, moves).into_iter().filter_map(|request| prepare(world, request)));
    }
    actions
}

fn for_steps(world: &World<'_>, subject: &Subject<'_>, actions: &mut Vec<Action>) {
    let turns = subject.turns();
    let is_turn = |step: &Step| turns.iter().any(|turn| turn.id == step.id);
    for (step, _) in subject.steps() {
        let action = match &step.what {
            StepKind::Ask { channel, .. } => ask(world, subject, step, channel),
            _ if !world.seen.is_complete => None,
            _ => for_container(world, subject, step, is_turn(step)),
        };
        actions.extend(action);
    }
}

fn ask(world: &World<'_>, subject: &Subject<'_>, step: &Step, channel: &provost_model::Name) -> Option<Action> {
    if !matches!(step.phase, StepPhase::Starting { .. }) {
        return None;
    }
    let channel = world.state.desired.channels.get(channel)?;
    let Subject::Run(run) = subject else {
        return None;
    };
    let body = event_json(world, subject, step, None);
    let id = notice_of_question(run, step);
    Some(Action::Ask { step: subject.step_ref(step), id, channel: Box::new((**channel).clone()), body })
}

fn for_container(world: &World<'_>, subject: &Subject<'_>, step: &Step, is_turn: bool) -> Option<Action> {
    let name = subject.container(world, step);
    let life = world.seen.life(&name);
    match (&step.phase, life) {
        (StepPhase::Waiting { until }, life) => {
            let may_try = is_turn && until.is_none_or(|until| until <= world.now);
            match life {
                _ if !may_try || world.seen.making.contains(&name) => None,
                None => request_for(world, subject, step).map(|request| Action::Create { request: Box::new(request) }),
                // Made ahead for what has changed since: made anew.
                Some(_) => (!is_made_for(world, subject, step)).then_some(Action::Remove { name }),
            }
        }
        (StepPhase::Starting { .. }, Some(Life::Created)) => Some(start(subject, step, name)),
        (StepPhase::Running { .. }, Some(Life::Running { .. })) => {
            Some(Action::Follow { name, output: output_of(subject, step) })
        }
        (StepPhase::Stopping { .. }, Some(Life::Running { .. })) => {
            Some(Action::Stop { name, grace_s: grace_s(subject, step) })
        }
        // Asked to end before it started: it never will.
        (StepPhase::Stopping { .. }, Some(Life::Created)) => Some(Action::Remove { name }),
        (StepPhase::Ended { .. }, Some(_)) => Some(Action::Remove { name }),
        (_, Some(Life::Exited { .. })) => Some(Action::Collect { name, output: output_of(subject, step) }),
        _ => None,
    }
}

fn start(subject: &Subject<'_>, step: &Step, name: ContainerName) -> Action {
    let secrets = workload_of(subject, step).map(|workload| workload.secrets.clone()).unwrap_or_default();
    Action::Start { name, step: subject.step_ref(step), secrets }
}

/// What the container of `step` is made of; questions have none.
fn workload_of<'a>(subject: &Subject<'a>, step: &'a Step) -> Option<&'a Workload> {
    match (&step.what, subject) {
        (StepKind::Hook { hook }, _) => Some(&hook.workload),
        (StepKind::Main { .. }, Subject::Run(run)) => Some(&run.spec.workload),
        _ => None,
    }
}

/// Whose output the container of `step` writes, and how it is kept.
pub fn output_of(subject: &Subject<'_>, step: &Step) -> OutputOf {
    let (limit_bytes, automation) = match subject {
        Subject::Run(run) => (run.spec.history.log_bytes, Some(run.spec.as_ref())),
        Subject::Event(_) => (10 << 20, None),
    };
    let workload = workload_of(subject, step);
    OutputOf {
        step: subject.step_ref(step),
        limit_bytes,
        masked: workload.map(|workload| masked_values(automation, workload)).unwrap_or_default(),
        secrets: workload.map(|workload| workload.secrets.clone()).unwrap_or_default(),
    }
}

/// Whether the container of `step` is there and was made for exactly this.
pub(crate) fn is_made_for(world: &World<'_>, subject: &Subject<'_>, step: &Step) -> bool {
    let name = subject.container(world, step);
    let Some(container) = world.seen.containers.get(&name).filter(|_| !world.seen.removing.contains(&name)) else {
        return false;
    };
    if container.life != Life::Created {
        return true; // It has run: whatever it was made for, it is the one.
    }
    // While one is being made, what is seen may be an earlier process's, which is taken away for it.
    let is_made = !world.seen.making.contains(&name);
    if is_made && world.seen.asked_for.get(&subject.owner()).is_some_and(|asked| asked.contains(&name)) {
        return true; // Making the request anew, only to compare it, can be spared.
    }
    let wanted = request_for(world, subject, step).map(|request| request.digest());
    wanted.is_some_and(|wanted| container.request.as_deref() == Some(wanted.as_str()))
}

fn prepare(world: &World<'_>, request: ContainerRequest) -> Option<Action> {
    match world.seen.containers.get(&request.name) {
        _ if world.seen.making.contains(&request.name) => None,
        None => Some(Action::Create { request: Box::new(request) }),
        Some(found) if found.life == Life::Created && found.request.as_deref() != Some(request.digest().as_str()) => {
            Some(Action::Remove { name: request.name })
        }
        Some(_) => None,
    }
}

/// The first containers of runs that are due soon, where nothing can come between that changes them.
pub fn made_ahead(world: &World<'_>, moves: &mut Moves) -> Vec<ContainerRequest> {
    let request = |run: &Run| {
        let subject = Subject::Run(run);
        let first = subject.turns().into_iter().next()?;
        request_for(world, &subject, first)
    };
    runs_ahead(world, moves).iter().filter_map(request).collect()
}

/// The runs that are due soon, with their first steps waiting.
fn runs_ahead(world: &World<'_>, moves: &mut Moves) -> Vec<Run> {
    let horizon = later(world.now, AHEAD_S);
    let mut runs = Vec::new();
    for (due, name) in world.agenda.upcoming() {
        if due > horizon || runs.len() >= AHEAD_MAX {
            let opens = Timestamp::from_second(due.as_second().saturating_sub_unsigned(AHEAD_S)).unwrap_or(due);
            if opens > world.now {
                moves.wake(opens);
            }
            break;
        }
        runs.extend(run_ahead(world, name, due));
    }
    runs
}

/// The run that `due` will bring, as far as its first steps, if it is safe to say so now.
fn run_ahead(world: &World<'_>, name: &provost_model::Name, due: Timestamp) -> Option<Run> {
    let automation = world.state.desired.automations.get(name)?;
    let may_come = due > world.now
        && world.state.runs_of(name).next().is_none()
        && matches!(crate::admit::admit(world, automation, due), crate::admit::Admission::Accept { .. });
    may_come.then(|| crate::forecast::first_steps_of(automation, due, start_of(automation, due), world))
}

/// Containers of ours that belong to nothing that is known: left over from a crash, or made by somebody else (C4).
pub fn strays<'a>(world: &World<'a>) -> Vec<&'a ContainerName> {
    if !world.seen.is_complete {
        return Vec::new();
    }
    let ahead = LazyCell::new(|| runs_ahead(world, &mut Moves::default()));
    let is_ahead = |step: &StepRef| {
        let is_first = |run: &Run| Subject::Run(run).turns().first().is_some_and(|first| first.id == step.step);
        ahead.iter().any(|run| step.owner == Owner::Run(run.id.clone()) && is_first(run))
    };
    let is_known = |step: &StepRef| match &step.owner {
        // What was made ahead for a run is for that run until its first attempt begins, whatever it waits for.
        Owner::Run(id) => {
            let may_come = |run: &Run| run.attempts.is_empty() && run.outcome().is_none();
            let is_its = |run: &Run| may_come(run) || run.steps().any(|it| it.id == step.step);
            world.state.runs.get(id).is_some_and(is_its)
        }
        Owner::Event(id) => world.state.events.values().any(|event| event.id == *id),
        Owner::Notice(id) => {
            let is_asked = |run: &Run| Subject::Run(run).steps().any(|(it, _)| notice_of_question(run, it) == *id);
            world.state.outbox.contains_key(id) || world.state.runs.values().any(is_asked)
        }
    };
    let containers = world.seen.containers.values();
    let strays = containers.filter(|it| !it.step.as_ref().is_some_and(|step| is_known(step) || is_ahead(step)));
    strays.map(|container| &container.name).collect()
}

/// The id under which the question `step` of `run` is delivered.
pub fn notice_of_question(run: &Run, step: &Step) -> EventId {
    EventId::derived(&["ask", run.id.as_str(), step.id.as_str()])
}

/// What the receiver of a notification gets.
fn notice_body(world: &World<'_>, notice: &Notice) -> Value {
    json!({
        "event": "notification",
        "id": notice.id,
        "moment": notice.moment,
        "time": notice.at,
        "subject": notice.automation,
        "run": notice.run,
        "channel": notice.channel.name,
        "insteadOf": notice.instead_of,
        "message": notice.data.get("message"),
        "data": notice.data,
        "standard": {
            "host": world.identity.host,
            "user": world.identity.user,
            "pid": world.identity.pid,
            "process": "provost",
            "version": world.identity.version,
            "kind": kind_of(notice.moment),
            "testing": false,
            "task": notice.run,
            "message": notice.data.get("message"),
            "traceback": notice.data.get("logTail").unwrap_or(&Value::from("")),
        },
    })
}

fn kind_of(moment: provost_model::Moment) -> &'static str {
    use provost_model::Moment as M;
    match moment {
        M::Starting | M::Started => "start",
        M::Success => "success",
        M::Failure | M::StepFailure => "failure",
        M::Finished => "end",
        M::Recovery => "information",
        M::Retrying | M::Cancelled | M::Skipped | M::Missed | M::Late | M::NoSuccess => "warning",
    }
}
