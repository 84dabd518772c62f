//! A bench for one core: it records what comes out, keeps containers by hand, and can crash at any point.

use std::collections::BTreeMap;

use jiff::Timestamp;
use provost_controller::{
    Answer, Command, Core, Done, DriftMode, EngineError, EngineErrorKind, EngineFacts, Input, Pin, Refusal, Rules,
};
use provost_model::{
    ContainerName, ContainerRequest, ContainerSeen, Fact, Life, Outcome, Owner, Recorded, RevisionId, RunId, State,
    Step, StepPhase, StepRef,
};
use provost_planner::{Action, Identity, Requests};

use crate::manifests::START;
pub use crate::manifests::{at, automation, compiled, hooks, instance, name, seconds};

pub fn rules() -> Rules {
    let (host, user, version) = ("server".to_owned(), "user".to_owned(), "test".to_owned());
    Rules {
        identity: Identity { instance: instance(), host, user, pid: 1, version, traces: false },
        drift: DriftMode::Correct,
        shutdown_grace_s: 60,
        prepare_ahead: false,
        requests: Requests::Whole,
        allow_empty: false,
    }
}

pub fn engine_facts() -> EngineFacts {
    EngineFacts { product: "bench".to_owned(), version: String::new(), address: String::new() }
}

pub fn unavailable() -> EngineError {
    EngineError::new(EngineErrorKind::Unavailable, "the engine does not answer")
}

pub fn refused() -> EngineError {
    EngineError::new(EngineErrorKind::Refused, "no such image")
}

pub struct Bench {
    pub rules: Rules,
    pub core: Core,
    pub now: Timestamp,
    /// What a crash leaves: the fold of everything that was given out to be recorded.
    pub durable: State,
    pub facts: Vec<Recorded>,
    pub containers: BTreeMap<ContainerName, ContainerSeen>,
    /// Actions that were given out, and not carried out.
    pub todo: Vec<Action>,
    /// How often each container was made and started.
    pub made: BTreeMap<ContainerName, u32>,
    pub started: BTreeMap<ContainerName, u32>,
    pub outcomes: BTreeMap<RunId, (Outcome, String)>,
    pub wake_at: Option<Timestamp>,
    pub exit: bool,
    pub handled: usize,
}

impl Bench {
    /// A server whose engine answers, with the revision `r1` in force.
    pub fn new(yaml: &str) -> Self {
        let mut bench = Self::bare(rules());
        bench.engine_up();
        bench.revision("r1", yaml);
        bench
    }

    /// A server that has seen nothing yet.
    pub fn bare(rules: Rules) -> Self {
        let now = at(START);
        let (core, answer) = Core::new(rules.clone(), State::default(), now);
        let mut bench = Self {
            rules,
            core,
            now,
            durable: State::default(),
            facts: Vec::new(),
            containers: BTreeMap::new(),
            todo: Vec::new(),
            made: BTreeMap::new(),
            started: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            wake_at: None,
            exit: false,
            handled: 0,
        };
        bench.take(answer);
        bench
    }

