//! Sight of the engine, as the shell has it: a listing when it answers, then one look at each container that it says has
//! changed.

use provost_controller::{EngineFacts, Input};
use provost_model::ContainerName;

use super::{Happening, World};
use crate::Time;
use crate::scenario::SECOND;

const LOOK_AGAIN: Time = 300 * SECOND;
const PAUSE_MAX: Time = 30 * SECOND;
const LOOK_PAUSES: [Time; 3] = [SECOND, 5 * SECOND, 20 * SECOND];

impl World {
    /// Listens, then lists; while the engine does not answer, tries again, later each time.
    pub(super) fn connect(&mut self, boot: u32, pause: Time) {
        if !self.is_running(boot) {
            return;
        }
        if !self.engine.is_here() {
            self.tell_down(boot, "connection refused");
            return self.after(pause, Happening::Connect { boot, pause: (pause * 2).min(PAUSE_MAX) });
        }
        let connection = self.queued;
        if let Some(process) = self.process_of(boot) {
            process.connection = Some(connection);
        }
        let facts = EngineFacts { product: "simulated".to_owned(), version: String::new(), address: String::new() };
        let input = Input::EngineUp { facts, containers: self.engine.list() };
        self.send(boot, input);
        self.after(LOOK_AGAIN, Happening::Relist { boot, connection });
    }

    /// It is time for another listing, if there is anything to be seen.
    pub(super) fn relist(&mut self, boot: u32, connection: u64) {
        if self.process_of(boot).is_none_or(|process| process.connection != Some(connection)) {
            return;
        }
        if self.engine.ours().next().is_none() {
            return self.after(LOOK_AGAIN, Happening::Relist { boot, connection });
        }
        self.connect(boot, SECOND / 2);
    }

    /// The connection breaks off: whoever listened is told, and tries again.
    pub(super) fn disconnect(&mut self) {
        let latency = self.latency();
        let Some(process) = &mut self.process else {
            return;
        };
        let (boot, was_connected) = (process.boot, process.connection.take().is_some());
        let follows = std::mem::take(&mut process.follows);
        for name in follows.into_keys() {
            self.after(latency, Happening::Arrive { boot, input: Box::new(Input::Followed { name }) });
        }
        if was_connected {
            self.tell_down(boot, "the engine ended the connection");
            self.after(SECOND / 2, Happening::Connect { boot, pause: SECOND });
        }
    }

    fn tell_down(&mut self, boot: u32, why: &str) {
        self.send(boot, Input::EngineDown { why: why.to_owned() });
    }

    /// One task watches: what it sends comes in its order.
    fn send(&mut self, boot: u32, input: Input) {
        let delay = self.scenario.latency / 2;
        self.after(delay, Happening::Arrive { boot, input: Box::new(input) });
    }

    /// The engine tells of a change.
    pub(super) fn notify(&mut self, name: &ContainerName) {
        // Events come in their order.
        let delay = self.scenario.latency;
        if let Some(process) = &self.process
            && let Some(connection) = process.connection
        {
            let boot = process.boot;
            self.after(delay, Happening::Look { boot, connection, name: name.clone() });
        }
    }

    pub(super) fn look(&mut self, boot: u32, connection: u64, name: ContainerName) {
        if self.process_of(boot).is_none_or(|process| process.connection != Some(connection)) {
            return;
        }
        let container = self.engine.inspect(&name);
        self.send(boot, Input::Seen { name, container });
    }

    /// Looks whether a container that a listing did not show is gone.
    pub(super) fn look_at(&mut self, boot: u32, name: ContainerName, tries: u32) {
        if !self.is_running(boot) {
            return;
        }
        if !self.engine.is_here() {
            if let Some(pause) = LOOK_PAUSES.get(tries as usize) {
                self.after(*pause, Happening::LookAt { boot, name, tries: tries + 1 });
            }
            return;
        }
        let container = self.engine.inspect(&name);
        let delay = self.latency();
        self.after(delay, Happening::Arrive { boot, input: Box::new(Input::LookedAt { name, container }) });
    }
}
