//! Following the output of containers into the logs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use provost_model::ContainerName;
use provost_planner::OutputOf;
use tokio::task::JoinHandle;

use super::safe::Safe;
use crate::{Engine, EngineError, Logs, StoreError, VaultError};

/// Once a container has ended, the rest of its output is waited for this long.
const REST: Duration = Duration::from_secs(20);

/// Why output was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The tasks that follow, by container; each ends with the last lines.
type Tasks = BTreeMap<ContainerName, JoinHandle<Result<String, OutputError>>>;

/// The followers of containers that run.
#[derive(Clone, Default)]
pub(super) struct Followers(Arc<Mutex<Tasks>>);

impl Followers {
    /// Follows the output of `name` in the background; `done` is called at its end.
    pub(super) fn follow(
        &self,
        engine: Arc<dyn Engine>,
        logs: Arc<dyn Logs>,
        safe: Safe,
        name: ContainerName,
        output: OutputOf,
        done: impl FnOnce() + Send + 'static,
    ) {
        let followed = name.clone();
        let task = tokio::spawn(async move {
            let tail = keep(engine.as_ref(), logs.as_ref(), &safe, &followed, &output, true).await;
            done();
            tail
        });
        let before = self.lock().insert(name, task);
        if let Some(before) = before {
            before.abort();
        }
    }

    /// Returns the last lines of a container that has ended, once all of its output is kept.
    ///
    /// Where nobody followed it, or the follower lost it, all of it is read again from the engine's own copy.
    pub(super) async fn finish(
        &self,
        engine: &dyn Engine,
        logs: &dyn Logs,
        safe: &Safe,
        name: &ContainerName,
        output: &OutputOf,
    ) -> Result<String, OutputError> {
        let follower = self.lock().remove(name);
        if let Some(mut follower) = follower {
            match tokio::time::timeout(REST, &mut follower).await {
                Ok(Ok(Ok(tail))) => return Ok(tail),
                Ok(_) => {}
                Err(_) => follower.abort(),
            }
        }
        keep(engine, logs, safe, name, output, false).await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the output of `name`, from its beginning, into its log.
async fn keep(
    engine: &dyn Engine,
    logs: &dyn Logs,
    safe: &Safe,
    name: &ContainerName,
    output: &OutputOf,
    follow: bool,
) -> Result<String, OutputError> {
    let masks = safe.masks(output)?;
    let mut chunks = engine.output(name, follow).await?;
    let mut sink = logs.open(&output.step, output.limit_bytes, masks.texts())?;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        sink.write(chunk.stream, chunk.at, &chunk.bytes)?;
    }
    Ok(sink.finish()?)
}
