//! The scripted engine as an [`Engine`]: every call is written down, and meets the fault that waits for it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;
use provost_controller::{Engine, EngineError, EngineErrorKind, EngineFacts, OutputChunk, StepFolder};
use provost_model::{
    CallError, ContainerName, ContainerRequest, ContainerSeen, Digest, HealthCheck, Instance, PullPolicy, RunId,
    ServiceCall,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::world::World;
use super::{Call, Fault, ImageState, ScriptedEngine, archive, output};

impl ScriptedEngine {
    /// Carries out a call, with the fault that it meets.
    async fn call<T>(
        &self,
        call: Call,
        subject: &str,
        act: impl Fn(&mut World) -> Result<T, EngineError> + Send,
    ) -> Result<T, EngineError> {
        let fault = self.world().note(call, subject);
        match fault {
            Some(Fault::Refuse(kind)) => {
                return Err(EngineError::new(kind, format!("the engine refuses: {call:?} {subject}")));
            }
            Some(Fault::Late(delay)) => {
                let at = self.change(|world| world.later(delay));
                self.until(|world| world.now >= at).await;
            }
            _ => {}
        }
        let result = self.change(|world| {
            world.reachable()?;
            let first = act(world);
            if fault == Some(Fault::Twice) { act(world) } else { first }
        });
        match fault {
            Some(Fault::LoseReply) => {
                Err(EngineError::new(EngineErrorKind::Unavailable, format!("the reply was lost: {call:?} {subject}")))
            }
            _ => result,
        }
    }

    /// Returns when `holds`, which is looked at after every change.
    async fn until(&self, holds: impl Fn(&World) -> bool + Send) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if holds(&self.world()) {
                return;
            }
            // The sender lives as long as this engine: there is always another change to wait for.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn digest(image: &str) -> String {
        format!("sha256:{}", Digest::of(image.as_bytes()))
    }
}

#[async_trait]
impl Engine for ScriptedEngine {
    async fn probe(&self) -> Result<EngineFacts, EngineError> {
        let facts = || EngineFacts {
            product: "Scripted engine".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: "memory (simulation)".to_owned(),
        };
        self.call(Call::Probe, "", |_| Ok(facts())).await
    }

    async fn list(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        self.call(Call::List, instance.as_str(), |world| {
            let own = world.containers.iter().filter(|(_, container)| container.instance() == Some(instance.as_str()));
            Ok(own.map(|(name, container)| container.seen(name)).collect())
        })
        .await
    }

    async fn inspect(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        self.call(Call::Inspect, name.as_str(), |world| {
            let container = world.own(name, &self.instance).unwrap_or_default();
            Ok(container.map(|container| container.seen(name)))
        })
        .await
    }

    async fn watch(&self, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError> {
        let receiver = self.call(Call::Watch, instance.as_str(), |world| {
            let (sender, receiver) = mpsc::unbounded_channel();
            world.watchers.push((instance.clone(), sender));
            Ok(receiver)
        });
        let names = stream::unfold(receiver.await?, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        Ok(names.boxed())
    }

    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        self.call(Call::EnsureImage, image, |world| {
            let state = world.images.get(image).copied().unwrap_or(ImageState::Local);
            let error = |kind, why: &str| Err(EngineError::new(kind, format!("cannot pull {image}: {why}")));
            match (state, pull) {
                (ImageState::Local, _) => Ok(()),
                (_, PullPolicy::Never) => {
                    error(EngineErrorKind::Refused, "`pull: Never`, and the engine does not have it")
                }
                (ImageState::Nowhere, _) => error(EngineErrorKind::Refused, "no registry has it"),
                (ImageState::Unreachable, _) => error(EngineErrorKind::Unavailable, "the registry does not answer"),
                (ImageState::Registry, _) => {
                    progress(format!("pulling {image}"));
                    world.images.insert(image.to_owned(), ImageState::Local);
                    progress(format!("pulled {image}"));
                    Ok(())
                }
            }
        })
        .await
        .map(|()| Self::digest(image))
    }

    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        self.call(Call::Create, request.name.as_str(), |world| {
            if request.instance != self.instance {
                let message = format!("{} is for the instance {}", request.name, request.instance);
                return Err(EngineError::new(EngineErrorKind::Refused, message));
            }
            world.create(request, folder)
        })
        .await
    }

    async fn start(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.call(Call::Start, name.as_str(), |world| {
            world.own(name, &self.instance)?;
            world.start(name)
        })
        .await
    }

    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Result<(), String>, EngineError> {
        // What runs is well.
        let _ = check;
        self.call(Call::Inspect, name.as_str(), |world| {
            let container = world.own(name, &self.instance).unwrap_or_default();
            let runs = container.is_some_and(|it| matches!(it.seen(name).life, provost_model::Life::Running { .. }));
            Ok(if runs { Ok(()) } else { Err("it does not run".to_owned()) })
        })
        .await
    }

    async fn call_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<Result<Value, CallError>, EngineError> {
        // What runs answers with what it is told.
        self.call(Call::Inspect, name.as_str(), |world| {
            let container = world
                .own(name, &self.instance)?
                .ok_or_else(|| EngineError::new(EngineErrorKind::NotFound, format!("container {name} does not run")))?;
            let runs = matches!(container.seen(name).life, provost_model::Life::Running { .. });
            Ok(if runs { Ok(call.data.clone()) } else { Err(CallError::new("Unavailable", "it does not run")) })
        })
        .await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        let asked = self.call(Call::Stop, name.as_str(), |world| {
            world.own(name, &self.instance)?;
            world.stop(name, grace_s);
            Ok(())
        });
        asked.await?;
        self.until(|world| world.down.is_some() || !world.is_running(name)).await;
        self.world().reachable()
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.call(Call::Remove, name.as_str(), |world| {
            world.own(name, &self.instance)?;
            world.remove(name);
            Ok(())
        })
        .await
    }

    /// Volumes are not played.
    async fn runs_with_volumes(&self) -> Result<Vec<RunId>, EngineError> {
        Ok(Vec::new())
    }

    async fn remove_volumes(&self, _run: &RunId) -> Result<(), EngineError> {
        Ok(())
    }

    /// Nor is what becomes of images.
    async fn keep_images(&self, _needed: &BTreeSet<String>, _now: Timestamp) -> Result<usize, EngineError> {
        Ok(0)
    }

    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<OutputChunk, EngineError>>, EngineError> {
        self.call(Call::Output, name.as_str(), |world| match world.own(name, &self.instance)? {
            Some(_) => Ok(()),
            None => {
                let message = format!("cannot read the output of container {name}: there is none");
                Err(EngineError::new(EngineErrorKind::NotFound, message))
            }
        })
        .await?;
        Ok(output::output(self, name, follow))
    }

    async fn load(&self, archive: Bytes) -> Result<Vec<String>, EngineError> {
        self.call(Call::Load, "", |world| {
            let names = archive::image_names(&archive)?;
            world.images.extend(names.iter().map(|name| (name.clone(), ImageState::Local)));
            Ok(names)
        })
        .await
    }
}
