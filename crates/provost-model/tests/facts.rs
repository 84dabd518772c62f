//! The stored form of every fact: what was released is never read differently, and never written differently unnoticed.
//!
//! `facts.json` holds one example of each variant, of [`Fact`] and of everything that a fact holds. A test that fails here
//! after a change says that servers in the field hold facts which the new form may not read. Where the change is meant,
//! `PROVOST_BLESS=1 cargo test -p provost-model --test facts` writes the file anew, and the diff is reviewed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use provost_model::*;
use provost_schedule::{Cron, OnFold, OnGap, Schedule, Timing, Zone};
use serde_json::{Value, json};

const STORED: &str = include_str!("facts.json");

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

fn map(value: Value) -> JsonMap {
    value.as_object().unwrap().clone()
}

fn run() -> RunId {
    RunId::scheduled(&name("nightly"), noon())
}

fn event() -> EventId {
    EventId::parse("e0123456789abcdef").unwrap()
}

fn workload() -> Workload {
    Workload {
        image: "registry.example.org/report:1.4".to_owned(),
        pull: PullPolicy::Always,
        command: vec!["report".to_owned()],
        args: vec!["-v".to_owned()],
        env: [("LANG".to_owned(), "de".to_owned())].into(),
        user: Some("1000:1000".to_owned()),
        working_dir: Some("/data".to_owned()),
        read_only_root: true,
        drop_capabilities: vec!["ALL".to_owned()],
        add_capabilities: vec!["NET_BIND_SERVICE".to_owned()],
        user_namespace: true,
        network: "None".to_owned(),
        volumes: vec![VolumeMount {
            name: "data".to_owned(),
            path: "/data".to_owned(),
            host_path: Some("/srv".to_owned()),
            read_only: true,
            scope: VolumeScope::Server,
        }],
        secrets: vec![SecretUse {
            name: name("db-password"),
            sealed: Sealed::new("-----BEGIN AGE ENCRYPTED FILE-----\n"),
            env: Some("PGPASSWORD".to_owned()),
            file: Some("/run/secrets/db-password".to_owned()),
        }],
        ports: vec!["127.0.0.1:8090:80".parse().unwrap(), "0.0.0.0:53:53/udp".parse().unwrap()],
        resources: Resources { cpu_millis: 1_000, memory_bytes: 512 << 20, pids: 256 },
        access: Access {
            skills: ["fx.rate".to_owned()].into(),
            events: ["orders.*".to_owned()].into(),
            reads: ["build.*".to_owned()].into(),
            writes: ["build.warehouse".to_owned()].into(),
            scope: Some(TokenScope::Run),
            automations: ["web-*".to_owned()].into(),
            progress: true,
        },
    }
}

fn hook(owner: HookOwner, stage: Stage, on_error: OnError) -> Arc<Hook> {
    Arc::new(Hook {
        name: name("announce"),
        owner,
        event: "run.starting".to_owned(),
        stage,
        workload: workload(),
        config: json!({"url": "http://warehouse"}),
        takes: Some(vec!["run".to_owned()]),
        timeout_s: 30,
        grace_s: 10,
        on_error,
        background: true,
        parallel: true,
        application: Some(name("shop")),
    })
}

fn channel(target: Target) -> Arc<Channel> {
    Arc::new(Channel {
        name: name("ops"),
        target,
        failover: vec![name("mail")],
        repeat_every_s: Some(3_600),
        reply: Some(ReplyRule { timeout_s: 30, default: Verdict::Deny }),
        timeout_s: 60,
    })
}

fn file() -> Target {
    Target::File { path: "ops.log".to_owned() }
}

fn terms() -> ServiceTerms {
    let probe = Probe::Http { port: 80, path: "/healthz".to_owned() };
    let check = HealthCheck { probe, interval_s: 30, timeout_s: 5, failures: 3, start_timeout_s: 60 };
    ServiceTerms { health_check: Some(check), restart: RestartPolicy::Always, replace: Replacement::StopFirst }
}

