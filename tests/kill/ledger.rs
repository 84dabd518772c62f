//! What the server says has become of everything, and whether the containers' own evidence agrees.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::common::Server;
use crate::evidence::Evidence;

/// The most that a list has; tests stay below it.
const ALL: &str = "1000";

/// The ledger of a server, read in one go, with its containers' evidence.
#[derive(Debug)]
pub struct Ledger {
    /// What is recorded of each run, with its steps, by its id.
    pub runs: BTreeMap<String, Value>,
    /// The outcomes of due times, oldest first, by automation.
    pub outcomes: BTreeMap<String, Vec<Value>>,
    /// What the containers say.
    pub evidence: Evidence,
}

impl Ledger {
    /// Waits until nothing is going on, and reads it. Automations with a schedule are paused first.
    #[track_caller]
    pub fn settled(server: &Server, automations: &[&str]) -> Self {
        for automation in automations {
            server.ok(&["pause", automation, "--reason", "the books are closed"]);
        }
        server.until("the end of all runs", || {
            let runs = automations.iter().flat_map(|name| server.list(&["runs", name, "--limit", ALL]));
            runs.into_iter().all(|run| !run["endedAt"].is_null()).then_some(())
        });
        // What nobody knows of any more is found by the next listing, five minutes later at most.
        let patience = std::time::Duration::from_secs(420);
        let is_empty = provost_testkit::eventually(patience, || server.process.containers().is_empty().then_some(()));
        assert!(is_empty.is_some(), "containers are left: {:?}\n{}", server.process.containers(), server.process.log());
        Self::of(server, automations)
    }

    fn of(server: &Server, automations: &[&str]) -> Self {
        let listed = automations.iter().flat_map(|name| server.list(&["runs", name, "--limit", ALL]));
        let detail = |run: Value| {
            let id = run["run"].as_str().unwrap().to_owned();
            let detail = server.json(&["describe", &id]);
            (id, detail)
        };
        let outcomes = |name: &&str| {
            let mut outcomes = server.list(&["outcomes", name, "--limit", ALL]);
            assert!(outcomes.len() < 1000, "{name} has more outcomes than can be listed");
            outcomes.sort_by_key(due);
            ((*name).to_owned(), outcomes)
        };
        Self {
            runs: listed.map(detail).collect(),
            outcomes: automations.iter().map(outcomes).collect(),
            evidence: Evidence::of(server),
        }
    }

    /// D1: each due time of `automation`, which comes every `seconds`, has exactly one outcome, without gaps; and those
    /// that ran are runs. Returns how many there are.
    #[track_caller]
    pub fn check_due_times(&self, automation: &str, seconds: i64) -> u64 {
        let step = SignedDuration::from_secs(seconds);
        let mut next: Option<Timestamp> = None;
        for outcome in &self.outcomes[automation] {
            let (first, last, count) = (due(outcome), time(outcome, "last"), outcome["count"].as_u64().unwrap());
            assert_eq!(next.unwrap_or(first), first, "the outcome of a due time is missing or there twice: {outcome}");
            let steps = i32::try_from(count - 1).unwrap();
            assert_eq!(first + step * steps, last, "a range with another count: {outcome}");
            next = Some(last + step);
            match outcome["verdict"].as_str().unwrap() {
                "ran" => {
                    let run = &self.runs[outcome["run"].as_str().unwrap()];
                    assert_eq!((due(run), &run["automation"]), (first, &Value::from(automation)), "{run}");
                }
                "skipped" | "missed" => assert!(outcome["run"].is_null(), "{outcome}"),
                other => panic!("no such verdict: {other}"),
            }
        }
        self.outcomes[automation].iter().map(|outcome| outcome["count"].as_u64().unwrap()).sum()
    }

    /// D2, R4, R7, R9: no container started twice; each run's outcome is what its containers say; the attempts that are
    /// recorded are those that ran; hooks that began a run have those that end it.
    #[track_caller]
    pub fn check_runs(&self) {
        let twice: Vec<_> = self.evidence.starts.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "started more than once: {twice:?}");
        let known: BTreeSet<&str> = self.runs.keys().map(String::as_str).collect();
        let unknown: Vec<_> = self.evidence.runs().difference(&known).copied().collect();
        assert!(unknown.is_empty(), "ran and is not in the ledger: {unknown:?}");
        self.runs.values().for_each(|run| self.check_run(run));
    }

    #[track_caller]
    fn check_run(&self, run: &Value) {
        let id = run["run"].as_str().unwrap();
        let attempts = run["attempts"].as_u64().unwrap();
        let mut expected: Vec<String> = (1..=attempts).map(|attempt| format!("main.{attempt}")).collect();
        let ran = self.evidence.attempts(id);
        // Of a lost one that nobody saw start, nobody knows whether it did.
        if run["outcome"] == "Lost" && never_seen(run, expected.last()) && ran.len() < expected.len() {
            expected.pop();
        }
        assert_eq!(ran, expected, "attempts of {run}");
        let last = attempts.checked_sub(1).and_then(|_| self.end_of(id, &format!("main.{attempts}")));
        match run["outcome"].as_str() {
            Some("Succeeded") => assert_eq!(last, Some(0), "a success was invented: {run}"),
            Some("Failed") => assert!(last.is_some_and(|code| code != 0), "a failure was invented: {run}"),
            Some("Lost") => {}
            other => panic!("an outcome that nothing calls for: {other:?}: {run}"),
        }
        for step in run["steps"].as_array().unwrap() {
            let (name, exit) = (step["step"].as_str().unwrap(), &step["exit"]);
            assert_eq!(step["phase"], "Ended", "{step} of {id}");
            if exit["kind"] == "code" {
                assert_eq!(self.end_of(id, name), exit["code"].as_i64(), "the exit of {name} of {id}");
            }
        }
    }

    /// The exit code that a container announced.
    pub fn end_of(&self, run: &str, step: &str) -> Option<i64> {
        self.evidence.ends.get(&(run.to_owned(), step.to_owned())).copied()
    }

    /// The runs of an automation.
    pub fn runs_of(&self, automation: &str) -> Vec<&Value> {
        self.runs.values().filter(|run| run["automation"] == automation).collect()
    }
}

/// Whether the step of this name was never seen running.
fn never_seen(run: &Value, step: Option<&String>) -> bool {
    let steps = run["steps"].as_array().unwrap();
    steps.iter().any(|of| Some(of["step"].as_str().unwrap()) == step.map(String::as_str) && of["startedAt"].is_null())
}

fn due(value: &Value) -> Timestamp {
    time(value, "due")
}

fn time(value: &Value, key: &str) -> Timestamp {
    value[key].as_str().unwrap().parse().unwrap()
}

/// R8: the output of a main container that printed `lines` numbered lines is complete, each line once, in order.
#[track_caller]
pub fn check_output(server: &Server, run: &Value, lines: usize) {
    let printed = server.lines(run, "main.1");
    let expected: Vec<String> = (1..=lines).map(|line| format!("line {line}")).collect();
    assert_eq!(printed.len(), lines, "lines of {}", run["run"]);
    assert_eq!(printed, expected, "lines of {}", run["run"]);
}
