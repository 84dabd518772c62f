//! Simulation: weeks of schedule, policy and failure in a moment, through the core that runs for real.
//!
//! Time is a number here. The loop takes whatever comes next, what the core waits for or a container that ends, and lets
//! the core handle it. Containers take as long, and end, as the script says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use provost_model::{
    ContainerName, ContainerRequest, ContainerSeen, Desired, DueOutcome, DueVerdict, Instance, Life, Name, Outcome,
    Owner, Recorded, RevisionId, RunRecord, State,
};
use provost_planner::{Action, Identity, Requests};

use crate::{Compiled, Core, DriftMode, EngineFacts, Input, Pin, Rules};

/// What containers do in a simulation.
#[derive(Clone, Debug)]
pub struct Script {
    /// How long a main container runs, in seconds, where nothing else is said.
    pub run_for_s: u64,
    /// How long hooks run, in seconds.
    pub hooks_run_for_s: u64,
    /// How long the main containers of single automations run, in seconds.
    pub run_for_of: BTreeMap<Name, u64>,
    /// Which attempts fail with exit code 1: each n-th of an automation, counted over all of its attempts.
    pub fail_every: BTreeMap<Name, u64>,
    /// When the reconciler is down: from, until. Containers go on meanwhile.
    pub downtimes: Vec<(Timestamp, Timestamp)>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            run_for_s: 60,
            hooks_run_for_s: 1,
            run_for_of: BTreeMap::new(),
            fail_every: BTreeMap::new(),
            downtimes: Vec::new(),
        }
    }
}

/// How long services run where nothing else is said, in seconds: longer than any simulation.
const SERVICES_RUN_FOR_S: u64 = 100 * 366 * 86_400;

/// What happened in a simulation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What became of each automation's due times and runs.
    pub automations: BTreeMap<Name, Tally>,
    /// The most runs that went on at once.
    pub at_once_max: usize,
    /// How many facts were recorded.
    pub facts: u64,
    /// Outcomes of due times and ends of runs, in order, at most [`LINES_MAX`].
    pub lines: Vec<Line>,
}

/// How many lines a report keeps.
pub const LINES_MAX: usize = 10_000;

/// What became of an automation's due times and runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs by outcome.
    pub runs: BTreeMap<Outcome, u64>,
    /// Skipped due times by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Missed due times by reason.
    pub missed: BTreeMap<&'static str, u64>,
    /// Attempts beyond the first of a run.
    pub retries: u64,
}

/// One line of what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// To which automation.
    pub automation: Name,
    /// What, in words.
    pub what: String,
}

/// Plays `desired` from `from` until `until`.
///
/// The same arguments give the same report. Cost: some microseconds for each container and due time.
pub fn simulate(desired: Desired, from: Timestamp, until: Timestamp, script: &Script) -> Report {
    let mut play = Play::new(script, until);
    play.run(desired, from);
    play.report
}

struct Play<'a> {
    script: &'a Script,
    until: Timestamp,
    now: Timestamp,
    core: Option<Core>,
    containers: BTreeMap<ContainerName, Container>,
    ends: BTreeSet<(Timestamp, ContainerName)>,
    inputs: Vec<Input>,
    wake_at: Option<Timestamp>,
    attempts: BTreeMap<String, u64>,
    report: Report,
}

struct Container {
    seen: ContainerSeen,
    /// How long it will run, and its exit code.
    fate: (u64, i64),
}

impl<'a> Play<'a> {
    fn new(script: &'a Script, until: Timestamp) -> Self {
        Self {
            script,
            until,
            now: Timestamp::UNIX_EPOCH,
            core: None,
            containers: BTreeMap::new(),
            ends: BTreeSet::new(),
            inputs: Vec::new(),
            wake_at: None,
            attempts: BTreeMap::new(),
            report: Report::default(),
        }
    }

    fn run(&mut self, desired: Desired, from: Timestamp) {
        self.now = from;
        self.start(State::default());
        let revision = desired.revision.clone().or_else(|| RevisionId::parse("simulated").ok());
        if let Some(revision) = revision {
            let compiled = Compiled { desired: Some(desired), report: String::new(), errors: 0, warnings: 0 };
            let (about, by, compiled) = (String::new(), "simulation".to_owned(), Box::new(compiled));
            self.inputs.push(Input::Revision { revision, about, by, compiled, pin: Pin::Leave });
        }
        let mut downtimes = self.script.downtimes.iter().filter(|(_, up)| *up > from);
        let mut downtime = downtimes.next();
        self.feed();
        while let Some(next) = self.next_instant().filter(|next| *next <= self.until) {
            if let Some((down, up)) = downtime.filter(|(down, _)| next >= *down) {
                self.be_down(*down, *up);
                downtime = downtimes.next();
                continue;
            }
            self.now = next.max(self.now);
            self.end_containers();
            self.feed();
        }
    }

