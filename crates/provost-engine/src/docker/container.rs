//! Containers: looked at, made, started, stopped and removed; our own only (C6).

use std::sync::atomic::Ordering;

use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptions, RemoveContainerOptions, StopContainerOptions};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use provost_controller::{EngineError, EngineErrorKind, StepFolder};
use provost_model::{ContainerName, ContainerRequest, ContainerSeen, Instance, LABEL_INSTANCE, Life};
use serde_json::json;

use super::seen::{Found, Inspected, Listed};
use super::{DockerEngine, trouble};
use crate::names::escape;
use crate::{Allowed, check, create_request, labels};

/// How many containers are looked at side by side.
const LOOKS_AT_ONCE: usize = 8;
/// What stopping and killing may take beyond the grace time, in seconds.
const STOP_SLACK_S: u64 = 10;

impl DockerEngine {
    pub(super) async fn list_containers(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        let filter = json!({"label": [format!("{LABEL_INSTANCE}={instance}")]});
        let path = format!("/containers/json?all=1&filters={}", escape(&filter.to_string()));
        let listed: Option<Vec<Listed>> = self.wire.json(&path).await?;
        // Something between us and the engine; never to be taken for an engine without containers.
        let listed = listed.ok_or_else(|| {
            let message = format!("what answers at {} does not list containers", self.wire.host());
            EngineError::new(EngineErrorKind::Unavailable, message)
        })?;
        let looks = listed.into_iter().map(|listed| async move { self.look(&listed.id).await });
        let found: Vec<Option<Found>> = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE).try_collect().await?;
        let own = found.into_iter().flatten().filter(|found| found.instance() == Some(instance.as_str()));
        Ok(own.map(|found| found.seen).collect())
    }

    pub(super) async fn inspect_own(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        let found = self.look(name.as_str()).await?;
        Ok(found.filter(|found| self.owns(found)).map(|found| found.seen))
    }

    pub(super) async fn create_container(
        &self,
        request: &ContainerRequest,
        folder: &StepFolder,
    ) -> Result<(), EngineError> {
        let image = self.known_as(&request.workload.image).await?;
        let body = ContainerCreateBody { image: Some(image), ..create_request(request, folder, self.habits()) };
        let allowed = Allowed::of(request, folder, self.wire.host().socket());
        let refuse =
            |problem: String| EngineError::new(EngineErrorKind::Refused, format!("{}: {problem}", request.name));
        check(&body, &allowed).map_err(|refusal| refuse(refusal.to_string()))?;
        if request.instance != self.instance {
            return Err(refuse(format!("it is for the instance {}, not {}", request.instance, self.instance)));
        }
        if request.workload.user_namespace && !self.remaps_users().await? {
            let problem = "it is to have users of its own (`userNamespace`), and this engine gives containers the server's; \
                start it with --userns-remap, or use the direct engine";
            return Err(refuse(problem.to_owned()));
        }
        self.make_volumes(request).await?;
        self.create_or_adopt(request, folder, body).await
    }

    async fn create_or_adopt(
        &self,
        request: &ContainerRequest,
        folder: &StepFolder,
        body: ContainerCreateBody,
    ) -> Result<(), EngineError> {
        match self.post(&request.name, body).await {
            Ok(()) => Ok(()),
            Err(error) if trouble::status(&error) == Some(409) => self.adopt(request).await,
            Err(error) if self.init_is_missing(&error) => {
                let image = self.known_as(&request.workload.image).await?;
                let body = ContainerCreateBody { image: Some(image), ..create_request(request, folder, self.habits()) };
                let made = self.post(&request.name, body).await;
                made.map_err(|error| create_error(request, error))
            }
            Err(error) => Err(create_error(request, error)),
        }
    }

    async fn post(&self, name: &ContainerName, body: ContainerCreateBody) -> Result<(), Error> {
        let options = CreateContainerOptions { name: Some(name.to_string()), ..CreateContainerOptions::default() };
        self.docker.create_container(Some(options), body).await.map(drop)
    }

    /// Whether the engine refuses because it has no init program; remembers that.
    fn init_is_missing(&self, error: &Error) -> bool {
        let words = trouble::words(error);
        let missing = ["catatonit", "container-init", "init binary"].iter().any(|part| words.contains(part));
        missing && self.init.swap(false, Ordering::Relaxed)
    }

    /// Takes a container that has the name already for the one that was asked for, if it is that (R3).
    async fn adopt(&self, request: &ContainerRequest) -> Result<(), EngineError> {
        let name = &request.name;
        let Some(found) = self.look(name.as_str()).await? else {
            let message = format!("cannot create container {name}: one of that name is being removed");
            return Err(EngineError::new(EngineErrorKind::Unavailable, message));
        };
        labels::adopt(request, &found.labels)
    }

    pub(super) async fn start_container(&self, name: &ContainerName) -> Result<(), EngineError> {
        let Some(seen) = self.own(name, "start").await? else {
            let message = format!("cannot start container {name}: there is none; somebody has removed it");
            return Err(EngineError::new(EngineErrorKind::NotFound, message));
        };
        // An engine would start one that has ended for a second time.
        if seen.life != Life::Created {
            return Ok(());
        }
        let started = self.docker.start_container(&seen.id, None).await;
        started.map_err(|error| start_error(&seen, error))
    }

    pub(super) async fn stop_container(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        let seen = self.own(name, "stop").await?;
        let Some(seen) = seen.filter(|seen| matches!(seen.life, Life::Running { .. })) else {
            return Ok(());
        };
        let options = StopContainerOptions { signal: None, t: Some(i32::try_from(grace_s).unwrap_or(i32::MAX)) };
        let docker = self.patient(grace_s.saturating_add(STOP_SLACK_S));
        match docker.stop_container(&seen.id, Some(options)).await {
            Err(error) if trouble::status(&error) != Some(404) => {
                Err(trouble::say(&format!("stop container {name}"), error))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn remove_container(&self, name: &ContainerName) -> Result<(), EngineError> {
        let Some(seen) = self.own(name, "remove").await? else {
            return Ok(());
        };
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        match self.docker.remove_container(&seen.id, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if gone_or_going(&error) => Ok(()),
            Err(error) => Err(trouble::say(&format!("remove container {name}"), error)),
        }
    }

    /// Any container, by name or id.
    pub(super) async fn look(&self, name_or_id: &str) -> Result<Option<Found>, EngineError> {
        let inspected: Option<Inspected> = self.wire.json(&format!("/containers/{name_or_id}/json")).await?;
        // Engines also find containers by the beginning of an id; a name that looks like one is not meant.
        let exact = |found: &Found| found.seen.id == name_or_id || found.seen.name.as_str() == name_or_id;
        Ok(inspected.and_then(Inspected::found).filter(exact))
    }

    /// What the container with this id does; nothing if it is gone.
    pub(super) async fn life(&self, id: &str) -> Result<Option<Life>, EngineError> {
        Ok(self.look(id).await?.map(|found| found.seen.life))
    }

    /// Our container of that name; a [`EngineErrorKind::Conflict`] if it is somebody else's.
    pub(super) async fn own(&self, name: &ContainerName, doing: &str) -> Result<Option<ContainerSeen>, EngineError> {
        match self.look(name.as_str()).await? {
            Some(found) if !self.owns(&found) => Err(labels::of_others(doing, name, &found.labels, &self.instance)),
            found => Ok(found.map(|found| found.seen)),
        }
    }

    fn owns(&self, found: &Found) -> bool {
        found.instance() == Some(self.instance.as_str())
    }
}

fn create_error(request: &ContainerRequest, error: Error) -> EngineError {
    let image = &request.workload.image;
    let missing = trouble::status(&error) == Some(404);
    let error = trouble::say(&format!("create container {}", request.name), error);
    if !missing {
        return error;
    }
    let mend = format!("pull or load the image {image} first, or set `pull: IfNotPresent`");
    EngineError::new(EngineErrorKind::NotFound, format!("{}; {mend}", error.message))
}

/// A network that is not there is found out at the start, with the status that a missing container has. And an engine that
/// was ended while it started a container may have left a task of it in containerd, which no later start gets past.
fn start_error(seen: &ContainerSeen, error: Error) -> EngineError {
    let words = trouble::words(&error);
    let network = trouble::status(&error) == Some(404) && words.contains("network");
    let stuck = words.contains(&format!("task {}: already exists", seen.id));
    let error = trouble::say(&format!("start container {}", seen.name), error);
    match (network, stuck) {
        (true, _) => EngineError::new(EngineErrorKind::Refused, error.message),
        (_, true) => EngineError::new(EngineErrorKind::Stuck, error.message),
        _ => error,
    }
}

fn gone_or_going(error: &Error) -> bool {
    match trouble::status(error) {
        Some(404) => true,
        Some(409) => trouble::words(error).contains("in progress"),
        _ => false,
    }
}