fn automation() -> Automation {
    let schedule = |timing, jitter_s| Schedule { timing, jitter_s };
    let (cron, zone) = (Cron::parse("0 2 * * *").unwrap(), Zone::parse("Europe/Berlin").unwrap());
    let nightly = schedule(Timing::Cron { cron, zone, on_gap: OnGap::Skip, on_fold: OnFold::Both }, 300);
    let origin = Origin {
        document: "Policy/shop".to_owned(),
        scope: Scope::PolicyEnforced,
        file: Some("shop.yaml".to_owned()),
        line: Some(3),
    };
    Automation {
        name: name("nightly"),
        labels: [("team".to_owned(), "finance".to_owned())].into(),
        description: Some("Mails the figures.".to_owned()),
        schedules: vec![
            nightly.clone(),
            schedule(Timing::Every { seconds: 90 }, 0),
            schedule(Timing::At { instant: noon() }, 0),
        ],
        triggers: vec![Trigger {
            event: "run.succeeded".to_owned(),
            from: Some(name("extract")),
            when: Some("data.count > 0".to_owned()),
        }],
        workload: workload(),
        params: [(
            "since".to_owned(),
            Param {
                kind: ParamKind::String,
                description: Some("first day".to_owned()),
                required: true,
                default: Some(json!("yesterday")),
                minimum: Some(1.0),
                maximum: Some(2.0),
                options: vec![json!("today")],
            },
        )]
        .into(),
        timeout_s: 600,
        grace_s: 10,
        retries: Retries { limit: 2, backoff_s: 30, max_backoff_s: 600 },
        concurrency: ConcurrencyPolicy::Forbid,
        queue_limit: 1,
        catch_up: CatchUp::Last,
        start_deadline_s: Some(3_600),
        late_after_s: 60,
        locks: ["warehouse".to_owned()].into(),
        requires: [name("db")].into(),
        service: Some(Arc::new(terms())),
        run_limits: vec![RunLimit { policy: name("shop"), runs_at_once: 8 }],
        hooks: vec![hook(HookOwner::Policy { name: name("shop"), order: 100 }, Stage::Main, OnError::Fail)],
        notify: Notify {
            channels: [(Moment::Failure, vec![name("ops")])].into(),
            no_success_for: Some(NoSuccessFor { after_s: 93_600, channels: vec![name("ops")] }),
        },
        freezes: vec![Arc::new(Freeze { minutes: nightly, reason: "release night".to_owned(), policy: name("shop") })],
        history: History { keep_s: 7_776_000, keep_last: 100, logs_s: 2_592_000, log_bytes: 50 << 20 },
        suspend: false,
        action: Some(Arc::new(ActionTerms {
            application: name("shop"),
            name: "DeleteWidgets".to_owned(),
            plugin: name("warehouse").into(),
            config: json!({"url": "http://warehouse"}),
        })),
        origins: Arc::new([("spec.timeout".to_owned(), origin)].into()),
    }
}

fn notice(channel: Arc<Channel>, moment: Moment) -> Fact {
    Fact::NoticeQueued {
        notice: Box::new(Notice {
            id: event(),
            channel,
            moment,
            automation: name("nightly"),
            run: Some(run()),
            data: map(json!({"message": "nightly failed"})),
            at: noon(),
            instead_of: Some(name("pager")),
            tries: 1,
            until: Some(noon()),
        }),
    }
}

fn call() -> Cause {
    let job = JobId::parse("0198c1a0-7d1e-7cc0-8000-0123456789ab").unwrap();
    Cause::Action { by: "ann".to_owned(), job, application: name("shop"), action: "DeleteWidgets".to_owned() }
}

fn accepted(cause: Cause) -> Fact {
    Fact::RunAccepted {
        accepted: Box::new(AcceptedRun {
            run: run(),
            automation: name("nightly"),
            cause,
            due: noon(),
            not_before: at("2026-11-20T12:01:30Z"),
            params: map(json!({"since": "today"})),
            testing: true,
        }),
    }
}

fn of_run(change: RunFact) -> Fact {
    Fact::Run { run: run(), change }
}

fn of_step(fact: StepFact) -> Fact {
    of_run(RunFact::Step { id: StepId::main(1), fact })
}

fn ended(result: Exit) -> Fact {
    let output = StepOutput {
        reply: Some(Reply { allow: false, reason: "stocktaking".to_owned() }),
        locals: map(json!({"path": "/x"})),
        globals: map(json!({"rate": 2})),
        progress: vec![json!({"percent": 10})],
        result: Some(json!({"rate": 1.08})),
        error: Some(CallError::new("UnknownCurrency", "XYZ")),
        problems: vec!["globals.json: not JSON".to_owned()],
        tail: "done\n".to_owned(),
    };
    of_step(StepFact::Ended { result, started_at: Some(noon()), finished_at: noon(), output: Box::new(output) })
}

