//! Actions, carried out: each takes its time, may meet a fault, and comes back as an input.

use std::sync::Arc;

use provost_controller::{DeliveryError, EngineError, EngineErrorKind, Input};
use provost_model::{ContainerName, Reply};
use provost_planner::Action;

use super::{Happening, World};
use crate::engine::{refused, unavailable};
use crate::scenario::{Fault, MINUTE, SECOND};
use crate::{EndedBy, Tag, Time};

/// An action on its way.
pub(super) struct Job {
    /// Who asked.
    pub boot: u32,
    pub action: Action,
    pub fault: Option<Fault>,
    /// The request has left the reconciler: it reaches the engine even if the reconciler is killed, and means the
    /// container that had the name when it was asked for.
    pub sent: Option<Option<u64>>,
    /// Nobody waits for an answer: it is the second time.
    pub is_echo: bool,
}

/// A call that is not answered fails after this long.
const TIMEOUT: Time = 2 * MINUTE;

impl World {
    pub(super) fn begin_work(&mut self, boot: u32, action: Action) {
        self.say(|| format!("do {}", brief(&action)));
        if let Action::Follow { name, .. } = action {
            return self.follow(boot, name);
        }
        let fault = self.draw_fault(&action);
        let mut delay = self.latency();
        if fault == Some(Fault::Late) {
            delay += self.dice.between(30 * SECOND, 5 * MINUTE);
        }
        let name = name_of(&action);
        let sent = self.dice.one_in(2).then(|| name.and_then(|name| self.engine.id_of(name)));
        self.after(delay, Happening::Effect(Box::new(Job { boot, action, fault, sent, is_echo: false })));
    }

    /// A request that was sent before it was recorded why.
    pub(super) fn act_first(&mut self, action: Action) {
        let sent = Some(name_of(&action).and_then(|name| self.engine.id_of(name)));
        let job = Job { boot: self.boots, action, fault: None, sent, is_echo: true };
        self.after(1, Happening::Effect(Box::new(job)));
    }

    fn draw_fault(&mut self, action: &Action) -> Option<Fault> {
        let faults = self.scenario.faults.clone();
        if self.is_calm || faults.is_empty() || !self.dice.chance(self.scenario.faulty) {
            return None;
        }
        let fault = *self.dice.pick(&faults);
        let can = match action {
            // Nothing but making and starting is ever refused for good.
            Action::Create { .. } | Action::Start { .. } => true,
            _ => fault != Fault::Refused,
        };
        if can {
            self.fault(fault.word());
        }
        can.then_some(fault)
    }

    /// The action reaches the engine, or whomever it is for.
    pub(super) fn effect(&mut self, job: Job) {
        let is_waited_for = self.is_running(job.boot) && !job.is_echo;
        if !self.is_running(job.boot) && job.sent.is_none() {
            return;
        }
        match &job.action {
            Action::Ask { step, .. } => {
                let result = self.ask();
                self.reply(&job, Input::Asked { step: step.clone(), result });
            }
            Action::Deliver { notice, .. } => {
                let result = self.deliver(&notice.id, job.fault);
                self.reply(&job, Input::Delivered { id: notice.id.clone(), result });
            }
            _ => self.effect_on_engine(job, is_waited_for),
        }
    }

    fn effect_on_engine(&mut self, job: Job, is_waited_for: bool) {
        let hindrance = match job.fault {
            _ if !self.engine.is_here() => Some(unavailable("the engine does not answer")),
            Some(Fault::Refused) => {
                self.note_refusal(&job.action);
                Some(refused("no such image"))
            }
            Some(Fault::Unavailable) => Some(unavailable("try again later")),
            _ => None,
        };
        if let Some(error) = hindrance {
            if let Some(input) = failure(&job.action, error) {
                self.reply(&job, input);
            }
            return;
        }
        if job.fault == Some(Fault::Twice) {
            let id = name_of(&job.action).and_then(|name| self.engine.id_of(name));
            let echo = Job { boot: job.boot, action: job.action.clone(), fault: None, sent: Some(id), is_echo: true };
            let delay = self.dice.between(1, 2 * MINUTE);
            self.after(delay, Happening::Effect(Box::new(echo)));
        }
        let Some(input) = self.perform(&job) else {
            return;
        };
        if job.fault == Some(Fault::ReplyLost)
            && is_waited_for
            && let Some(input) = failure(&job.action, unavailable("no answer in time"))
        {
            let (delay, boot) = (self.dice.between(SECOND, TIMEOUT), job.boot);
            return self.after(delay, Happening::Arrive { boot, input: Box::new(input) });
        }
        self.reply(&job, input);
    }

