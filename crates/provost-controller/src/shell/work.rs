//! Carrying out actions: each in a task of its own, its outcome comes back to the core as an input.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use provost_model::{ContainerName, ContainerRequest, ContainerSeen, Life, Owner, RunId, SecretUse, State, StepOutput};
use provost_planner::{Action, OutputOf};
use tokio::sync::{Semaphore, mpsc};

use super::delivery::Courier;
use super::gates::Gates;
use super::output::{Followers, OutputError};
use super::safe::Safe;
use super::{Ports, Settings, folder, volumes};
use crate::{EngineError, EngineErrorKind, Input, StepFolder};

/// How many containers are made, started, read or removed at once. More only makes an engine slower.
const AT_ONCE: usize = 16;

/// How often it is tried to look at one container, and how far apart.
const LOOK_PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];

/// Where actions are carried out.
#[derive(Clone)]
pub(super) struct Workshop {
    ports: Ports,
    work_dir: PathBuf,
    courier: Courier,
    safe: Safe,
    gates: Gates,
    inputs: mpsc::UnboundedSender<Input>,
    places: Arc<Semaphore>,
    followers: Followers,
}

impl Workshop {
    pub(super) fn new(settings: &Settings, ports: &Ports, inputs: mpsc::UnboundedSender<Input>) -> Self {
        Self {
            ports: ports.clone(),
            work_dir: settings.work_dir.clone(),
            courier: Courier::new(settings, ports),
            safe: Safe::new(ports),
            gates: Gates::new(settings, ports),
            inputs,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            followers: Followers::default(),
        }
    }

    /// Begins `action`.
    pub(super) fn begin(&mut self, action: Action) {
        if let Action::Follow { name, output } = action {
            return self.follow(name, output);
        }
        let workshop = self.clone();
        tokio::spawn(async move {
            let input = workshop.carry_out(action).await;
            let _ = workshop.inputs.send(input); // The controller has ended; the next one looks for itself.
        });
    }

    fn follow(&self, name: ContainerName, output: OutputOf) {
        let (inputs, followed) = (self.inputs.clone(), name.clone());
        let done = move || drop(inputs.send(Input::Followed { name: followed }));
        let (engine, logs) = (Arc::clone(&self.ports.engine), Arc::clone(&self.ports.logs));
        self.followers.follow(engine, logs, self.safe.clone(), name, output, done);
    }

    async fn carry_out(&self, action: Action) -> Input {
        match action {
            Action::Create { request } => {
                let _place = self.places.acquire().await;
                let (name, step) = (request.name.clone(), request.step.clone());
                Input::Created { name, step, result: self.create(&request).await }
            }
            Action::Start { name, step, secrets } => {
                let _place = self.places.acquire().await;
                let started = self.start(&name, secrets).await;
                let result = self.look_after(started, &name).await;
                Input::Started { name, step, result }
            }
            Action::Stop { name, grace_s } => {
                let stopped = self.ports.engine.stop(&name, grace_s).await;
                let result = self.look_after(stopped, &name).await;
                Input::Stopped { name, result }
            }
            Action::Collect { name, output } => {
                let step = output.step.clone();
                let result = self.collect(&name, &output).await;
                Input::Collected { name, step, result }
            }
            Action::Probe { name, check, .. } => {
                let result = self.ports.engine.check_health(&name, &check).await;
                Input::Probed { name, result }
            }
            Action::Remove { name } => {
                let _place = self.places.acquire().await;
                let result = self.remove(&name).await;
                Input::Removed { name, result }
            }
            Action::Ask { step, id, channel, body } => {
                let result = self.courier.ask(&id, &channel, &body).await;
                Input::Asked { step, result }
            }
            Action::Deliver { notice, body } => {
                let id = notice.id.clone();
                let result = self.courier.deliver(&notice, &body).await;
                Input::Delivered { id, result }
            }
            Action::Follow { name, .. } => Input::Followed { name },
        }
    }

    async fn create(&self, request: &ContainerRequest) -> Result<(ContainerSeen, String), EngineError> {
        let engine = &self.ports.engine;
        let name = &request.name;
        let progress = |sentence: String| tracing::info!(container = %name, "{sentence}");
        let image = engine.ensure_image(&request.workload.image, request.workload.pull, &progress).await?;
        let (work_dir, made_for, event) = (self.work_dir.clone(), name.clone(), request.event.clone());
        let there = engine.inspect(name).await?;
        if there.as_ref().is_some_and(|seen| is_outdated(seen, request)) {
            engine.remove(name).await?;
        }
        // A container that is there already has its folder, and keeps what is in it.
        if there.is_none_or(|seen| seen.life == Life::Created) {
            let (caller, asks) = (Gates::caller(request), Gates::caller(request));
            let made = blocking(move || folder::make(&work_dir, &made_for, &event, caller.as_ref())).await;
            let mut folder = made.map_err(|error| unavailable(name, "its folder cannot be made", &error))?;
            folder.secrets = self.safe.hand_out(name, &request.workload.secrets).await?;
            asks.map_or(Ok(()), |caller| self.gates.open(caller))?;
            self.make(request, &folder).await?;
        }
        let seen = engine.inspect(name).await?;
        let gone =
            || EngineError::new(EngineErrorKind::Unavailable, format!("container {name} went as soon as it was made"));
        Ok((seen.ok_or_else(gone)?, image))
    }