fn token() -> Token {
    Token {
        name: name("ci"),
        hash: Digest::of(b"secret"),
        scope: TokenScope::Run,
        automations: vec!["web-*".to_owned()],
        events: vec!["orders.*".to_owned()],
        until: Some(noon()),
        by: "ann".to_owned(),
        made_at: noon(),
    }
}

fn revision() -> RevisionId {
    RevisionId::parse("4f1c").unwrap()
}

/// One example of each variant, and of each variant of what it holds, each under a name of its own.
fn examples() -> Vec<(&'static str, Fact)> {
    let (by, why) = (|| "ann".to_owned(), || "disk full".to_owned());
    let mut facts = vec![
        ("serverStarted", Fact::ServerStarted { version: "0.1.0".to_owned() }),
        ("serverStopping", Fact::ServerStopping),
        (
            "revisionApplied",
            Fact::RevisionApplied {
                change: Box::new(RevisionChange {
                    revision: revision(),
                    by: by(),
                    about: "ann: nightly earlier".to_owned(),
                    summary: vec!["~ Automation/nightly".to_owned()],
                    set: vec![Arc::new(automation())],
                    removed: vec![name("old")],
                    channels: BTreeMap::from([(name("ops"), channel(file()))]),
                    hooks: vec![
                        hook(
                            HookOwner::Plugin { name: name("warehouse").into(), order: 50 },
                            Stage::Pre,
                            OnError::Ignore,
                        ),
                        hook(HookOwner::Automation, Stage::Post, OnError::Fail),
                    ],
                    plugins: [(
                        PluginName::from(name("warehouse")),
                        PluginSummary { order: 50, enabled: true, hooks: 1, actions: 1, skills: 0, unmet: Vec::new() },
                    )]
                    .into(),
                    policies: [(name("shop"), PolicySummary { order: 100, automations: 1, hooks: 1, rules: 2 })].into(),
                    skills: [(
                        "fx.rate".to_owned(),
                        Arc::new(Skill {
                            name: "fx.rate".to_owned(),
                            description: Some("the rate of a currency".to_owned()),
                            params: BTreeMap::new(),
                            provider: Provider::Container { plugin: name("bank").into() },
                            timeout_s: 30,
                        }),
                    )]
                    .into(),
                    sources: [(
                        name("tools"),
                        SourceSummary {
                            from: "git https://git.example.org/tools.git".to_owned(),
                            revision: "9f86d081".to_owned(),
                        },
                    )]
                    .into(),
                }),
            },
        ),
        ("revisionRejected", Fact::RevisionRejected { revision: revision(), errors: 2, report: "E0142".to_owned() }),
        ("pinned", Fact::Pinned { revision: revision(), by: by() }),
        ("unpinned", Fact::Unpinned { by: by() }),
        ("armed", Fact::Armed { automation: name("nightly"), from: noon() }),
        (
            "eventAccepted",
            Fact::EventAccepted {
                event: Box::new(AcceptedEvent {
                    id: event(),
                    name: "orders.arrived".to_owned(),
                    subject: Some(name("nightly")),
                    run: Some(run()),
                    data: map(json!({"count": 3})),
                    by: by(),
                }),
            },
        ),
        ("event.began", Fact::Event { id: event(), change: EventFact::Began }),
        (
            "event.step",
            Fact::Event { id: event(), change: EventFact::Step { id: StepId::main(1), fact: StepFact::Starting } },
        ),
        ("event.handled", Fact::Event { id: event(), change: EventFact::Handled { failure: Some(why()) } }),
        ("noticeDelivered", Fact::NoticeDelivered { id: event() }),
        ("noticeFailed", Fact::NoticeFailed { id: event(), why: why(), until: noon() }),
        ("noticeGivenUp", Fact::NoticeGivenUp { id: event(), why: why() }),
        (
            "paused",
            Fact::Paused { automation: name("nightly"), until: Some(noon()), reason: "audit".to_owned(), by: by() },
        ),
        ("resumed", Fact::Resumed { automation: name("nightly"), by: by() }),
        ("serviceStopped", Fact::ServiceStopped { service: name("relay"), by: by() }),
        ("serviceStarted", Fact::ServiceStarted { service: name("relay"), by: by() }),
        ("driftFound", Fact::DriftFound { container: "provost-x".to_owned(), what: "gone".to_owned() }),
        ("tokenMade", Fact::TokenMade { token: token() }),
        ("tokenRevoked", Fact::TokenRevoked { name: name("ci"), by: by() }),
        (
            "documentWritten",
            Fact::DocumentWritten { name: "build.warehouse".to_owned(), value: json!({"version": 7}), by: by() },
        ),
        ("documentRemoved", Fact::DocumentRemoved { name: "build.warehouse".to_owned(), by: by() }),
        ("driftCorrected", Fact::DriftCorrected { container: "provost-x".to_owned(), what: "removed".to_owned() }),
        ("run.queued", of_run(RunFact::Queued { why: "lock warehouse".to_owned() })),
        ("run.began", of_run(RunFact::Began { ask: vec![channel(file())] })),
        ("run.attempt", of_run(RunFact::Attempt { attempt: 1 })),
        ("run.retrying", of_run(RunFact::Retrying { why: why(), until: noon() })),
        ("run.health", of_run(RunFact::Health { is_healthy: false, why: why() })),
        ("run.finishing", of_run(RunFact::Finishing)),
        ("run.finished", of_run(RunFact::Finished { outcome: Outcome::Succeeded, detail: String::new() })),
        ("step.delayed", of_step(StepFact::Delayed { why: why(), until: noon() })),
        ("step.starting", of_step(StepFact::Starting)),
        ("step.started", of_step(StepFact::Started { started_at: noon(), image: Some("sha256:ab".to_owned()) })),
        ("step.ended.code", ended(Exit::Code { code: 3 })),
        ("step.ended.outOfMemory", ended(Exit::OutOfMemory)),
        ("step.ended.notStarted", ended(Exit::NotStarted { why: why() })),
        ("step.ended.lost", ended(Exit::Lost { why: why() })),
        ("notice.file", notice(channel(file()), Moment::Failure)),
        (
            "notice.webhook",
            notice(
                channel(Target::Webhook { url: "https://x".to_owned(), secret: Some("key".to_owned()) }),
                Moment::Late,
            ),
        ),
        ("notice.command", notice(channel(Target::Command { workload: Box::new(workload()) }), Moment::NoSuccess)),
        ("accepted.schedule", accepted(Cause::Schedule)),
        ("accepted.catchUp", accepted(Cause::CatchUp)),
        ("accepted.trigger", accepted(Cause::Trigger { event: "orders.arrived".to_owned(), id: event() })),
        ("accepted.manual", accepted(Cause::Manual { by: by() })),
        ("accepted.service", accepted(Cause::Service)),
        ("accepted.action", accepted(call())),
        ("accepted.retry", accepted(Cause::Retry { by: by(), of: run() })),
    ];
    use SkipReason as S;
    for reason in [S::Overlap, S::Frozen, S::Suspended, S::Limit, S::Policy, S::Deadline, S::Invalid] {
        let (automation, detail) = (name("nightly"), reason.word().to_owned());
        facts.push((
            "dueSkipped",
            Fact::DueSkipped { automation: automation.clone(), due: noon(), reason, detail: detail.clone() },
        ));
        facts.push(("triggerSkipped", Fact::TriggerSkipped { automation, event: event(), reason, detail }));
    }
    for reason in [MissReason::Down, MissReason::Deadline] {
        facts.push((
            "dueMissed",
            Fact::DueMissed { automation: name("nightly"), first: noon(), last: noon(), count: 1, reason },
        ));
    }
    for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::TimedOut, Outcome::Cancelled, Outcome::Lost] {
        facts.push(("run.concluded", of_run(RunFact::Concluded { outcome, detail: why() })));
    }
    let causes = [
        StopCause::Timeout,
        StopCause::Cancel { by: by() },
        StopCause::Replaced,
        StopCause::Shutdown,
        StopCause::Unhealthy { why: why() },
        StopCause::Removed,
    ];
    for cause in causes {
        facts.push(("step.stopping", of_step(StepFact::Stopping { why: cause.clone() })));
        facts.push(("run.cancelling", of_run(RunFact::Cancelling { why: cause })));
    }
    facts
}

