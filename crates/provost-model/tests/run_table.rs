//! The states of a run in full: each phase meets each change, and either allows it or refuses it by name (R1).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use jiff::Timestamp;
use provost_model::*;

fn name() -> Name {
    Name::new("job").unwrap()
}

fn automation() -> Automation {
    let text = r#"{
        "name": "job", "labels": {}, "schedules": [], "triggers": [], "params": {}, "timeoutS": 60, "graceS": 10,
        "workload": {"image": "x", "pull": "IfNotPresent", "command": [], "args": [], "env": {}, "readOnlyRoot": true,
            "dropCapabilities": [], "addCapabilities": [], "network": "None", "volumes": [],
            "resources": {"cpuMillis": 0, "memoryBytes": 0, "pids": 0}},
        "retries": {"limit": 1, "backoffS": 1, "maxBackoffS": 1}, "concurrency": "Forbid", "queueLimit": 1,
        "catchUp": "Last", "lateAfterS": 60, "locks": [], "runLimits": [], "hooks": [],
        "notify": {"channels": {}}, "freezes": [],
        "history": {"keepS": 1, "keepLast": 1, "logsS": 1, "logBytes": 1}, "suspend": false, "origins": {}
    }"#;
    serde_json::from_str(text).unwrap()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn queued() -> Run {
    Run {
        id: RunId::scheduled(&name(), now()),
        spec: Arc::new(automation()),
        revision: None,
        cause: Cause::Schedule,
        due: now(),
        not_before: now(),
        accepted_at: now(),
        params: JsonMap::new(),
        testing: false,
        locals: JsonMap::new(),
        phase: Phase::Queued { why: "its turn".to_owned() },
        cancel: None,
        attempts: Vec::new(),
        firings: Vec::new(),
        health: None,
        image: None,
    }
}

fn began() -> RunFact {
    RunFact::Began { ask: Vec::new() }
}

fn attempt(attempt: u32) -> RunFact {
    RunFact::Attempt { attempt }
}

fn retrying() -> RunFact {
    RunFact::Retrying { why: "exit 1".to_owned(), until: now() }
}

fn concluded() -> RunFact {
    RunFact::Concluded { outcome: Outcome::Failed, detail: "exit 1".to_owned() }
}

fn finished() -> RunFact {
    RunFact::Finished { outcome: Outcome::Failed, detail: "exit 1".to_owned() }
}

fn after(changes: &[RunFact]) -> Run {
    let mut run = queued();
    changes.iter().for_each(|change| run.apply(now(), change).unwrap());
    run
}

/// A run in each phase.
fn phases() -> [(&'static str, Run); 7] {
    let main = [began(), attempt(1)];
    let over = [began(), concluded(), RunFact::Finishing];
    [
        ("Queued", queued()),
        ("Before", after(&main[..1])),
        ("Main", after(&main)),
        ("Backoff", after(&[began(), attempt(1), retrying()])),
        ("After", after(&over[..2])),
        ("Finishing", after(&over)),
        ("Finished", after(&[began(), concluded(), RunFact::Finishing, finished()])),
    ]
}

fn word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Queued { .. } => "Queued",
        Phase::Before => "Before",
        Phase::Main { .. } => "Main",
        Phase::Backoff { .. } => "Backoff",
        Phase::After { finishing: false, .. } => "After",
        Phase::After { finishing: true, .. } => "Finishing",
        Phase::Finished { .. } => "Finished",
    }
}

