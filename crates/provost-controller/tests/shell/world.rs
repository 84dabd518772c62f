//! Everything that a controller needs, in memory, on a clock that only the test moves.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use provost_controller::{
    ApplyMode, Clock, ClosedGate, Command, Compiled, Compiler, Controller, DeliveryError, Done, DriftMode, FactQuery,
    Messenger, NoPeers, Ports, Refusal, Revision, Settings, Source, SourceError, Store, View, start,
};
use provost_engine::ScriptedEngine;
use provost_manifest::{ServerFacts, SourceFile, Style, compile};
use provost_model::{Channel, Fact, Instance, JsonMap, Name, Outcome, Reply, RevisionId, RunId};
use provost_secret::FakeVault;
use provost_store::{MemoryLogs, MemoryStore};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

pub const START: &str = "2026-11-20T12:00:00Z";

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn automation(name: &str, spec: &str) -> String {
    format!("---\napiVersion: provost/v1\nkind: Automation\nmetadata: {{name: {name}}}\nspec: {{image: job, {spec}}}\n")
}

pub fn channel(name: &str, spec: &str) -> String {
    format!("---\napiVersion: provost/v1\nkind: Channel\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
}

pub fn hook(name: &str, event: &str) -> String {
    let hook = format!("{{name: {name}, image: hook, event: {event}}}");
    format!("---\napiVersion: provost/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec: {{hooks: [{hook}]}}\n")
}

pub struct TestClock(watch::Sender<Timestamp>);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let _ = self.0.subscribe().wait_for(|now| *now >= instant).await;
    }
}

/// A branch: the test commits, or breaks it.
#[derive(Default)]
pub struct TestSource {
    head: Mutex<Option<Revision>>,
    is_unsigned: AtomicBool,
    has_changed: Notify,
}

#[async_trait]
impl Source for TestSource {
    fn describe(&self) -> String {
        "a branch".to_owned()
    }

    async fn fetch(&self) -> Result<Revision, SourceError> {
        let head = self.head.lock().unwrap().clone();
        if let Some(Revision { id, .. }) = head.as_ref().filter(|_| self.is_unsigned.load(Relaxed)) {
            return Err(SourceError::Unsigned { revision: id.to_string(), why: "nobody signed it".to_owned() });
        }
        head.ok_or_else(|| SourceError::Unreachable("no route to host".to_owned()))
    }

    async fn changed(&self) {
        self.has_changed.notified().await;
    }
}

struct TestCompiler;

impl Compiler for TestCompiler {
    fn compile(&self, revision: &Revision, now: Timestamp) -> Compiled {
        let files = revision.files.iter().map(|file| SourceFile { path: file.path.clone(), bytes: file.bytes.clone() });
        let files: Vec<_> = files.collect();
        let compiled = compile(&files, &ServerFacts::default(), revision.id.clone(), now);
        let (report, (errors, warnings)) = (compiled.report(Style::Plain), compiled.count());
        let number = |count| u32::try_from(count).unwrap();
        Compiled { desired: compiled.desired, report, errors: number(errors), warnings: number(warnings) }
    }
}

/// Receivers that take everything, but for those that are deaf.
#[derive(Default)]
pub struct TestMessenger {
    pub deaf: Mutex<BTreeSet<String>>,
    pub taken: Mutex<Vec<(String, Value)>>,
    pub reply: Mutex<Option<Reply>>,
}

#[async_trait]
impl Messenger for TestMessenger {
    async fn deliver(&self, channel: &Channel, body: &Value) -> Result<Option<Reply>, DeliveryError> {
        if self.deaf.lock().unwrap().contains(channel.name.as_str()) {
            return Err(DeliveryError("connection refused".to_owned()));
        }
        self.taken.lock().unwrap().push((channel.name.to_string(), body.clone()));
        Ok(self.reply.lock().unwrap().clone())
    }
}

pub struct World {
    pub clock: Arc<TestClock>,
    pub engine: ScriptedEngine,
    pub store: Arc<MemoryStore>,
    pub logs: Arc<MemoryLogs>,
    pub source: Arc<TestSource>,
    pub messenger: Arc<TestMessenger>,
    pub vault: Arc<FakeVault>,
    pub apply: ApplyMode,
    work: tempfile::TempDir,
    server: Option<(Controller, JoinHandle<()>)>,
}

impl World {
    /// A server that follows a branch with `yaml` in it, once that is in force.
    pub async fn new(yaml: &str) -> Self {
        let now = START.parse().unwrap();
        let mut world = Self {
            clock: Arc::new(TestClock(watch::Sender::new(now))),
            engine: ScriptedEngine::new(Instance::parse("world").unwrap(), now),
            store: Arc::default(),
            logs: Arc::default(),
            source: Arc::default(),
            messenger: Arc::default(),
            vault: Arc::default(),
            apply: ApplyMode::Auto,
            work: tempfile::tempdir().unwrap(),
            server: None,
        };
        world.commit("r1", yaml);
        world.start().await;
        world.in_force("r1").await;
        world
    }

    pub async fn start(&mut self) {
        let settings = Settings {
            instance: Instance::parse("world").unwrap(),
            host: "server".to_owned(),
            version: "test".to_owned(),
            work_dir: self.work.path().to_owned(),
            apply: self.apply,
            allow_empty: false,
            shutdown_grace_s: 60,
            drift: DriftMode::Correct,
            prepare_ahead: true,
            traces: false,
        };
        let ports = Ports {
            clock: Arc::clone(&self.clock) as _,
            store: Arc::clone(&self.store) as _,
            logs: Arc::clone(&self.logs) as _,
            engine: Arc::new(self.engine.clone()),
            source: Arc::clone(&self.source) as _,
            compiler: Arc::new(TestCompiler),
            messenger: Arc::clone(&self.messenger) as _,
            vault: Arc::clone(&self.vault) as _,
            gate: Arc::new(ClosedGate),
            peers: Arc::new(NoPeers),
        };
        self.server = Some(start(settings, ports).await.unwrap());
    }