    pub fn hand(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<ContainerName> {
        self.handled += 1;
        let mut answer = self.core.handle(self.now, inputs);
        let look_at = std::mem::take(&mut answer.look_at);
        self.take(answer);
        look_at
    }

    fn take(&mut self, answer: Answer) {
        for recorded in answer.batch.facts {
            self.durable.apply(&recorded).unwrap();
            self.facts.push(recorded);
        }
        assert_eq!(self.durable, *self.core.state(), "the state is the fold of what was given out (R2)");
        for run in answer.batch.runs {
            if let Some(outcome) = run.outcome {
                self.outcomes.insert(run.run, (outcome, run.detail));
            }
        }
        for action in &answer.actions {
            self.check_intent(action);
        }
        self.todo.extend(answer.actions);
        (self.wake_at, self.exit) = (answer.wake_at, answer.exit);
        assert!(self.wake_at.is_none_or(|wake_at| wake_at > self.now), "it would never rest: {:?}", self.wake_at);
    }

    /// Every action has its fact in what is durable (R2), and nothing is made after the intent to start it (D2).
    fn check_intent(&self, action: &Action) {
        match action {
            Action::Create { request } => {
                let phase = self.step(&request.step).map(|step| &step.phase);
                let may = phase.is_none_or(|phase| matches!(phase, StepPhase::Waiting { .. }));
                assert!(may, "{} is made after {phase:?}", request.name);
            }
            Action::Start { step, .. } | Action::Ask { step, .. } => {
                let phase = &self.step(step).unwrap().phase;
                assert!(matches!(phase, StepPhase::Starting { .. }), "{phase:?}");
            }
            Action::Stop { name, .. } => {
                let step = self.containers.get(name).and_then(|seen| seen.step.clone());
                let phase = step.and_then(|step| self.step(&step).map(|step| step.phase.clone()));
                assert!(matches!(phase, Some(StepPhase::Stopping { .. })), "{phase:?}");
            }
            Action::Deliver { notice, .. } => assert!(self.durable.outbox.contains_key(&notice.id)),
            Action::Follow { .. } | Action::Collect { .. } | Action::Remove { .. } | Action::Probe { .. } => {}
        }
    }

    pub fn step(&self, step: &StepRef) -> Option<&Step> {
        match &step.owner {
            Owner::Run(id) => self.durable.runs.get(id)?.steps().find(|it| it.id == step.step),
            Owner::Event(id) => {
                let event = self.durable.events.values().find(|event| event.id == *id)?;
                event.firing.as_ref()?.step(&step.step)
            }
            Owner::Notice(_) => None,
        }
    }

    pub fn pass(&mut self, count: i64) {
        self.now += seconds(count);
        self.hand([Input::Tick]);
    }

    pub fn engine_up(&mut self) -> Vec<ContainerName> {
        let containers = self.containers.values().cloned().collect();
        self.hand([Input::EngineUp { facts: engine_facts(), containers }])
    }

    pub fn engine_down(&mut self) {
        self.hand([Input::EngineDown { why: "connection refused".to_owned() }]);
    }

    pub fn revision(&mut self, revision: &str, yaml: &str) {
        self.revision_by(revision, yaml, "source", Pin::Leave);
    }

    pub fn revision_by(&mut self, revision: &str, yaml: &str, by: &str, pin: Pin) {
        let compiled = Box::new(compiled(revision, yaml));
        let revision = RevisionId::parse(revision).unwrap();
        self.hand([Input::Revision { revision, about: String::new(), by: by.to_owned(), compiled, pin }]);
    }

    pub fn order(&mut self, command: Command) -> Result<Done, Refusal> {
        let (facts, done) = self.core.order(self.now, command, None)?;
        self.hand([Input::Ordered { facts }]);
        Ok(done)
    }

    /// Starts a run by hand.
    pub fn run(&mut self, automation: &str) -> RunId {
        let request = format!("request {}", self.facts.len());
        let command = Command::Run {
            automation: name(automation),
            params: serde_json::Map::new(),
            testing: false,
            request,
            by: "ann".to_owned(),
        };
        match self.order(command).unwrap() {
            Done::Accepted { run } => run,
            other => panic!("{other:?}"),
        }
    }

    /// The process is gone: only facts and containers are left, and the next one starts with them.
    pub fn crash(&mut self) {
        self.todo.clear();
        let (core, answer) = Core::new(self.rules.clone(), self.durable.clone(), self.now);
        self.core = core;
        self.take(answer);
        self.engine_up();
    }

    /// Carries out what is to be done, and tells of it, until only containers that run are left.
    pub fn work(&mut self) {
        while !self.todo.is_empty() {
            self.work_once();
        }
    }

    /// Carries out what is to be done now, and tells of it.
    pub fn work_once(&mut self) {
        let todo = std::mem::take(&mut self.todo);
        let inputs: Vec<Input> = todo.into_iter().filter_map(|action| self.carry_out(action)).collect();
        self.hand(inputs);
    }

    pub fn carry_out(&mut self, action: Action) -> Option<Input> {
        Some(match action {
            Action::Create { request } => self.create(&request),
            Action::Start { name, step, .. } => {
                let now = self.now;
                if let Some(seen) = self.containers.get_mut(&name).filter(|seen| seen.life == Life::Created) {
                    seen.life = Life::Running { started_at: Some(now) };
                    *self.started.entry(name.clone()).or_default() += 1;
                }
                Input::Started { result: Ok(self.containers.get(&name).cloned()), name, step }
            }
            Action::Follow { .. } => return None,
            Action::Stop { name, .. } => {
                self.end(&name, 143);
                Input::Stopped { result: Ok(self.containers.get(&name).cloned()), name }
            }
            Action::Collect { name, output } => {
                let gone = EngineError::new(EngineErrorKind::NotFound, "it is gone");
                let seen = self.containers.get(&name).cloned().ok_or(gone);
                Input::Collected { name, step: output.step, result: seen.map(|seen| (seen, Box::default())) }
            }
            Action::Remove { name } => {
                self.containers.remove(&name);
                Input::Removed { name, result: Ok(()) }
            }
            Action::Probe { name, .. } => Input::Probed { name, result: Ok(Ok(())) },
            Action::Ask { step, .. } => Input::Asked { step, result: Ok(None) },
            Action::Deliver { notice, .. } => Input::Delivered { id: notice.id, result: Ok(()) },
        })
    }

    fn create(&mut self, request: &ContainerRequest) -> Input {
        let (name, step) = (request.name.clone(), request.step.clone());
        let seen = self.containers.entry(name.clone()).or_insert_with(|| {
            *self.made.entry(name.clone()).or_default() += 1;
            seen_of(request)
        });
        let result = if seen.request.as_deref() == Some(request.digest().as_str()) {
            Ok((seen.clone(), "sha256:bench".to_owned()))
        } else {
            Err(EngineError::new(EngineErrorKind::Conflict, "the name is taken"))
        };
        Input::Created { name, step, result }
    }

    /// Lets a container end, unseen.
    pub fn end(&mut self, name: &ContainerName, code: i64) {
        let now = self.now;
        let seen = self.containers.get_mut(name).unwrap();
        if let Life::Running { started_at } = seen.life {
            seen.life = Life::Exited { code, out_of_memory: false, started_at, finished_at: Some(now), error: None };
        }
    }

    pub fn seen(&self, name: &ContainerName) -> Input {
        Input::Seen { name: name.clone(), container: self.containers.get(name).cloned() }
    }

    /// Lets a container end, and tells of it.
    pub fn ended(&mut self, name: &ContainerName, code: i64) {
        self.end(name, code);
        let seen = self.seen(name);
        self.hand([seen]);
    }

    /// Works on until nothing runs any more: whatever runs succeeds.
    pub fn work_out(&mut self) {
        self.work();
        while let Some(name) = self.running() {
            self.now += seconds(1);
            self.ended(&name, 0);
            self.work();
        }
    }

    pub fn running(&self) -> Option<ContainerName> {
        let is_running = |seen: &&ContainerSeen| matches!(seen.life, Life::Running { .. });
        self.containers.values().find(is_running).map(|seen| seen.name.clone())
    }

    pub fn count(&self, is_it: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().filter(|recorded| is_it(&recorded.fact)).count()
    }

    pub fn outcome(&self, run: &RunId) -> Outcome {
        self.outcomes[run].0
    }
}

pub fn container(owner: &str, step: &str) -> ContainerName {
    ContainerName::of(&instance(), owner, step)
}

pub fn main_of(run: &RunId) -> ContainerName {
    container(run.as_str(), "main.1")
}

fn seen_of(request: &ContainerRequest) -> ContainerSeen {
    ContainerSeen {
        name: request.name.clone(),
        id: format!("id of {}", request.name),
        step: Some(request.step.clone()),
        request: Some(request.digest().to_string()),
        life: Life::Created,
    }
}
