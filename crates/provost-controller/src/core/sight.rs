//! What comes in: sight of the engine, and what came of actions.

use std::collections::BTreeSet;

use jiff::Timestamp;
use provost_model::{
    ContainerName, ContainerSeen, EventFact, Exit, Fact, Life, Owner, Reply, RunFact, Step, StepFact, StepKind,
    StepOutput, StepPhase, StepRef, Verdict,
};
use provost_planner::{Answers, after_failed_delivery};

use super::Core;
use crate::{DeliveryError, EngineError, EngineErrorKind, Input, Work};

/// The longest pause before making a container is tried again, in seconds.
const CREATE_PAUSE_MAX_S: u64 = 60;

/// How many absences of the engine are remembered apart.
const ABSENCES_MAX: usize = 100;

impl Core {
    pub(super) fn take(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Tick => {}
            Input::EngineUp { facts, containers } => self.engine_is_up(now, facts, containers),
            Input::EngineDown { why } => self.engine_is_down(now, why),
            // One of that name may have been made since: whether it is gone is asked anew.
            Input::Seen { name, container: None } if self.is_needed(&name) => self.look_at.push(name),
            Input::Seen { name, container } | Input::LookedAt { name, container } => self.see(name, container),
            Input::Created { name, step, result } => self.was_created(now, name, &step, result),
            Input::Started { name, step, result } => self.was_started(now, name, &step, result),
            Input::Followed { name } => self.was_followed(now, name),
            Input::Stopped { name, result } => self.was_stopped(now, name, result),
            Input::Collected { name, step, result } => self.was_collected(now, name, &step, result),
            Input::Probed { name, result } => self.was_probed(now, name, result),
            Input::Removed { name, result } => self.was_removed(now, name, result),
            Input::Asked { step, result } => self.was_asked(now, &step, result),
            Input::Delivered { id, result } => self.was_delivered(now, id, result),
            Input::Revision { revision, about, by, compiled, pin } => {
                self.take_revision(now, revision, about, by, *compiled, pin);
            }
            Input::Ordered { facts } => {
                // What was due before the command is decided by what held then.
                self.settle(now);
                facts.into_iter().for_each(|fact| self.record(now, fact));
            }
            Input::Shutdown => self.begin_shutdown(now),
        }
    }

    fn engine_is_up(&mut self, now: Timestamp, facts: crate::EngineFacts, containers: Vec<ContainerSeen>) {
        self.engine.facts = Some(facts);
        self.engine.trouble = None;
        // A listing may be older than what came in since it was asked for: it never takes anything back by itself.
        let listed: BTreeSet<ContainerName> = containers.iter().map(|container| container.name.clone()).collect();
        self.look_at.extend(self.seen.containers.keys().filter(|name| !listed.contains(*name)).cloned());
        for container in containers {
            self.see(container.name.clone(), Some(container));
        }
        if let Some(since) = self.seen.absent_since.take() {
            self.seen.absences.push((since, now));
            if self.seen.absences.len() > ABSENCES_MAX {
                let (first, _) = self.seen.absences.remove(0);
                self.seen.absences[0].0 = first; // Two in one: rather lost than invented (R9).
            }
        }
        self.seen.is_complete = true;
    }

    fn engine_is_down(&mut self, now: Timestamp, why: String) {
        self.engine.trouble = Some(why);
        self.seen.is_complete = false;
        self.seen.absent_since.get_or_insert(now);
    }

    fn see(&mut self, name: ContainerName, container: Option<ContainerSeen>) {
        self.unsure.remove(&name);
        let has_ended = |container: Option<&ContainerSeen>| container.is_some_and(|it| it.life.is_over());
        let ends_now = has_ended(container.as_ref()) && !has_ended(self.seen.containers.get(&name));
        // By what was seen when, and not by clocks: those may have been stepped meanwhile.
        if ends_now && self.seen.absent_since.is_some() {
            self.doubtful.insert(name.clone());
        } else if ends_now || container.is_none() {
            self.doubtful.remove(&name);
        }
        match (container, self.seen.containers.get(&name)) {
            // Old news: a container never goes back to a life that it has left.
            (Some(new), Some(old)) if new.id == old.id && stage(&new.life) < stage(&old.life) => {}
            (Some(new), _) => drop(self.seen.containers.insert(name, new)),
            (None, _) => {
                self.seen.containers.remove(&name);
                self.seen.answers.remove(&name);
            }
        }
        self.engine.containers = self.seen.containers.len();
    }

    /// Whether a step goes on in the container.
    fn is_needed(&self, name: &ContainerName) -> bool {
        let step = self.seen.containers.get(name).and_then(|container| container.step.as_ref());
        step.and_then(|step| self.find_step(step)).is_some_and(Step::is_going_on)
    }

    fn was_created(
        &mut self,
        now: Timestamp,
        name: ContainerName,
        step: &StepRef,
        result: Result<(ContainerSeen, String), EngineError>,
    ) {
        let error = match result {
            Ok((container, image)) => {
                self.came_back(&Work::Create(name.clone()));
                self.ahead.remove(&name);
                self.seen.images.insert(name.clone(), image);
                return self.see(name, Some(container));
            }
            Err(error) => error,
        };
        let was_ahead = self.ahead.remove(&name);
        let Some(known) = self.find_step(step) else {
            // It was to be made ahead: there is time to try again.
            return self.came_back_failed(now, Work::Create(name));
        };
        let (is_waiting, tries) = (matches!(known.phase, StepPhase::Waiting { .. }), known.tries);
        self.came_back(&Work::Create(name));
        if !is_waiting || was_ahead {
            return; // It was made all the same; or what was refused is not what is wanted by now.
        }
        if error.may_pass() {
            let pause = (1u64 << tries.min(6)).min(CREATE_PAUSE_MAX_S);
            let until = now + jiff::SignedDuration::from_secs(pause.cast_signed());
            self.change_step(now, step, StepFact::Delayed { why: error.message, until });
        } else {
            self.end_step(now, step, Exit::NotStarted { why: error.message });
        }
    }

    fn was_started(
        &mut self,
        now: Timestamp,
        name: ContainerName,
        step: &StepRef,
        result: Result<Option<ContainerSeen>, EngineError>,
    ) {
        match result {
            Ok(container) => {
                self.came_back(&Work::Start(name.clone()));
                self.see(name, container);
            }
            Err(error) => match error.kind {
                EngineErrorKind::Refused | EngineErrorKind::Conflict => {
                    self.came_back(&Work::Start(name));
                    self.end_step(now, step, Exit::NotStarted { why: error.message });
                }
                EngineErrorKind::Stuck => {
                    self.came_back(&Work::Start(name));
                    self.end_step(now, step, Exit::Lost { why: error.message });
                }
                EngineErrorKind::NotFound => {
                    self.came_back(&Work::Start(name.clone()));
                    self.see(name, None);
                }
                // It may have started all the same: what is seen next decides, and it is never made a second time (D2).
                EngineErrorKind::Unavailable => {
                    self.unsure.insert(name.clone());
                    self.look_at.push(name.clone());
                    self.came_back_failed(now, Work::Start(name));
                }
            },
        }
    }

    fn was_followed(&mut self, now: Timestamp, name: ContainerName) {
        match self.seen.life(&name) {
            // Its output broke off, or cannot be kept: it is followed again, and not at once.
            Some(Life::Running { .. }) => self.came_back_failed(now, Work::Follow(name)),
            _ => self.came_back(&Work::Follow(name)),
        }
    }

    fn was_stopped(&mut self, now: Timestamp, name: ContainerName, result: Result<Option<ContainerSeen>, EngineError>) {
        match result {
            Ok(container) => {
                self.came_back(&Work::Stop(name.clone()));
                self.see(name, container);
            }
            Err(_) => self.came_back_failed(now, Work::Stop(name)),
        }
    }

    fn was_collected(
        &mut self,
        now: Timestamp,
        name: ContainerName,
        step: &StepRef,
        result: Result<(ContainerSeen, Box<StepOutput>), EngineError>,
    ) {
        let (container, output) = match result {
            Ok(collected) => collected,
            Err(error) if error.kind == EngineErrorKind::NotFound => {
                self.came_back(&Work::Collect(name.clone()));
                return self.see(name, None);
            }
            Err(_) => return self.came_back_failed(now, Work::Collect(name)),
        };
        match container.life {
            Life::Exited { .. } => self.came_back(&Work::Collect(name.clone())),
            // Somebody started it again: what it left is not complete.
            Life::Created | Life::Running { .. } => self.came_back_failed(now, Work::Collect(name.clone())),
        }
        if let Life::Exited { code, out_of_memory, started_at, finished_at, error } = &container.life {
            let finished_at = finished_at.unwrap_or(now);
            let is_doubtful = self.doubtful.contains(&name) || self.seen.was_absent(finished_at);
            // Of a short life, an engine may say that it ended before it began: two processes of it look at the clock.
            let finished_at = started_at.map_or(finished_at, |started_at| finished_at.max(started_at));
            let result = if self.doubtful.contains(&name) && self.was_taken_down(step, *code) {
                Exit::Lost { why: format!("it ended while nobody watched, exit {code}") }
            } else if let (255, Some(error)) = (code, error) {
                // The engine says that it did not see the end (R9).
                Exit::Lost { why: error.clone() }
            } else if *code == 255 && is_doubtful {
                // The engine reports 255 for whatever ended while it was away (R9).
                Exit::Lost { why: "it ended while the engine was away, which reports no true exit code".to_owned() }
            } else if *out_of_memory {
                Exit::OutOfMemory
            } else {
                Exit::Code { code: *code }
            };
            let started_at = *started_at;
            self.change_step(now, step, StepFact::Ended { result, started_at, finished_at, output });
        }
        self.see(name, Some(container));
    }

    /// Whether a service that was not asked to end was ended from outside, as far as its exit code tells: by the engine, or
    /// with the machine. It is started again, and no restart is spent on it.
    fn was_taken_down(&self, step: &StepRef, code: i64) -> bool {
        let is_service = matches!(&step.owner, Owner::Run(run) if run.is_of_service()) && step.step.is_main();
        let was_asked = self.find_step(step).is_some_and(|step| matches!(step.phase, StepPhase::Stopping { .. }));
        is_service && !was_asked && matches!(code, 0 | 137 | 143 | 255)
    }

    fn was_probed(&mut self, now: Timestamp, name: ContainerName, result: Result<Result<(), String>, EngineError>) {
        let answer = match result {
            Ok(answer) => answer,
            // Of a container that is not there, nothing is known but that.
            Err(error) if error.kind == EngineErrorKind::NotFound => {
                self.look_at.push(name.clone());
                return self.came_back_failed(now, Work::Probe(name));
            }
            Err(error) if error.may_pass() => return self.came_back_failed(now, Work::Probe(name)),
            Err(error) => Err(error.message),
        };
        self.came_back(&Work::Probe(name.clone()));
        if matches!(self.seen.life(&name), Some(Life::Running { .. })) {
            let answers = Answers::and(self.seen.answers.get(&name), now, answer);
            self.seen.answers.insert(name, answers);
        }
    }

    fn was_removed(&mut self, now: Timestamp, name: ContainerName, result: Result<(), EngineError>) {
        match result {
            Ok(()) => {
                self.came_back(&Work::Remove(name.clone()));
                self.seen.images.remove(&name);
                self.seen.asked_for.retain(|_, asked| {
                    asked.remove(&name);
                    !asked.is_empty()
                });
                self.forget_stray(now, &name);
                self.see(name, None);
            }
            Err(_) => self.came_back_failed(now, Work::Remove(name)),
        }
    }

    fn was_asked(&mut self, now: Timestamp, step: &StepRef, result: Result<Option<Reply>, DeliveryError>) {
        self.came_back(&Work::Ask(step.clone()));
        let Some(StepKind::Ask { default, timeout_s, .. }) = self.find_step(step).map(|step| step.what.clone()) else {
            return;
        };
        let fallback = |why: String| Reply { allow: default == Verdict::Allow, reason: why };
        let reply = match result {
            Ok(Some(reply)) => reply,
            Ok(None) => fallback(format!("no answer within {timeout_s} s; the channel's default is {default:?}")),
            Err(error) => fallback(format!("{error}; the channel's default is {default:?}")),
        };
        let output = Box::new(StepOutput { reply: Some(reply), ..StepOutput::default() });
        let result = Exit::Code { code: 0 };
        self.change_step(now, step, StepFact::Ended { result, started_at: Some(now), finished_at: now, output });
    }

    fn was_delivered(&mut self, now: Timestamp, id: provost_model::EventId, result: Result<(), DeliveryError>) {
        self.came_back(&Work::Deliver(id.clone()));
        let Some(notice) = self.state.outbox.get(&id).cloned() else {
            return;
        };
        match result {
            Ok(()) => self.record(now, Fact::NoticeDelivered { id }),
            Err(error) => {
                let facts = after_failed_delivery(&self.world(now), &notice, &error.0);
                facts.into_iter().for_each(|fact| self.record(now, fact));
            }
        }
    }

    pub(super) fn find_step(&self, step: &StepRef) -> Option<&Step> {
        match &step.owner {
            Owner::Run(id) => self.state.runs.get(id)?.steps().find(|it| it.id == step.step),
            Owner::Event(id) => {
                let event = self.state.events.values().find(|event| event.id == *id)?;
                event.firing.as_ref()?.steps.iter().find(|it| it.id == step.step)
            }
            Owner::Notice(_) => None,
        }
    }

    pub(super) fn end_step(&mut self, now: Timestamp, step: &StepRef, result: Exit) {
        let output = Box::new(StepOutput::default());
        self.change_step(now, step, StepFact::Ended { result, started_at: None, finished_at: now, output });
    }

    /// Records a change of a step that is known and not over; anything else is old news.
    fn change_step(&mut self, now: Timestamp, step: &StepRef, fact: StepFact) {
        if self.find_step(step).is_none_or(Step::is_over) {
            return;
        }
        let id = step.step.clone();
        match &step.owner {
            Owner::Run(run) => self.record(now, Fact::Run { run: run.clone(), change: RunFact::Step { id, fact } }),
            Owner::Event(event) => {
                self.record(now, Fact::Event { id: event.clone(), change: EventFact::Step { id, fact } });
            }
            Owner::Notice(_) => {}
        }
    }
}

fn stage(life: &Life) -> u8 {
    match life {
        Life::Created => 0,
        Life::Running { .. } => 1,
        Life::Exited { .. } => 2,
    }
}
