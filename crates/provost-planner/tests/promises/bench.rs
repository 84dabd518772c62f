//! An imaginary server: state, engine, receivers and clock, all in the hands of the test.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use provost_model::{
    AcceptedEvent, AcceptedRun, Cause, ContainerName, ContainerRequest, ContainerSeen, Desired, DueOutcome, EventFact,
    EventId, Exit, Fact, FoldError, Instance, JsonMap, Life, Moment, Name, Notice, Outcome, Owner, Recorded, Reply,
    RevisionChange, RevisionId, Run, RunFact, RunId, State, StepFact, StepOutput, StepRef, check_params,
};
use provost_planner::{
    Action, Agenda, Answers, Identity, OutputOf, Requests, Seen, World, after_failed_delivery, consequences, decide,
    plan, strays,
};

use crate::sample::name;

/// What a container does once it is started.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Ends by itself after so many seconds; absent: never.
    pub lasts_s: Option<u64>,
    pub code: i64,
    /// Does not heed SIGTERM: the engine kills it after the grace time.
    pub is_deaf: bool,
    pub output: StepOutput,
}

/// Ends well at once.
pub fn ok() -> Behaviour {
    exits(0, 0)
}

/// Ends with `code` after `seconds`.
pub fn exits(code: i64, seconds: u64) -> Behaviour {
    Behaviour { lasts_s: Some(seconds), code, ..Behaviour::default() }
}

/// Never ends by itself.
pub fn hangs() -> Behaviour {
    Behaviour::default()
}

/// Ends well at once and leaves `output` behind.
pub fn leaves(output: StepOutput) -> Behaviour {
    Behaviour { output, ..ok() }
}

pub fn locals(text: &str) -> StepOutput {
    StepOutput { locals: crate::sample::map(text), ..StepOutput::default() }
}

pub fn globals(text: &str) -> StepOutput {
    StepOutput { globals: crate::sample::map(text), ..StepOutput::default() }
}

pub struct Bench {
    pub state: State,
    pub agenda: Agenda,
    pub seen: Seen,
    pub identity: Identity,
    pub requests: Requests,
    pub now: Timestamp,
    /// Everything that was recorded.
    pub log: Vec<Recorded>,
    /// Every container that was made, in order.
    pub made: Vec<ContainerRequest>,
    /// Every container that was started, in order.
    pub started: Vec<(Timestamp, StepRef)>,
    /// What receivers got, in order.
    pub told: Vec<Notice>,
    /// Receivers that cannot be reached.
    pub offline: BTreeSet<Name>,
    /// What health checks of services of an image answer; those that are not here, that all is well.
    pub ill: BTreeSet<String>,
    /// What receivers answer; one that is not here has not answered yet.
    pub replies: BTreeMap<Name, Reply>,
    /// Runs that are over and have nothing left to do.
    pub closed: BTreeMap<RunId, Run>,
    pub wake_at: Option<Timestamp>,
    behaviours: BTreeMap<String, Vec<Behaviour>>,
    doing: BTreeMap<ContainerName, Behaviour>,
    ends: BTreeMap<ContainerName, Timestamp>,
    stopped: BTreeSet<ContainerName>,
}

/// More rounds than any state may need to settle.
const ROUNDS_MAX: usize = 2_000;

impl Bench {
    /// A server that started at midnight, whose engine answers.
    pub fn new() -> Self {
        Self::starting("2026-11-20T00:00:00Z")
    }

    pub fn starting(now: &str) -> Self {
        let identity = Identity {
            instance: Instance::parse("test").unwrap(),
            host: "ber-1".to_owned(),
            user: "provost".to_owned(),
            pid: 42,
            version: "1.0.0".to_owned(),
            traces: false,
        };
        let mut bench = Self {
            state: State::default(),
            agenda: Agenda::default(),
            seen: Seen { is_complete: true, ..Seen::default() },
            identity,
            requests: Requests::Whole,
            now: now.parse().unwrap(),
            log: Vec::new(),
            made: Vec::new(),
            started: Vec::new(),
            told: Vec::new(),
            offline: BTreeSet::new(),
            ill: BTreeSet::new(),
            replies: BTreeMap::new(),
            closed: BTreeMap::new(),
            wake_at: None,
            behaviours: BTreeMap::new(),
            doing: BTreeMap::new(),
            ends: BTreeMap::new(),
            stopped: BTreeSet::new(),
        };
        bench.record(Fact::ServerStarted { version: "1.0.0".to_owned() });
        bench
    }

    /// A server on which `desired` is in force and settled.
    pub fn with(desired: Desired) -> Self {
        let mut bench = Self::new();
        bench.apply(desired);
        bench
    }

