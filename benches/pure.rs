//! What needs no engine: validating, planning, simulating.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use provost_controller::{Script, simulate};
use provost_manifest::{ServerFacts, SourceFile, compile};
use provost_model::{Desired, Fact, Instance, Recorded, RevisionChange, RevisionId, State};
use provost_planner::{Agenda, Identity, Requests, Seen, World, changes, decide};
use provost_schedule::{Keep, due_times};

use crate::table::{Table, median_ms};

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// One file an automation, four lines each, with schedules that are spread over the day.
pub fn files(count: usize) -> Vec<SourceFile> {
    let file = |index: usize| {
        let (minute, hour) = (index % 60, index / 60 % 24);
        let text = format!(
            "apiVersion: provost/v1\nkind: Automation\nmetadata: {{name: job-{index}}}\n\
             spec: {{schedule: \"{minute} {hour} * * *\", image: \"registry.example.org/job:1\"}}\n"
        );
        SourceFile { path: format!("automations/job-{index}.yaml"), bytes: text.into_bytes() }
    };
    (0..count).map(file).collect()
}

fn desired(files: &[SourceFile]) -> Desired {
    let revision = RevisionId::parse("r1").unwrap();
    compile(files, &ServerFacts::default(), revision, now()).desired.unwrap()
}

fn at_rest(desired: &Desired) -> State {
    let mut state = State::default();
    let change = RevisionChange::between(&Desired::default(), desired, RevisionId::parse("r1").unwrap());
    let mut record = |fact| drop(state.apply(&Recorded { seq: state.seq + 1, at: now(), fact }));
    record(Fact::RevisionApplied { change: Box::new(change) });
    for name in desired.automations.keys() {
        record(Fact::Armed { automation: name.clone(), from: now() });
    }
    state
}

pub fn measure(table: &mut Table) {
    let files = files(10_000);
    let validate = median_ms(5, || desired(&files));
    let parse = median_ms(5, || {
        let parsed = files.iter().map(|file| serde_yaml::from_slice::<serde_json::Value>(&file.bytes).unwrap());
        parsed.collect::<Vec<_>>()
    });
    table.row("validate 10,000 files", "ms", validate, parse, "yaml parsed to untyped values, nothing checked");

    let wanted = desired(&files);
    let state = at_rest(&wanted);
    let mut other = wanted.clone();
    let name = other.automations.keys().next().unwrap().clone();
    let mut changed = (*other.automations[&name]).clone();
    changed.timeout_s += 1;
    other.automations.insert(name, Arc::new(changed));
    let planned = median_ms(20, || changes(&state, &other, now()));
    let compared = median_ms(20, || wanted.automations == other.automations);
    table.row("plan with one change in 10,000", "ms", planned, compared, "both revisions compared for equality");

    let agenda = Agenda::of(&state);
    let identity = identity();
    let seen = Seen { is_complete: true, ..Seen::default() };
    let world = World {
        state: &state,
        seen: &seen,
        agenda: &agenda,
        now: now(),
        identity: &identity,
        requests: Requests::Whole,
    };
    let _ = decide(&world);
    let woken = median_ms(200, || decide(&world));
    let scanned = median_ms(200, || state.desired.automations.values().filter(|it| it.suspend).count());
    table.row("one wake-up with 10,000 at rest", "ms", woken, scanned, "every automation looked at once");

    let hundred = desired(&self::files(100));
    let year = SignedDuration::from_hours(24 * 365);
    let script = Script::default();
    let simulated = median_ms(3, || simulate(hundred.clone(), now(), now() + year, &script));
    let walked = median_ms(3, || {
        let times = |schedules| due_times(schedules, now(), now() + year, usize::MAX, Keep::First).times.len();
        hundred.automations.values().map(|it| times(&it.schedules)).sum::<usize>()
    });
    table.row(
        "simulate a year of 100 daily automations",
        "ms",
        simulated,
        walked,
        "their due times computed, nothing run",
    );
}

fn identity() -> Identity {
    let (host, user, version) = ("bench".to_owned(), "bench".to_owned(), "bench".to_owned());
    Identity { instance: Instance::parse("bench").unwrap(), host, user, pid: 1, version, traces: false }
}
