//! The world of one seed: a reconciler's real core, an engine, a memory store, a source, people and a clock, and a queue
//! of what happens when.

mod drain;
mod invariant;
mod people;
mod process;
mod source;
mod time;
mod trouble;
mod watch;
mod weak;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use provost_controller::{Batch, DriftMode, Input, Rules, Store as _, StoreError};
use provost_model::{ContainerName, Instance, Owner, RunId, StepRef};
use provost_planner::{Identity, Requests};
use provost_store::{Fault as StoreFault, MemoryStore};

use crate::engine::{Engine, Fate, News};
use crate::record::{Deed, Noted};
use crate::scenario::Scenario;
use crate::shop::Shop;
use crate::{Breach, Dice, Record, Time, Trace, What};

use process::Process;
use source::Source;
use time::Clock;
use work::Job;

/// How many happenings there are with faults.
const TURBULENCE_MAX: u64 = 20_000;

/// How many happenings one seed may have: more is a loop.
const HAPPENINGS_MAX: u64 = 200_000;

/// The world of one seed.
pub struct World {
    pub(crate) dice: Dice,
    pub(crate) time: Time,
    clock: Clock,
    queue: BTreeMap<(Time, u64), Happening>,
    queued: u64,
    scenario: Scenario,
    shop: Shop,
    source: Source,
    engine: Engine,
    store: MemoryStore,
    /// The disk is full: nothing can be written.
    is_full: bool,
    /// The next batch is written, and the answer says otherwise.
    lies: bool,
    rules: Rules,
    process: Option<Process>,
    boots: u32,
    /// The time without faults at the end.
    is_calm: bool,
    pub(crate) record: Record,
    pub(crate) trace: Trace,
    /// Runs that were ever accepted, for people who stop and repeat them.
    runs: Vec<RunId>,
    automations: BTreeSet<String>,
}

/// Something that is going to happen.
enum Happening {
    /// The reconciler's sleep is over, if it is still the same sleep.
    Wake { boot: u32, sleep: u64 },
    /// An input reaches the reconciler.
    Arrive { boot: u32, input: Box<Input> },
    /// An action reaches the engine.
    Effect(Box<Job>),
    /// The answer to a request to end is due.
    Stopped { boot: u32, name: ContainerName },
    /// A container ends by itself.
    Ends { name: ContainerName, id: u64 },
    /// A container that was asked to end does so, or is killed.
    Obeys { name: ContainerName, id: u64, code: i64 },
    /// The reconciler listens to the engine, and lists.
    Connect { boot: u32, pause: Time },
    /// It lists again.
    Relist { boot: u32, connection: u64 },
    /// It looks at a container that the engine says has changed.
    Look { boot: u32, connection: u64, name: ContainerName },
    /// It looks whether a container that a listing did not show is gone.
    LookAt { boot: u32, name: ContainerName, tries: u32 },
    /// It fetches.
    Poll { boot: u32 },
    /// It tries again what the store did not take.
    TryAgain { boot: u32 },
    /// It is started.
    Start,
    /// The engine answers again.
    EngineBack,
    /// Something can be written again.
    StoreBack,
    /// The source can be read again.
    SourceBack,
    /// Something happens by itself.
    Trouble(crate::scenario::Trouble),
    /// A person asks for something.
    Person,
}

impl World {
    /// The world of `scenario` and `shop`, before anything has happened.
    pub fn new(dice: Dice, scenario: Scenario, shop: Shop, trace: Trace) -> Self {
        let mut world = Self {
            dice,
            time: 0,
            clock: Clock::new(scenario.start),
            queue: BTreeMap::new(),
            queued: 0,
            source: Source::default(),
            engine: Engine::default(),
            store: MemoryStore::new(),
            is_full: false,
            lies: false,
            rules: rules(&scenario),
            process: None,
            boots: 0,
            is_calm: false,
            record: Record::default(),
            trace,
            runs: Vec::new(),
            automations: BTreeSet::new(),
            scenario,
            shop,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        let text = self.shop.text();
        self.publish(text);
        for (at, trouble) in self.scenario.troubles.clone() {
            self.at(at, Happening::Trouble(trouble));
        }
        let mut at = 0;
        loop {
            at += self.dice.between(crate::scenario::MINUTE, self.scenario.length / 4);
            if at >= self.scenario.length {
                break;
            }
            self.at(at, Happening::Person);
        }
        self.at(0, Happening::Start);
    }

    /// Plays the time with faults, then the time without.
    pub fn play(mut self) -> (Record, Trace) {
        self.play_until(self.scenario.length);
        self.drain();
        self.record.figures.seeds = 1;
        self.record.figures.simulated_ms = self.time.unsigned_abs();
        (self.record, self.trace)
    }

    fn play_until(&mut self, end: Time) {
        while let Some((&(at, _), _)) = self.queue.first_key_value()
            && at <= end
            && self.queued < TURBULENCE_MAX
        {
            self.next();
        }
    }

    /// Lets the next thing happen.
    fn next(&mut self) {
        let Some(((at, _), happening)) = self.queue.pop_first() else {
            return;
        };
        self.time = at;
        self.happen(happening);
        self.take_news();
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake { boot, sleep } => self.wake(boot, sleep),
            Happening::Arrive { boot, input } => self.arrive(boot, *input),
            Happening::Effect(job) => self.effect(*job),
            Happening::Stopped { boot, name } => self.has_stopped(boot, &name),
            Happening::Ends { name, id } => self.ends(&name, id),
            Happening::Obeys { name, id, code } => self.obeys(&name, id, code),
            Happening::Connect { boot, pause } => self.connect(boot, pause),
            Happening::Relist { boot, connection } => self.relist(boot, connection),
            Happening::Look { boot, connection, name } => self.look(boot, connection, name),
            Happening::LookAt { boot, name, tries } => self.look_at(boot, name, tries),
            Happening::Poll { boot } => self.poll(boot),
            Happening::TryAgain { boot } => self.try_again(boot),
            Happening::Start => self.start(),
            Happening::EngineBack => self.engine_back(),
            Happening::StoreBack => self.is_full = false,
            Happening::SourceBack => self.source_back(),
            Happening::Trouble(trouble) => self.trouble(trouble),
            Happening::Person => self.person(),
        }
    }

