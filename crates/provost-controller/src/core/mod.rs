//! The core: a function from (what is known, what came in, what time it is) to (what to record, what to do, when to look
//! again). It does no IO and has no clock.

mod document;
mod order;
mod revision;
mod sight;
mod skill;
mod status;
mod sweep;

use sweep::Stray;

pub(crate) use order::fired_event;
pub(crate) use skill::{checked, skill, unknown};

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use provost_model::{
    ContainerName, DueOutcome, EventFact, EventId, Exit, Fact, Owner, Recorded, RunFact, RunId, RunRecord, State,
    StepFact, StepRef,
};
use provost_planner::{Action, Agenda, Identity, Moves, Requests, Seen, World, actions, consequences, decide};

use crate::{Batch, EngineStatus, Input, Work};

/// How the core is set.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who this Provost is.
    pub identity: Identity,
    /// What is done about drift (C4).
    pub drift: DriftMode,
    /// After a request to end, runs may go on for this long before the shutdown hooks, in seconds.
    pub shutdown_grace_s: u64,
    /// Whether containers are made ahead of their due time.
    pub prepare_ahead: bool,
    /// How much of what containers are asked to be is worked out.
    pub requests: Requests,
    /// Whether a revision may remove everything (C2).
    pub allow_empty: bool,
}

/// What is done about drift (C4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriftMode {
    /// It is put right.
    #[default]
    Correct,
    /// It is told of.
    Report,
}

/// The core. Everything durable in it is the fold of what it gave out to be recorded; the rest is sight, and is lost
/// without harm.
pub struct Core {
    rules: Rules,
    state: State,
    agenda: Agenda,
    seen: Seen,
    engine: EngineStatus,
    /// Actions that were given out and have not come back.
    under_way: BTreeSet<Work>,
    /// Containers that are made for steps that are not known yet.
    ahead: BTreeSet<ContainerName>,
    /// Containers that may have been started although the engine did not say so, until they are seen again.
    unsure: BTreeSet<ContainerName>,
    /// Containers of which it was first seen that they had ended when the engine had been away: it may not know how (R9).
    doubtful: BTreeSet<ContainerName>,
    /// Actions that failed, how often, and when they may be given out again.
    failed: BTreeMap<Work, (u32, Timestamp)>,
    /// Containers that belong to nothing.
    strays: BTreeMap<ContainerName, Stray>,
    stopping_since: Option<Timestamp>,
    has_fired_shutdown: bool,
    /// Since when nothing is left to do before the end but to tidy up.
    done_since: Option<Timestamp>,
    /// What the current call gives out.
    batch: Batch,
    touched: BTreeSet<RunId>,
    closed: Vec<Owner>,
    volumes_of: Vec<RunId>,
    look_at: Vec<ContainerName>,
}

/// What the core answers to inputs. The batch comes first: it is durable before an action is begun (R2).
#[derive(Debug, Default, PartialEq)]
pub struct Answer {
    /// To be recorded, all of it or nothing.
    pub batch: Batch,
    /// To be done once the batch is durable.
    pub actions: Vec<Action>,
    /// Containers that a listing did not show although they were known: whether they are gone is to be seen one by one.
    pub look_at: Vec<ContainerName>,
    /// Whose output is complete and can be compressed.
    pub closed: Vec<Owner>,
    /// Runs that are over, and had volumes of their own.
    pub volumes_of: Vec<RunId>,
    /// When to call again, if nothing comes in before.
    pub wake_at: Option<Timestamp>,
    /// The shutdown is complete.
    pub exit: bool,
}

/// How many rounds of decisions one call may take. A state that has not settled by then is a fault of ours, and must not
/// become an endless loop.
const ROUNDS_MAX: usize = 10_000;

impl Core {
    /// The core of a reconciler that starts with `state`.
    pub fn new(rules: Rules, state: State, now: Timestamp) -> (Self, Answer) {
        let mut core = Self {
            agenda: Agenda::of(&state),
            rules,
            state,
            // Nobody watched the engine before: of what ended then, it is not known whether the engine was there (R9).
            seen: Seen { absent_since: Some(Timestamp::UNIX_EPOCH), ..Seen::default() },
            engine: EngineStatus::default(),
            under_way: BTreeSet::new(),
            ahead: BTreeSet::new(),
            unsure: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            failed: BTreeMap::new(),
            strays: BTreeMap::new(),
            stopping_since: None,
            has_fired_shutdown: false,
            done_since: None,
            batch: Batch::default(),
            touched: BTreeSet::new(),
            closed: Vec::new(),
            volumes_of: Vec::new(),
            look_at: Vec::new(),
        };
        core.begin(now);
        let answer = core.handle(now, [Input::Tick]);
        (core, answer)
    }

