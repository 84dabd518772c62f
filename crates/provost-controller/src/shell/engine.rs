//! Sight of the engine: a listing when it answers, then one look at each container that it says has changed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use provost_model::Instance;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Engine, EngineError, EngineErrorKind, Input};

/// However quiet the engine is, everything is looked at again this often: events are a wake-up, not the truth (C4, C8).
const LOOK_AGAIN: Duration = Duration::from_secs(300);

const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Tells `inputs` what the engine has, for as long as the controller lives.
pub(super) async fn watch(engine: Arc<dyn Engine>, instance: Instance, inputs: mpsc::UnboundedSender<Input>) {
    let mut pause = PAUSE_MIN;
    while !inputs.is_closed() {
        match look(engine.as_ref(), &instance, &inputs, &mut pause).await {
            Ok(()) => {}
            Err(error) => {
                if inputs.send(Input::EngineDown { why: error.message }).is_err() {
                    return;
                }
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// One listing, and what happens after it until it is time for the next. Listening begins first, so that nothing falls
/// in between.
async fn look(
    engine: &dyn Engine,
    instance: &Instance,
    inputs: &mpsc::UnboundedSender<Input>,
    pause: &mut Duration,
) -> Result<(), EngineError> {
    let facts = engine.probe().await?;
    let mut changes = engine.watch(instance).await?;
    let containers = engine.list(instance).await?;
    *pause = PAUSE_MIN;
    let _ = inputs.send(Input::EngineUp { facts, containers });
    let until = Instant::now() + LOOK_AGAIN;
    while let Ok(change) = timeout_at(until, changes.next()).await {
        let Some(name) = change else {
            // It was away, however short: what ended meanwhile has no true exit code (R9).
            return Err(EngineError::new(EngineErrorKind::Unavailable, "the engine ended the connection"));
        };
        let container = engine.inspect(&name).await?;
        let _ = inputs.send(Input::Seen { name, container });
    }
    Ok(())
}
