//! What must be true of a story, wherever the process died in it.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use provost_controller::{Logs, OutcomeQuery, Store};
use provost_model::{DueVerdict, Exit, Name, Outcome, Owner, RunRecord};

use crate::shop::Started;
use crate::story::Story;

/// Runs that the story is about, how they end, and their steps, in any order.
const RUNS: [(&str, Outcome, &[&str]); 3] = [
    (
        "nightly",
        Outcome::Succeeded,
        &[
            "main.1",
            "main.2",
            "run.finished-nights.after",
            "run.finished-nights.archive",
            "run.starting-nights.before",
            "run.succeeded-nights.praise",
        ],
    ),
    ("pack", Outcome::Succeeded, &["main.1"]),
    (
        "stuck",
        Outcome::TimedOut,
        &["main.1", "run.finished-nights.after", "run.finished-nights.archive", "run.starting-nights.before"],
    ),
];

impl Story {
    /// Whether all that was promised was kept; if not, what was not.
    pub fn check(&self) -> Result<(), String> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble.to_owned());
        }
        for (automation, outcome, steps) in RUNS {
            let run = self.only_run(automation)?;
            is(&format!("the outcome of {automation}"), run.outcome, Some(outcome))?;
            is(
                &format!("what ran for {automation}"),
                self.started(&run),
                steps.iter().map(|step| (*step).to_owned()).collect(),
            )?;
        }
        is("the output", self.output("nightly")?, vec!["try".to_owned(), "one".to_owned(), "two".to_owned()])?;
        self.check_due_times()?;
        self.check_events()?;
        self.check_notices()?;
        self.check_rest()
    }

    /// Whether that was kept which can be kept when a crash takes all containers along: nothing starts a second time,
    /// what was lost is said to be lost, and in the end nothing is left to do.
    pub fn check_loss(&self) -> Result<(), String> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble.to_owned());
        }
        self.check_starts()?;
        for lost in self.lost.iter().filter(|lost| lost.kind.contains('/')) {
            self.check_lost(lost)?;
        }
        for (automation, _, _) in RUNS {
            let run = self.only_run(automation)?;
            is(&format!("the end of {automation}"), run.ended_at.is_some(), true)?;
        }
        self.check_rest()
    }

    /// R9: of a container that went while it ran, nobody knows how it would have ended.
    fn check_lost(&self, lost: &Started) -> Result<(), String> {
        let Some((automation, step)) = lost.kind.split_once('/').filter(|(automation, _)| *automation != "notice")
        else {
            return Ok(());
        };
        let runs = self.runs(automation).now_or_never().unwrap_or_default();
        let Some(run) = runs.iter().find(|run| run.run.as_str() == lost.owner) else {
            return Ok(()); // It was forgotten since, as its policy wants it.
        };
        let exit = run.steps.iter().find(|it| it.id == step).and_then(|step| step.exit.clone());
        let is_lost = matches!(exit, Some(Exit::Lost { .. }));
        if is_lost { Ok(()) } else { Err(format!("{lost:?} was lost, and is recorded as {exit:?}")) }
    }

    /// D2: no container of a run starts a second time.
    fn check_starts(&self) -> Result<(), String> {
        let of_runs = |started: &&Started| started.kind.contains('/') && !started.kind.starts_with("notice/");
        let evidence = self.evidence.lock().unwrap();
        let twice = counted(evidence.iter().filter(of_runs).cloned()).into_iter().find(|(_, count)| *count > 1);
        twice.map_or(Ok(()), |(started, count)| Err(format!("{started:?} started {count} times")))
    }

    fn only_run(&self, automation: &str) -> Result<RunRecord, String> {
        let runs = self.runs(automation).now_or_never().unwrap_or_default();
        let [run] = runs.as_slice() else {
            return Err(format!("{automation} has {} runs", runs.len()));
        };
        Ok(run.clone())
    }

    /// The steps of `run` that truly started, as often as they did.
    fn started(&self, run: &RunRecord) -> Vec<String> {
        let head = format!("{}/", run.automation);
        let evidence = self.evidence.lock().unwrap();
        let own = evidence.iter().filter(|started| started.owner == run.run.as_str());
        let mut steps: Vec<String> = own.map(|started| started.kind.replacen(&head, "", 1)).collect();
        steps.sort_unstable();
        steps
    }

    fn output(&self, automation: &str) -> Result<Vec<String>, String> {
        let run = self.only_run(automation)?;
        let lines = self.logs.read(&Owner::Run(run.run), 0, 1_000).now_or_never().and_then(Result::ok);
        Ok(lines.unwrap_or_default().into_iter().map(|line| line.text).collect())
    }

    /// D1, D2: each due time of `beat` ran, as exactly one run, whose container started exactly once.
    fn check_due_times(&self) -> Result<(), String> {
        let query = OutcomeQuery { automation: Name::new("beat").ok(), limit: 1_000, ..OutcomeQuery::default() };
        let outcomes = self.store.outcomes(&query).now_or_never().and_then(Result::ok).unwrap_or_default();
        let dues: Vec<Timestamp> = outcomes.iter().rev().map(|outcome| outcome.due).collect();
        let first: Timestamp = "2026-11-20T12:05:00Z".parse().unwrap();
        let expected = (0..).map(|index| first + SignedDuration::from_mins(5 * index));
        is("the due times that have an outcome", dues.clone(), expected.take(dues.len().max(12)).collect())?;
        let evidence = self.evidence.lock().unwrap();
        for outcome in &outcomes {
            let DueVerdict::Ran { run } = &outcome.verdict else {
                return Err(format!("a due time did not run: {outcome:?}"));
            };
            let starts = evidence.iter().filter(|started| started.owner == run.as_str()).count();
            is(&format!("starts of {run}"), starts, 1)?;
        }
        drop(evidence);
        self.check_starts()
    }

    /// E5: an event that was accepted has its hooks run, once; those of the server itself once a start at most.
    fn check_events(&self) -> Result<(), String> {
        let evidence = self.evidence.lock().unwrap();
        let count = |kind: &str| evidence.iter().filter(|started| started.kind == kind).count();
        is("hooks of the order", count("orders.arrived-house.shelf"), 1)?;
        for kind in ["server.startup-house.open", "server.shutdown-house.close"] {
            let count = count(kind);
            if !(1..=self.lives).contains(&count) {
                return Err(format!("{kind} ran {count} times"));
            }
        }
        Ok(())
    }

    /// Each receiver was told at least once, and, after one crash, at most twice.
    fn check_notices(&self) -> Result<(), String> {
        let most = if self.crashed() { 2 } else { 1 };
        let taken = self.messenger.taken.lock().unwrap();
        let told = |channel: &str, moment: &str| {
            let is_it = |(to, body): &&(String, serde_json::Value)| {
                to == channel && (body["moment"] == moment || body["event"] == moment)
            };
            taken.iter().filter(is_it).count()
        };
        let pages = self.evidence.lock().unwrap().iter().filter(|it| it.kind == "notice/deliver").count();
        let counts = [
            ("the success", told("ops", "success")),
            ("the failure", told("ops", "failure")),
            ("the question", told("gate", "run.starting")),
            ("the page", pages),
        ];
        let wrong = counts.into_iter().find(|(_, count)| !(1..=most).contains(count));
        wrong.map_or(Ok(()), |(what, count)| Err(format!("{what} was told {count} times: {taken:?}")))
    }

    /// Nothing is left to do, on the engine, or in the folder of steps.
    fn check_rest(&self) -> Result<(), String> {
        is("containers that are left", self.containers().into_iter().collect(), Vec::<String>::new())?;
        is("folders that are left", self.leftovers().collect(), Vec::<String>::new())?;
        let state = self.store.inner().load().now_or_never().and_then(Result::ok).ok_or("the state is not readable")?;
        is("notices that are left", state.outbox.len(), 0)?;
        is("runs that are left", state.runs.keys().collect(), Vec::new())
    }
}

fn counted(all: impl Iterator<Item = Started>) -> BTreeMap<Started, usize> {
    all.fold(BTreeMap::new(), |mut counts, started| {
        *counts.entry(started).or_default() += 1;
        counts
    })
}

fn is<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} instead of {expected:?}")) }
}
