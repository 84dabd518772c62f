//! Due times and their outcomes (D1–D5).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use provost_model::{
    AcceptedRun, Automation, CatchUp, Cause, Fact, JsonMap, Ledger, MissReason, Name, RunId, Startup, State, check_params,
};
use provost_schedule::{Keep, due_times};

use crate::admit::{Admission, admit};
use crate::world::{earlier, later};
use crate::{Moves, World};

/// A due time this old, in seconds, was missed: the reconciler was down, or the clock went forward (T5). Younger ones are
/// served as if it had been on time; the shell never sleeps longer than this.
pub const ON_TIME_S: u64 = 30;

/// How many missed due times are made up for at most (D3).
pub const CATCH_UP_MAX: usize = 100;

/// Which automation is due next: an index over the state, so that ten thousand automations at rest cost nothing.
#[derive(Clone, Debug, Default)]
pub struct Agenda {
    next: BTreeMap<Name, Timestamp>,
    order: BTreeSet<(Timestamp, Name)>,
}

impl Agenda {
    /// The agenda of everything that is in force.
    pub fn of(state: &State) -> Self {
        let mut agenda = Self::default();
        for name in state.desired.automations.keys() {
            agenda.refresh(state, name);
        }
        agenda
    }

    /// Looks up anew when `name` is due; to be called after each fact about its due times.
    pub fn refresh(&mut self, state: &State, name: &Name) {
        if let Some(old) = self.next.remove(name) {
            self.order.remove(&(old, name.clone()));
        }
        let automation = state.desired.automations.get(name);
        let ledger = state.ledgers.get(name);
        if let (Some(automation), Some(ledger)) = (automation, ledger)
            && let Some(next) = next_due(automation, ledger.accounted_until)
        {
            self.next.insert(name.clone(), next);
            self.order.insert((next, name.clone()));
        }
    }

    /// When `name` is due next.
    pub fn next_of(&self, name: &Name) -> Option<Timestamp> {
        self.next.get(name).copied()
    }

    /// What is due next, soonest first.
    pub fn upcoming(&self) -> impl Iterator<Item = (Timestamp, &Name)> {
        self.order.iter().map(|(due, name)| (*due, name))
    }
}

/// Returns the next due time of `automation` strictly after `after`, if it has one.
pub fn next_due(automation: &Automation, after: Timestamp) -> Option<Timestamp> {
    automation.schedules.iter().filter_map(|schedule| schedule.next_after(after)).min()
}

/// Returns the instant at which the run for `due` may start: the due time and its jitter.
pub fn start_of(automation: &Automation, due: Timestamp) -> Timestamp {
    let just_before = due - jiff::SignedDuration::from_secs(1);
    let fires = |schedule: &&provost_schedule::Schedule| schedule.next_after(just_before) == Some(due);
    let schedule = automation.schedules.iter().find(fires);
    schedule.map_or(due, |schedule| schedule.start_at(automation.name.as_str(), due))
}

/// Decides the outcome of every due time that has come.
pub fn settle_due_times(world: &World<'_>, agenda: &Agenda, moves: &mut Moves) {
    if !may_settle(world.state) {
        return;
    }
    for (due, name) in agenda.upcoming() {
        if due > world.now {
            moves.wake(due);
            return;
        }
        let automation = world.state.desired.automations.get(name);
        if let (Some(automation), Some(ledger)) = (automation, world.state.ledgers.get(name)) {
            Settling { world, automation, ledger, moves }.settle();
        }
    }
}

/// Due times wait while the server has not decided whether it may start anything, and while it shuts down.
fn may_settle(state: &State) -> bool {
    !state.server.stopping && matches!(state.server.startup, Startup::Passed | Startup::Refused { .. })
}

struct Settling<'a, 'm> {
    world: &'a World<'a>,
    automation: &'a Automation,
    ledger: &'a Ledger,
    moves: &'m mut Moves,
}