    /// Lets something happen in `delay` milliseconds.
    fn after(&mut self, delay: Time, happening: Happening) {
        self.at(self.time.saturating_add(delay.max(0)), happening);
    }

    fn at(&mut self, at: Time, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at, self.queued), happening);
    }

    /// What the clock says.
    fn wall(&self) -> Timestamp {
        self.clock.at(self.time)
    }

    fn say(&mut self, what: impl FnOnce() -> String) -> usize {
        let wall = self.wall();
        self.trace.say(self.time, wall, what)
    }

    fn breach(&mut self, promise: &'static str, what: impl Into<String>) {
        let what = what.into();
        let line = self.say(|| format!("BREACH {promise}: {what}"));
        self.record.breaches.push(Breach::new(promise, line, what));
    }

    fn fault(&mut self, kind: &'static str) {
        self.record.figures.fault(kind);
    }

    /// Writes down what the engine's containers did, and tells whoever listens.
    fn take_news(&mut self) {
        for News { name, id, tag, what } in self.engine.news() {
            let line = self.say(|| format!("container {name} c{id}: {what:?}"));
            if what == What::Started {
                self.record.figures.starts += 1;
            }
            let is_change = matches!(what, What::Started | What::Ended { .. } | What::Removed { .. });
            self.record.evidence.push(Deed { at: self.time, line, name: name.clone(), id, tag, what });
            if is_change {
                self.notify(&name);
            }
        }
    }

    /// Appends `batch` to the store, which may be full, or lie.
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.is_full {
            self.store.fail_appends(1, StoreFault::Before);
        } else if std::mem::take(&mut self.lies) {
            self.store.fail_appends(1, StoreFault::After);
        } else {
            self.store.fail_appends(0, StoreFault::Before);
        }
        let known = self.record.ledger.len();
        let result = now(self.store.append(batch.clone()));
        let is_written = result.is_ok() || (!self.is_full && !matches!(result, Err(StoreError::Gap { .. })));
        if is_written {
            for recorded in &batch.facts {
                let line = self.say(|| format!("fact {}", brief(&recorded.fact)));
                self.note_run(&recorded.fact);
                self.record.ledger.push(Noted { recorded: recorded.clone(), at: self.time, line });
            }
        }
        self.record.figures.facts += (self.record.ledger.len() - known) as u64;
        result
    }

    fn note_run(&mut self, fact: &provost_model::Fact) {
        if let provost_model::Fact::RunAccepted { accepted } = fact {
            self.runs.push(accepted.run.clone());
        }
    }

    /// A fate for the container of `request`: a good one once the time of faults is over.
    fn fate(&mut self, request: &provost_model::ContainerRequest) -> Fate {
        if self.is_calm { Fate::good(&mut self.dice) } else { Fate::of(request, &mut self.dice) }
    }

    fn stray_step(&mut self) -> Option<StepRef> {
        let run = RunId::parse(format!("gone.{}", self.dice.between(0, 9))).ok()?;
        Some(StepRef { owner: Owner::Run(run), step: provost_model::StepId::main(1) })
    }
}

/// What a future of the memory store gives, which is always there at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap_or_else(|| unreachable!("the memory store never waits"))
}

fn rules(scenario: &Scenario) -> Rules {
    Rules {
        identity: Identity {
            instance: instance(),
            host: "server".to_owned(),
            user: "provost".to_owned(),
            pid: 1,
            version: "simulated".to_owned(),
            traces: false,
        },
        drift: DriftMode::Correct,
        shutdown_grace_s: 60,
        prepare_ahead: scenario.prepares,
        requests: Requests::Whole,
        allow_empty: false,
    }
}

fn instance() -> Instance {
    // A literal that is an id.
    Instance::parse("sim").unwrap_or_else(|error| unreachable!("{error}"))
}

/// A fact on one line.
fn brief(fact: &provost_model::Fact) -> String {
    let mut text = serde_json::to_string(fact).unwrap_or_default();
    if text.len() > 400 {
        let end = (0..=400).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}