    /// A new start ends what belonged to the one before: its own events.
    fn begin(&mut self, now: Timestamp) {
        let is_own = |event: &&provost_model::Occurrence| event.name.starts_with("server.") && event.handled.is_none();
        let events: Vec<_> = self.state.events.values().filter(is_own).map(|event| event.id.clone()).collect();
        for id in events {
            self.end_unbegun(now, &id);
            let failure = Some("the reconciler ended before it was handled".to_owned());
            self.record(now, Fact::Event { id, change: EventFact::Handled { failure } });
        }
        self.record(now, Fact::ServerStarted { version: self.rules.identity.version.clone() });
    }

    /// Hooks of an event that nobody waits for any more do not begin any more.
    fn end_unbegun(&mut self, now: Timestamp, id: &EventId) {
        let event = self.state.events.values().find(|event| event.id == *id);
        let steps = event.and_then(|event| event.firing.as_ref()).into_iter().flat_map(|firing| &firing.steps);
        let unbegun: Vec<_> =
            steps.filter(|step| !step.is_over() && !step.is_going_on()).map(|step| step.id.clone()).collect();
        for step in unbegun {
            let result = Exit::NotStarted { why: "the reconciler ended before".to_owned() };
            self.end_step(now, &StepRef { owner: Owner::Event(id.clone()), step }, result);
        }
    }

    /// What is known.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes `inputs`, which came in by `now`, and says what follows.
    pub fn handle(&mut self, now: Timestamp, inputs: impl IntoIterator<Item = Input>) -> Answer {
        for input in inputs {
            self.take(now, input);
        }
        let mut moves = self.settle(now);
        let settled = self.state.seq;
        self.sweep(now);
        self.end_if_done(now);
        if self.state.seq != settled {
            moves = self.settle(now);
        }
        let actions = self.plan(now, &mut moves);
        let actions = self.give_out(now, actions, &mut moves);
        self.wake_for_sweep(&mut moves);
        self.wake_for_shutdown(now, &mut moves);
        let touched = std::mem::take(&mut self.touched);
        self.batch.runs.extend(touched.iter().filter_map(|id| self.state.runs.get(id)).map(RunRecord::of));
        Answer {
            batch: std::mem::take(&mut self.batch),
            actions,
            closed: std::mem::take(&mut self.closed),
            volumes_of: std::mem::take(&mut self.volumes_of),
            look_at: std::mem::take(&mut self.look_at),
            wake_at: moves.wake_at,
            exit: self.has_tidied_up(now),
        }
    }

