//! One of everything.

use std::sync::Arc;

use jiff::Timestamp;
use provost_model::*;
use serde_json::json;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn run_id() -> RunId {
    RunId::scheduled(&name("nightly"), at("2026-11-20T01:00:00Z"))
}

pub(super) fn event_id() -> EventId {
    EventId::parse("e0123456789abcdef").unwrap()
}

pub(super) fn token() -> Token {
    Token {
        name: name("ci"),
        hash: Digest::of(b"secret"),
        scope: TokenScope::Run,
        automations: vec!["web-*".into()],
        events: vec!["orders.*".into()],
        until: Some(at("2026-12-01T00:00:00Z")),
        by: "root".into(),
        made_at: at("2026-11-20T12:00:00Z"),
    }
}

pub(super) fn revision(text: &str) -> RevisionId {
    RevisionId::parse(text).unwrap()
}

fn workload() -> serde_json::Value {
    json!({
        "image": "registry.example.org/backup:1.4", "pull": "IfNotPresent", "command": ["backup"], "args": ["--all"],
        "env": {"LANG": "de"}, "user": "1000:1000", "workingDir": "/data", "readOnlyRoot": true,
        "dropCapabilities": ["ALL"], "addCapabilities": [], "userNamespace": true, "network": "None",
        "volumes": [{"name": "data", "path": "/data", "hostPath": null, "readOnly": false}],
        "resources": {"cpuMillis": 1000, "memoryBytes": 536_870_912, "pids": 256}
    })
}

pub(super) fn automation() -> Arc<Automation> {
    let schedule = |cron: &str, jitter: u64| json!({"cron": cron, "timeZone": "Europe/Berlin", "onGap": "NextValid", "onFold": "First", "jitterS": jitter});
    let automation = json!({
        "name": "nightly", "labels": {"team": "finance"}, "description": "Backs everything up.",
        "schedules": [schedule("0 2 * * *", 300), {"everyS": 90, "jitterS": 0}, {"at": "2027-01-01T00:00:00Z", "jitterS": 0}],
        "triggers": [{"event": "run.succeeded", "from": "extract", "when": null}],
        "workload": workload(),
        "params": {"limit": {
            "type": "integer", "description": "how many", "required": false, "default": 5, "minimum": 1.0,
            "maximum": null, "options": []
        }},
        "timeoutS": 600, "graceS": 10, "retries": {"limit": 2, "backoffS": 30, "maxBackoffS": 600},
        "concurrency": "Queue", "queueLimit": 3, "catchUp": "Last", "startDeadlineS": 3600, "lateAfterS": 60,
        "locks": ["warehouse"], "runLimits": [{"policy": "shop", "runsAtOnce": 8}],
        "hooks": [{
            "name": "announce", "owner": {"kind": "policy", "name": "shop", "order": 100}, "event": "run.starting",
            "stage": "Main", "workload": workload(), "config": null, "takes": null, "timeoutS": 30, "graceS": 10,
            "onError": "Fail", "background": false, "parallel": false
        }],
        "notify": {"channels": {"failure": ["ops"]}, "noSuccessFor": {"afterS": 93_600, "channels": ["ops"]}},
        "freezes": [{"minutes": schedule("* 22-23 * * FRI", 0), "reason": "release night", "policy": "shop"}],
        "history": {"keepS": 7_776_000, "keepLast": 100, "logsS": 2_592_000, "logBytes": 52_428_800},
        "suspend": false,
        "origins": {"spec.timeout": {
            "document": "Policy/shop", "scope": "PolicyDefault", "file": "policies/shop.yaml", "line": 14
        }}
    });
    serde_json::from_value(automation).unwrap()
}

pub(super) fn channel(target: serde_json::Value) -> Arc<Channel> {
    let channel = json!({
        "name": "ops", "target": target, "failover": ["ops-mail"], "repeatEveryS": 3600,
        "reply": {"timeoutS": 30, "default": "Deny"}, "timeoutS": 10
    });
    serde_json::from_value(channel).unwrap()
}

pub(super) fn webhook() -> Arc<Channel> {
    channel(json!({"kind": "webhook", "url": "https://hooks.example.org/s3cret", "secret": "ops-hmac"}))
}

