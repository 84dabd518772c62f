//! The scripted engine: the suite that all engines pass, and what only it can do.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod conformance;
mod job;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use conformance::Rig;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use job::{Job, kind};
use provost_controller::{Engine, EngineErrorKind, OutputStream};
use provost_engine::{Call, Fault, ImageState, Line, Script, ScriptedEngine, When};
use provost_model::{ContainerName, ContainerRequest, Instance, Life, PullPolicy};

const IMAGE: &str = "toolbox:1";

struct Scripted {
    engine: ScriptedEngine,
    instances: [Instance; 2],
}

fn start() -> Timestamp {
    "2026-11-20T02:00:00Z".parse().unwrap()
}

fn rig() -> Scripted {
    let instances = ["a", "b"].map(|instance| Instance::parse(instance).unwrap());
    let engine = ScriptedEngine::new(instances[0].clone(), start());
    engine.direct(toolbox);
    engine.set_image(conformance::NOBODYS, ImageState::Nowhere);
    Scripted { engine, instances }
}

/// What the commands of the toolbox do.
fn toolbox(request: &ContainerRequest) -> Option<Script> {
    let args: Vec<&str> = request.workload.args.iter().map(String::as_str).collect();
    let soon = Duration::from_millis(20);
    let seconds = |text: &str| Duration::from_secs_f64(text.parse().unwrap());
    let mut script = Script::running(soon);
    match args[..] {
        [] => script.refuses = Some("no such file or directory".to_owned()),
        ["sleep", time] => script = Script::running(seconds(time)),
        ["stubborn", time] => script = Script::running(seconds(time)).stubborn(),
        ["memory", ..] => script.out_of_memory = true,
        ["spam", count] => {
            for number in 1..=count.parse().unwrap() {
                script = script.line(Duration::from_micros(number), &format!("line {number}"));
            }
        }
        ["long-line", length] => script = script.line(soon, &"x".repeat(length.parse().unwrap())),
        ["cat", "/provost/event.json"] => script = script.line(soon, &request.event.to_string()),
        ["write", path, text] => script = script.file(path.rsplit('/').next().unwrap(), text),
        ["fail", code, ref message @ ..] => {
            script.code = code.parse().unwrap();
            let line = |text: &&str| Line { after: soon, stream: OutputStream::Stderr, text: (*text).to_owned() };
            script.lines = message.iter().map(line).collect();
        }
        _ => {}
    }
    Some(script)
}

#[async_trait]
impl Rig for Scripted {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.engine.clone())
    }

    fn other(&self) -> Arc<dyn Engine> {
        Arc::new(self.engine.for_instance(self.instances[1].clone()))
    }

    fn instances(&self) -> &[Instance; 2] {
        &self.instances
    }

    fn image(&self) -> &str {
        IMAGE
    }

    async fn tick(&self) {
        tokio::task::yield_now().await;
        self.engine.advance(self.engine.now() + Duration::from_millis(100));
    }

    async fn plant(&self, name: &ContainerName, labels: BTreeMap<String, String>) {
        self.engine.plant(name, labels);
    }

    async fn planted_runs(&self, name: &ContainerName) -> bool {
        // Somebody else's container is still in the way.
        let job = Job::new(self, &["echo"]);
        let request = ContainerRequest { name: name.clone(), ..job.request };
        self.engine.create(&request, &job.folder).await.is_err()
    }

    async fn go_down(&self) {
        self.engine.go_down(None, false);
    }

    async fn come_back(&self) {
        self.engine.come_back();
    }
}

suite!(async { rig() });

fn after(seconds: f64) -> Timestamp {
    start() + Duration::from_secs_f64(seconds)
}

