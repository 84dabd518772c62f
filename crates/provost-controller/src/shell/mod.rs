//! The shell: feeds the core and carries out what it says. It decides nothing.

mod clock;
mod commands;
mod delivery;
mod engine;
mod folder;
mod gates;
mod leftovers;
mod output;
mod peers;
mod progress;
mod record;
mod retention;
mod revisions;
mod safe;
mod skill;
mod volumes;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use provost_model::{Instance, Recorded};
use provost_planner::{Identity, Requests};
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::handle::Message;
use crate::{
    Answer, Clock, Compiler, Controller, Core, DriftMode, Engine, Gate, Input, Logs, Messenger, Peers, Rules, Source,
    SourceStatus, Store, StoreError, Vault, View,
};

pub use clock::SystemClock;
pub(crate) use progress::Progress;
use record::{Held, RECORD_AGAIN, Reply, Unrecorded};
pub(crate) use revisions::{Fetched, Intent};
pub use skill::{CallAnswer, SkillAsked};

/// How a controller is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name on the engine; every container of it carries it.
    pub instance: Instance,
    /// The server's name, for containers and people.
    pub host: String,
    /// Provost's version.
    pub version: String,
    /// Where the files of steps live while they run. The engine must see the same path.
    pub work_dir: PathBuf,
    /// Whether revisions that the source brings take effect by themselves.
    pub apply: ApplyMode,
    /// Whether a revision may remove everything (C2).
    pub allow_empty: bool,
    /// After a request to end, runs may go on for this long before the shutdown hooks, in seconds.
    pub shutdown_grace_s: u64,
    /// What is done about drift (C4).
    pub drift: DriftMode,
    /// Whether containers are made ahead of their due time.
    pub prepare_ahead: bool,
    /// Whether runs and events are told as traces.
    pub traces: bool,
}

/// Whether revisions that the source brings take effect by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyMode {
    /// They do.
    #[default]
    Auto,
    /// They wait for `provost apply`.
    Manual,
}

/// The world, as the controller needs it.
#[derive(Clone)]
pub struct Ports {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What remembers.
    pub store: Arc<dyn Store>,
    /// The output of steps.
    pub logs: Arc<dyn Logs>,
    /// What runs containers.
    pub engine: Arc<dyn Engine>,
    /// Where manifests come from.
    pub source: Arc<dyn Source>,
    /// From files to what they want.
    pub compiler: Arc<dyn Compiler>,
    /// What delivers notifications.
    pub messenger: Arc<dyn Messenger>,
    /// What opens secrets.
    pub vault: Arc<dyn Vault>,
    /// Where containers ask.
    pub gate: Arc<dyn Gate>,
    /// Other servers.
    pub peers: Arc<dyn Peers>,
}

/// The shell sleeps no longer than this, so that a clock step or a suspend is noticed (T5).
const SLEEP_MAX: SignedDuration = SignedDuration::from_secs(30);

/// A snapshot of the state spares folding this many facts at the next start.
const SNAPSHOT_EVERY: u64 = 5_000;

/// How many inputs are taken together at most.
const INPUTS_MAX: usize = 4_096;

/// What the container `name` left in its folder below `work_dir`.
#[cfg(fuzzing)]
pub fn step_output(work_dir: &std::path::Path, name: &provost_model::ContainerName) -> provost_model::StepOutput {
    folder::read(work_dir, name)
}

/// Loads the state and starts the controller.
///
/// Returns a handle on it, and the task that ends when it has shut down.
///
/// Errors: the state cannot be loaded, or the start cannot be recorded.
pub async fn start(settings: Settings, ports: Ports) -> Result<(Controller, JoinHandle<()>), StoreError> {
    let state = ports.store.load().await?;
    let rules = Rules {
        identity: Identity {
            instance: settings.instance.clone(),
            host: settings.host.clone(),
            user: user_name(),
            pid: std::process::id(),
            version: settings.version.clone(),
            traces: settings.traces,
        },
        drift: settings.drift,
        shutdown_grace_s: settings.shutdown_grace_s,
        prepare_ahead: settings.prepare_ahead,
        requests: Requests::Whole,
        allow_empty: settings.allow_empty,
    };
    let (core, answer) = Core::new(rules, state, ports.clock.now());
    ports.store.append(answer.batch.clone()).await?;

    let (messages, message_queue) = mpsc::unbounded_channel();
    let (inputs, input_queue) = mpsc::unbounded_channel();
    let (facts, _) = broadcast::channel(4_096);
    let controller = Controller {
        messages: messages.clone(),
        facts: facts.clone(),
        store: Arc::clone(&ports.store),
        logs: Arc::clone(&ports.logs),
        instance: settings.instance.clone(),
        progress: Progress::new(&settings, &ports),
        engine: Arc::clone(&ports.engine),
        peers: Arc::clone(&ports.peers),
        calls: Arc::new(Semaphore::new(skill::CALLS_MAX)),
    };
    let source = SourceStatus { name: ports.source.describe(), ..SourceStatus::default() };
    let helpers = [
        tokio::spawn(engine::watch(Arc::clone(&ports.engine), settings.instance.clone(), inputs.clone())),
        tokio::spawn(revisions::follow(ports.clone(), messages.clone())),
        tokio::spawn(retention::keep(ports.clone(), controller.clone(), settings.work_dir.clone())),
        tokio::spawn(volumes::tidy(ports.clone(), controller.clone())),
    ];
    gates::Gates::new(&settings, &ports).reopen();
    let workshop = work::Workshop::new(&settings, &ports, inputs);
    let shell = Shell {
        core,
        settings,
        ports,
        messages,
        facts,
        workshop,
        source,
        snapshot_at: 0,
        unrecorded: None,
        held: None,
        again_at: Instant::now(),
        gives_up_at: None,
        wake_at: None,
    };
    let task = tokio::spawn(async move {
        shell.run(answer, message_queue, input_queue).await;
        helpers.iter().for_each(JoinHandle::abort);
    });
    Ok((controller, task))
}

