//! An engine in memory: containers do what scripts say, on a clock that is handed in.

mod archive;
mod container;
mod fault;
mod output;
mod port;
mod script;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use provost_model::{ContainerName, ContainerRequest, Instance};
use tokio::sync::watch;

pub use fault::{Call, Called, Fault};
pub use script::{Line, Script, When};
use world::{Outage, World};

/// An engine for simulation and tests. Clones share their containers.
///
/// Everything in it is a function of the calls and of the instants that [`ScriptedEngine::advance`] is told: no clock,
/// no thread, no randomness. A call that takes time (a stop with its grace, a fault that comes late) pends until the
/// clock is moved; all others are ready at once. It keeps the contract of `Engine`, except that no image is ever
/// fetched, and that it takes create requests as they come: what they ask of a real engine is not checked.
#[derive(Clone)]
pub struct ScriptedEngine {
    instance: Instance,
    world: Arc<Mutex<World>>,
    /// Counts changes, so that pending calls look again.
    changes: Arc<watch::Sender<u64>>,
}

/// Where an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// The engine has it. So it is with every image of which nothing was said.
    Local,
    /// A registry has it.
    Registry,
    /// Nobody has it.
    Nowhere,
    /// Its registry does not answer.
    Unreachable,
}

impl ScriptedEngine {
    /// An empty engine for `instance`, at `now`. Containers without a script succeed after a second.
    pub fn new(instance: Instance, now: Timestamp) -> Self {
        let world = Arc::new(Mutex::new(World::new(now)));
        Self { instance, world, changes: Arc::new(watch::Sender::new(0)) }
    }

    /// The same engine, as another instance sees it.
    #[must_use]
    pub fn for_instance(&self, instance: Instance) -> Self {
        Self { instance, ..self.clone() }
    }

    /// What time it is for the engine.
    pub fn now(&self) -> Timestamp {
        self.world().now
    }

    /// Moves the clock to `to`, and returns the containers that ended on the way, in the order of their ends. A clock
    /// does not go back: an earlier instant only lets those end that are due.
    pub fn advance(&self, to: Timestamp) -> Vec<ContainerName> {
        self.change(|world| world.advance(to))
    }

    /// The next instant at which something happens by itself: a container ends, or a late call is carried out.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.world().next_event()
    }

    /// Containers that match `when` do this from now on. What was said last counts.
    pub fn script(&self, when: When, script: Script) {
        self.world().scripts.add(when, None, script);
    }

    /// The next `times` containers that match `when` do this, when they are started.
    pub fn script_times(&self, when: When, times: u32, script: Script) {
        self.world().scripts.add(when, Some(times), script);
    }

    /// Asks `director` what a container does, where no rule of [`ScriptedEngine::script`] speaks of it.
    pub fn direct(&self, director: impl Fn(&ContainerRequest) -> Option<Script> + Send + 'static) {
        self.world().scripts.director = Some(Box::new(director));
    }

    /// Says where an image is.
    pub fn set_image(&self, reference: &str, state: ImageState) {
        self.world().images.insert(reference.to_owned(), state);
    }

    /// The next such call (for `subject`, if one is given: a container's name, an image, an instance) meets `fault`.
    pub fn inject(&self, call: Call, subject: Option<&str>, fault: Fault) {
        self.world().faults.push(call, subject, fault);
    }

    /// Asks `judge` at every call which fault it meets, before those that were injected.
    pub fn trouble(&self, judge: impl FnMut(&Called) -> Option<Fault> + Send + 'static) {
        self.world().faults.judge = Some(Box::new(judge));
    }

    /// The engine answers nobody, until `until` or until it comes back; containers go on. With `forgets`, those that end
    /// meanwhile are reported with 255 afterwards, as a Docker Engine does with the containerd that it manages (R9).
    pub fn go_down(&self, until: Option<Timestamp>, forgets: bool) {
        self.change(|world| world.go_down(Outage { until, forgets }));
    }

    /// The engine answers again.
    pub fn come_back(&self) {
        self.change(|world| world.down = None);
    }

    /// Somebody removes a container by hand. Returns whether it was there.
    pub fn remove_by_hand(&self, name: &ContainerName) -> bool {
        self.change(|world| world.remove(name))
    }

    /// Somebody runs a container with these labels, until the end of time.
    pub fn plant(&self, name: &ContainerName, labels: BTreeMap<String, String>) {
        self.change(|world| world.plant(name, labels));
    }

    /// The files that a container which has ended left in its folder for answers. They are written to the step's folder
    /// too, if there is one.
    pub fn left(&self, name: &ContainerName) -> BTreeMap<String, String> {
        self.world().left(name)
    }

    /// Takes the calls since this was asked the last time, oldest first; at most the last 100,000.
    pub fn take_calls(&self) -> Vec<Called> {
        self.world().calls.drain(..).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and lets all who wait look again.
    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world());
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        result
    }
}
