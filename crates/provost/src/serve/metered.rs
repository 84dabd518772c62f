//! An engine whose calls are counted and timed.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use provost_api::Metrics;
use provost_controller::{Engine, EngineError, EngineFacts, OutputChunk, StepFolder};
use provost_model::{
    CallError, ContainerName, ContainerRequest, ContainerSeen, HealthCheck, Instance, PullPolicy, RunId, ServiceCall,
};
use serde_json::Value;

/// An engine whose calls are counted and timed.
pub struct Metered {
    engine: Arc<dyn Engine>,
    metrics: Metrics,
}

type Answer<T> = Result<T, EngineError>;

impl Metered {
    /// `engine`, counted in `metrics`.
    pub fn new(engine: Arc<dyn Engine>, metrics: Metrics) -> Self {
        Self { engine, metrics }
    }

    async fn timed<T>(&self, call: &'static str, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
        let began = Instant::now();
        let answer = answer.await;
        self.metrics.engine_call(call, began.elapsed(), answer.is_err());
        answer
    }
}

#[async_trait]
impl Engine for Metered {
    async fn probe(&self) -> Answer<EngineFacts> {
        self.timed("probe", self.engine.probe()).await
    }

    async fn list(&self, instance: &Instance) -> Answer<Vec<ContainerSeen>> {
        let listed = self.timed("list", self.engine.list(instance)).await?;
        self.metrics.reconciled();
        Ok(listed)
    }

    async fn inspect(&self, name: &ContainerName) -> Answer<Option<ContainerSeen>> {
        self.timed("inspect", self.engine.inspect(name)).await
    }

    async fn watch(&self, instance: &Instance) -> Answer<BoxStream<'static, ContainerName>> {
        self.timed("watch", self.engine.watch(instance)).await
    }

    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Answer<String> {
        self.timed("ensureImage", self.engine.ensure_image(image, pull, progress)).await
    }

    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Answer<()> {
        self.timed("create", self.engine.create(request, folder)).await
    }

    async fn start(&self, name: &ContainerName) -> Answer<()> {
        self.timed("start", self.engine.start(name)).await
    }

    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Answer<Result<(), String>> {
        self.timed("checkHealth", self.engine.check_health(name, check)).await
    }

    async fn call_service(&self, name: &ContainerName, call: &ServiceCall) -> Answer<Result<Value, CallError>> {
        self.timed("callService", self.engine.call_service(name, call)).await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Answer<()> {
        self.timed("stop", self.engine.stop(name, grace_s)).await
    }

    async fn remove(&self, name: &ContainerName) -> Answer<()> {
        self.timed("remove", self.engine.remove(name)).await
    }

    async fn runs_with_volumes(&self) -> Answer<Vec<RunId>> {
        self.timed("runsWithVolumes", self.engine.runs_with_volumes()).await
    }

    async fn remove_volumes(&self, run: &RunId) -> Answer<()> {
        self.timed("removeVolumes", self.engine.remove_volumes(run)).await
    }

    async fn keep_images(&self, needed: &BTreeSet<String>, now: Timestamp) -> Answer<usize> {
        self.timed("keepImages", self.engine.keep_images(needed, now)).await
    }

    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Answer<BoxStream<'static, Result<OutputChunk, EngineError>>> {
        self.timed("output", self.engine.output(name, follow)).await
    }

    async fn load(&self, archive: bytes::Bytes) -> Answer<Vec<String>> {
        self.timed("load", self.engine.load(archive)).await
    }
}