    /// Containers of `image` do this, the first one the first, and all further ones the last.
    pub fn script(&mut self, image: &str, behaviours: impl IntoIterator<Item = Behaviour>) -> &mut Self {
        self.behaviours.insert(image.to_owned(), behaviours.into_iter().collect());
        self
    }

    pub fn world(&self) -> World<'_> {
        World {
            state: &self.state,
            seen: &self.seen,
            agenda: &self.agenda,
            now: self.now,
            identity: &self.identity,
            requests: self.requests,
        }
    }

    // What is recorded.

    /// Lets `desired` take effect, and everything that follows at once.
    pub fn apply(&mut self, desired: Desired) -> &mut Self {
        self.settle();
        self.apply_quietly(desired);
        self.act()
    }

    /// Records that `desired` takes effect, and nothing else.
    pub fn apply_quietly(&mut self, desired: Desired) {
        let revision = RevisionId::parse(format!("r{}", self.state.seq)).unwrap();
        let change = RevisionChange::between(&self.state.desired, &desired, revision);
        self.record(Fact::RevisionApplied { change: Box::new(change) });
    }

    /// Records `fact` and what follows from it at once, as the controller does.
    pub fn record(&mut self, fact: Fact) {
        self.try_record(fact).unwrap();
    }

    pub fn try_record(&mut self, fact: Fact) -> Result<(), FoldError> {
        let followers = consequences(&self.world(), &fact);
        let recorded = Recorded { seq: self.state.seq + 1, at: self.now, fact };
        if let Some(run) = self.state.apply(&recorded)? {
            self.closed.insert(run.id.clone(), run);
        }
        self.agenda.note(&self.state, &recorded.fact);
        self.log.push(recorded);
        followers.into_iter().try_for_each(|follower| self.try_record(follower))
    }

    /// Records what follows until nothing does; returns after how many rounds.
    pub fn settle(&mut self) -> usize {
        for round in 0..ROUNDS_MAX {
            let facts = decide(&self.world()).facts;
            if facts.is_empty() {
                return round;
            }
            facts.into_iter().for_each(|fact| self.record(fact));
        }
        panic!("the state does not settle; last: {:#?}", self.log.last());
    }

    // What is done.

    /// Settles, and carries out what is planned, until nothing is left but to wait.
    pub fn act(&mut self) -> &mut Self {
        for _ in 0..ROUNDS_MAX {
            self.settle();
            let (actions, moves) = plan(&self.world());
            assert!(moves.wake_at.is_none_or(|at| at > self.now), "to wake in the past is never to rest");
            self.wake_at = moves.wake_at;
            let mut has_changed = self.sweep();
            for action in actions {
                has_changed |= self.carry_out(action);
            }
            if !has_changed {
                return self;
            }
        }
        panic!("there is always something left to do");
    }

    /// Removes what belongs to nothing.
    fn sweep(&mut self) -> bool {
        let strays: Vec<ContainerName> = strays(&self.world()).into_iter().cloned().collect();
        strays.iter().for_each(|name| self.remove(name));
        !strays.is_empty()
    }

    /// Does it, and says whether that changed anything.
    fn carry_out(&mut self, action: Action) -> bool {
        match action {
            Action::Create { request } => self.create(*request),
            Action::Start { name, step, .. } => self.start(name, step),
            Action::Follow { .. } => return false,
            Action::Stop { name, grace_s } => return self.stop_container(name, grace_s),
            Action::Collect { name, output } => self.collect(&name, output),
            Action::Remove { name } => self.remove(&name),
            Action::Probe { name, step, .. } => self.probe(name, &step),
            Action::Ask { step, channel, .. } => return self.answer(step, &channel.name),
            Action::Deliver { notice, .. } => self.deliver(*notice),
        }
        true
    }

    fn create(&mut self, request: ContainerRequest) {
        let seen = ContainerSeen {
            name: request.name.clone(),
            id: format!("id-{}", self.made.len()),
            step: Some(request.step.clone()),
            request: Some(request.digest().to_string()),
            life: Life::Created,
        };
        assert!(self.seen.containers.insert(request.name.clone(), seen).is_none(), "{} is there", request.name);
        let scripted = self.behaviours.get_mut(&request.workload.image);
        let behaviour = scripted.map(|all| if all.len() > 1 { all.remove(0) } else { all[0].clone() });
        self.doing.insert(request.name.clone(), behaviour.unwrap_or_else(ok));
        self.made.push(request);
    }

    fn start(&mut self, name: ContainerName, step: StepRef) {
        self.started.push((self.now, step));
        if let Some(lasts_s) = self.doing[&name].lasts_s {
            self.ends.insert(name.clone(), after(self.now, lasts_s));
        }
        self.set_life(&name, Life::Running { started_at: Some(self.now) });
        self.end_containers();
    }

    fn probe(&mut self, name: ContainerName, step: &StepRef) {
        let image = self.made.iter().rev().find(|made| made.step == *step).unwrap().workload.image.clone();
        let last = if self.ill.contains(&image) { Err("status 500".to_owned()) } else { Ok(()) };
        let answers = Answers::and(self.seen.answers.get(&name), self.now, last);
        self.seen.answers.insert(name, answers);
    }

    fn stop_container(&mut self, name: ContainerName, grace_s: u64) -> bool {
        if !self.stopped.insert(name.clone()) {
            return false;
        }
        let wait_s = if self.doing[&name].is_deaf { grace_s } else { 0 };
        let end = after(self.now, wait_s);
        let end = self.ends.get(&name).map_or(end, |own| end.min(*own));
        self.ends.insert(name, end);
        self.end_containers();
        true
    }

    /// Containers whose time has come end.
    fn end_containers(&mut self) {
        let over: Vec<_> =
            self.ends.iter().filter(|(_, end)| **end <= self.now).map(|(name, end)| (name.clone(), *end)).collect();
        for (name, end) in over {
            self.ends.remove(&name);
            let code = match (self.stopped.contains(&name), self.doing[&name].is_deaf) {
                (false, _) => self.doing[&name].code,
                (true, false) => 143,
                (true, true) => 137,
            };
            self.exit(&name, code, end);
        }
    }

    /// The container ends with `code`, whatever it was told to do.
    pub fn exit(&mut self, name: &ContainerName, code: i64, end: Timestamp) {
        let Some(Life::Running { started_at }) = self.seen.life(name).cloned() else {
            return;
        };
        let finished_at = Some(end);
        self.set_life(name, Life::Exited { code, out_of_memory: false, started_at, finished_at, error: None });
    }

    pub fn set_life(&mut self, name: &ContainerName, life: Life) {
        self.seen.containers.get_mut(name).unwrap().life = life;
    }

    fn collect(&mut self, name: &ContainerName, output: OutputOf) {
        let Some(Life::Exited { code, started_at, finished_at, .. }) = self.seen.life(name).cloned() else {
            panic!("{name} has not ended");
        };
        let left = Box::new(self.doing[name].output.clone());
        let finished_at = finished_at.unwrap_or(self.now);
        self.change_step(
            output.step,
            StepFact::Ended { result: Exit::Code { code }, started_at, finished_at, output: left },
        );
    }

    /// Records that a step changed.
    pub fn change_step(&mut self, step: StepRef, fact: StepFact) {
        let id = step.step;
        match step.owner {
            Owner::Run(run) => self.record(Fact::Run { run, change: RunFact::Step { id, fact } }),
            Owner::Event(event) => self.record(Fact::Event { id: event, change: EventFact::Step { id, fact } }),
            Owner::Notice(_) => panic!("notices have no steps"),
        }
    }

    /// The container is gone.
    pub fn remove(&mut self, name: &ContainerName) {
        self.seen.containers.remove(name);
        self.ends.remove(name);
        self.stopped.remove(name);
    }

    fn answer(&mut self, step: StepRef, channel: &Name) -> bool {
        let Some(reply) = self.replies.get(channel).cloned() else {
            return false;
        };
        let output = Box::new(StepOutput { reply: Some(reply), ..StepOutput::default() });
        let (result, now) = (Exit::Code { code: 0 }, self.now);
        self.change_step(step, StepFact::Ended { result, started_at: Some(now), finished_at: now, output });
        true
    }

    fn deliver(&mut self, notice: Notice) {
        if self.offline.contains(&notice.channel.name) {
            let facts = after_failed_delivery(&self.world(), &notice, "refused");
            facts.into_iter().for_each(|fact| self.record(fact));
        } else {
            self.record(Fact::NoticeDelivered { id: notice.id.clone() });
            self.told.push(notice);
        }
    }

    // What time does.

    /// Lives until `instant`, waking up whenever something is to be done.
    pub fn until(&mut self, instant: Timestamp) -> &mut Self {
        self.act();
        loop {
            let next = self.ends.values().copied().chain(self.wake_at).min().filter(|next| *next <= instant);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.end_containers();
            self.act();
        }
        self.now = instant;
        self.act()
    }

    pub fn wait(&mut self, seconds: u64) -> &mut Self {
        self.until(after(self.now, seconds))
    }

    /// The reconciler is killed, and starts again after `seconds`; what runs goes on meanwhile.
    pub fn down_for(&mut self, seconds: u64) -> &mut Self {
        self.jump(seconds.cast_signed());
        self.state = serde_json::from_str(&serde_json::to_string(&self.state).unwrap()).unwrap();
        self.agenda = Agenda::of(&self.state);
        self.record(Fact::ServerStarted { version: "1.0.0".to_owned() });
        self.act()
    }

    /// The clock is stepped; nobody looks at anything.
    pub fn jump(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        self.end_containers();
    }

    // What is asked.

    pub fn run(&mut self, automation: &str) -> RunId {
        self.run_with(automation, "{}", false)
    }

    /// Starts a run by hand.
    pub fn run_with(&mut self, automation: &str, params: &str, testing: bool) -> RunId {
        let automation = name(automation);
        let run = RunId::caused(&automation, &format!("request {}", self.state.seq));
        let params = check_params(&self.state.desired.automations[&automation].params, &crate::sample::map(params));
        let (cause, due, params) = (Cause::Manual { by: "ann".to_owned() }, self.now, params.unwrap());
        let accepted = AcceptedRun { run: run.clone(), automation, cause, due, not_before: due, params, testing };
        self.record(Fact::RunAccepted { accepted: Box::new(accepted) });
        self.act();
        run
    }

    /// Somebody says that something happened.
    pub fn fire(&mut self, event: &str, data: &str) -> EventId {
        let id = EventId::derived(&["fired", event, &self.state.seq.to_string()]);
        let data: JsonMap = crate::sample::map(data);
        let by = "ann".to_owned();
        let event = AcceptedEvent { id: id.clone(), name: event.to_owned(), subject: None, run: None, data, by };
        self.record(Fact::EventAccepted { event: Box::new(event) });
        self.act();
        id
    }

    pub fn stop(&mut self, run: &RunId) -> &mut Self {
        let why = provost_model::StopCause::Cancel { by: "ann".to_owned() };
        self.record(Fact::Run { run: run.clone(), change: RunFact::Cancelling { why } });
        self.act()
    }

    pub fn pause(&mut self, automation: &str, until: Option<Timestamp>) -> &mut Self {
        let (reason, by) = ("audit".to_owned(), "ann".to_owned());
        self.record(Fact::Paused { automation: name(automation), until, reason, by });
        self.act()
    }

    // What is known.

    /// The run, whether it is over or not.
    pub fn find(&self, run: &RunId) -> &Run {
        self.state.runs.get(run).or_else(|| self.closed.get(run)).unwrap()
    }

    /// How the run went, and why.
    pub fn outcome(&self, run: &RunId) -> (Outcome, &str) {
        self.find(run).outcome().unwrap_or_else(|| panic!("{run} is {:?}", self.find(run).phase))
    }

    /// Every run so far, oldest first.
    pub fn runs(&self) -> Vec<RunId> {
        let accepted = self.log.iter().filter_map(|recorded| match &recorded.fact {
            Fact::RunAccepted { accepted } => Some(accepted.run.clone()),
            _ => None,
        });
        accepted.collect()
    }

    pub fn outcomes(&self) -> Vec<DueOutcome> {
        self.log.iter().filter_map(DueOutcome::of).collect()
    }

    /// The outcomes of due times, each in a word and the due time of day.
    pub fn verdicts(&self) -> Vec<String> {
        use provost_model::DueVerdict as V;
        let one = |it: DueOutcome| {
            let verdict = match it.verdict {
                V::Ran { .. } => "ran".to_owned(),
                V::Skipped { reason, .. } => reason.word().to_owned(),
                V::Missed { reason } => format!("missed {} {}", it.count, reason.word()),
            };
            format!("{} {verdict}", it.due.strftime("%H:%M:%S"))
        };
        self.outcomes().into_iter().map(one).collect()
    }

    /// The steps that were started, in order, without their runs.
    pub fn steps(&self) -> Vec<&str> {
        self.started.iter().map(|(_, step)| step.step.as_str()).collect()
    }

    /// How often steps of this id were started.
    pub fn count(&self, step: &str) -> usize {
        self.steps().into_iter().filter(|it| *it == step).count()
    }

    /// The last request that was made for `step`.
    pub fn request(&self, step: &str) -> &ContainerRequest {
        self.made.iter().rev().find(|request| request.step.step.as_str() == step).unwrap()
    }

    /// What receivers were told, as `channel moment`.
    pub fn heard(&self) -> Vec<String> {
        let word = |moment: Moment| serde_json::to_value(moment).unwrap().as_str().unwrap().to_owned();
        self.told.iter().map(|notice| format!("{} {}", notice.channel.name, word(notice.moment))).collect()
    }

    /// Nothing is left behind: no open run or event, no container.
    pub fn assert_clean(&self) {
        assert!(self.state.runs.is_empty(), "open runs: {:#?}", self.state.runs);
        assert!(self.state.events.is_empty(), "open events: {:#?}", self.state.events);
        assert!(self.seen.containers.is_empty(), "containers: {:#?}", self.seen.containers.keys());
    }
}

fn after(instant: Timestamp, seconds: u64) -> Timestamp {
    instant + SignedDuration::from_secs(seconds.cast_signed())
}