#[tokio::test]
async fn time_is_handed_in() {
    let rig = rig();
    let (long, short) = (Job::new(&rig, &["sleep", "5"]), Job::new(&rig, &["sleep", "2"]));
    long.go(&rig).await;
    short.go(&rig).await;
    assert_eq!(rig.engine.next_event(), Some(after(2.0)));
    assert_eq!(rig.engine.advance(after(1.9)), []);
    assert_eq!(rig.engine.advance(after(9.0)), [short.name().clone(), long.name().clone()]);
    assert_eq!((rig.engine.now(), rig.engine.next_event()), (after(9.0), None));
    let Some(Life::Exited { finished_at, .. }) = long.seen(&rig).await.map(|seen| seen.life) else {
        panic!("it has ended")
    };
    assert_eq!(finished_at, Some(after(5.0)), "it ends when it should, not when somebody looks");
    assert_eq!(rig.engine.advance(start()), []);
    assert_eq!(rig.engine.now(), after(9.0), "time does not go back");
}

#[tokio::test]
async fn what_was_scripted_last_counts_as_often_as_was_said() {
    let rig = rig();
    rig.engine.script(When::any(), Script::default().code(1));
    rig.engine.script(When::image(IMAGE).step("main."), Script::default().code(2));
    rig.engine.script_times(When::automation("job"), 1, Script::default().code(3));
    rig.engine.script(When::automation("other"), Script::default().code(4));
    for expected in [3, 2, 2] {
        assert_eq!(conformance::code(&Job::new(&rig, &["echo"]).run(&rig).await), expected);
    }
    let mut hook = Job::new(&rig, &["echo"]);
    hook.request.step.step.0 = "run.starting-hook".into();
    assert_eq!(conformance::code(&hook.run(&rig).await), 1);
}

#[tokio::test]
async fn a_refused_call_does_nothing() {
    let rig = rig();
    let job = Job::new(&rig, &["sleep", "60"]);
    rig.engine.inject(Call::Create, None, Fault::Refuse(EngineErrorKind::Unavailable));
    let refused = rig.engine.create(&job.request, &job.folder).await;
    assert_eq!(kind(refused), EngineErrorKind::Unavailable);
    assert_eq!(job.seen(&rig).await, None);
    job.go(&rig).await;
}

#[tokio::test]
async fn a_lost_reply_leaves_the_work_done() {
    let rig = rig();
    let job = Job::new(&rig, &["sleep", "60"]);
    rig.engine.inject(Call::Create, Some("another"), Fault::Refuse(EngineErrorKind::Refused));
    rig.engine.inject(Call::Create, Some(job.name().as_str()), Fault::LoseReply);
    assert!(rig.engine.create(&job.request, &job.folder).await.unwrap_err().may_pass());
    assert_eq!(job.seen(&rig).await.unwrap().life, Life::Created);
    rig.engine.inject(Call::Start, None, Fault::LoseReply);
    assert!(rig.engine.start(job.name()).await.unwrap_err().may_pass());
    assert!(matches!(job.seen(&rig).await.unwrap().life, Life::Running { .. }));
}

#[tokio::test]
async fn a_call_that_is_carried_out_twice_changes_nothing_more() {
    let rig = rig();
    let job = Job::new(&rig, &["sleep", "60"]);
    for call in [Call::Create, Call::Start, Call::Stop, Call::Remove] {
        rig.engine.inject(call, None, Fault::Twice);
    }
    job.go(&rig).await;
    rig.engine.stop(job.name(), 1).await.unwrap();
    rig.engine.remove(job.name()).await.unwrap();
    assert_eq!(job.seen(&rig).await, None);
    assert!(rig.engine.take_calls().iter().take(2).all(|called| called.fault == Some(Fault::Twice)));
}

#[tokio::test]
async fn a_late_call_is_carried_out_when_the_clock_says_so() {
    let rig = rig();
    let job = Job::new(&rig, &["sleep", "60"]);
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    rig.engine.inject(Call::Start, None, Fault::Late(Duration::from_secs(3)));
    let mut starting = rig.engine.start(job.name());
    assert!(starting.as_mut().now_or_never().is_none());
    assert_eq!(rig.engine.next_event(), Some(after(3.0)));
    rig.engine.advance(after(2.0));
    assert!(starting.as_mut().now_or_never().is_none());
    assert_eq!(job.seen(&rig).await.unwrap().life, Life::Created);
    rig.engine.advance(after(3.0));
    starting.await.unwrap();
    assert_eq!(job.seen(&rig).await.unwrap().life, Life::Running { started_at: Some(after(3.0)) });
}

