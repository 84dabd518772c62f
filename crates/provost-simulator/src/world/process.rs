//! The reconciler as its shell runs it: batch durable first, then actions; what comes in while nothing can be written
//! waits; a kill leaves what is durable, and nothing else.

use std::collections::BTreeMap;

use provost_controller::{Answer, Batch, Core, Input, Store as _, StoreError};
use provost_model::ContainerName;

use super::source::Fetched;
use super::{Happening, World, now};
use crate::record::Promised;
use crate::scenario::{MINUTE, SECOND, Weakness};
use crate::{Record, Time};

/// A reconciler that runs.
pub(super) struct Process {
    pub boot: u32,
    pub core: Core,
    /// An answer whose batch could not be recorded yet, with what people are told once it is.
    pub unrecorded: Option<(Answer, Vec<Promised>)>,
    /// What came in meanwhile.
    pub mailbox: Vec<Input>,
    /// A revision that could not be kept yet.
    pub held: Option<Fetched>,
    /// The revision that was fetched last.
    pub fetched: Option<provost_model::RevisionId>,
    /// The sleep that goes on.
    pub sleep: u64,
    /// The connection on which the engine tells of changes, while there is one.
    pub connection: Option<u64>,
    /// Whose output is being read, by the container's number.
    pub follows: BTreeMap<ContainerName, u64>,
    pub is_stopping: bool,
}

/// The shell tries again after this long.
const AGAIN: Time = SECOND;

/// A snapshot is taken once in so many quiet steps.
const SNAPSHOT_RARE: u32 = 200;

/// The shell sleeps no longer than this.
const SLEEP_MAX: Time = 30 * SECOND;

impl World {
    /// The reconciler starts, from what is durable alone.
    pub(super) fn start(&mut self) {
        if self.process.is_some() {
            return;
        }
        self.boots += 1;
        if self.boots > 1 {
            self.record.figures.crashes += 1;
        }
        let boot = self.boots;
        self.say(|| format!("start {boot}"));
        let state = match now(self.store.load()) {
            Ok(state) => state,
            Err(error) => return self.breach("R2", format!("the state cannot be loaded: {error}")),
        };
        self.check_stored_form(&state);
        self.rules.identity.pid = boot;
        let (core, answer) = Core::new(self.rules.clone(), state, self.wall());
        if self.append(&answer.batch).is_err() {
            // It cannot start: whoever started it does so again.
            self.say(|| "the start cannot be recorded".to_owned());
            return self.after(10 * SECOND, Happening::Start);
        }
        self.process = Some(Process {
            boot,
            core,
            unrecorded: None,
            mailbox: Vec::new(),
            held: None,
            fetched: None,
            sleep: 0,
            connection: None,
            follows: BTreeMap::new(),
            is_stopping: false,
        });
        self.carry_out(answer);
        let (soon, later) = (self.latency(), self.latency());
        self.after(soon, Happening::Connect { boot, pause: SECOND / 2 });
        self.after(later, Happening::Poll { boot });
    }

    /// The process is gone: only durable facts and containers are left.
    pub(super) fn kill(&mut self, down: Time) {
        let Some(process) = self.process.take() else {
            return;
        };
        self.say(|| format!("killed, for {} s", down / SECOND));
        if process.unrecorded.is_none() && self.dice.one_in(4) {
            self.check_fold(&process.core);
        }
        self.lose_memory();
        self.after(down, Happening::Start);
    }

    /// A kill leaves what the store has, all of it.
    fn lose_memory(&mut self) {
        if self.scenario.weakness == Some(Weakness::StoreForgets) {
            self.forget_last_batch();
        }
    }

    /// The reconciler of that start, if it still runs.
    pub(super) fn process_of(&mut self, boot: u32) -> Option<&mut Process> {
        self.process.as_mut().filter(|process| process.boot == boot)
    }

    pub(super) fn is_running(&self, boot: u32) -> bool {
        self.process.as_ref().is_some_and(|process| process.boot == boot)
    }

