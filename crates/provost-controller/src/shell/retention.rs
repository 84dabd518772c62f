//! History retention, and tidying up, once an hour.
//!
//! Each automation is kept as its policies say. What no policy speaks of is kept as the built-in default has it: events
//! that are no run's own, notifications' output, what the server did, and automations that no revision has any more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use provost_model::{History, Name, Owner};

use super::Ports;
use super::leftovers::Leftovers;
use crate::{Controller, PruneOrder};

const EVERY: Duration = Duration::from_secs(3_600);

const DAY_S: u64 = 86_400;

/// How long what no policy speaks of is kept.
const BUILT_IN: History = History { keep_s: 90 * DAY_S, keep_last: 0, logs_s: 30 * DAY_S, log_bytes: 0 };

/// Forgets what the policies do not keep, and removes what is left below `work_dir`, for as long as the controller lives.
pub(super) async fn keep(ports: Ports, controller: Controller, work_dir: PathBuf) {
    let mut leftovers = Leftovers::new(work_dir);
    loop {
        tokio::time::sleep(EVERY).await;
        leftovers.tidy(&ports).await;
        let now = ports.clock.now();
        let wanted = controller.view(|view| {
            let automations = view.state.desired.automations.iter();
            automations.map(|(name, automation)| (name.clone(), automation.history)).collect::<BTreeMap<_, _>>()
        });
        let Ok(wanted) = wanted.await else { return };
        let known = ports.store.automations().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "history of automations that are gone is not shortened this hour");
            BTreeSet::new()
        });
        for order in orders(&wanted, &known, now) {
            prune(&ports, &order).await;
        }
        if let Err(error) = ports.logs.forget_events(before(BUILT_IN.logs_s, now)).await {
            tracing::warn!(%error, "output of events that is not kept any more stays for another hour");
        }
        let Ok(images) = controller.view(|view| view.state.images()).await else { return };
        match ports.engine.keep_images(&images, now).await {
            Ok(0) => {}
            Ok(images) => tracing::info!(images, "images are gone that nobody has needed for long"),
            Err(error) => tracing::warn!(%error, "images that nobody needs any more stay for another hour"),
        }
    }
}

/// What is to be forgotten at `now`: of what is wanted, of what history knows besides, and of what is about no automation.
pub(crate) fn orders(wanted: &BTreeMap<Name, History>, known: &BTreeSet<Name>, now: Timestamp) -> Vec<PruneOrder> {
    let order = |automation: Option<&Name>, history: &History| PruneOrder {
        automation: automation.cloned(),
        runs_before: before(history.keep_s, now),
        keep_last: history.keep_last,
        logs_before: before(history.logs_s, now),
    };
    let gone = known.iter().filter(|name| !wanted.contains_key(*name));
    let of_automations = wanted.iter().map(|(name, history)| order(Some(name), history));
    of_automations.chain(gone.map(|name| order(Some(name), &BUILT_IN))).chain([order(None, &BUILT_IN)]).collect()
}

/// The instant that lies so many seconds before `now`.
fn before(seconds: u64, now: Timestamp) -> Timestamp {
    let age = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
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
            let of = order.automation.as_ref().map_or("the server", |name| name.as_str());
            tracing::warn!(%error, of, "history is not shortened this hour");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_policy_speaks_of_is_kept_as_the_built_in_default_has_it() {
        let name = |name| Name::new(name).unwrap();
        let now: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let history = History { keep_s: DAY_S, keep_last: 7, logs_s: 3_600, log_bytes: 0 };
        let orders = orders(&[(name("a"), history)].into(), &[name("a"), name("gone")].into(), now);
        let shown = orders.iter().map(|order| {
            let of = order.automation.as_ref().map(Name::as_str);
            (of, order.keep_last, order.runs_before.to_string(), order.logs_before.to_string())
        });
        let (quarter, month) = ("2026-08-22T00:00:00Z".to_owned(), "2026-10-21T00:00:00Z".to_owned());
        let expected = [
            (Some("a"), 7, "2026-11-19T00:00:00Z".to_owned(), "2026-11-19T23:00:00Z".to_owned()),
            (Some("gone"), 0, quarter.clone(), month.clone()),
            (None, 0, quarter, month),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_age_beyond_all_time_keeps_everything() {
        assert_eq!(before(u64::MAX, Timestamp::UNIX_EPOCH), Timestamp::MIN);
    }
}