    /// Has the container made. What a process that is dead had asked for may have come true just now: then it is tried
    /// again, and that one is out of the way.
    async fn make(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        let engine = &self.ports.engine;
        match engine.create(request, folder).await {
            Err(error) if error.kind == EngineErrorKind::Conflict => {
                let there = engine.inspect(&request.name).await?;
                let is_leftover = there.is_some_and(|seen| is_outdated(&seen, request));
                let kind = if is_leftover { EngineErrorKind::Unavailable } else { error.kind };
                Err(EngineError::new(kind, error.message))
            }
            made => made,
        }
    }

    async fn start(&self, name: &ContainerName, secrets: Vec<SecretUse>) -> Result<(), EngineError> {
        let engine = &self.ports.engine;
        // Memory forgets when the machine is started anew. One that runs has its files already.
        if !secrets.is_empty() && engine.inspect(name).await?.is_some_and(|seen| seen.life == Life::Created) {
            self.safe.hand_out(name, &secrets).await?;
        }
        engine.start(name).await
    }

    /// What a container is after something was done to it.
    async fn look_after(
        &self,
        done: Result<(), EngineError>,
        name: &ContainerName,
    ) -> Result<Option<ContainerSeen>, EngineError> {
        done?;
        self.ports.engine.inspect(name).await
    }

    async fn collect(
        &self,
        name: &ContainerName,
        output: &OutputOf,
    ) -> Result<(ContainerSeen, Box<StepOutput>), EngineError> {
        let engine = self.ports.engine.as_ref();
        let (work_dir, left_by) = (self.work_dir.clone(), name.clone());
        let mut left = blocking(move || Ok(folder::read(&work_dir, &left_by))).await.unwrap_or_default();
        // What cannot be masked is not kept.
        match self.safe.masks(output) {
            Ok(masks) => masks.hide_in_output(&mut left),
            Err(error) if left != StepOutput::default() => {
                let problems = vec![format!("what it left behind was not kept: {error}")];
                left = StepOutput { problems, ..StepOutput::default() };
            }
            Err(_) => {}
        }
        match self.followers.finish(engine, self.ports.logs.as_ref(), &self.safe, name, output).await {
            Ok(tail) => left.tail = tail,
            Err(OutputError::Engine(error)) => return Err(error),
            Err(OutputError::Vault(error)) => left.tail = format!("(the output was not kept: {error})"),
            // How a run went must not hang on its output: that it is not kept is said, and the run goes on.
            Err(OutputError::Store(error)) => left.tail = format!("(the output was not kept: {error})"),
        }
        let missing = || EngineError::new(EngineErrorKind::NotFound, format!("container {name} is gone"));
        let seen = engine.inspect(name).await?.ok_or_else(missing)?;
        Ok((seen, Box::new(left)))
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.ports.engine.remove(name).await?;
        self.safe.take_back(name).await;
        self.gates.close(name);
        let (work_dir, removed) = (self.work_dir.clone(), name.clone());
        if let Err(error) = blocking(move || folder::remove(&work_dir, &removed)).await {
            tracing::warn!(container = %name, %error, "the folder of a step stays");
        }
        Ok(())
    }

    /// Looks whether a container that a listing did not show is gone.
    pub(super) fn look_at(&self, name: ContainerName) {
        let workshop = self.clone();
        tokio::spawn(async move {
            for pause in LOOK_PAUSES {
                if let Ok(container) = workshop.ports.engine.inspect(&name).await {
                    let _ = workshop.inputs.send(Input::LookedAt { name, container });
                    return;
                }
                // The next listing asks again.
                tokio::time::sleep(pause).await;
            }
        });
    }

    /// Compresses the output of an owner that is over.
    pub(super) fn close(&self, owner: Owner) {
        let logs = Arc::clone(&self.ports.logs);
        tokio::spawn(async move {
            if let Err(error) = logs.close(&owner).await {
                tracing::warn!(%error, owner = owner.id(), "its output stays as it is, not compressed");
            }
        });
    }

    /// Removes the volumes that were a run's own; it is over.
    pub(super) fn remove_volumes(&self, run: RunId) {
        let engine = Arc::clone(&self.ports.engine);
        tokio::spawn(async move { volumes::remove(engine.as_ref(), &run).await });
    }

    /// Keeps a snapshot of the state.
    pub(super) fn snapshot(&self, state: State) {
        let store = Arc::clone(&self.ports.store);
        tokio::spawn(async move {
            if let Err(error) = store.snapshot(&state).await {
                tracing::warn!(%error, "the next start folds more facts");
            }
        });
    }
}

/// Whether a container of ours was made for something else than `request` and never started: nothing is lost with it.
fn is_outdated(seen: &ContainerSeen, request: &ContainerRequest) -> bool {
    seen.life == Life::Created && seen.request.as_deref() != Some(request.digest().as_str())
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn unavailable(name: &ContainerName, what: &str, error: &std::io::Error) -> EngineError {
    EngineError::new(EngineErrorKind::Unavailable, format!("container {name}: {what}: {error}"))
}