    /// The process dies; the next one finds what was durable.
    pub async fn crash(&mut self) {
        let (_, task) = self.server.take().unwrap();
        task.abort();
        let _ = task.await;
        self.store = Arc::new(self.store.durable());
        self.start().await;
    }

    /// Returns when the server has ended.
    pub async fn ended(&mut self) {
        let (_, task) = self.server.take().unwrap();
        tokio::time::timeout(LIMIT, task).await.unwrap().unwrap();
    }

    pub fn has_ended(&self) -> bool {
        self.server.as_ref().is_some_and(|(_, task)| task.is_finished())
    }

    pub fn controller(&self) -> &Controller {
        &self.server.as_ref().unwrap().0
    }

    /// Moves all clocks.
    pub fn advance(&self, seconds: i64) {
        let now = self.clock.now() + SignedDuration::from_secs(seconds);
        self.engine.advance(now);
        self.clock.0.send_replace(now);
    }

    pub fn commit(&self, id: &str, yaml: &str) {
        let file = provost_controller::SourceFile { path: "shop.yaml".to_owned(), bytes: yaml.as_bytes().to_vec() };
        let (author, subject) = ("ann".to_owned(), format!("commit {id}"));
        let id = RevisionId::parse(id).unwrap();
        *self.source.head.lock().unwrap() =
            Some(Revision { id, author, subject, at: None, signer: None, files: vec![file] });
        self.source.has_changed.notify_one();
    }

    /// From now on, what is committed is signed by a listed signer or not.
    pub fn sign(&self, is_signed: bool) {
        self.source.is_unsigned.store(!is_signed, Relaxed);
    }

    pub fn lose_source(&self) {
        *self.source.head.lock().unwrap() = None;
        self.source.has_changed.notify_one();
    }

    pub async fn command(&self, command: Command) -> Result<Done, Refusal> {
        tokio::time::timeout(LIMIT, self.controller().command(command)).await.unwrap()
    }

    pub async fn run(&self, automation: &str) -> RunId {
        match self.command(run(automation, "1")).await.unwrap() {
            Done::Accepted { run } => run,
            other => panic!("{other:?}"),
        }
    }

    /// Looks until `look` sees what it wants.
    pub async fn until<T: Send + 'static>(
        &self,
        what: &str,
        look: impl Fn(&View<'_>) -> Option<T> + Clone + Send + 'static,
    ) -> T {
        let looking = async {
            loop {
                if let Some(found) = self.controller().view(look.clone()).await.unwrap() {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, looking).await.unwrap_or_else(|_| panic!("it never came: {what}"))
    }

    pub async fn in_force(&self, revision: &'static str) {
        let is_it =
            move |view: &View<'_>| view.state.desired.revision.as_ref().is_some_and(|it| it.as_str() == revision);
        let has_passed = |view: &View<'_>| view.state.server.startup == provost_model::Startup::Passed;
        self.until("the revision", move |view| (is_it(view) && has_passed(view)).then_some(())).await;
    }

    /// Moves the clock on until `run` is over.
    pub async fn outcome(&self, run: &RunId) -> Outcome {
        for _ in 0..2_000 {
            let record = self.store.run(run).await.unwrap().filter(|record| record.ended_at.is_some());
            if let Some(outcome) = record.and_then(|record| record.outcome) {
                return outcome;
            }
            self.advance(1);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        panic!("run {run} never ended: {:?}", self.store.run(run).await)
    }

    /// Moves the clock on until the main container of `run` runs.
    pub async fn until_started(&self, run: &RunId) {
        for _ in 0..2_000 {
            let id = run.clone();
            let started = move |view: &View<'_>| Some(view.state.runs.get(&id).is_some_and(|run| run.starts() == 1));
            if self.until("a look", started).await {
                return;
            }
            self.advance(1);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        panic!("run {run} never started");
    }

    /// Moves the clock on until `is_there`.
    pub async fn in_time(&self, what: &str, is_there: impl Fn() -> bool) {
        for _ in 0..2_000 {
            if is_there() {
                return;
            }
            self.advance(1);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        panic!("it never came: {what}");
    }

    pub async fn facts(&self) -> Vec<Fact> {
        let query = FactQuery { limit: 10_000, ..FactQuery::default() };
        self.store.facts(&query).await.unwrap().into_iter().map(|recorded| recorded.fact).collect()
    }

    pub fn taken(&self) -> Vec<String> {
        self.messenger.taken.lock().unwrap().iter().map(|(channel, _)| channel.clone()).collect()
    }
}

/// The longest that anything may take, by the real clock.
const LIMIT: Duration = Duration::from_secs(20);

pub fn run(automation: &str, request: &str) -> Command {
    let (params, by) = (JsonMap::new(), "ann".to_owned());
    Command::Run { automation: name(automation), params, testing: false, request: request.to_owned(), by }
}

pub fn fire(event: &str, request: &str) -> Command {
    let by = "ann".to_owned();
    Command::Fire { name: event.to_owned(), data: JsonMap::new(), request: request.to_owned(), by }
}
