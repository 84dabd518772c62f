//! The containers of the scripted engine, and what happens to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use provost_controller::{EngineError, EngineErrorKind, StepFolder};
use provost_model::{ContainerName, ContainerRequest, Digest, Instance};
use tokio::sync::mpsc;

use super::ImageState;
use super::container::{Container, End, Stage};
use super::fault::{Call, Called, Fault, Faults};
use super::script::{Script, Scripts};

/// The most calls that are remembered.
const CALLS_MAX: usize = 100_000;
/// The exit codes of containers that end on SIGTERM, and that are killed.
const TERMINATED: i64 = 143;
const KILLED: i64 = 137;
/// What an engine says of an end that it did not see.
const UNKNOWN: i64 = 255;

/// Everything that the engine knows.
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) containers: BTreeMap<ContainerName, Container>,
    pub(super) scripts: Scripts,
    pub(super) images: BTreeMap<String, ImageState>,
    pub(super) faults: Faults,
    pub(super) calls: VecDeque<Called>,
    pub(super) down: Option<Outage>,
    pub(super) watchers: Vec<(Instance, mpsc::UnboundedSender<ContainerName>)>,
    /// Containers by the instant at which they end.
    ends: BTreeSet<(Timestamp, ContainerName)>,
    /// Instants at which late calls are carried out.
    late: BTreeSet<Timestamp>,
    made: u64,
}

/// While the engine answers nobody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    pub(super) until: Option<Timestamp>,
    pub(super) forgets: bool,
}

