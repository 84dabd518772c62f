//! The story: chapter after chapter, each of which waits for what it is about. A process that dies in the middle of a
//! chapter is followed by another one, which begins that chapter again, as a client does that got no answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use provost_controller::{
    ApplyMode, Clock, ClosedGate, Command, Controller, Done, DriftMode, Engine as _, NoPeers, Ports, RunQuery,
    Settings, Store, View, start,
};
use provost_engine::ScriptedEngine;
use provost_model::{
    ContainerName, ContainerSeen, Instance, JsonMap, LABEL_INSTANCE, LABEL_OWNER, LABEL_OWNER_KIND, LABEL_STEP, Life,
    Name, RunRecord, Startup,
};
use provost_secret::FakeVault;
use provost_store::MemoryLogs;
use tokio::task::JoinHandle;

use crate::fakes::{TestClock, TestCompiler, TestMessenger, TestSource};
use crate::points::{Trap, Watch, kind_of};
use crate::ports::{CutEngine, CutLogs, CutMessenger, CutStore};
use crate::shop::{Evidence, FIRST, MORE, Started, act};

/// When it begins.
const START: &str = "2026-11-20T12:00:00Z";

/// How long nobody is there after a crash, in seconds: shorter than a due time may wait.
const DOWN_S: i64 = 5;

/// How often things are looked at.
const TURN: Duration = Duration::from_secs(2);

/// The longest that a chapter may take, by the story's own clock.
const PATIENCE: Duration = Duration::from_secs(6 * 3_600);

/// The world of one story, over all lives of the process.
pub struct Story {
    pub clock: Arc<TestClock>,
    pub watch: Arc<Watch>,
    pub store: Arc<CutStore>,
    pub engine: ScriptedEngine,
    pub logs: Arc<MemoryLogs>,
    pub messenger: Arc<TestMessenger>,
    pub evidence: Evidence,
    pub work: tempfile::TempDir,
    source: Arc<TestSource>,
    /// How many chapters are told.
    told: usize,
    /// How many processes there were.
    pub lives: usize,
    takes: Takes,
    /// The containers that a crash took along while they ran.
    pub lost: Vec<Started>,
    trouble: Option<String>,
}

/// What a crash takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// The process alone.
    Process,
    /// All containers too, as when a machine is lost and its disk is not.
    Containers,
}

type Chapter = for<'a> fn(&'a Story, &'a Controller) -> BoxFuture<'a, ()>;

/// A chapter's title, and the chapter.
const CHAPTERS: [(&str, Chapter); 9] = [
    ("the shop opens", |it, server| Box::pin(it.opens(server))),
    ("a night's run", |it, _| Box::pin(it.ended("nightly"))),
    ("an order", |it, server| Box::pin(it.order(server))),
    ("a run that hangs", |it, server| Box::pin(it.hangs(server))),
    ("a second commit", |it, server| Box::pin(it.commits(server))),
    ("a stray", |it, _| Box::pin(it.stray())),
    ("an hour later", |it, _| Box::pin(it.until(|| it.watch.has_done("logs.remove")))),
    ("nothing is left to do", |it, server| Box::pin(it.settles(server))),
    ("the shop closes", |it, server| Box::pin(it.closes(server))),
];

impl Story {
    /// Tells it, with a crash at `trap`, which takes along what `takes` says.
    pub fn tell(trap: Option<Trap>, takes: Takes) -> Self {
        let mut story = Self::new(trap, takes);
        while story.told < CHAPTERS.len() && story.trouble.is_none() {
            story.live(Self::go_on);
        }
        if story.leftovers().next().is_some() && story.trouble.is_none() {
            story.live(|story| Box::pin(story.tidied()));
        }
        story
    }

