//! History retention, and tidying up, once an hour.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use provost_model::{Automation, Owner};

use super::Ports;
use super::leftovers::Leftovers;
use crate::{Controller, PruneOrder};

const EVERY: Duration = Duration::from_secs(3_600);

/// Forgets what the policies do not keep, and removes what is left below `work_dir`, for as long as the controller lives.
pub(super) async fn keep(ports: Ports, controller: Controller, work_dir: PathBuf) {
    let mut leftovers = Leftovers::new(work_dir);
    loop {
        tokio::time::sleep(EVERY).await;
        leftovers.tidy(&ports).await;
        let now = ports.clock.now();
        let orders = controller.view(move |view| {
            let automations = view.state.desired.automations.values();
            automations.map(|automation| order_for(automation, now)).collect::<Vec<_>>()
        });
        let Ok(orders) = orders.await else { return };
        for order in orders {
            prune(&ports, &order).await;
        }
    }
}

/// What is kept of `automation` at `now`.
pub(crate) fn order_for(automation: &Automation, now: Timestamp) -> PruneOrder {
    let history = &automation.history;
    let before = |seconds: u64| {
        let age = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        now.checked_sub(age).unwrap_or(Timestamp::MIN)
    };
    PruneOrder {
        automation: automation.name.clone(),
        runs_before: before(history.keep_s),
        keep_last: history.keep_last,
        logs_before: before(history.logs_s),
    }
}

async fn prune(ports: &Ports, order: &PruneOrder) {
    match ports.store.prune(order).await {
        Ok(pruned) => {
            for run in pruned.runs.into_iter().chain(pruned.logs) {
                if let Err(error) = ports.logs.remove(&Owner::Run(run)).await {
                    tracing::warn!(%error, "output that is not kept any more stays for another hour");
                }
            }
        }
        Err(error) => {
            tracing::warn!(%error, automation = %order.automation, "history is not shortened this hour")
        }
    }
}