    /// The engine does it. Returns its answer, if that is there already.
    fn perform(&mut self, job: &Job) -> Option<Input> {
        let at = self.wall();
        Some(match &job.action {
            Action::Create { request } => {
                let fate = self.fate(request);
                let made = self.engine.create(request, fate);
                if made.is_err() {
                    self.note_refusal(&job.action);
                }
                let result = made.map(|seen| (seen, "sha256:image".to_owned()));
                Input::Created { name: request.name.clone(), step: request.step.clone(), result }
            }
            Action::Start { name, step, .. } => {
                // A request that has reached the engine is about the container that had the name then.
                let is_another = job.sent.is_some_and(|id| id != self.engine.id_of(name));
                if job.is_echo && is_another {
                    return None;
                }
                let gone = || EngineError::new(EngineErrorKind::NotFound, "it is gone");
                let answers = self.engine.answers();
                let started = answers.and_then(|()| if is_another { Err(gone()) } else { self.engine.start(name, at) });
                if let (Ok(Some(runs_for)), Some(id)) = (&started, self.engine.id_of(name)) {
                    self.after(*runs_for, Happening::Ends { name: name.clone(), id });
                }
                let result = started.map(|_| self.engine.inspect(name));
                Input::Started { name: name.clone(), step: step.clone(), result }
            }
            Action::Stop { name, grace_s } => return self.stop(job, name, *grace_s),
            Action::Collect { name, output } => {
                let result = self.engine.collect(name).map(|(seen, output)| (seen, Box::new(output)));
                Input::Collected { name: name.clone(), step: output.step.clone(), result }
            }
            Action::Probe { name, .. } => {
                let result = self.engine.answers().map(|()| Ok(()));
                Input::Probed { name: name.clone(), result }
            }
            Action::Remove { name } => {
                // A request that has reached the engine is about the container that had the name then.
                let result = match job.sent {
                    Some(None) => Ok(()),
                    Some(id) => self.engine.remove(name, id, true, at),
                    None => self.engine.remove(name, None, true, at),
                };
                Input::Removed { name: name.clone(), result }
            }
            Action::Follow { .. } | Action::Ask { .. } | Action::Deliver { .. } => return None,
        })
    }

    fn stop(&mut self, job: &Job, name: &ContainerName, grace_s: u64) -> Option<Input> {
        if job.is_echo && job.sent.flatten() != self.engine.id_of(name) {
            return None;
        }
        let grace = Time::try_from(grace_s).unwrap_or(Time::MAX / 1000).saturating_mul(SECOND);
        match self.engine.ask(name) {
            Ok(Some((id, obeys_after))) => {
                let obeys = obeys_after.filter(|after| *after <= grace);
                let code = if obeys.is_some() { 143 } else { 137 };
                let delay = obeys.unwrap_or(grace);
                self.after(delay, Happening::Obeys { name: name.clone(), id, code });
                if !job.is_echo {
                    let latency = self.latency();
                    self.after(delay + latency, Happening::Stopped { boot: job.boot, name: name.clone() });
                }
                None
            }
            Ok(None) => Some(Input::Stopped { name: name.clone(), result: Ok(self.engine.inspect(name)) }),
            Err(error) => Some(Input::Stopped { name: name.clone(), result: Err(error) }),
        }
    }

    pub(super) fn has_stopped(&mut self, boot: u32, name: &ContainerName) {
        let result = self.engine.answers().map(|()| self.engine.inspect(name));
        let input = Box::new(Input::Stopped { name: name.clone(), result });
        self.after(0, Happening::Arrive { boot, input });
    }

    pub(super) fn ends(&mut self, name: &ContainerName, id: u64) {
        let Some(code) = self.engine.get(name, id).map(|container| container.fate.code) else {
            return;
        };
        let at = self.wall();
        self.engine.end(name, id, code, EndedBy::Itself, at);
        self.end_following(name, id);
    }

    /// SIGTERM or SIGKILL takes effect; only an engine that is there can kill.
    pub(super) fn obeys(&mut self, name: &ContainerName, id: u64, code: i64) {
        if code == 137 && !self.engine.is_here() {
            return;
        }
        let at = self.wall();
        self.engine.end(name, id, code, EndedBy::Asked, at);
        self.end_following(name, id);
    }

