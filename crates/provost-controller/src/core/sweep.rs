//! Cleaning up: containers that belong to nothing, and the end of the reconciler itself.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use provost_model::{
    AcceptedEvent, ContainerName, EventId, Fact, JsonMap, Life, Occurrence, Phase, Run, Startup, Step, StepPhase,
};
use provost_planner::{Action, Moves, strays};

use super::{Core, DriftMode};
use crate::Work;

/// A container that belongs to nothing is left alone for this long: what made it may be about to be known.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// After the shutdown grace, the shutdown hooks get this long while the engine or their image cannot be had; and after them,
/// removals do.
const ENGINE_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// A container that belongs to nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stray {
    /// Since when it is seen.
    since: Timestamp,
    /// Whether it was told of, because it runs.
    is_told: bool,
}

impl Core {
    /// Finds containers that belong to nothing, and tells of those that run (C4).
    pub(super) fn sweep(&mut self, now: Timestamp) {
        if !self.seen.is_complete {
            return;
        }
        let found: BTreeSet<ContainerName> = strays(&self.world(now)).into_iter().cloned().collect();
        let under_way = &self.under_way;
        // One that is being removed may be seen gone before its removal has come back, and is told of then.
        self.strays.retain(|name, _| found.contains(name) || under_way.contains(&Work::Remove(name.clone())));
        for name in found {
            let is_running = self.is_running(&name);
            let stray = self.strays.entry(name.clone()).or_insert(Stray { since: now, is_told: false });
            if is_running && !stray.is_told && stray.since + GRACE <= now {
                stray.is_told = true;
                let what = "it runs and belongs to nothing that is known".to_owned();
                self.record(now, Fact::DriftFound { container: name.to_string(), what });
            }
        }
    }

    /// The removals that sweeping calls for. One that does not run is a leftover: nothing is lost with it.
    pub(super) fn sweepings(&self) -> Vec<Action> {
        let may_remove = |(name, stray): &(&ContainerName, &Stray)| match self.rules.drift {
            _ if !self.seen.is_complete || !self.seen.containers.contains_key(*name) => false,
            DriftMode::Correct => stray.is_told || !self.is_running(name),
            DriftMode::Report => !stray.is_told && !self.is_running(name),
        };
        let strays = self.strays.iter().filter(may_remove);
        strays.map(|(name, _)| Action::Remove { name: name.clone() }).collect()
    }

    fn is_running(&self, name: &ContainerName) -> bool {
        matches!(self.seen.life(name), Some(Life::Running { .. }))
    }

    pub(super) fn wake_for_sweep(&self, moves: &mut Moves) {
        let is_waiting = |(name, stray): &(&ContainerName, &Stray)| !stray.is_told && self.is_running(name);
        let waiting = self.strays.iter().filter(|_| self.seen.is_complete).filter(is_waiting);
        waiting.for_each(|(_, stray)| moves.wake(stray.since + GRACE));
    }

    pub(super) fn forget_stray(&mut self, now: Timestamp, name: &ContainerName) {
        if self.strays.remove(name).is_some_and(|stray| stray.is_told) {
            self.record(now, Fact::DriftCorrected { container: name.to_string(), what: "it was removed".to_owned() });
        }
    }

    pub(super) fn begin_shutdown(&mut self, now: Timestamp) {
        if self.stopping_since.is_none() {
            self.stopping_since = Some(now);
            self.record(now, Fact::ServerStopping);
        }
    }

    /// Once runs have ended, or had their time, the shutdown hooks run; once those ended, the reconciler may (A2).
    pub(super) fn end_if_done(&mut self, now: Timestamp) {
        let Some(grace_ends) = self.grace_ends() else {
            return;
        };
        let is_busy = self.state.runs.values().any(may_end_yet) || self.has_events_to_handle();
        if is_busy && now < grace_ends {
            return;
        }
        let id = EventId::derived(&["server.shutdown", &self.state.server.boots.to_string()]);
        let event = self.state.events.values().find(|event| event.id == id);
        let is_hopeless = |event| !self.seen.is_complete || is_held_up(event);
        match event {
            None if !self.has_fired_shutdown => {
                self.has_fired_shutdown = true;
                let (name, by) = ("server.shutdown".to_owned(), "Provost".to_owned());
                let event = AcceptedEvent { id, name, subject: None, run: None, data: JsonMap::new(), by };
                self.record(now, Fact::EventAccepted { event: Box::new(event) });
                self.settle(now);
                self.end_if_done(now);
            }
            Some(event) if event.handled.is_none() && !(self.has_waited(now) && is_hopeless(event)) => {}
            _ => drop(self.done_since.get_or_insert(now)),
        }
    }

    /// Whether accepted events can still be handled before the shutdown hooks: then both those whose turn has not come and
    /// those with hooks in the background are waited for, within the grace.
    fn has_events_to_handle(&self) -> bool {
        let can = self.state.server.startup == Startup::Passed && self.seen.is_complete;
        let is_other = |event: &&Occurrence| !event.name.starts_with("server.");
        can && self.state.events.values().filter(is_other).any(|event| !event.is_closed() && !is_held_up(event))
    }

    /// Removals come to their end before the reconciler does: until the next start, nobody else would tidy up. A slow engine
    /// gets its time for them however long the hooks took.
    pub(super) fn has_tidied_up(&self, now: Timestamp) -> bool {
        let is_removal = |work: &Work| matches!(work, Work::Remove(_));
        // Looked for only at the end: what is under way may be much, and this is asked each time.
        let has_removals = || self.under_way.iter().chain(self.failed.keys()).any(is_removal);
        self.done_since.is_some_and(|since| now >= since + ENGINE_GRACE || !has_removals())
    }

    /// Whether the grace is over, and that for the engine too.
    fn has_waited(&self, now: Timestamp) -> bool {
        self.grace_ends().is_some_and(|ends| now >= ends + ENGINE_GRACE)
    }

    /// When runs have had their time to end.
    fn grace_ends(&self) -> Option<Timestamp> {
        let grace = SignedDuration::from_secs(self.rules.shutdown_grace_s.cast_signed());
        self.stopping_since.map(|since| since + grace)
    }

    pub(super) fn wake_for_shutdown(&self, now: Timestamp, moves: &mut Moves) {
        let engine_waits_since = [self.grace_ends(), self.done_since].into_iter().flatten();
        let instants = self.grace_ends().into_iter().chain(engine_waits_since.map(|since| since + ENGINE_GRACE));
        instants.filter(|instant| *instant > now).for_each(|instant| moves.wake(instant));
    }
}

/// Whether `run` has something left to do that it may do while nothing starts any more.
fn may_end_yet(run: &Run) -> bool {
    // A service goes on, and the next start takes it over.
    let goes_on = run.spec.service.is_some() && run.cancel.is_none() && run.outcome().is_none();
    if goes_on {
        return false;
    }
    let waits_for_a_start = match run.phase {
        Phase::Queued { .. } | Phase::Before | Phase::Backoff { .. } | Phase::Finished { .. } => true,
        Phase::Main { .. } => run.attempts.last().is_some_and(|step| !step.is_over()),
        Phase::After { .. } => false,
    };
    !waits_for_a_start || run.is_going_on() && run.steps().any(Step::is_going_on)
}

/// Whether a hook of `event` waits for its image.
fn is_held_up(event: &Occurrence) -> bool {
    let steps = event.firing.iter().flat_map(|firing| &firing.steps);
    steps.into_iter().any(|step| matches!(step.phase, StepPhase::Waiting { until: Some(_) }))
}