    fn start(&mut self, state: State) {
        let (core, answer) = Core::new(rules(), state, self.now);
        self.core = Some(core);
        self.take(answer);
        let containers = self.containers.values().map(|container| container.seen.clone()).collect();
        self.inputs.push(Input::EngineUp { facts: engine_facts(), containers });
    }

    /// The reconciler is killed and comes back: only what was recorded is left of it.
    fn be_down(&mut self, down: Timestamp, up: Timestamp) {
        self.now = down;
        let state = self.core.take().map(|core| core.state().clone()).unwrap_or_default();
        self.inputs.clear();
        self.now = up;
        self.end_containers();
        self.inputs.clear();
        self.start(state);
        self.feed();
    }

    fn next_instant(&self) -> Option<Timestamp> {
        let end = self.ends.first().map(|(end, _)| *end);
        [self.wake_at, end].into_iter().flatten().min()
    }

    fn end_containers(&mut self) {
        while let Some((end, name)) = self.ends.first().filter(|(end, _)| *end <= self.now).cloned() {
            self.ends.remove(&(end, name.clone()));
            self.end(&name, end, None);
        }
    }

    fn end(&mut self, name: &ContainerName, at: Timestamp, code: Option<i64>) {
        let Some(container) = self.containers.get_mut(name) else {
            return;
        };
        let Life::Running { started_at } = container.seen.life else {
            return;
        };
        let code = code.unwrap_or(container.fate.1);
        container.seen.life =
            Life::Exited { code, out_of_memory: false, started_at, finished_at: Some(at), error: None };
        self.inputs.push(Input::Seen { name: name.clone(), container: Some(container.seen.clone()) });
        self.inputs.push(Input::Followed { name: name.clone() });
    }