/// The user that this process runs as: its name where the environment says it, its number otherwise.
fn user_name() -> String {
    std::env::var("USER").unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()))
}

struct Shell {
    core: Core,
    settings: Settings,
    ports: Ports,
    messages: mpsc::UnboundedSender<Message>,
    facts: broadcast::Sender<Arc<Recorded>>,
    workshop: work::Workshop,
    source: SourceStatus,
    snapshot_at: u64,
    unrecorded: Option<Unrecorded>,
    held: Option<Held>,
    /// When what the store did not take is tried again.
    again_at: Instant,
    /// Set once the end was asked for while the store could not be written: how long that is waited for.
    gives_up_at: Option<Timestamp>,
    wake_at: Option<Timestamp>,
}

impl Shell {
    async fn run(
        mut self,
        first: Answer,
        mut messages: mpsc::UnboundedReceiver<Message>,
        mut inputs: mpsc::UnboundedReceiver<Input>,
    ) {
        if self.carry_out(first) {
            return;
        }
        loop {
            let now = self.ports.clock.now();
            let wake_at = self.wake_at.map_or(now + SLEEP_MAX, |wake_at| wake_at.min(now + SLEEP_MAX));
            let clock = Arc::clone(&self.ports.clock);
            let has_exited = tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.again_at), if self.is_held_up() => self.try_again().await,
                Some(message) = messages.recv() => self.on_message(message).await,
                Some(first) = inputs.recv(), if self.unrecorded.is_none() => {
                    let more = std::iter::from_fn(|| inputs.try_recv().ok()).take(INPUTS_MAX);
                    let all: Vec<Input> = std::iter::once(first).chain(more).collect();
                    self.feed(all, Vec::new()).await
                }
                () = clock.sleep_until(wake_at), if self.unrecorded.is_none() => self.feed(vec![Input::Tick], Vec::new()).await,
            };
            if has_exited {
                return self.leave().await;
            }
        }
    }

    fn carry_out(&mut self, answer: Answer) -> bool {
        for recorded in answer.batch.facts {
            let _ = self.facts.send(Arc::new(recorded)); // Nobody may be listening.
        }
        self.wake_at = answer.wake_at;
        answer.actions.into_iter().for_each(|action| self.workshop.begin(action));
        answer.look_at.into_iter().for_each(|name| self.workshop.look_at(name));
        answer.closed.into_iter().for_each(|owner| self.workshop.close(owner));
        answer.volumes_of.into_iter().for_each(|run| self.workshop.remove_volumes(run));
        let seq = self.core.state().seq;
        if seq >= self.snapshot_at + SNAPSHOT_EVERY {
            self.snapshot_at = seq;
            self.workshop.snapshot(self.core.state().clone());
        }
        answer.exit
    }

    async fn leave(self) {
        if self.unrecorded.is_some() {
            return; // The state holds what is not recorded.
        }
        if let Err(error) = self.ports.store.snapshot(self.core.state()).await {
            tracing::warn!(%error, "the next start folds more facts");
        }
    }

    async fn on_message(&mut self, message: Message) -> bool {
        match message {
            Message::Look(look) => {
                look(&self.view());
                false
            }
            Message::Shutdown => self.on_shutdown().await,
            Message::Command(command, answer) => self.on_command(command, answer).await,
            Message::Fetched { fetched, intent } => self.on_fetched(fetched, intent).await,
        }
    }

    fn view(&self) -> View<'_> {
        let now = self.ports.clock.now();
        let mut waiting_for = self.core.waiting_for(now);
        if let Some(unrecorded) = &self.unrecorded {
            waiting_for.insert(0, format!("{}; it is tried again every second.", unrecorded.why));
        }
        if let Some(Held { fetched, why }) = &self.held {
            waiting_for.push(format!("Revision {} waits: {why}; it is tried again every second.", fetched.0.id));
        }
        if let Some(trouble) = &self.source.trouble {
            waiting_for.push(format!("The source could not be read: {trouble}; the revision in force stays."));
        }
        let copies = self.ports.source.copies();
        waiting_for.extend(copies.iter().filter_map(|copy| copy.sentence(now)));
        View {
            now,
            copies,
            state: self.core.state(),
            engine: self.core.engine(),
            source: &self.source,
            wake_at: self.wake_at,
            waiting_for,
        }
    }
}
