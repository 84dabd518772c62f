//! What is counted and measured, for Prometheus (`/metrics`).
//!
//! No label holds a name that people choose, or an id: how many series there are does not depend on how much runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use provost_controller::{Controller, View};
use provost_model::{Fact, Recorded, RunFact, RunId, StepFact, StepId};

use super::Shared;
use super::refused::Refused;
use crate::wire::ProblemCode;

/// The media type of what is told.
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, &'static str)>;

/// What is counted and measured. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    start_lag: Histogram,
    runs: Family<Labels, Counter>,
    engine_calls: Family<Labels, Histogram>,
    engine_errors: Family<Labels, Counter>,
    listed: Mutex<Option<Instant>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("provost");
        // From a millisecond to half a minute: a start is late after a second, and an engine stuck after ten.
        let start_lag = Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let engine_calls =
            Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 4.0, 8)));
        let (runs, engine_errors) = (Family::<Labels, Counter>::default(), Family::<Labels, Counter>::default());
        let what = "How long after their time main containers started";
        registry.register_with_unit("start_lag", what, Unit::Seconds, start_lag.clone());
        registry.register("runs", "Runs that ended, by outcome", runs.clone());
        let what = "How long calls of the container engine took, by call";
        registry.register_with_unit("engine_call", what, Unit::Seconds, engine_calls.clone());
        let what = "Calls of the container engine that failed, by call";
        registry.register("engine_errors", what, engine_errors.clone());
        let listed = Mutex::default();
        Self(Arc::new(Inner { registry, start_lag, runs, engine_calls, engine_errors, listed }))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Counts a call of the engine, `list` or `create`, that took so long.
    pub fn engine_call(&self, call: &'static str, took: Duration, has_failed: bool) {
        let labels = vec![("call", call)];
        self.0.engine_calls.get_or_create(&labels).observe(took.as_secs_f64());
        if has_failed {
            self.0.engine_errors.get_or_create(&labels).inc();
        }
    }

    /// The engine's containers were compared with what should be: the age of that is told.
    pub fn reconciled(&self) {
        *self.0.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Counts what is recorded, without end.
    pub(super) async fn watch(self, controller: Controller) {
        let facts = controller.following();
        let due = |view: &View<'_>| {
            let times = view.state.runs.values().map(|run| (run.id.clone(), run.not_before)).collect();
            (view.state.seq, times)
        };
        let Ok((seen, times)) = controller.view(due).await else { return };
        let (mut facts, mut watcher) = (facts.after(seen), Watcher { metrics: self, times });
        while let Some(recorded) = facts.next().await {
            watcher.note(&recorded);
        }
    }

    fn text(&self, now: &Registry) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.0.registry)?;
        encode_registry(&mut text, now)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    fn reconcile_age(&self) -> Option<Duration> {
        self.0.listed.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }
}

/// Makes numbers of facts.
struct Watcher {
    metrics: Metrics,
    /// When each run that goes on was to start.
    times: HashMap<RunId, Timestamp>,
}

impl Watcher {
    fn note(&mut self, recorded: &Recorded) {
        match &recorded.fact {
            Fact::RunAccepted { accepted } => {
                self.times.insert(accepted.run.clone(), accepted.not_before);
            }
            Fact::Run { run, change: RunFact::Step { id, fact: StepFact::Started { started_at, .. } } }
                if *id == StepId::main(1) =>
            {
                if let Some(due) = self.times.get(run) {
                    // The engine's clock may be a little behind.
                    self.metrics.0.start_lag.observe(started_at.duration_since(*due).as_secs_f64().max(0.0));
                }
            }
            Fact::Run { run, change: RunFact::Finished { outcome, .. } } => {
                self.times.remove(run);
                self.metrics.0.runs.get_or_create(&vec![("outcome", outcome.word())]).inc();
            }
            _ => {}
        }
    }
}

pub(super) async fn show(State(shared): State<Shared>) -> Result<Response, Refused> {
    let metrics = shared.info.metrics.clone();
    let age = metrics.reconcile_age();
    let now = shared.controller.view(move |view| gauges(view, age)).await?;
    let text = metrics
        .text(&now)
        .map_err(|_| Refused::new(ProblemCode::Internal, "the metrics cannot be written; please report this"))?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response())
}

/// What is so at the moment.
fn gauges(view: &View<'_>, reconcile_age: Option<Duration>) -> Registry {
    let mut registry = Registry::with_prefix("provost");
    let mut gauge = |name: &str, what: &str, value: usize| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, what, gauge);
    };
    let state = view.state;
    let queued = state.runs.values().filter(|run| run.began_at().is_none()).count();
    gauge("runs_queued", "Runs that wait for their turn", queued);
    gauge("runs_running", "Runs that go on", state.runs.len() - queued);
    gauge("events_pending", "Events that are not handled", state.events.len());
    gauge("notices_pending", "Notifications that are not delivered", state.outbox.len());
    gauge("automations", "Automations in force", state.desired.automations.len());
    gauge("containers", "Containers of this instance", view.engine.containers);
    gauge("troubles", "Reasons why the server is not as it should be", view.waiting_for.len());
    if let Some(age) = reconcile_age {
        let gauge = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
        gauge.set(age.as_secs_f64());
        let what = "How long ago the engine's containers were compared with what should be";
        registry.register_with_unit("reconcile_age", what, Unit::Seconds, gauge);
    }
    registry
}
