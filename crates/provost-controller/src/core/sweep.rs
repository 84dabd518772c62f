//! Cleaning up: containers that belong to nothing, and the end of the reconciler itself.

use jiff::{SignedDuration, Timestamp};
use provost_model::{AcceptedEvent, ContainerName, EventId, Fact, JsonMap, Life};
use provost_planner::{Action, Moves, strays};

use super::{Core, DriftMode};

/// A container that belongs to nothing is left alone for this long: what made it may be about to be known.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// After the shutdown grace, the shutdown hooks get this long while the engine does not answer.
const ENGINE_GRACE: SignedDuration = SignedDuration::from_secs(10);

impl Core {
    /// Finds containers that belong to nothing, and tells of those that run (C4).
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let found: Vec<ContainerName> = strays(&self.world(now), &self.agenda).into_iter().cloned().collect();
        self.strays.retain(|name, _| found.contains(name));
        for name in found {
            let since = *self.strays.entry(name.clone()).or_insert(now);
            let is_running = matches!(self.seen.life(&name), Some(Life::Running { .. }));
            if since + GRACE <= now && is_running && self.told_strays.insert(name.clone()) {
                let what = "it runs and belongs to nothing that is known".to_owned();
                self.record(now, Fact::DriftFound { container: name.to_string(), what });
            }
        }
    }

    /// The removals that sweeping calls for.
    pub(super) fn sweepings(&self) -> Vec<Action> {
        let may_remove = |name: &&ContainerName| {
            let is_running = matches!(self.seen.life(name), Some(Life::Running { .. }));
            if is_running { self.rules.drift == DriftMode::Correct && self.told_strays.contains(*name) } else { true }
        };
        let names = self.strays.keys().filter(|name| self.is_leftover(name) || self.told_strays.contains(*name));
        names.filter(may_remove).map(|name| Action::Remove { name: name.clone() }).collect()
    }

    /// Not running: nothing is lost by removing it once nobody claims it.
    fn is_leftover(&self, name: &ContainerName) -> bool {
        !matches!(self.seen.life(name), Some(Life::Running { .. }))
    }

    pub(super) fn wake_for_sweep(&self, moves: &mut Moves) {
        let waiting = self.strays.iter().filter(|(name, _)| !self.told_strays.contains(*name) && !self.is_leftover(name));
        waiting.for_each(|(_, since)| moves.wake(*since + GRACE));
    }

    pub(super) fn forget_stray(&mut self, now: Timestamp, name: &ContainerName) {
        self.strays.remove(name);
        if self.told_strays.remove(name) {
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
        let Some(since) = self.stopping_since else { return };
        let is_busy = self.state.runs.values().any(provost_model::Run::is_going_on);
        let grace_ends = since + SignedDuration::from_secs(self.rules.shutdown_grace_s.cast_signed());
        if is_busy && now < grace_ends {
            return;
        }
        let id = EventId::derived(&["server.shutdown", &self.state.server.boots.to_string()]);
        let event = self.state.events.values().find(|event| event.id == id);
        let is_without_engine = !self.seen.is_complete && now >= grace_ends + ENGINE_GRACE;
        match event {
            None if !self.has_fired_shutdown => {
                self.has_fired_shutdown = true;
                let (name, by) = ("server.shutdown".to_owned(), "Provost".to_owned());
                let event = AcceptedEvent { id, name, subject: None, run: None, data: JsonMap::new(), by };
                self.record(now, Fact::EventAccepted { event: Box::new(event) });
                self.settle(now);
                self.end_if_done(now);
            }
            Some(event) if event.handled.is_none() => self.has_exited = is_without_engine,
            _ => self.has_exited = true,
        }
    }

    pub(super) fn wake_for_shutdown(&self, now: Timestamp, moves: &mut Moves) {
        if let Some(since) = self.stopping_since {
            let grace_ends = since + SignedDuration::from_secs(self.rules.shutdown_grace_s.cast_signed());
            for instant in [grace_ends, grace_ends + ENGINE_GRACE] {
                if instant > now {
                    moves.wake(instant);
                }
            }
        }
    }
}