#[tokio::test]
async fn faults_can_be_decided_call_by_call() {
    let rig = rig();
    let mut calls = 0;
    rig.engine.trouble(move |_| {
        calls += 1;
        (calls % 2 == 0).then_some(Fault::Refuse(EngineErrorKind::Unavailable))
    });
    let answers =
        [rig.engine.probe().await.is_ok(), rig.engine.probe().await.is_ok(), rig.engine.probe().await.is_ok()];
    assert_eq!(answers, [true, false, true]);
}

#[tokio::test]
async fn r9_an_end_that_the_engine_did_not_see_has_no_code() {
    for (forgets, code) in [(true, 255), (false, 0)] {
        let rig = rig();
        let job = Job::new(&rig, &["sleep", "2"]);
        job.go(&rig).await;
        rig.engine.go_down(Some(after(10.0)), forgets);
        assert_eq!(rig.engine.advance(after(9.0)), [job.name().clone()]);
        assert!(rig.engine.probe().await.unwrap_err().may_pass());
        rig.engine.advance(after(10.0));
        assert_eq!(conformance::code(&job.seen(&rig).await.unwrap().life), code);
    }
}

#[tokio::test]
async fn a_container_can_be_removed_by_hand() {
    let rig = rig();
    let job = Job::new(&rig, &["sleep", "2"]);
    job.go(&rig).await;
    let mut wakes = rig.engine.watch(&rig.instances[0]).await.unwrap();
    assert!(rig.engine.remove_by_hand(job.name()));
    assert!(!rig.engine.remove_by_hand(job.name()));
    assert_eq!(wakes.next().await.as_ref(), Some(job.name()));
    assert_eq!((job.seen(&rig).await, rig.engine.next_event()), (None, None));
}

#[tokio::test]
async fn files_are_left_behind_with_and_without_a_folder() {
    let rig = rig();
    let job = Job::new(&rig, &["write", "/provost/out/locals.json", "{}"]);
    std::fs::remove_dir(&job.folder.out).unwrap();
    assert_eq!(rig.engine.left(job.name()), BTreeMap::new());
    job.run(&rig).await;
    assert_eq!(rig.engine.left(job.name()), BTreeMap::from([("locals.json".to_owned(), "{}".to_owned())]));
    assert!(!job.folder.out.exists());
}

#[tokio::test]
async fn images_are_where_they_were_said_to_be() {
    let rig = rig();
    rig.engine.set_image("far:1", ImageState::Registry);
    rig.engine.set_image("away:1", ImageState::Unreachable);
    let ensure = async |image, pull| rig.engine.ensure_image(image, pull, &|_| ()).await.map(drop);
    assert_eq!(kind(ensure("far:1", PullPolicy::Never).await), EngineErrorKind::Refused);
    assert_eq!(kind(ensure("away:1", PullPolicy::Always).await), EngineErrorKind::Unavailable);
    ensure("far:1", PullPolicy::IfNotPresent).await.unwrap();
    ensure("far:1", PullPolicy::Never).await.unwrap();
}

#[tokio::test]
async fn the_same_calls_give_the_same_engine() {
    let trace = async || {
        let rig = rig();
        let instance = &rig.instances[0];
        for number in 0..20 {
            let mut job = Job::new(&rig, &["sleep", &(number % 7).to_string()]);
            job.request.name = ContainerName::parse(format!("job-{number}")).unwrap();
            job.go(&rig).await;
        }
        let ended = rig.engine.advance(after(4.0));
        let seen = rig.engine.list(instance).await.unwrap();
        let seen: Vec<_> = seen.into_iter().map(|seen| (seen.name, seen.id, seen.life)).collect();
        (ended, seen, rig.engine.take_calls())
    };
    assert_eq!(trace().await, trace().await);
}