    fn new(trap: Option<Trap>, takes: Takes) -> Self {
        let now: Timestamp = START.parse().unwrap();
        let watch = Arc::new(Watch::new(trap));
        let engine = ScriptedEngine::new(instance(), now);
        let evidence = Evidence::default();
        act(&engine, &evidence);
        let source = TestSource::default();
        source.commit("r1", FIRST);
        Self {
            clock: Arc::new(TestClock::at(now)),
            store: Arc::new(CutStore { watch: Arc::clone(&watch), durable: Mutex::default() }),
            watch,
            engine,
            logs: Arc::default(),
            messenger: Arc::default(),
            evidence,
            work: tempfile::tempdir().unwrap(),
            source: Arc::new(source),
            told: 0,
            lives: 0,
            takes,
            lost: Vec::new(),
            trouble: None,
        }
    }

    /// One life of the process: until it ends, or dies with all of its tasks.
    fn live(&mut self, life: for<'a> fn(&'a mut Self) -> BoxFuture<'a, ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        self.store.reopen();
        self.watch.revive();
        self.lives += 1;
        let (watch, clock) = (Arc::clone(&self.watch), Arc::clone(&self.clock));
        let (now, has_died) = runtime.block_on(async {
            clock.set_going();
            tokio::spawn(run_engine(self.engine.clone(), Arc::clone(&clock)));
            let has_died = tokio::select! {
                biased;
                () = watch.death() => true,
                () = life(self) => false,
            };
            (clock.now(), has_died)
        });
        drop(runtime);
        if has_died && self.takes == Takes::Containers {
            self.lose_containers();
        }
        self.clock.stop(now, DOWN_S);
    }

    fn lose_containers(&mut self) {
        for container in self.listing() {
            let is_running = matches!(container.life, Life::Running { .. });
            if let Some(step) = container.step.filter(|_| is_running) {
                self.lost.push(Started { owner: step.owner.id().to_owned(), kind: kind_of(&step) });
            }
            self.engine.remove_by_hand(&container.name);
        }
    }

    fn go_on(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (controller, task) = self.server().await;
            while let Some((title, chapter)) = CHAPTERS.get(self.told) {
                if tokio::time::timeout(PATIENCE, chapter(self, &controller)).await.is_err() {
                    self.trouble = Some(format!("{title:?} never ends"));
                    return;
                }
                self.told += 1;
            }
            if let Err(error) = task.await {
                self.trouble = Some(format!("the server breaks down: {error}"));
            }
        })
    }

    async fn server(&self) -> (Controller, JoinHandle<()>) {
        let settings = Settings {
            instance: instance(),
            host: "server".to_owned(),
            // Each is another one: what one asked the engine for is not what the next one would.
            version: self.lives.to_string(),
            work_dir: self.work.path().to_owned(),
            apply: ApplyMode::Auto,
            allow_empty: false,
            shutdown_grace_s: 60,
            drift: DriftMode::Correct,
            prepare_ahead: true,
            traces: false,
        };
        let watch = || Arc::clone(&self.watch);
        let ports = Ports {
            clock: Arc::clone(&self.clock) as _,
            store: Arc::clone(&self.store) as _,
            logs: Arc::new(CutLogs { watch: watch(), inner: Arc::clone(&self.logs) }),
            engine: Arc::new(CutEngine { watch: watch(), inner: self.engine.clone() }),
            source: Arc::clone(&self.source) as _,
            compiler: Arc::new(TestCompiler),
            messenger: Arc::new(CutMessenger { watch: watch(), inner: Arc::clone(&self.messenger) }),
            vault: Arc::new(FakeVault::default()),
            gate: Arc::new(ClosedGate),
            peers: Arc::new(NoPeers),
        };
        start(settings, ports).await.unwrap()
    }

    async fn opens(&self, server: &Controller) {
        self.sees(server, |view| view.state.desired.revision.is_some() && view.state.server.startup == Startup::Passed)
            .await;
    }

    async fn order(&self, server: &Controller) {
        let (data, by) = (JsonMap::new(), "ann".to_owned());
        let fire = Command::Fire { name: "orders.arrived".to_owned(), data, request: "1".to_owned(), by };
        assert!(matches!(server.command(fire).await, Ok(Done::Fired { .. })));
        self.ended("pack").await;
    }

    async fn hangs(&self, server: &Controller) {
        let (params, by) = (JsonMap::new(), "ann".to_owned());
        let automation = Name::new("stuck").unwrap();
        let run = Command::Run { automation, params, testing: false, request: "1".to_owned(), by };
        assert!(matches!(server.command(run).await, Ok(Done::Accepted { .. })));
        self.ended("stuck").await;
    }

    async fn commits(&self, server: &Controller) {
        self.source.commit("r2", &format!("{FIRST}{MORE}"));
        self.sees(server, |view| view.state.desired.revision.as_ref().is_some_and(|it| it.as_str() == "r2")).await;
    }

    /// Somebody runs a container that carries our labels and belongs to nothing.
    async fn stray(&self) {
        let instance = instance();
        let labels = [
            (LABEL_INSTANCE, instance.as_str()),
            (LABEL_OWNER_KIND, "run"),
            (LABEL_OWNER, "gone.20200101T000000Z"),
            (LABEL_STEP, "main.1"),
        ];
        let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        self.engine.plant(&ContainerName::parse("stray").unwrap(), labels);
        self.until(|| !self.containers().contains("stray")).await;
    }

    async fn settles(&self, server: &Controller) {
        self.sees(server, |view| view.state.is_idle() && view.state.outbox.is_empty()).await;
    }

    /// Returns once nobody answers any more.
    async fn closes(&self, server: &Controller) {
        server.shut_down();
        while server.view(|_| ()).await.is_ok() {
            tokio::time::sleep(TURN).await;
        }
    }

    /// What a crash left in the folder of steps goes by itself, in time.
    async fn tidied(&mut self) {
        let (_controller, _task) = self.server().await;
        let tidied = self.until(|| self.leftovers().next().is_none());
        if tokio::time::timeout(PATIENCE, tidied).await.is_err() {
            self.trouble = Some(format!("folders of steps stay: {:?}", self.leftovers().collect::<Vec<_>>()));
        }
    }

    /// Returns when the last run of `automation` has ended, hooks included, and it has at least one.
    async fn ended(&self, automation: &str) {
        loop {
            let runs = self.runs(automation).await;
            if !runs.is_empty() && runs.iter().all(|run| run.ended_at.is_some()) {
                return;
            }
            tokio::time::sleep(TURN).await;
        }
    }

    pub async fn runs(&self, automation: &str) -> Vec<RunRecord> {
        let query = RunQuery { automation: Name::new(automation).ok(), limit: 100, ..RunQuery::default() };
        self.store.runs(&query).await.unwrap()
    }

    async fn sees(&self, server: &Controller, look: impl Fn(&View<'_>) -> bool + Clone + Send + 'static) {
        loop {
            if server.view(look.clone()).await.unwrap_or(false) {
                return;
            }
            tokio::time::sleep(TURN).await;
        }
    }

    async fn until(&self, is_there: impl Fn() -> bool) {
        while !is_there() {
            tokio::time::sleep(TURN).await;
        }
    }

    /// The names of the containers on the engine.
    pub fn containers(&self) -> BTreeSet<String> {
        self.listing().into_iter().map(|container| container.name.to_string()).collect()
    }

    fn listing(&self) -> Vec<ContainerSeen> {
        self.engine.list(&instance()).now_or_never().unwrap().unwrap()
    }

    /// The folders of steps.
    pub fn leftovers(&self) -> impl Iterator<Item = String> {
        let folders = std::fs::read_dir(self.work.path()).unwrap();
        folders.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
    }

    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    pub fn crashed(&self) -> bool {
        !self.watch.died_at().is_empty()
    }

    pub fn points(&self) -> BTreeSet<String> {
        self.watch.points()
    }
}

fn instance() -> Instance {
    Instance::parse("sweep").unwrap()
}

/// Lets the engine's time pass.
async fn run_engine(engine: ScriptedEngine, clock: Arc<TestClock>) {
    loop {
        engine.advance(clock.now());
        // A container that starts meanwhile is noticed at the next turn.
        let next = engine.next_event().map(|at| at.duration_since(clock.now()).unsigned_abs());
        tokio::time::sleep(next.unwrap_or(TURN).min(TURN)).await;
    }
}