impl World {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            containers: BTreeMap::new(),
            scripts: Scripts::default(),
            images: BTreeMap::new(),
            faults: Faults::default(),
            calls: VecDeque::new(),
            down: None,
            watchers: Vec::new(),
            ends: BTreeSet::new(),
            late: BTreeSet::new(),
            made: 0,
        }
    }

    /// Writes a call down and returns the fault that it meets.
    pub(super) fn note(&mut self, call: Call, subject: &str) -> Option<Fault> {
        let mut called = Called { at: self.now, call, subject: subject.to_owned(), fault: None };
        called.fault = self.faults.take(&called);
        let fault = called.fault;
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
        }
        self.calls.push_back(called);
        fault
    }

    pub(super) fn advance(&mut self, to: Timestamp) -> Vec<ContainerName> {
        let mut ended = Vec::new();
        while let Some((at, name)) = self.ends.first().cloned().filter(|(at, _)| *at <= to.max(self.now)) {
            self.pass_to(at);
            self.ends.remove(&(at, name.clone()));
            self.finish(&name);
            ended.push(name);
        }
        self.pass_to(to);
        ended
    }

    fn pass_to(&mut self, to: Timestamp) {
        self.now = self.now.max(to);
        let (now, down) = (self.now, self.down);
        self.late.retain(|at| *at > now);
        self.down = down.filter(|outage| outage.until.is_none_or(|until| until > now));
    }

    pub(super) fn next_event(&self) -> Option<Timestamp> {
        let end = self.ends.first().map(|(at, _)| *at);
        let back = self.down.and_then(|outage| outage.until);
        [end, self.late.first().copied(), back].into_iter().flatten().min()
    }

    /// The instant at which a call that is late by `delay` is carried out.
    pub(super) fn later(&mut self, delay: Duration) -> Timestamp {
        let at = self.now + delay;
        self.late.insert(at);
        at
    }

    pub(super) fn go_down(&mut self, outage: Outage) {
        self.down = Some(outage);
        self.watchers.clear();
    }

    /// An error while the engine is down.
    pub(super) fn reachable(&self) -> Result<(), EngineError> {
        match self.down {
            None => Ok(()),
            Some(_) => Err(EngineError::new(EngineErrorKind::Unavailable, "the engine cannot be reached")),
        }
    }

    /// The container of that name, if it belongs to `instance`; a conflict if it is somebody else's (C6).
    pub(super) fn own(&self, name: &ContainerName, instance: &Instance) -> Result<Option<&Container>, EngineError> {
        let Some(container) = self.containers.get(name) else {
            return Ok(None);
        };
        if container.instance() == Some(instance.as_str()) {
            return Ok(Some(container));
        }
        let message = format!("will not touch container {name}: it does not belong to instance {instance}");
        Err(EngineError::new(EngineErrorKind::Conflict, message))
    }

    pub(super) fn create(&mut self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        let labels = request.labels();
        if let Some(there) = self.containers.get(&request.name) {
            if there.labels == labels {
                return Ok(());
            }
            let message = format!("cannot create container {}: the name is taken by another one", request.name);
            return Err(EngineError::new(EngineErrorKind::Conflict, message));
        }
        let image = &request.workload.image;
        if self.images.get(image).is_some_and(|state| *state != ImageState::Local) {
            let message = format!("cannot create container {}: no such image: {image}", request.name);
            return Err(EngineError::new(EngineErrorKind::NotFound, message));
        }
        self.insert(&request.name, labels, Some((request.clone(), folder.clone())), Stage::Created);
        Ok(())
    }

    fn insert(
        &mut self,
        name: &ContainerName,
        labels: BTreeMap<String, String>,
        made_of: Option<(ContainerRequest, StepFolder)>,
        stage: Stage,
    ) {
        self.made += 1;
        let id = Digest::of(format!("{name}\0{}", self.made).as_bytes()).to_string();
        self.containers.insert(name.clone(), Container { id, labels, made_of, stage });
    }

    pub(super) fn plant(&mut self, name: &ContainerName, labels: BTreeMap<String, String>) {
        let stage = Stage::Running { since: self.now, script: Arc::new(Script::endless()), end: None };
        self.insert(name, labels, None, stage);
        self.wake(name);
    }

    pub(super) fn start(&mut self, name: &ContainerName) -> Result<(), EngineError> {
        let Some(container) = self.containers.get_mut(name) else {
            let message = format!("cannot start container {name}: there is none");
            return Err(EngineError::new(EngineErrorKind::NotFound, message));
        };
        let (Stage::Created, Some((request, _))) = (&container.stage, &container.made_of) else {
            return Ok(());
        };
        let script = self.scripts.take(request);
        if let Some(why) = &script.refuses {
            let message = format!("cannot start container {name}: {why}");
            return Err(EngineError::new(EngineErrorKind::Refused, message));
        }
        let code = if script.out_of_memory { KILLED } else { script.code };
        let end = script.run_for.map(|run_for| End { at: self.now + run_for, code, by_itself: true });
        container.stage = Stage::Running { since: self.now, script, end };
        self.ends.extend(end.map(|end| (end.at, name.clone())));
        self.wake(name);
        Ok(())
    }

    /// Asks a container to end; a stubborn one is killed after `grace_s`.
    pub(super) fn stop(&mut self, name: &ContainerName, grace_s: u64) {
        let now = self.now;
        let Some(Container { stage: Stage::Running { script, end, .. }, .. }) = self.containers.get_mut(name) else {
            return;
        };
        let asked = match script.stubborn {
            true => End { at: now + Duration::from_secs(grace_s), code: KILLED, by_itself: false },
            false => End { at: now, code: TERMINATED, by_itself: false },
        };
        if let Some(planned) = *end {
            self.ends.remove(&(planned.at, name.clone()));
        }
        let sooner = end.filter(|planned| planned.at <= asked.at).unwrap_or(asked);
        *end = Some(sooner);
        match sooner.at <= now {
            true => self.finish(name),
            false => drop(self.ends.insert((sooner.at, name.clone()))),
        }
    }

    pub(super) fn remove(&mut self, name: &ContainerName) -> bool {
        let Some(container) = self.containers.get(name) else {
            return false;
        };
        if let Stage::Running { end: Some(end), .. } = container.stage {
            self.ends.remove(&(end.at, name.clone()));
        }
        self.wake(name);
        self.containers.remove(name).is_some()
    }

    /// Ends a container whose end has come.
    fn finish(&mut self, name: &ContainerName) {
        let forgets = self.down.is_some_and(|outage| outage.forgets);
        let Some(container) = self.containers.get_mut(name) else {
            return;
        };
        let Stage::Running { since, script, end: Some(end) } = &container.stage else {
            return;
        };
        let (since, script, mut end) = (*since, script.clone(), *end);
        if end.by_itself
            && let Some((_, folder)) = &container.made_of
        {
            write_files(folder, &script.files);
        }
        if forgets {
            end.code = UNKNOWN;
        }
        container.stage = Stage::Over { since, script, end };
        self.wake(name);
    }

    /// Tells all watchers of its instance that something happened to a container.
    fn wake(&mut self, name: &ContainerName) {
        let Some(instance) = self.containers.get(name).and_then(Container::instance) else {
            return;
        };
        self.watchers.retain(|(watched, sender)| watched.as_str() != instance || sender.send(name.clone()).is_ok());
    }

    pub(super) fn is_running(&self, name: &ContainerName) -> bool {
        self.containers.get(name).is_some_and(|container| matches!(container.stage, Stage::Running { .. }))
    }

    pub(super) fn left(&self, name: &ContainerName) -> BTreeMap<String, String> {
        match self.containers.get(name).map(|container| &container.stage) {
            Some(Stage::Over { script, end, .. }) if end.by_itself => script.files.clone(),
            _ => BTreeMap::new(),
        }
    }
}

/// A simulation may have no folders; then the files are in [`super::ScriptedEngine::left`] only.
fn write_files(folder: &StepFolder, files: &BTreeMap<String, String>) {
    if !folder.out.is_dir() {
        return;
    }
    for (name, content) in files {
        if let Err(error) = std::fs::write(folder.out.join(name), content) {
            tracing::warn!(file = %folder.out.join(name).display(), %error, "a scripted file cannot be written");
        }
    }
}
