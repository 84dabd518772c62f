//! What containers say of themselves: a line at their start and a line at their end.

use std::collections::{BTreeMap, BTreeSet};

use provost_testkit::TOOLBOX;
use serde_json::{Value, json};

use crate::common::{Server, evidence_volume, parsed, seen};

/// The file that all containers of a test write to.
const FILE: &str = "marks";

/// The arguments of a container that leaves evidence.
pub fn mark(more: &[&str]) -> Value {
    let file = seen(FILE);
    json!([&["mark", file.as_str()], more].concat())
}

/// The spec of an automation that leaves evidence.
pub fn job(schedule: Option<&str>, more: &[&str], mut spec: Value) -> Value {
    spec["args"] = mark(more);
    spec["volumes"] = evidence_volume();
    if let Some(every) = schedule {
        spec["schedule"] = json!({"every": every});
    }
    spec
}

/// A hook that leaves evidence.
pub fn hook(name: &str, event: &str) -> Value {
    json!({"name": name, "event": event, "image": TOOLBOX, "args": mark(&[]), "volumes": evidence_volume()})
}

/// Which container: of which run, which step.
pub type Which = (String, String);

/// What the containers of a server have said.
#[derive(Debug, Default)]
pub struct Evidence {
    /// How often each has started.
    pub starts: BTreeMap<Which, usize>,
    /// The exit code that each said it would end with.
    pub ends: BTreeMap<Which, i64>,
}

impl Evidence {
    /// Reads it.
    pub fn of(server: &Server) -> Self {
        let mut evidence = Self::default();
        for mark in server.evidence(FILE).iter().map(|line| parsed(line)) {
            let text = |key: &str| mark[key].as_str().unwrap_or_default().to_owned();
            let which = (text("run"), text("step"));
            match mark["mark"].as_str() {
                Some("start") => *evidence.starts.entry(which).or_default() += 1,
                Some("end") => drop(evidence.ends.insert(which, mark["exit"].as_i64().unwrap())),
                other => panic!("no such mark: {other:?}"),
            }
        }
        evidence
    }

    /// The main containers that started, as their attempts' numbers.
    pub fn attempts(&self, run: &str) -> Vec<String> {
        let steps = self.starts.keys().filter(|(of, step)| of == run && step.starts_with("main."));
        steps.map(|(_, step)| step.clone()).collect()
    }

    /// The runs of which anything started.
    pub fn runs(&self) -> BTreeSet<&str> {
        self.starts.keys().map(|(run, _)| run.as_str()).collect()
    }

    /// How many main containers started.
    pub fn mains(&self) -> usize {
        self.starts.keys().filter(|(_, step)| step.starts_with("main.")).count()
    }
}

/// The container of each step, as the engine has shown it again and again: it stays the same one.
#[derive(Debug, Default)]
pub struct Sightings(BTreeMap<Which, String>);

impl Sightings {
    /// Looks at the engine.
    pub fn look(&mut self, server: &Server) {
        for container in server.process.containers() {
            // One that has not started may be made anew: nobody has seen it do anything.
            if !container.is_running {
                continue;
            }
            let which = (container.label("owner").to_owned(), container.label("step").to_owned());
            let first = self.0.entry(which.clone()).or_insert_with(|| container.id.clone());
            assert_eq!(*first, container.id, "{which:?} runs in another container than before");
        }
    }

    /// How many were seen running.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}