#[test]
fn r1_each_phase_allows_or_refuses_each_change() {
    type Change = (&'static str, fn(&Run) -> RunFact);
    let changes: [Change; 8] = [
        ("Queued", |_| RunFact::Queued { why: "lock warehouse".to_owned() }),
        ("Began", |_| began()),
        ("Attempt", |run| attempt(run.attempts.len() as u32 + 1)),
        ("Retrying", |_| retrying()),
        ("Cancelling", |_| RunFact::Cancelling { why: StopCause::Replaced }),
        ("Concluded", |_| concluded()),
        ("Finishing", |_| RunFact::Finishing),
        ("Finished", |_| finished()),
    ];
    // Rows are phases, columns the changes above: the phase that follows, or `-` where the change is refused.
    let table = [
        ("Queued", ["Queued", "Before", "-", "-", "Queued", "-", "-", "Finished"]),
        ("Before", ["-", "-", "Main", "-", "Before", "After", "-", "-"]),
        ("Main", ["-", "-", "-", "Backoff", "Main", "After", "-", "-"]),
        ("Backoff", ["-", "-", "Main", "-", "Backoff", "After", "-", "-"]),
        ("After", ["-", "-", "-", "-", "After", "-", "Finishing", "-"]),
        ("Finishing", ["-", "-", "-", "-", "Finishing", "-", "-", "Finished"]),
        ("Finished", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    ];
    for ((phase, run), (row, expected)) in phases().into_iter().zip(table) {
        assert_eq!((phase, word(&run.phase)), (row, row));
        for ((change, make), expected) in changes.into_iter().zip(expected) {
            let mut changed = run.clone();
            match changed.apply(now(), &make(&run)) {
                Ok(()) => assert_eq!(word(&changed.phase), expected, "{phase} takes {change}"),
                Err(error) => {
                    assert_eq!("-", expected, "{phase} refuses {change}");
                    assert_eq!(changed, run, "a refusal changes nothing");
                    let text = error.to_string();
                    assert!(text.contains("run job.19700101T000000Z is ") && text.contains(change), "{text}");
                }
            }
        }
    }
}

#[test]
fn r7_an_attempt_is_the_next_one_and_within_the_retries() {
    let mut run = after(&[began()]);
    assert!(run.apply(now(), &attempt(2)).is_err(), "the first is the first");
    run.apply(now(), &attempt(1)).unwrap();
    run.apply(now(), &retrying()).unwrap();
    assert!(run.apply(now(), &attempt(1)).is_err(), "none comes twice");
    run.apply(now(), &attempt(2)).unwrap();
    run.apply(now(), &retrying()).unwrap();
    assert!(run.apply(now(), &attempt(3)).is_err(), "one retry, two attempts");
}

#[test]
fn r1_the_first_reason_to_end_stays() {
    let mut run = after(&[began()]);
    for by in ["ann", "bob"] {
        run.apply(now(), &RunFact::Cancelling { why: StopCause::Cancel { by: by.to_owned() } }).unwrap();
    }
    assert_eq!(run.cancel, Some(StopCause::Cancel { by: "ann".to_owned() }));
}

fn step_after(changes: &[StepFact]) -> Step {
    let mut step = Step::new(StepId::main(1), StepKind::Main { attempt: 1 });
    changes.iter().for_each(|change| assert!(step.apply(now(), change)));
    step
}

fn started() -> StepFact {
    StepFact::Started { started_at: now(), image: None }
}

fn stopping() -> StepFact {
    StepFact::Stopping { why: StopCause::Timeout }
}

fn ended() -> StepFact {
    StepFact::Ended { result: Exit::Code { code: 0 }, started_at: None, finished_at: now(), output: Box::default() }
}

#[test]
fn r1_each_phase_of_a_step_allows_or_refuses_each_change() {
    let word = |step: &Step| match step.phase {
        StepPhase::Waiting { .. } => "Waiting",
        StepPhase::Starting { .. } => "Starting",
        StepPhase::Running { .. } => "Running",
        StepPhase::Stopping { .. } => "Stopping",
        StepPhase::Ended { .. } => "Ended",
    };
    let changes =
        [StepFact::Delayed { why: "500".to_owned(), until: now() }, StepFact::Starting, started(), stopping(), ended()];
    let table = [
        (step_after(&[]), "Waiting", ["Waiting", "Starting", "-", "-", "Ended"]),
        // Once the intent to start is recorded there is no way back (D2).
        (step_after(&[StepFact::Starting]), "Starting", ["-", "-", "Running", "Stopping", "Ended"]),
        (step_after(&[StepFact::Starting, started()]), "Running", ["-", "-", "-", "Stopping", "Ended"]),
        (step_after(&[StepFact::Starting, stopping()]), "Stopping", ["-", "-", "Stopping", "-", "Ended"]),
        (step_after(&[ended()]), "Ended", ["-", "-", "-", "-", "-"]),
    ];
    for (step, phase, expected) in table {
        assert_eq!(word(&step), phase);
        for (change, expected) in changes.iter().zip(expected) {
            let mut changed = step.clone();
            let found = if changed.apply(now(), change) { word(&changed) } else { "-" };
            assert_eq!(found, expected, "{phase} meets {change:?}");
            assert!(found != "-" || changed == step, "a refusal changes nothing");
        }
    }
}

#[test]
fn r1_a_step_that_is_not_known_is_a_named_error() {
    let mut run = after(&[began(), attempt(1)]);
    let error = run.apply(now(), &RunFact::Step { id: StepId::main(2), fact: StepFact::Starting }).unwrap_err();
    assert!(error.to_string().contains("main.2"), "{error}");
}