    pub(super) fn wake(&mut self, boot: u32, sleep: u64) {
        let is_it = |process: &&mut Process| process.sleep == sleep && process.unrecorded.is_none();
        if self.process_of(boot).as_ref().is_some_and(is_it) {
            self.feed(vec![Input::Tick], Vec::new());
        }
    }

    /// An input arrives, together with all others of this instant.
    pub(super) fn arrive(&mut self, boot: u32, input: Input) {
        let mut inputs = vec![input];
        while let Some(entry) = self.queue.first_entry()
            && entry.key().0 == self.time
            && matches!(entry.get(), Happening::Arrive { boot: other, .. } if *other == boot)
        {
            if let Happening::Arrive { input, .. } = entry.remove() {
                inputs.push(*input);
            }
        }
        let Some(process) = self.process_of(boot) else {
            return;
        };
        if process.unrecorded.is_some() {
            return process.mailbox.extend(inputs);
        }
        self.feed(inputs, Vec::new());
    }

    /// Lets the core take `inputs`, makes its batch durable, and carries out the rest.
    pub(super) fn feed(&mut self, inputs: Vec<Input>, replies: Vec<Promised>) {
        let at = self.wall();
        self.say(|| format!("in {}", inputs.iter().map(brief).collect::<Vec<_>>().join(" | ")));
        let Some(process) = &mut self.process else {
            return;
        };
        let answer = process.core.handle(at, inputs);
        self.record.figures.steps += 1;
        let is_settled = answer.batch.facts.is_empty() && process.core.state().seq > 0;
        if is_settled && self.dice.one_in(SNAPSHOT_RARE) {
            let state = process.core.state().clone();
            self.keep_snapshot(&state);
        }
        self.check_rest(&answer);
        if !answer.batch.facts.is_empty() && self.dies() {
            self.fault("killed before the append");
            if self.scenario.weakness == Some(Weakness::ActsFirst) {
                answer.actions.into_iter().for_each(|action| self.act_first(action));
            }
            return self.kill_soon();
        }
        self.record_answer(answer, replies);
    }

    fn record_answer(&mut self, answer: Answer, replies: Vec<Promised>) {
        let batch = &answer.batch;
        if !batch.facts.is_empty() || !batch.runs.is_empty() {
            if let Err(error) = self.append(&answer.batch)
                && !has_arrived(&error, &answer.batch)
            {
                self.say(|| format!("cannot be recorded: {error}"));
                let Some(process) = &mut self.process else { return };
                process.unrecorded = Some((answer, replies));
                let boot = process.boot;
                return self.after(AGAIN, Happening::TryAgain { boot });
            }
            if self.dies() {
                self.fault("killed after the append");
                return self.kill_soon();
            }
        }
        promise(&mut self.record, replies);
        self.check_answer(&answer);
        self.carry_out(answer);
    }

    /// What the store did not take is tried again; then what came meanwhile is taken.
    pub(super) fn try_again(&mut self, boot: u32) {
        let Some(process) = self.process_of(boot) else {
            return;
        };
        if let Some((answer, replies)) = process.unrecorded.take() {
            self.record_answer(answer, replies);
        }
        let Some(process) = self.process_of(boot).filter(|process| process.unrecorded.is_none()) else {
            return;
        };
        let (held, mailbox) = (process.held.take(), std::mem::take(&mut process.mailbox));
        if !mailbox.is_empty() {
            self.feed(mailbox, Vec::new());
        }
        if let Some(fetched) = held
            && self.is_running(boot)
        {
            self.follow_to(fetched);
        }
    }

    fn carry_out(&mut self, answer: Answer) {
        let Some(boot) = self.process.as_ref().map(|process| process.boot) else {
            return;
        };
        self.sleep_until(answer.wake_at);
        for action in answer.actions {
            if self.dies() {
                self.fault("killed between two actions");
                return self.kill_soon();
            }
            self.begin_work(boot, action);
        }
        for name in answer.look_at {
            let delay = self.latency();
            self.after(delay, Happening::LookAt { boot, name, tries: 0 });
        }
        if answer.exit {
            self.leave();
        }
    }