pub(super) fn change() -> RevisionChange {
    RevisionChange {
        revision: revision("3f2a9c1"),
        by: "alice (uid 1000)".into(),
        about: "Alice: more time for the backup".into(),
        summary: vec!["~ Automation/nightly timeout 10m → 20m".into()],
        set: vec![automation()],
        removed: Vec::new(),
        channels: [(name("ops"), webhook())].into(),
        hooks: Vec::new(),
        plugins: [(
            PluginName::from(name("warehouse")),
            PluginSummary { order: 50, enabled: true, hooks: 2, actions: 1, skills: 0, unmet: Vec::new() },
        )]
        .into(),
        policies: [(name("shop"), PolicySummary { order: 100, automations: 1, hooks: 1, rules: 3 })].into(),
        sources: [].into(),
        skills: [].into(),
    }
}

pub(super) fn accepted(cause: Cause) -> Fact {
    Fact::RunAccepted {
        accepted: Box::new(AcceptedRun {
            run: run_id(),
            automation: name("nightly"),
            cause,
            due: at("2026-11-20T01:00:00Z"),
            not_before: at("2026-11-20T01:02:00Z"),
            params: JsonMap::from_iter([("limit".to_owned(), json!(5))]),
            testing: false,
        }),
    }
}

pub(super) fn of_run(change: RunFact) -> Fact {
    Fact::Run { run: run_id(), change }
}

pub(super) fn of_main(attempt: u32, fact: StepFact) -> Fact {
    of_run(RunFact::Step { id: StepId::main(attempt), fact })
}

fn of_hook(fact: StepFact) -> Fact {
    let id = StepId("run.starting-shop.announce".into());
    of_run(RunFact::Step { id, fact })
}

pub(super) fn ended(result: Exit) -> StepFact {
    StepFact::Ended {
        result,
        started_at: Some(at("2026-11-20T01:02:01Z")),
        finished_at: at("2026-11-20T01:05:13.25Z"),
        output: Box::default(),
    }
}

pub(super) fn notice() -> Notice {
    Notice {
        id: event_id(),
        channel: webhook(),
        moment: Moment::Failure,
        automation: name("nightly"),
        run: Some(run_id()),
        data: JsonMap::new(),
        at: at("2026-11-20T01:05:14Z"),
        instead_of: None,
        tries: 0,
        until: None,
    }
}

pub(super) fn recorded(facts: Vec<Fact>) -> Vec<Recorded> {
    let start = at("2026-11-20T01:06:00Z");
    let record = |(seq, fact)| {
        let at = start + jiff::SignedDuration::from_secs(i64::try_from(seq).unwrap());
        Recorded { seq, at, fact }
    };
    (1..).zip(facts).map(record).collect()
}

/// The state after `facts`, and every run that they closed.
pub(super) fn state(facts: Vec<Fact>) -> (State, Vec<Run>) {
    let mut state = State::default();
    let closed = recorded(facts).iter().filter_map(|recorded| state.apply(recorded).unwrap()).collect();
    (state, closed)
}

/// From a first start to a run that failed once and then succeeded.
pub(super) fn a_night() -> Vec<Fact> {
    vec![
        Fact::ServerStarted { version: "1.0.0".into() },
        Fact::RevisionApplied { change: Box::new(change()) },
        Fact::Armed { automation: name("nightly"), from: at("2026-11-20T00:00:00Z") },
        accepted(Cause::Schedule),
        of_run(RunFact::Began { ask: Vec::new() }),
        of_hook(StepFact::Starting),
        of_hook(StepFact::Started { started_at: at("2026-11-20T01:02:00.5Z"), image: None }),
        of_hook(StepFact::Ended {
            result: Exit::Code { code: 0 },
            started_at: Some(at("2026-11-20T01:02:00.5Z")),
            finished_at: at("2026-11-20T01:02:00.9Z"),
            output: Box::default(),
        }),
        of_run(RunFact::Attempt { attempt: 1 }),
        of_main(1, StepFact::Starting),
        of_main(1, StepFact::Started { started_at: at("2026-11-20T01:02:01Z"), image: None }),
        of_main(1, ended(Exit::Code { code: 3 })),
        of_run(RunFact::Retrying { why: "exit 3".into(), until: at("2026-11-20T01:05:43Z") }),
        of_run(RunFact::Attempt { attempt: 2 }),
        of_main(2, StepFact::Starting),
        of_main(2, StepFact::Started { started_at: at("2026-11-20T01:05:43Z"), image: None }),
    ]
}

/// How the night went on.
pub(super) fn a_good_end() -> Vec<Fact> {
    vec![
        of_main(2, ended(Exit::Code { code: 0 })),
        of_run(RunFact::Concluded { outcome: Outcome::Succeeded, detail: String::new() }),
        of_run(RunFact::Finishing),
        of_run(RunFact::Finished { outcome: Outcome::Succeeded, detail: String::new() }),
    ]
}
