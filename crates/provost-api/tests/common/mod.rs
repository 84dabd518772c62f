//! A server over a real controller, with an engine and a store in memory and a clock that the test moves.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses a part of it; a test may panic"
)]
#![allow(clippy::allow_attributes, reason = "not every file leaves something unused")]

pub mod raw;
pub mod remote;

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use provost_api::wire::ListenItem;
use provost_api::{CertificateFiles, Client, Listeners, Metrics, ServerInfo, bind, serve};
use provost_controller::*;
use provost_engine::ScriptedEngine;
use provost_model::*;
use provost_secret::FakeVault;
use provost_store::{MemoryLogs, MemoryStore};
use serde_json::json;
use tokio::sync::{Notify as Bell, watch};
use tokio_util::sync::CancellationToken;

/// A server for one test.
pub struct Bench {
    pub client: Client,
    pub controller: Controller,
    pub engine: ScriptedEngine,
    pub source: Arc<FakeSource>,
    pub socket: PathBuf,
    pub stop: CancellationToken,
    /// Where other machines ask.
    pub listen: ListenItem,
    /// What the server proves itself with there.
    pub files: CertificateFiles,
    clock: Arc<FakeClock>,
    serving: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// Friday noon.
pub fn noon() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Bench {
    /// A server that has `automations` in force.
    pub async fn new(automations: &[Automation]) -> Self {
        Self::with(automations, ApplyMode::Auto).await
    }

    pub async fn with(automations: &[Automation], apply: ApplyMode) -> Self {
        Self::make(automations, apply, None).await
    }

    /// A server that lets in clients of this authority alone.
    pub async fn with_clients_of(ca: PathBuf) -> Self {
        Self::make(&[], ApplyMode::Auto, Some(ca)).await
    }

    async fn make(automations: &[Automation], apply: ApplyMode, client_ca: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let instance = Instance::parse("test").unwrap();
        let clock = Arc::new(FakeClock { now: watch::Sender::new(noon()) });
        let engine = ScriptedEngine::new(instance.clone(), noon());
        let source = Arc::new(FakeSource { newest: Mutex::new(revision("r1", automations)), changed: Bell::new() });
        let settings = Settings {
            instance,
            host: "ber-1".into(),
            version: "1.0.0".into(),
            work_dir: folder.path().join("work"),
            apply,
            allow_empty: true,
            shutdown_grace_s: 5,
            drift: DriftMode::default(),
            prepare_ahead: false,
            traces: false,
        };
        let ports = Ports {
            clock: clock.clone(),
            store: Arc::new(MemoryStore::new()),
            logs: Arc::new(MemoryLogs::new()),
            engine: Arc::new(engine.clone()),
            source: source.clone(),
            compiler: Arc::new(FakeCompiler),
            messenger: Arc::new(NoMessenger),
            vault: Arc::new(FakeVault::default()),
            gate: Arc::new(ClosedGate),
            peers: Arc::new(NoPeers),
        };
        let (controller, _task) = start(settings, ports).await.unwrap();
        let socket = folder.path().join("api.sock");
        let local = bind(&socket).await.unwrap();
        let (remote, files, listen) = remote::listener(folder.path(), client_ca).await;
        let info = ServerInfo {
            version: "1.0.0".into(),
            host: "ber-1".into(),
            recipient: "age1ber".into(),
            listen: None,
            metrics: Metrics::default(),
        };
        let listeners = Listeners { local, remote: Some(remote), gate: None };
        let stop = CancellationToken::new();
        let serving = serve(listeners, controller.clone(), info, stop.clone());
        let serving = tokio::spawn(async move { serving.await.unwrap() });
        let client = Client::unix(&socket);
        let bench = Self {
            client,
            controller,
            engine,
            source,
            socket,
            stop,
            listen,
            files,
            clock,
            serving: Some(serving),
            _folder: folder,
        };
        if apply == ApplyMode::Auto {
            bench.until(async || bench.is_ready().await.then_some(())).await;
        }
        bench
    }

    async fn is_ready(&self) -> bool {
        let is_ready = |view: &View<'_>| view.state.applied.is_some() && view.state.server.startup == Startup::Passed;
        self.controller.view(is_ready).await.unwrap()
    }

    /// Moves the clock of server and engine.
    pub fn pass(&self, span: SignedDuration) {
        let now = *self.clock.now.borrow() + span;
        self.clock.now.send_replace(now);
        self.engine.advance(now);
    }

    /// Lets a tenth of a second pass again and again, until `look` finds something.
    ///
    /// Panics after ten real seconds.
    pub async fn until<T, F: Future<Output = Option<T>>>(&self, mut look: impl FnMut() -> F) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(started.elapsed() < Duration::from_secs(10), "it never happened");
            tokio::time::sleep(Duration::from_millis(2)).await;
            self.pass(SignedDuration::from_millis(100));
        }
    }

    /// Lets time pass until `task` is done.
    pub async fn meanwhile<T>(&self, task: impl Future<Output = T>) -> T {
        let time = self.until(async || None::<()>);
        tokio::select! {
            done = task => done,
            () = time => unreachable!(),
        }
    }

    /// Starts a run and lets time pass until it is over.
    pub async fn run_to_its_end(&self, automation: &str) -> String {
        let run = self.client.start_run(automation, &Default::default()).await.unwrap().run;
        let ended = self.meanwhile(self.client.wait_for_run(&run, 60)).await.unwrap();
        assert!(ended.item.ended_at.is_some());
        run
    }

    /// How many facts there are.
    pub async fn seq(&self) -> u64 {
        self.controller.view(|view| view.state.seq).await.unwrap()
    }

    /// Stops the server and waits for its end.
    pub async fn shut_down(&mut self) {
        self.stop.cancel();
        self.serving.take().unwrap().await.unwrap();
    }
}

