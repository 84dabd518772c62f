//! The handle on a running controller: what the API holds.

use std::sync::Arc;

use jiff::Timestamp;
use provost_model::{Instance, Recorded, State};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use crate::shell::{Fetched, Intent, Progress};
use crate::{Command, Done, Engine, EngineFacts, Logs, Peers, Refusal, RefusalKind, SourceCopy, Store};

/// A handle on a running controller. Cheap to clone.
#[derive(Clone)]
pub struct Controller {
    pub(crate) messages: mpsc::UnboundedSender<Message>,
    pub(crate) facts: broadcast::Sender<Arc<Recorded>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) logs: Arc<dyn Logs>,
    pub(crate) instance: Instance,
    pub(crate) progress: Progress,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) peers: Arc<dyn Peers>,
    /// Places for calls of skills.
    pub(crate) calls: Arc<Semaphore>,
}

/// What the controller knows at one instant.
pub struct View<'a> {
    /// When this was looked at.
    pub now: Timestamp,
    /// Everything that was recorded.
    pub state: &'a State,
    /// How the engine is.
    pub engine: &'a EngineStatus,
    /// How the source is.
    pub source: &'a SourceStatus,
    /// The copies of sources that manifests refer to, by name.
    pub copies: Vec<SourceCopy>,
    /// When the controller will look again by itself.
    pub wake_at: Option<Timestamp>,
    /// Why the server is not as it should be, in a sentence each, with when it is tried again (C7). Empty: all is well.
    pub waiting_for: Vec<String>,
}

/// How the engine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// What it says of itself; absent until it answered for the first time.
    pub facts: Option<EngineFacts>,
    /// Why it is not answering; absent while it is.
    pub trouble: Option<String>,
    /// Containers of this instance.
    pub containers: usize,
}

/// How the source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// What people call it.
    pub name: String,
    /// When it was read the last time.
    pub fetched_at: Option<Timestamp>,
    /// Why it could not be read the last time; absent when it could.
    pub trouble: Option<String>,
    /// A revision that was received and waits for `provost apply` (pinned, or `apply: Manual`).
    pub waiting: Option<String>,
}

type Look = Box<dyn FnOnce(&View<'_>) + Send>;

pub(crate) enum Message {
    Look(Look),
    Command(Command, oneshot::Sender<Result<Done, Refusal>>),
    Fetched { fetched: Fetched, intent: Intent },
    Shutdown,
}

impl Controller {
    /// Lets `look` see what the controller knows, and returns what it made of it. It should be quick.
    pub async fn view<T, F>(&self, look: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&View<'_>) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let look: Look = Box::new(move |view| drop(answer.send(look(view))));
        self.messages.send(Message::Look(look)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Carries out `command`. When this returns, what it did is durable.
    pub async fn command(&self, command: Command) -> Result<Done, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.messages.send(Message::Command(command, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Asks the controller to end: nothing starts any more, what runs may end within the grace time, the shutdown hooks
    /// run, and containers that still run are left to be adopted at the next start.
    pub fn shut_down(&self) {
        // A controller that is gone has nothing to shut down.
        let _ = self.messages.send(Message::Shutdown);
    }

    /// Returns facts as they are recorded. Whoever lags reads what was lost from the store.
    pub fn facts(&self) -> broadcast::Receiver<Arc<Recorded>> {
        self.facts.subscribe()
    }

    /// The history.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The output of steps.
    pub fn logs(&self) -> &Arc<dyn Logs> {
        &self.logs
    }

    /// The name of this Provost on its engine.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }
}

fn gone() -> Refusal {
    Refusal::new(RefusalKind::Unavailable, "the reconciler is shutting down")
}
