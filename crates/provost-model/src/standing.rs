//! How each service is, in one word and one clause.

use jiff::Timestamp;

use crate::{Ledger, Name, Outcome, Phase, Run, State};

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does its work.
    Up,
    /// It is about to.
    Starting,
    /// It waits for what it requires.
    Waiting,
    /// Its container failed, and is started again.
    Restarting,
    /// It runs and does not do its work.
    Unhealthy,
    /// It was asked to end, or cleans up after its end.
    Stopping,
    /// A person stopped it.
    Stopped,
    /// It ended well, and nothing says that it is to be started again.
    Ended,
    /// It ended and is given up.
    Dead,
}

/// How a service is, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceView<'a> {
    /// In one word.
    pub standing: Standing,
    /// In one clause; empty where the word says it all.
    pub detail: String,
    /// The run that does the work, or is about to; absent while there is none.
    pub run: Option<&'a Run>,
}

impl Standing {
    /// The word for people and wires.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Restarting => "restarting",
            Self::Unhealthy => "unhealthy",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
            Self::Dead => "dead",
        }
    }
}

impl State {
    /// How the service `name` is; nothing if there is no service of that name.
    pub fn service(&self, name: &Name) -> Option<ServiceView<'_>> {
        let wanted = self.desired.automations.get(name).filter(|wanted| wanted.service.is_some())?;
        let open: Vec<&Run> =
            self.runs_of(name).filter(|run| run.spec.service.is_some() && !run.is_finished()).collect();
        let is_live = |run: &&&Run| run.cancel.is_none() && run.outcome().is_none();
        let is_current = |run: &&&Run| run.spec.workload == wanted.workload;
        let current = open.iter().filter(is_live).find(is_current).copied();
        let old = open.iter().find(is_live).copied();
        let ledger = self.ledgers.get(name);
        let stopped = ledger.and_then(|ledger| ledger.stopped.as_ref());
        let view = |standing, detail, run| Some(ServiceView { standing, detail, run });
        match (current, old, stopped) {
            (_, _, Some(stopped)) if open.is_empty() => view(Standing::Stopped, format!("by {}", stopped.by), None),
            (_, _, Some(stopped)) => view(Standing::Stopping, format!("by {}", stopped.by), open.first().copied()),
            (Some(run), _, None) => {
                let (standing, detail) = of_run(run);
                view(standing, detail, Some(run))
            }
            (None, Some(run), None) => {
                let failed = ledger.map(|ledger| ledger.last_detail.as_str()).filter(|why| !why.is_empty());
                let (standing, detail) = of_run(run);
                let detail = match failed {
                    Some(why) => format!("as it was before; the new one failed: {why}"),
                    None => detail,
                };
                view(standing, detail, Some(run))
            }
            (None, None, None) if !open.is_empty() => view(Standing::Stopping, String::new(), open.first().copied()),
            (None, None, None) => {
                let (standing, detail) = of_ledger(ledger);
                view(standing, detail, None)
            }
        }
    }
}

fn of_run(run: &Run) -> (Standing, String) {
    match &run.phase {
        Phase::Queued { why } if why.starts_with("service ") => (Standing::Waiting, format!("for {why}")),
        Phase::Main { .. } if run.is_up() => (Standing::Up, String::new()),
        Phase::Main { .. } => match &run.health {
            Some(health) => (Standing::Unhealthy, health.why.clone()),
            None => (Standing::Starting, String::new()),
        },
        Phase::Backoff { until, .. } => {
            let last = run.attempts.last().and_then(|step| step.result()?.failure());
            (
                Standing::Restarting,
                format!("{}, again at {}", last.unwrap_or_else(|| "exit 0".to_owned()), second(*until)),
            )
        }
        Phase::Queued { .. } | Phase::Before | Phase::After { .. } | Phase::Finished { .. } => {
            (Standing::Starting, String::new())
        }
    }
}

fn of_ledger(ledger: Option<&Ledger>) -> (Standing, String) {
    // Before it was tried, and after a person started it anew, it is about to be.
    let Some(ledger) = ledger.filter(|ledger| ledger.tried.is_some()) else {
        return (Standing::Starting, String::new());
    };
    let detail = || ledger.last_detail.clone();
    match ledger.last.as_ref().map(|last| last.outcome) {
        None => (Standing::Starting, String::new()),
        Some(Outcome::Succeeded) => (Standing::Ended, "exit 0".to_owned()),
        Some(Outcome::Lost) => (Standing::Restarting, detail()),
        Some(Outcome::Failed | Outcome::TimedOut | Outcome::Cancelled) => (Standing::Dead, detail()),
    }
}

fn second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}