fn written() -> String {
    let facts: Vec<Value> =
        examples().into_iter().map(|(label, fact)| json!({"example": label, "fact": fact})).collect();
    let mut text = serde_json::to_string_pretty(&facts).unwrap();
    text.push('\n');
    text
}

#[test]
fn r2_facts_are_written_as_they_were_released() {
    if std::env::var_os("PROVOST_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/facts.json"), written()).unwrap();
        return;
    }
    for (now, stored) in written().lines().zip(STORED.lines()) {
        assert_eq!(now, stored, "the stored form has changed; see the head of this file");
    }
    assert_eq!(written().lines().count(), STORED.lines().count());
}

#[test]
fn r2_facts_that_were_released_are_read_as_what_they_were() {
    let stored: Vec<Value> = serde_json::from_str(STORED).unwrap();
    for ((label, fact), stored) in examples().into_iter().zip(stored) {
        let read: Fact = serde_json::from_value(stored["fact"].clone()).unwrap();
        assert_eq!(read, fact, "{label}");
    }
}

#[test]
fn r2_every_kind_of_fact_has_an_example() {
    // Exhaustive by its form: a new variant does not compile before it is named here.
    let kind = |fact: &Fact| match fact {
        Fact::ServerStarted { .. } => 0,
        Fact::ServerStopping => 1,
        Fact::RevisionApplied { .. } => 2,
        Fact::RevisionRejected { .. } => 3,
        Fact::Pinned { .. } => 4,
        Fact::Unpinned { .. } => 5,
        Fact::Armed { .. } => 6,
        Fact::DueSkipped { .. } => 7,
        Fact::TriggerSkipped { .. } => 8,
        Fact::DueMissed { .. } => 9,
        Fact::RunAccepted { .. } => 10,
        Fact::Run { change, .. } => match change {
            RunFact::Queued { .. } => 11,
            RunFact::Began { .. } => 12,
            RunFact::Attempt { .. } => 13,
            RunFact::Retrying { .. } => 14,
            RunFact::Cancelling { .. } => 15,
            RunFact::Concluded { .. } => 16,
            RunFact::Finishing => 17,
            RunFact::Finished { .. } => 18,
            RunFact::Health { .. } => 38,
            RunFact::Step { fact, .. } => match fact {
                StepFact::Delayed { .. } => 19,
                StepFact::Starting => 20,
                StepFact::Started { .. } => 21,
                StepFact::Stopping { .. } => 22,
                StepFact::Ended { .. } => 23,
            },
        },
        Fact::EventAccepted { .. } => 24,
        Fact::Event { change, .. } => match change {
            EventFact::Began => 25,
            EventFact::Step { .. } => 26,
            EventFact::Handled { .. } => 27,
        },
        Fact::NoticeQueued { .. } => 28,
        Fact::NoticeDelivered { .. } => 29,
        Fact::NoticeFailed { .. } => 30,
        Fact::NoticeGivenUp { .. } => 31,
        Fact::Paused { .. } => 32,
        Fact::Resumed { .. } => 33,
        Fact::DriftFound { .. } => 34,
        Fact::DriftCorrected { .. } => 35,
        Fact::ServiceStopped { .. } => 36,
        Fact::ServiceStarted { .. } => 37,
        Fact::TokenMade { .. } => 39,
        Fact::TokenRevoked { .. } => 40,
        Fact::DocumentWritten { .. } => 41,
        Fact::DocumentRemoved { .. } => 42,
    };
    let kinds: BTreeSet<u32> = examples().iter().map(|(_, fact)| kind(fact)).collect();
    assert_eq!(kinds, (0..43).collect());
}

#[test]
fn r2_a_fact_with_a_field_of_a_newer_version_is_still_read() {
    let mut stored = serde_json::to_value(Fact::Unpinned { by: "ann".to_owned() }).unwrap();
    stored["since"] = json!("later");
    assert_eq!(serde_json::from_value::<Fact>(stored).unwrap(), Fact::Unpinned { by: "ann".to_owned() });
}

#[test]
fn r2_a_notice_without_the_later_fields_is_read_with_their_defaults() {
    let Fact::NoticeQueued { notice } = notice(channel(file()), Moment::Failure) else { panic!() };
    let mut stored = serde_json::to_value(&*notice).unwrap();
    let fields = stored.as_object_mut().unwrap();
    fields.remove("tries");
    fields.remove("until");
    let read: Notice = serde_json::from_value(stored).unwrap();
    assert_eq!((read.tries, read.until), (0, None));
}
