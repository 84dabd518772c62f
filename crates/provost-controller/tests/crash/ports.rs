//! The ports that can be cut in two: each call is a point, before and after.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use provost_controller::{
    Batch, DeliveryError, Engine, EngineError, EngineFacts, FactQuery, LogLine, LogSink, Logs, Messenger, OutcomeQuery,
    OutputChunk, PruneOrder, Pruned, Revision, RunQuery, StepFolder, Store, StoreError,
};
use provost_engine::ScriptedEngine;
use provost_model::{
    CallError, Channel, ContainerName, ContainerRequest, ContainerSeen, DueOutcome, HealthCheck, Instance, Name, Owner,
    PullPolicy, Recorded, Reply, RunId, RunRecord, ServiceCall, State, StepRef,
};
use provost_store::{MemoryLogs, MemoryStore};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::fakes::TestMessenger;
use crate::points::{Side, Watch};

/// The store. What was durable when a process died is what the next one has.
pub struct CutStore {
    pub watch: Arc<Watch>,
    pub durable: Mutex<Arc<MemoryStore>>,
}

impl CutStore {
    pub fn inner(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.durable.lock().unwrap())
    }

    /// What a new process finds.
    pub fn reopen(&self) {
        let durable = Arc::new(self.inner().durable());
        *self.durable.lock().unwrap() = durable;
    }
}

#[async_trait]
impl Store for CutStore {
    async fn load(&self) -> Result<State, StoreError> {
        self.watch.pass("store.load".to_owned(), self.inner().load()).await
    }

    async fn append(&self, batch: Batch) -> Result<(), StoreError> {
        let points = self.watch.of_batch(&batch);
        self.watch.pass_all(&points, self.inner().append(batch)).await
    }

    async fn snapshot(&self, state: &State) -> Result<(), StoreError> {
        self.watch.pass("store.snapshot".to_owned(), self.inner().snapshot(state)).await
    }

    async fn keep_revision(&self, revision: &Revision, received_at: Timestamp) -> Result<(), StoreError> {
        let point = format!("store.keep_revision:{}", revision.id);
        self.watch.pass(point, self.inner().keep_revision(revision, received_at)).await
    }

    async fn revision(&self, id: &str) -> Result<Option<Revision>, StoreError> {
        self.inner().revision(id).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, StoreError> {
        self.inner().runs(query).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        self.inner().run(id).await
    }

    async fn outcomes(&self, query: &OutcomeQuery) -> Result<Vec<DueOutcome>, StoreError> {
        self.inner().outcomes(query).await
    }

    async fn facts(&self, query: &FactQuery) -> Result<Vec<Recorded>, StoreError> {
        self.inner().facts(query).await
    }

    async fn automations(&self) -> Result<BTreeSet<Name>, StoreError> {
        self.inner().automations().await
    }

    async fn prune(&self, order: &PruneOrder) -> Result<Pruned, StoreError> {
        let of = order.automation.as_ref().map_or("server", Name::as_str);
        self.watch.pass(format!("store.prune:{of}"), self.inner().prune(order)).await
    }
}

/// The engine.
pub struct CutEngine {
    pub watch: Arc<Watch>,
    pub inner: ScriptedEngine,
}

impl CutEngine {
    fn about(&self, call: &str, name: &ContainerName) -> String {
        format!("engine.{call}:{}", self.watch.container(name))
    }
}

#[async_trait]
impl Engine for CutEngine {
    async fn probe(&self) -> Result<EngineFacts, EngineError> {
        self.watch.pass("engine.probe".to_owned(), self.inner.probe()).await
    }

    async fn list(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        let listed = self.watch.pass("engine.list".to_owned(), self.inner.list(instance)).await;
        self.watch.come_true(Side::Late).await;
        listed
    }

    async fn inspect(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        self.watch.pass(self.about("inspect", name), self.inner.inspect(name)).await
    }

