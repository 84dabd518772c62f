//! Due times and their outcomes (D1–D5).

use jiff::Timestamp;
use provost_model::{
    AcceptedRun, Automation, CatchUp, Cause, Fact, JsonMap, Ledger, MissReason, Pause, RevisionChange, RunId,
    SkipReason, Startup, State, check_params,
};
use provost_schedule::{Keep, Timing, due_times};

use crate::admit::{Admission, admit};
use crate::world::{earlier, later};
use crate::{Moves, World};

/// A due time this old, in seconds, was missed: the reconciler was down, or the clock went forward (T5). Younger ones are
/// served as if it had been on time; the shell never sleeps longer than this.
pub const ON_TIME_S: u64 = 30;

/// How many missed due times are made up for at most (D3).
pub const CATCH_UP_MAX: usize = 100;

/// Returns the next due time of `automation` strictly after `after`, if it has one.
pub fn next_due(automation: &Automation, after: Timestamp) -> Option<Timestamp> {
    automation.schedules.iter().filter_map(|schedule| schedule.next_after(after)).min()
}

/// Returns the instant at which the run for `due` may start: the due time and its jitter.
pub fn start_of(automation: &Automation, due: Timestamp) -> Timestamp {
    if automation.schedules.iter().all(|schedule| schedule.jitter_s == 0) {
        return due;
    }
    let just_before = due - jiff::SignedDuration::from_secs(1);
    let fires = |schedule: &&provost_schedule::Schedule| schedule.next_after(just_before) == Some(due);
    let schedule = automation.schedules.iter().find(fires);
    schedule.map_or(due, |schedule| schedule.start_at(automation.name.as_str(), due))
}