/// An automation without a schedule.
pub fn automation(name: &str) -> Automation {
    let automation = json!({
        "name": name, "labels": {"team": "finance"}, "description": null, "schedules": [], "triggers": [],
        "workload": {
            "image": "image", "pull": "IfNotPresent", "command": [], "args": [], "env": {}, "user": null,
            "workingDir": null, "readOnlyRoot": true, "dropCapabilities": ["ALL"], "addCapabilities": [],
            "userNamespace": false, "network": "None", "volumes": [], "resources": {"cpuMillis": 1000, "memoryBytes": 536_870_912, "pids": 256}
        },
        "params": {"count": {
            "type": "integer", "description": null, "required": false, "default": 1, "minimum": null, "maximum": null,
            "options": []
        }},
        "timeoutS": 600, "graceS": 1, "retries": {"limit": 0, "backoffS": 1, "maxBackoffS": 1},
        "concurrency": "Queue", "queueLimit": 5, "catchUp": "Last", "startDeadlineS": null, "lateAfterS": 60,
        "locks": [], "runLimits": [], "hooks": [], "notify": {"channels": {}, "noSuccessFor": null}, "freezes": [],
        "history": {"keepS": 7_776_000, "keepLast": 100, "logsS": 2_592_000, "logBytes": 1_000_000}, "suspend": false,
        "origins": {}
    });
    serde_json::from_value(automation).unwrap()
}

/// The same, due every so many seconds.
pub fn every(name: &str, seconds: u64) -> Automation {
    let schedule = serde_json::from_value(json!({"everyS": seconds, "jitterS": 0})).unwrap();
    Automation { schedules: vec![schedule], ..automation(name) }
}

/// A revision that wants `automations`.
pub fn revision(id: &str, automations: &[Automation]) -> Revision {
    revision_with(id, automations, Vec::new())
}

/// A revision that wants `automations`, and `hooks` on events that are no run's own.
pub fn revision_with(id: &str, automations: &[Automation], hooks: Vec<Arc<Hook>>) -> Revision {
    let automations = automations.iter().map(|it| (it.name.clone(), Arc::new(it.clone())));
    let id = RevisionId::parse(id).unwrap();
    let desired =
        Desired { revision: Some(id.clone()), automations: automations.collect(), hooks, ..Desired::default() };
    file(id, serde_json::to_vec(&desired).unwrap())
}

/// A hook of Policy/shop on `event`.
pub fn hook(event: &str) -> Arc<Hook> {
    let hook = json!({
        "name": "index", "owner": {"kind": "policy", "name": "shop", "order": 100}, "event": event, "stage": "Main",
        "workload": automation("a").workload, "config": null, "takes": null, "timeoutS": 30, "graceS": 1,
        "onError": "Fail", "background": false, "parallel": false
    });
    serde_json::from_value(hook).unwrap()
}

/// A revision with an error.
pub fn broken(id: &str) -> Revision {
    file(RevisionId::parse(id).unwrap(), b"broken".to_vec())
}

fn file(id: RevisionId, bytes: Vec<u8>) -> Revision {
    Revision {
        id,
        author: "Alice".into(),
        subject: "a change".into(),
        at: None,
        signer: None,
        files: vec![SourceFile { path: "desired.json".into(), bytes }],
    }
}

pub struct FakeSource {
    newest: Mutex<Revision>,
    changed: Bell,
}

impl FakeSource {
    /// Somebody commits.
    pub fn commit(&self, revision: Revision) {
        *self.newest.lock().unwrap() = revision;
        self.changed.notify_one();
    }
}

#[async_trait]
impl Source for FakeSource {
    fn describe(&self) -> String {
        "folder /srv/shop".into()
    }

    async fn fetch(&self) -> Result<Revision, SourceError> {
        Ok(self.newest.lock().unwrap().clone())
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Reads what is wanted as JSON.
struct FakeCompiler;

impl Compiler for FakeCompiler {
    fn compile(&self, revision: &Revision, _now: Timestamp) -> Compiled {
        match serde_json::from_slice(&revision.files[0].bytes) {
            Ok(desired) => Compiled { desired: Some(desired), report: String::new(), errors: 0, warnings: 0 },
            Err(error) => Compiled { desired: None, report: format!("error[E0001]: {error}"), errors: 1, warnings: 0 },
        }
    }
}

struct NoMessenger;

#[async_trait]
impl Messenger for NoMessenger {
    async fn deliver(&self, _channel: &Channel, _body: &serde_json::Value) -> Result<Option<Reply>, DeliveryError> {
        Ok(None)
    }
}

struct FakeClock {
    now: watch::Sender<Timestamp>,
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let mut now = self.now.subscribe();
        let _ = now.wait_for(|now| *now >= instant).await;
    }
}
