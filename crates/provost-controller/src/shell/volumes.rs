//! Volumes that are a run's own: they go when it is over.

use std::collections::BTreeSet;
use std::iter::repeat;
use std::time::Duration;

use provost_model::RunId;

use super::Ports;
use crate::{Controller, Engine};

/// How long after the end of a run its last container may still be there, try by try.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];

/// When what a process before this one has left is looked for: soon, and what is found twice goes; then now and again.
const SOON: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(10)];
const EVERY: Duration = Duration::from_secs(3_600);

/// Removes the volumes of a run that is over, once its last container is gone.
pub(super) async fn remove(engine: &dyn Engine, run: &RunId) {
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        if engine.remove_volumes(run).await.is_ok() {
            return;
        }
    }
    tracing::info!(%run, "the volumes of a run that is over stay for another hour");
}

/// Removes what is left behind, for as long as the controller lives.
pub(super) async fn tidy(ports: Ports, controller: Controller) {
    let mut suspects = BTreeSet::new();
    for pause in SOON.into_iter().chain(repeat(EVERY)) {
        tokio::time::sleep(pause).await;
        // An engine that does not answer says nothing about what it has.
        let Ok(found) = ports.engine.runs_with_volumes().await else { continue };
        let open = controller.view(|view| view.state.runs.keys().cloned().collect::<BTreeSet<_>>());
        let Ok(open) = open.await else { return };
        let over: BTreeSet<RunId> = found.into_iter().filter(|run| !open.contains(run)).collect();
        // One that is found so for the first time may be of a run that is about to begin.
        for run in over.intersection(&suspects) {
            if let Err(error) = ports.engine.remove_volumes(run).await {
                tracing::info!(%run, %error, "the volumes of a run that is over stay for another hour");
            }
        }
        suspects = over;
    }
}