/// Decides the outcome of every due time that has come.
pub fn settle_due_times(world: &World<'_>, moves: &mut Moves) {
    if !may_settle(world.state) {
        return;
    }
    for (due, name) in world.agenda.upcoming() {
        if due > world.now {
            moves.wake(due);
            return;
        }
        let automation = world.state.desired.automations.get(name);
        let ledger = world.state.ledgers.get(name).filter(|ledger| ledger.accounted_until < due);
        if let (Some(automation), Some(ledger)) = (automation, ledger) {
            Settling { world, automation, ledger, moves }.settle(due);
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
    /// Decides the outcome of `due`, the first that has none: together with all others that were missed, or alone, since
    /// its outcome is part of the world that the next one meets.
    fn settle(&mut self, due: Timestamp) {
        let on_time_from = earlier(self.world.now, ON_TIME_S);
        if due > on_time_from {
            return self.settle_on_time(due);
        }
        let cursor = self.ledger.accounted_until;
        let held_until = self.held_until(on_time_from).max(cursor);
        self.settle_missed(cursor, held_until, 0);
        let keep = match self.automation.catch_up {
            CatchUp::None => 0,
            // Where one has come that is served on time, that one is the last.
            CatchUp::Last => {
                usize::from(next_due(self.automation, on_time_from).is_none_or(|due| due > self.world.now))
            }
            CatchUp::All => CATCH_UP_MAX,
        };
        self.settle_missed(held_until, on_time_from, keep);
    }

    /// Until when, and at most until `end`, nothing is made up for: it would not have run either.
    fn held_until(&self, end: Timestamp) -> Timestamp {
        let is_refused = matches!(self.world.state.server.startup, Startup::Refused { .. });
        match &self.ledger.pause {
            _ if self.automation.suspend || is_refused => end,
            // A due time at the very end of a pause is not paused any more.
            Some(Pause { until: Some(until), .. }) => earlier(*until, 1).min(end),
            Some(Pause { until: None, .. }) => end,
            None => Timestamp::MIN,
        }
    }

    /// Decides what becomes of due times in `(after, until]`, which nobody was there to serve: the last `keep` of them
    /// are made up for (D3).
    fn settle_missed(&mut self, after: Timestamp, until: Timestamp, keep: usize) {
        let found = due_times(&self.automation.schedules, after, until, keep, Keep::Last);
        if let Some((first, last)) = found.omitted_range {
            self.moves.push(missed(self.automation, first, last, found.omitted, MissReason::Down));
        }
        for due in found.times {
            if self.is_past_deadline(due) {
                self.moves.push(missed(self.automation, due, due, 1, MissReason::Deadline));
            } else if let Some(detail) = frozen_at(self.automation, due) {
                self.skip(due, SkipReason::Frozen, detail);
            } else {
                self.accept(due, Cause::CatchUp, self.world.now);
            }
        }
    }

    fn settle_on_time(&mut self, due: Timestamp) {
        match admit(self.world, self.automation, due) {
            Admission::Skip { reason, detail } => self.skip(due, reason, detail),
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
        let params = match check_params(&self.automation.params, &JsonMap::new()) {
            Ok(params) => params,
            Err(problems) => return self.skip(due, SkipReason::Invalid, problems.join("; ")),
        };
        let run = RunId::scheduled(&self.automation.name, due);
        let automation = self.automation.name.clone();
        let accepted = AcceptedRun { run, automation, cause, due, not_before, params, testing: false };
        self.moves.push(Fact::RunAccepted { accepted: Box::new(accepted) });
    }

    fn skip(&mut self, due: Timestamp, reason: SkipReason, detail: String) {
        let automation = self.automation.name.clone();
        self.moves.push(Fact::DueSkipped { automation, due, reason, detail });
    }
}

fn missed(automation: &Automation, first: Timestamp, last: Timestamp, count: u64, reason: MissReason) -> Fact {
    Fact::DueMissed { automation: automation.name.clone(), first, last, count, reason }
}

/// What a revision does to due times: those of rules that go and have no outcome yet are missed (D1), and those of rules
/// that come count from now on (D4).
pub fn arm(world: &World<'_>, change: &RevisionChange) -> Vec<Fact> {
    let mut facts = Vec::new();
    let gone = change.removed.iter().map(|name| (name, None));
    for (name, new) in gone.chain(change.set.iter().map(|new| (&new.name, Some(new)))) {
        let old = world.state.desired.automations.get(name);
        if old.zip(new).is_some_and(|(old, new)| timings(old).eq(timings(new))) {
            continue;
        }
        if let (Some(old), Some(ledger)) = (old, world.state.ledgers.get(name)) {
            let left = due_times(&old.schedules, ledger.accounted_until, world.now, 0, Keep::Last);
            let left = left.omitted_range.map(|(first, last)| missed(old, first, last, left.omitted, MissReason::Down));
            facts.extend(left);
        }
        if new.is_some() {
            facts.push(Fact::Armed { automation: name.clone(), from: world.now });
        }
    }
    facts
}

/// When it is due, jitter aside.
fn timings(automation: &Automation) -> impl Iterator<Item = &Timing> {
    automation.schedules.iter().map(|schedule| &schedule.timing)
}

/// Why nothing of `automation` may start at `instant`, if a policy freezes that minute.
pub fn frozen_at(automation: &Automation, instant: Timestamp) -> Option<String> {
    let second = instant.as_second();
    let minute = Timestamp::from_second(second - second.rem_euclid(60)).ok()?;
    let just_before = minute - jiff::SignedDuration::from_secs(1);
    let freeze = automation.freezes.iter().find(|freeze| freeze.minutes.next_after(just_before) == Some(minute))?;
    Some(format!("frozen by Policy/{}: {}", freeze.policy, freeze.reason))
}

/// Ends pauses whose time has come, once every due time in them has its outcome.
pub fn end_pauses(world: &World<'_>, moves: &mut Moves) {
    for (until, name) in world.agenda.pauses() {
        if until > world.now {
            return moves.wake(until);
        }
        if world.agenda.next_of(name).is_none_or(|due| due >= until) {
            moves.push(Fact::Resumed { automation: name.clone(), by: "the pause's end".to_owned() });
        }
    }
}