    fn world(&self, now: Timestamp) -> World<'_> {
        let Self { state, seen, agenda, rules: Rules { identity, requests, .. }, .. } = self;
        World { state, seen, agenda, now, identity, requests: *requests }
    }

    /// Records what follows, until nothing does, and returns when time alone will bring the next.
    fn settle(&mut self, now: Timestamp) -> Moves {
        for _ in 0..ROUNDS_MAX {
            let moves = decide(&self.world(now));
            if moves.facts.is_empty() {
                return moves;
            }
            for fact in moves.facts {
                self.record(now, fact);
            }
        }
        tracing::error!("decisions did not settle within {ROUNDS_MAX} rounds; going on with what was decided");
        Moves::default()
    }

    /// Records `fact`, and with it what follows from it at once.
    fn record(&mut self, now: Timestamp, fact: Fact) {
        let followers = consequences(&self.world(now), &fact);
        let recorded = Recorded { seq: self.state.seq + 1, at: now, fact };
        match self.state.apply(&recorded) {
            Ok(closed) => {
                self.note(&recorded, closed);
                self.batch.facts.push(recorded);
            }
            Err(error) => {
                // The state is as it was, and the fact does not count.
                self.state.seq -= 1;
                tracing::error!(%error, "a decision did not fit the state and was dropped");
                return;
            }
        }
        for follower in followers {
            self.record(now, follower);
        }
    }

    /// Keeps what is derived from the state in step with it.
    fn note(&mut self, recorded: &Recorded, closed: Option<provost_model::Run>) {
        self.batch.outcomes.extend(DueOutcome::of(recorded));
        self.agenda.note(&self.state, &recorded.fact);
        self.doubt_requests(&recorded.fact);
        match &recorded.fact {
            Fact::RunAccepted { accepted } => drop(self.touched.insert(accepted.run.clone())),
            Fact::Run { run, .. } => drop(self.touched.insert(run.clone())),
            _ => {}
        }
        if let Some(run) = closed {
            self.touched.remove(&run.id);
            self.batch.runs.push(RunRecord::of(&run));
            self.volumes_of.extend(run.spec.has_volumes_of_runs().then(|| run.id.clone()));
            self.closed.push(Owner::Run(run.id));
        }
    }

    /// Containers were asked for by requests that `fact` may have changed: whether they are still what is wanted has to
    /// be compared.
    fn doubt_requests(&mut self, fact: &Fact) {
        let asked_for = &mut self.seen.asked_for;
        let owner = match fact {
            Fact::RunAccepted { accepted } => Owner::Run(accepted.run.clone()),
            Fact::Run { run, .. } => Owner::Run(run.clone()),
            Fact::Event { id, .. } => Owner::Event(id.clone()),
            Fact::RevisionApplied { .. } => return asked_for.clear(),
            _ => return,
        };
        asked_for.remove(&owner);
        let has_ended = matches!(
            fact,
            Fact::Run { change: RunFact::Step { fact: StepFact::Ended { .. }, .. }, .. }
                | Fact::Event { change: EventFact::Step { fact: StepFact::Ended { .. }, .. }, .. }
        );
        // It may have set globals, which every request holds.
        if has_ended && !self.state.globals.is_empty() {
            asked_for.clear();
        }
    }

    /// What is to be done now that nothing follows from the state any more.
    fn plan(&self, now: Timestamp, moves: &mut Moves) -> Vec<Action> {
        if self.rules.prepare_ahead {
            return actions(&self.world(now), moves);
        }
        // Without an agenda nothing is made ahead.
        actions(&World { agenda: &Agenda::default(), ..self.world(now) }, moves)
    }

    /// Leaves out what is under way, or failed and has to wait.
    fn give_out(&mut self, now: Timestamp, actions: Vec<Action>, moves: &mut Moves) -> Vec<Action> {
        let planned: Vec<(Work, Action)> =
            actions.into_iter().chain(self.sweepings()).map(|action| (Work::of(&action), action)).collect();
        if !self.failed.is_empty() {
            let works: BTreeSet<&Work> = planned.iter().map(|(work, _)| work).collect();
            // What is not wanted any more need not be remembered.
            self.failed.retain(|work, _| works.contains(work) || self.under_way.contains(work));
        }
        let mut given = Vec::new();
        for (work, action) in planned {
            match self.failed.get(&work) {
                Some((_, until)) if *until > now && !self.has_its_own_pause(&action) => moves.wake(*until),
                _ if self.is_name_taken(&work) || self.may_be_starting(&work) => {}
                _ if self.under_way.insert(work) => {
                    if let Action::Create { request } = &action {
                        if self.find_step(&request.step).is_none() {
                            self.ahead.insert(request.name.clone());
                        }
                        self.seen.making.insert(request.name.clone());
                        let asked = self.seen.asked_for.entry(request.step.owner.clone()).or_default();
                        asked.insert(request.name.clone());
                    }
                    if let Action::Remove { name } = &action {
                        self.seen.removing.insert(name.clone());
                    }
                    given.push(action);
                }
                _ => {}
            }
        }
        given
    }

    /// Making the container of a step that is known: its pauses are recorded. One that failed ahead of time has none.
    fn has_its_own_pause(&self, action: &Action) -> bool {
        matches!(action, Action::Create { request } if self.find_step(&request.step).is_some())
    }

    /// Making a container whose name is being removed, with the folder that the new one would have: the removal comes to
    /// its end first, also when the old one is seen gone before.
    fn is_name_taken(&self, work: &Work) -> bool {
        matches!(work, Work::Create(name) if self.under_way.contains(&Work::Remove(name.clone())))
    }

    /// Removing a container that may just begin to run: if it does, it is asked to end.
    fn may_be_starting(&self, work: &Work) -> bool {
        let Work::Remove(name) = work else { return false };
        self.unsure.contains(name) || self.under_way.contains(&Work::Start(name.clone()))
    }

    /// An action came back.
    fn came_back(&mut self, work: &Work) {
        self.end_work(work);
        self.failed.remove(work);
    }

    fn end_work(&mut self, work: &Work) {
        self.under_way.remove(work);
        match work {
            Work::Create(name) => drop(self.seen.making.remove(name)),
            Work::Remove(name) => drop(self.seen.removing.remove(name)),
            _ => {}
        }
    }

    /// An action came back and has to be given out again, later each time, a minute apart at most.
    fn came_back_failed(&mut self, now: Timestamp, work: Work) {
        self.end_work(&work);
        let tries = self.failed.get(&work).map_or(0, |(tries, _)| *tries).min(6);
        let pause = jiff::SignedDuration::from_secs((1i64 << tries).min(60));
        self.failed.insert(work, (tries + 1, now + pause));
    }
}
