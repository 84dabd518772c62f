//! Names of containers to look at, as something happens to them.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use provost_model::{ContainerName, Instance};
use tokio::sync::{broadcast, watch};

use crate::hub::{Hub, Wake};

/// Who waits for wake-ups of one instance.
struct Waiting {
    wakes: broadcast::Receiver<Wake>,
    gone: watch::Receiver<bool>,
    instance: String,
    /// Kept, so that it goes on hearing.
    _hub: Arc<Hub>,
}

/// Returns names of containers of `instance` from now on, until the engine's folder is taken away, or more has happened
/// than is remembered.
pub(crate) fn watch(hub: Arc<Hub>, instance: &Instance) -> BoxStream<'static, ContainerName> {
    let waiting = Waiting { wakes: hub.wakes(), gone: hub.gone(), instance: instance.to_string(), _hub: hub };
    stream::unfold(waiting, |mut waiting| async { Some((waiting.next().await?, waiting)) }).boxed()
}

impl Waiting {
    async fn next(&mut self) -> Option<ContainerName> {
        loop {
            let wake = tokio::select! {
                wake = self.wakes.recv() => wake.ok()?,
                _ = self.gone.wait_for(|gone| *gone) => return None,
            };
            if wake.instance.as_deref() == Some(self.instance.as_str()) {
                return Some(wake.name);
            }
        }
    }
}