    /// Sleeps until the clock says `instant`. Nothing comes of waking before: what needs it is woken by a clock step.
    fn sleep_until(&mut self, instant: Option<jiff::Timestamp>) {
        let at = self.wall();
        let Some(process) = &mut self.process else {
            return;
        };
        process.sleep += 1;
        let (boot, sleep) = (process.boot, process.sleep);
        if let Some(instant) = instant {
            let left = Time::try_from(instant.duration_since(at).as_millis()).unwrap_or(Time::MAX);
            self.after(left.clamp(1, 400 * crate::scenario::DAY), Happening::Wake { boot, sleep });
        }
    }

    /// A clock step is noticed at the end of the shell's sleep, which is short.
    pub(super) fn wake_after_clock_step(&mut self) {
        let delay = self.dice.between(1, SLEEP_MAX);
        if let Some(process) = &self.process {
            let (boot, sleep) = (process.boot, process.sleep);
            self.after(delay, Happening::Wake { boot, sleep });
        }
    }

    /// The shutdown is complete.
    fn leave(&mut self) {
        let Some(process) = self.process.take() else {
            return;
        };
        self.say(|| "ended as asked".to_owned());
        self.check_fold(&process.core);
        self.keep_snapshot(process.core.state());
        let down = self.dice.between(SECOND, 10 * MINUTE);
        self.after(down, Happening::Start);
    }

    /// Keeps a snapshot, as a real store reads it back.
    fn keep_snapshot(&mut self, state: &provost_model::State) {
        let text = serde_json::to_string(state).unwrap_or_default();
        let read = serde_json::from_str(&text);
        let kept = read.map(|state| now(self.store.snapshot(&state)));
        if !matches!(kept, Ok(Ok(()))) {
            self.breach("R2", format!("a snapshot cannot be kept: {kept:?}"));
        }
    }

    fn dies(&mut self) -> bool {
        !self.is_calm && self.scenario.fatal > 0.0 && self.dice.chance(self.scenario.fatal)
    }

    fn kill_soon(&mut self) {
        let down = self.dice.between(SECOND, if self.dice.clone().one_in(4) { 20 * MINUTE } else { 20 * SECOND });
        self.kill_unsettled(down);
    }

    /// A kill while the core is ahead of what is durable.
    fn kill_unsettled(&mut self, down: Time) {
        self.say(|| format!("killed, for {} s", down / SECOND));
        self.process = None;
        self.lose_memory();
        self.after(down, Happening::Start);
    }

    /// From something to its answer, or from an answer to us.
    pub(super) fn latency(&mut self) -> Time {
        let most = self.scenario.latency;
        self.dice.between(1, most)
    }
}

fn promise(record: &mut Record, replies: Vec<Promised>) {
    record.promised.extend(replies);
}

/// Whether `batch` was recorded in spite of an error that was answered before.
fn has_arrived(error: &StoreError, batch: &Batch) -> bool {
    let end = batch.facts.last().map(|fact| fact.seq);
    matches!(error, StoreError::Gap { last, .. } if Some(*last) == end)
}

/// An input on one line.
fn brief(input: &Input) -> String {
    match input {
        Input::EngineUp { containers, .. } => {
            let list: Vec<_> = containers.iter().map(|it| format!("{} {:?}", it.name, it.life)).collect();
            format!("EngineUp [{}]", list.join(", "))
        }
        Input::Revision { revision, compiled, .. } => {
            format!("Revision {revision}, {} errors", compiled.errors)
        }
        Input::Seen { name, container } => format!("Seen {name} {:?}", container.as_ref().map(|it| &it.life)),
        Input::Created { name, result, .. } => format!("Created {name} {:?}", life_of(result.as_ref().map(|it| &it.0))),
        Input::Started { name, result, .. } | Input::Stopped { name, result } => {
            format!("Started or stopped {name} {:?}", result.as_ref().map(|it| it.as_ref().map(|it| &it.life)))
        }
        Input::Collected { name, result, .. } => {
            format!("Collected {name} {:?}", life_of(result.as_ref().map(|it| &it.0)))
        }
        other => format!("{other:?}"),
    }
}

fn life_of<E>(result: Result<&provost_model::ContainerSeen, E>) -> Result<&provost_model::Life, E> {
    result.map(|seen| &seen.life)
}