    fn follow(&mut self, boot: u32, name: ContainerName) {
        let running = self.engine.inspect(&name).filter(|seen| !seen.life.is_over());
        let id = self.engine.id_of(&name).filter(|_| running.is_some() && self.engine.is_here());
        // Now and then the output breaks off.
        let breaks_off = !self.is_calm && self.dice.one_in(20);
        match id {
            Some(id) if !breaks_off => {
                if let Some(process) = self.process_of(boot) {
                    process.follows.insert(name, id);
                }
            }
            _ => {
                let delay = self.latency();
                self.after(delay, Happening::Arrive { boot, input: Box::new(Input::Followed { name }) });
            }
        }
    }

    /// The output of a container has come to its end.
    pub(super) fn end_following(&mut self, name: &ContainerName, id: u64) {
        let delay = self.latency();
        let Some(process) = &mut self.process else {
            return;
        };
        if process.follows.get(name) == Some(&id) {
            process.follows.remove(name);
            let boot = process.boot;
            self.after(delay, Happening::Arrive { boot, input: Box::new(Input::Followed { name: name.clone() }) });
        }
    }

    fn ask(&mut self) -> Result<Option<Reply>, DeliveryError> {
        match if self.is_calm { 9 } else { self.dice.between(0, 9) } {
            0 => Err(DeliveryError("connection refused".to_owned())),
            1 => Ok(None),
            2 => Ok(Some(Reply { allow: false, reason: "not now".to_owned() })),
            _ => Ok(Some(Reply { allow: true, reason: String::new() })),
        }
    }

    fn deliver(&mut self, id: &provost_model::EventId, fault: Option<Fault>) -> Result<(), DeliveryError> {
        let fails = || Err(DeliveryError("502 from the receiver".to_owned()));
        if fault == Some(Fault::Unavailable) {
            return fails();
        }
        *self.record.delivered.entry(id.clone()).or_default() += 1;
        if fault == Some(Fault::ReplyLost) { fails() } else { Ok(()) }
    }

    fn reply(&mut self, job: &Job, input: Input) {
        if !job.is_echo {
            let (delay, boot) = (self.latency(), job.boot);
            self.after(delay, Happening::Arrive { boot, input: Box::new(input) });
        }
    }

    fn note_refusal(&mut self, action: &Action) {
        match action {
            Action::Create { request } => {
                let tag = Arc::new(Tag {
                    owner: request.step.owner.clone(),
                    step: request.step.step.clone(),
                    run: None,
                    attempt: None,
                    due: None,
                    event: String::new(),
                    automation: None,
                    image: request.workload.image.clone(),
                });
                self.engine.refuse(&request.name, Some(tag));
            }
            Action::Start { name, .. } => self.engine.refuse(name, None),
            _ => {}
        }
    }
}

/// The container that an action is about, if it is there already.
fn name_of(action: &Action) -> Option<&ContainerName> {
    match action {
        Action::Start { name, .. } | Action::Stop { name, .. } | Action::Remove { name } => Some(name),
        _ => None,
    }
}

/// What comes back when the engine answers with an error.
fn failure(action: &Action, error: EngineError) -> Option<Input> {
    Some(match action {
        Action::Create { request } => {
            Input::Created { name: request.name.clone(), step: request.step.clone(), result: Err(error) }
        }
        Action::Start { name, step, .. } => {
            Input::Started { name: name.clone(), step: step.clone(), result: Err(error) }
        }
        Action::Stop { name, .. } => Input::Stopped { name: name.clone(), result: Err(error) },
        Action::Collect { name, output } => {
            Input::Collected { name: name.clone(), step: output.step.clone(), result: Err(error) }
        }
        Action::Probe { name, .. } => Input::Probed { name: name.clone(), result: Err(error) },
        Action::Remove { name } => Input::Removed { name: name.clone(), result: Err(error) },
        Action::Follow { .. } | Action::Ask { .. } | Action::Deliver { .. } => return None,
    })
}

/// An action on one line.
fn brief(action: &Action) -> String {
    match action {
        Action::Create { request } => format!("Create {} of {}", request.name, request.workload.image),
        Action::Ask { step, .. } => format!("Ask {step:?}"),
        Action::Deliver { notice, .. } => format!("Deliver {} {:?}", notice.id, notice.moment),
        Action::Start { name, .. } => format!("Start {name}"),
        Action::Follow { name, .. } => format!("Follow {name}"),
        Action::Stop { name, grace_s } => format!("Stop {name} within {grace_s} s"),
        Action::Collect { name, .. } => format!("Collect {name}"),
        Action::Probe { name, .. } => format!("Probe {name}"),
        Action::Remove { name } => format!("Remove {name}"),
    }
}
