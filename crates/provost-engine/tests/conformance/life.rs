//! A container's life.

use provost_controller::EngineErrorKind;
use provost_model::Life;

use super::{Rig, code, ended, meanwhile};
use crate::job::{Job, kind};

pub async fn a_container_lives_from_creation_to_its_exit_code(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["fail", "3"]));
    assert_eq!(job.seen(rig).await, None);
    engine.create(&job.request, &job.folder).await.unwrap();
    let seen = job.seen(rig).await.unwrap();
    assert_eq!((&seen.life, seen.name == *job.name()), (&Life::Created, true));
    assert_eq!(seen.step.as_ref(), Some(&job.request.step));
    assert_eq!(seen.request, Some(job.request.digest().to_string()));
    engine.start(job.name()).await.unwrap();
    let Life::Exited { code, out_of_memory, started_at, finished_at, error } = ended(rig, job.name()).await else {
        panic!("it has ended")
    };
    assert_eq!((code, out_of_memory, error), (3, false, None));
    assert!(started_at.unwrap() <= finished_at.unwrap());
}

pub async fn r3_creating_it_twice_adopts_it(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["sleep", "60"]));
    engine.create(&job.request, &job.folder).await.unwrap();
    let first = job.seen(rig).await.unwrap();
    engine.create(&job.request, &job.folder).await.unwrap();
    assert_eq!(job.seen(rig).await.unwrap(), first);
    engine.start(job.name()).await.unwrap();
    engine.create(&job.request, &job.folder).await.unwrap();
    let running = job.seen(rig).await.unwrap();
    assert_eq!(running.id, first.id);
    assert!(matches!(running.life, Life::Running { .. }));
}

pub async fn r3_another_one_of_that_name_is_a_conflict(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["echo", "one"]));
    engine.create(&job.request, &job.folder).await.unwrap();
    let first = job.seen(rig).await.unwrap();
    let mut another = job.request.clone();
    another.workload.args = vec!["echo".to_owned(), "two".to_owned()];
    let error = engine.create(&another, &job.folder).await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Conflict);
    assert!(error.message.contains(job.name().as_str()), "{error}");
    assert_eq!(job.seen(rig).await.unwrap(), first);
}

pub async fn d2_starting_it_twice_runs_it_once(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["sleep", "0.3"]));
    job.go(rig).await;
    let running = job.seen(rig).await.unwrap();
    engine.start(job.name()).await.unwrap();
    assert_eq!(job.seen(rig).await.unwrap(), running);
    // An engine starts one that has ended for a second time, if it is asked to.
    let life = ended(rig, job.name()).await;
    engine.start(job.name()).await.unwrap();
    rig.tick().await;
    assert_eq!(job.seen(rig).await.unwrap().life, life);
}

pub async fn r7_stopping_asks_first(rig: &dyn Rig) {
    let job = Job::new(rig, &["sleep", "60"]);
    job.go(rig).await;
    rig.engine().stop(job.name(), 30).await.unwrap();
    assert_eq!(code(&job.seen(rig).await.unwrap().life), 143);
}

pub async fn r7_a_stubborn_one_is_killed_after_its_grace(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["stubborn", "60"]));
    job.go(rig).await;
    // It has to be there to ignore anything.
    for _ in 0..3 {
        rig.tick().await;
    }
    meanwhile(rig, engine.stop(job.name(), 1)).await.unwrap();
    let Life::Exited { code, started_at, finished_at, .. } = job.seen(rig).await.unwrap().life else {
        panic!("stop returns when it has ended")
    };
    assert_eq!(code, 137);
    let lived = finished_at.unwrap().duration_since(started_at.unwrap());
    assert!(lived.as_secs_f64() >= 1.0, "it has its grace: {lived}");
}

pub async fn stopping_what_does_not_run_is_fine(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["echo", "done"]));
    engine.stop(job.name(), 1).await.unwrap();
    engine.create(&job.request, &job.folder).await.unwrap();
    engine.stop(job.name(), 1).await.unwrap();
    assert_eq!(job.seen(rig).await.unwrap().life, Life::Created);
    let life = job.run(rig).await;
    engine.stop(job.name(), 1).await.unwrap();
    assert_eq!(job.seen(rig).await.unwrap().life, life);
}

pub async fn removing_takes_it_away_whatever_it_does(rig: &dyn Rig) {
    let engine = rig.engine();
    let made = Job::new(rig, &["echo"]);
    engine.create(&made.request, &made.folder).await.unwrap();
    let running = Job::new(rig, &["stubborn", "60"]);
    running.go(rig).await;
    let over = Job::new(rig, &["echo"]);
    over.run(rig).await;
    for job in [&made, &running, &over] {
        engine.remove(job.name()).await.unwrap();
        assert_eq!(job.seen(rig).await, None);
        engine.remove(job.name()).await.unwrap();
    }
}

pub async fn what_is_gone_is_not_found(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["echo"]));
    assert_eq!(kind(engine.start(job.name()).await), EngineErrorKind::NotFound);
    let output = engine.output(job.name(), true).await;
    assert_eq!(kind(output.map(drop)), EngineErrorKind::NotFound);
}

/// Docker begins to listen for it only after the start, so that it does not hear of a program that takes all at once.
pub async fn running_out_of_memory_is_seen(rig: &dyn Rig) {
    let mut job = Job::new(rig, &["memory", "48", "4"]);
    job.request.workload.resources.memory_bytes = 24 << 20;
    let life = job.run(rig).await;
    assert!(matches!(life, Life::Exited { code: 137, out_of_memory: true, .. }), "{life:?}");
}

pub async fn the_event_goes_in_and_answers_come_out(rig: &dyn Rig) {
    let job = Job::new(rig, &["write", "/provost/out/reply.json", "{\"allow\":false}"]);
    assert_eq!(code(&job.run(rig).await), 0);
    let reply = std::fs::read_to_string(job.folder.out.join("reply.json")).unwrap();
    assert_eq!(reply.trim(), "{\"allow\":false}");
    let event = Job::new(rig, &["cat", "/provost/event.json"]);
    event.run(rig).await;
    assert_eq!(super::read(rig, event.name(), false).await.trim(), r#"{"name":"run.starting"}"#);
}