    async fn watch(&self, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError> {
        self.watch.pass("engine.watch".to_owned(), self.inner.watch(instance)).await
    }

    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        let point = format!("engine.ensure_image:{image}");
        self.watch.pass(point, self.inner.ensure_image(image, pull, progress)).await
    }

    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        let kind = self.watch.remember(&request.name, &request.step);
        let late = || {
            let (engine, request, folder) = (self.inner.clone(), request.clone(), folder.clone());
            async move { drop(engine.create(&request, &folder).await) }.boxed()
        };
        self.watch.pass_or_late(format!("engine.create:{kind}"), self.inner.create(request, folder), late).await
    }

    async fn start(&self, name: &ContainerName) -> Result<(), EngineError> {
        let late = || {
            let (engine, name) = (self.inner.clone(), name.clone());
            async move { drop(engine.start(&name).await) }.boxed()
        };
        self.watch.pass_or_late(self.about("start", name), self.inner.start(name), late).await
    }

    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Result<(), String>, EngineError> {
        self.watch.pass(self.about("check_health", name), self.inner.check_health(name, check)).await
    }

    async fn call_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<Result<Value, CallError>, EngineError> {
        self.watch.pass(self.about("call_service", name), self.inner.call_service(name, call)).await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        self.watch.pass(self.about("stop", name), self.inner.stop(name, grace_s)).await
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.watch.pass(self.about("remove", name), self.inner.remove(name)).await
    }

    async fn runs_with_volumes(&self) -> Result<Vec<RunId>, EngineError> {
        self.watch.pass("engine.runs_with_volumes".to_owned(), self.inner.runs_with_volumes()).await
    }

    async fn remove_volumes(&self, run: &RunId) -> Result<(), EngineError> {
        self.watch.pass("engine.remove_volumes".to_owned(), self.inner.remove_volumes(run)).await
    }

    async fn keep_images(&self, needed: &BTreeSet<String>, now: Timestamp) -> Result<usize, EngineError> {
        self.watch.pass("engine.keep_images".to_owned(), self.inner.keep_images(needed, now)).await
    }

    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<OutputChunk, EngineError>>, EngineError> {
        self.watch.pass(self.about("output", name), self.inner.output(name, follow)).await
    }

    async fn load(&self, archive: Bytes) -> Result<Vec<String>, EngineError> {
        self.watch.pass("engine.load".to_owned(), self.inner.load(archive)).await
    }
}

/// The output of steps.
pub struct CutLogs {
    pub watch: Arc<Watch>,
    pub inner: Arc<MemoryLogs>,
}

#[async_trait]
impl Logs for CutLogs {
    fn open(&self, step: &StepRef, limit_bytes: u64, masked: &[String]) -> Result<Box<dyn LogSink>, StoreError> {
        self.inner.open(step, limit_bytes, masked)
    }

    async fn close(&self, owner: &Owner) -> Result<(), StoreError> {
        self.watch.pass(format!("logs.close:{}", owner.kind()), self.inner.close(owner)).await
    }

    async fn read(&self, owner: &Owner, skip: usize, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        self.inner.read(owner, skip, limit).await
    }

    fn follow(&self) -> broadcast::Receiver<(Owner, LogLine)> {
        self.inner.follow()
    }

    async fn remove(&self, owner: &Owner) -> Result<(), StoreError> {
        self.watch.pass(format!("logs.remove:{}", owner.kind()), self.inner.remove(owner)).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<(), StoreError> {
        self.watch.pass("logs.forget_events".to_owned(), self.inner.forget_events(before)).await
    }
}

/// What delivers notifications.
pub struct CutMessenger {
    pub watch: Arc<Watch>,
    pub inner: Arc<TestMessenger>,
}

#[async_trait]
impl Messenger for CutMessenger {
    async fn deliver(&self, channel: &Channel, body: &serde_json::Value) -> Result<Option<Reply>, DeliveryError> {
        let point = format!("messenger.deliver:{}", channel.name);
        self.watch.pass(point, self.inner.deliver(channel, body)).await
    }
}