impl Settling<'_, '_> {
    fn settle(&mut self) {
        let now = self.world.now;
        let facts_before = self.moves.facts.len();
        let on_time_from = earlier(now, ON_TIME_S);
        let cursor = self.ledger.accounted_until;
        if cursor < on_time_from {
            self.settle_missed(cursor, on_time_from);
        }
        let on_time = due_times(&self.automation.schedules, cursor.max(on_time_from), now, usize::MAX, Keep::First);
        // One at a time: the outcome of the first is part of the world that the second meets.
        if self.moves.facts.len() == facts_before
            && let Some(due) = on_time.times.first()
        {
            self.settle_on_time(*due);
        }
    }

    /// Decides what becomes of due times in `(after, until]`, which nobody was there to serve (D3).
    fn settle_missed(&mut self, after: Timestamp, until: Timestamp) {
        let keep = match self.automation.catch_up {
            _ if !self.may_catch_up() => 0,
            CatchUp::None => 0,
            CatchUp::Last => 1,
            CatchUp::All => CATCH_UP_MAX,
        };
        let found = due_times(&self.automation.schedules, after, until, keep, Keep::Last);
        if let Some((first, last)) = found.omitted_range {
            self.miss(first, last, found.omitted, MissReason::Down);
        }
        for due in found.times {
            if self.is_past_deadline(due) {
                self.miss(due, due, 1, MissReason::Deadline);
            } else {
                self.accept(due, Cause::CatchUp, self.world.now);
            }
        }
    }

    fn may_catch_up(&self) -> bool {
        let is_refused = matches!(self.world.state.server.startup, Startup::Refused { .. });
        !self.automation.suspend && self.ledger.pause.is_none() && !is_refused
    }

    fn settle_on_time(&mut self, due: Timestamp) {
        match admit(self.world, self.automation, due) {
            Admission::Skip { reason, detail } => {
                let automation = self.automation.name.clone();
                self.moves.push(Fact::DueSkipped { automation, due, reason, detail });
            }
            Admission::Accept { replaces } => {
                self.moves.facts.extend(Admission::replacements(replaces));
                self.accept(due, Cause::Schedule, start_of(self.automation, due));
            }
        }
    }

    fn is_past_deadline(&self, due: Timestamp) -> bool {
        self.automation.start_deadline_s.is_some_and(|deadline| later(due, deadline) < self.world.now)
    }

    fn accept(&mut self, due: Timestamp, cause: Cause, not_before: Timestamp) {
        // Defaults were checked with the manifest, and a required parameter has none: such a run fails, and says so.
        let params = check_params(&self.automation.params, &JsonMap::new()).unwrap_or_default();
        let run = RunId::scheduled(&self.automation.name, due);
        let automation = self.automation.name.clone();
        let accepted = AcceptedRun { run, automation, cause, due, not_before, params, testing: false };
        self.moves.push(Fact::RunAccepted { accepted: Box::new(accepted) });
    }

    fn miss(&mut self, first: Timestamp, last: Timestamp, count: u64, reason: MissReason) {
        let automation = self.automation.name.clone();
        self.moves.push(Fact::DueMissed { automation, first, last, count, reason });
    }
}

/// Why nothing of `automation` may start at `instant`, if a policy freezes that minute.
pub fn frozen_at(automation: &Automation, instant: Timestamp) -> Option<String> {
    let second = instant.as_second();
    let minute = Timestamp::from_second(second - second.rem_euclid(60)).ok()?;
    let just_before = minute - jiff::SignedDuration::from_secs(1);
    let freeze = automation.freezes.iter().find(|freeze| freeze.minutes.next_after(just_before) == Some(minute))?;
    Some(format!("frozen by Policy/{}: {}", freeze.policy, freeze.reason))
}

/// From when on due times count that are not known yet (D4), and ends of pauses.
pub fn keep_ledgers(world: &World<'_>, moves: &mut Moves) {
    for name in world.state.desired.automations.keys() {
        if !world.state.ledgers.contains_key(name) {
            moves.push(Fact::Armed { automation: name.clone(), from: world.now });
        }
    }
    for (name, ledger) in &world.state.ledgers {
        let Some(until) = ledger.pause.as_ref().and_then(|pause| pause.until) else { continue };
        if until <= world.now {
            moves.push(Fact::Resumed { automation: name.clone(), by: "the pause's end".to_owned() });
        } else {
            moves.wake(until);
        }
    }
}