    /// Lets the core take what came in, and the engine do what it says, until nothing is left to do at this instant.
    fn feed(&mut self) {
        loop {
            let inputs = std::mem::take(&mut self.inputs);
            let Some(core) = &mut self.core else { return };
            let answer = core.handle(self.now, inputs);
            self.take(answer);
            if self.inputs.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self, answer: crate::Answer) {
        self.wake_at = answer.wake_at.map(|wake_at| wake_at.max(self.now + SignedDuration::from_millis(1)));
        self.report.facts += answer.batch.facts.len() as u64;
        for outcome in &answer.batch.outcomes {
            self.count_outcome(outcome);
        }
        for run in &answer.batch.runs {
            self.count_run(run, &answer.batch.facts);
        }
        if let Some(core) = &self.core {
            let at_once = core.state().runs.values().filter(|run| run.is_going_on()).count();
            self.report.at_once_max = self.report.at_once_max.max(at_once);
        }
        for action in answer.actions {
            self.carry_out(action);
        }
        for name in answer.look_at {
            let container = self.containers.get(&name).map(|container| container.seen.clone());
            self.inputs.push(Input::LookedAt { name, container });
        }
    }

    fn carry_out(&mut self, action: Action) {
        let input = match action {
            Action::Create { request } => self.create(*request),
            Action::Start { name, step, .. } => {
                let now = self.now;
                let result = Ok(self.containers.get_mut(&name).map(|container| {
                    container.seen.life = Life::Running { started_at: Some(now) };
                    let length = SignedDuration::from_secs(i64::try_from(container.fate.0).unwrap_or(i64::MAX));
                    self.ends.insert((now.checked_add(length).unwrap_or(Timestamp::MAX), name.clone()));
                    container.seen.clone()
                }));
                Input::Started { name, step, result }
            }
            // It lasts for as long as the container (`end`), and nobody reads it here.
            Action::Follow { .. } => return,
            Action::Stop { name, .. } => {
                self.end(&name, self.now, Some(143));
                self.ends.retain(|(_, other)| *other != name);
                let result = Ok(self.containers.get(&name).map(|container| container.seen.clone()));
                Input::Stopped { name, result }
            }
            Action::Collect { name, output } => {
                let Some(container) = self.containers.get(&name) else {
                    return;
                };
                let result = Ok((container.seen.clone(), Box::default()));
                Input::Collected { name, step: output.step, result }
            }
            Action::Remove { name } => {
                self.containers.remove(&name);
                self.ends.retain(|(_, other)| *other != name);
                Input::Removed { name, result: Ok(()) }
            }
            Action::Probe { name, .. } => Input::Probed { name, result: Ok(Ok(())) },
            Action::Ask { step, .. } => Input::Asked { step, result: Ok(None) },
            Action::Deliver { notice, .. } => Input::Delivered { id: notice.id, result: Ok(()) },
        };
        self.inputs.push(input);
    }

    fn create(&mut self, request: ContainerRequest) -> Input {
        let fate = self.fate(&request);
        let seen = ContainerSeen {
            name: request.name.clone(),
            id: request.name.to_string(),
            step: Some(request.step.clone()),
            request: None, // Nobody else makes containers here, so that it is never compared.
            life: Life::Created,
        };
        self.containers.insert(request.name.clone(), Container { seen: seen.clone(), fate });
        Input::Created { name: request.name, step: request.step, result: Ok((seen, "sha256:simulated".to_owned())) }
    }

    fn fate(&mut self, request: &ContainerRequest) -> (u64, i64) {
        let run = match &request.step.owner {
            Owner::Run(run) if request.step.step.is_main() => run,
            _ => return (self.script.hooks_run_for_s, 0),
        };
        let fails = self.script.fail_every.get(run.automation()).is_some_and(|every| {
            let attempts = self.attempts.entry(run.automation().to_owned()).or_default();
            *attempts += 1;
            *every > 0 && attempts.is_multiple_of(*every)
        });
        let length = if run.is_of_service() { SERVICES_RUN_FOR_S } else { self.script.run_for_s };
        let length = self.script.run_for_of.get(run.automation()).copied().unwrap_or(length);
        (length, i64::from(fails))
    }

    fn count_outcome(&mut self, outcome: &DueOutcome) {
        let tally = self.report.automations.entry(outcome.automation.clone()).or_default();
        let what = match &outcome.verdict {
            DueVerdict::Ran { .. } => return,
            DueVerdict::Skipped { reason, detail } => {
                *tally.skipped.entry(reason.word()).or_default() += 1;
                format!("skipped ({}): {detail}", reason.word())
            }
            DueVerdict::Missed { reason } => {
                *tally.missed.entry(reason.word()).or_default() += outcome.count;
                format!("missed ({}): {} due times until {}", reason.word(), outcome.count, outcome.last)
            }
        };
        self.write(outcome.due, outcome.automation.clone(), what);
    }

    fn count_run(&mut self, run: &RunRecord, facts: &[Recorded]) {
        let (Some(outcome), Some(ended_at)) = (run.outcome, run.ended_at) else {
            return;
        };
        let is_finish = |recorded: &Recorded| matches!(&recorded.fact, provost_model::Fact::Run { run: id, change: provost_model::RunFact::Finished { .. } } if *id == run.run);
        if !facts.iter().any(is_finish) {
            return; // A hook in the background ended after the run was counted.
        }
        let tally = self.report.automations.entry(run.automation.clone()).or_default();
        *tally.runs.entry(outcome).or_default() += 1;
        tally.retries += u64::from(run.attempts.saturating_sub(1));
        let detail = if run.detail.is_empty() { String::new() } else { format!(": {}", run.detail) };
        self.write(ended_at, run.automation.clone(), format!("{}{detail}", outcome.word()));
    }

    fn write(&mut self, at: Timestamp, automation: Name, what: String) {
        if self.report.lines.len() < LINES_MAX {
            self.report.lines.push(Line { at, automation, what });
        }
    }
}

fn rules() -> Rules {
    // A literal that is an id.
    let instance = Instance::parse("simulation").unwrap_or_else(|error| unreachable!("{error}"));
    let (host, user, version) = ("simulation".to_owned(), "simulation".to_owned(), "simulation".to_owned());
    Rules {
        identity: Identity { instance, host, user, pid: 0, version, traces: false },
        drift: DriftMode::Correct,
        shutdown_grace_s: 0,
        prepare_ahead: false,
        requests: Requests::Named,
        allow_empty: true,
    }
}

fn engine_facts() -> EngineFacts {
    EngineFacts { product: "simulation".to_owned(), version: String::new(), address: String::new() }
}
