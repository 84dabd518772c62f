//! What does not work, and how that is said.

use bytes::Bytes;
use futures_util::StreamExt as _;
use provost_controller::EngineErrorKind;
use provost_model::{Life, PullPolicy};
use provost_testkit::{TOOLBOX, toolbox_archive};

use super::{Rig, meanwhile};
use crate::job::{Job, kind};

/// An image that nobody has.
pub const NOBODYS: &str = "provost/nobodys:1";

pub async fn an_image_that_is_not_there_is_said(rig: &dyn Rig) {
    let (engine, mut job) = (rig.engine(), Job::new(rig, &["echo"]));
    let has = engine.ensure_image(rig.image(), PullPolicy::IfNotPresent, &|_| panic!("nothing is pulled")).await;
    assert!(has.unwrap().starts_with("sha256:"));
    engine.ensure_image(rig.image(), PullPolicy::Never, &|_| ()).await.unwrap();
    let error = engine.ensure_image(NOBODYS, PullPolicy::Never, &|_| ()).await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Refused);
    assert!(error.message.contains(NOBODYS), "{error}");
    job.request.workload.image = NOBODYS.to_owned();
    let error = engine.create(&job.request, &job.folder).await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::NotFound);
    assert!(error.message.contains(NOBODYS), "{error}");
}

pub async fn a_program_that_is_not_there_is_refused(rig: &dyn Rig) {
    let (engine, mut job) = (rig.engine(), Job::new(rig, &[]));
    job.request.workload.command = vec!["/no/such/program".to_owned()];
    // With a small init as the first process it is that one which does not find the program, with this exit code.
    let started = match engine.create(&job.request, &job.folder).await {
        Ok(()) => engine.start(job.name()).await,
        Err(error) => Err(error),
    };
    match started {
        Err(error) => assert_eq!(error.kind, EngineErrorKind::Refused, "{error}"),
        Ok(()) => {
            let life = super::ended(rig, job.name()).await;
            assert!(matches!(life, Life::Exited { code: 126 | 127, .. }), "{life:?}");
        }
    }
}

pub async fn an_archive_is_loaded(rig: &dyn Rig) {
    let names = rig.engine().load(Bytes::copy_from_slice(&toolbox_archive().bytes)).await.unwrap();
    assert_eq!(names, [TOOLBOX]);
    assert_eq!(kind(rig.engine().load(Bytes::from_static(b"no archive at all")).await), EngineErrorKind::Refused);
}

pub async fn an_engine_that_is_away_is_unavailable_and_nothing_is_lost(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["sleep", "60"]));
    let instance = &rig.instances()[0];
    job.go(rig).await;
    let mut wakes = engine.watch(instance).await.unwrap();
    let mut output = engine.output(job.name(), true).await.unwrap();
    rig.go_down().await;
    let unavailable = EngineErrorKind::Unavailable;
    assert_eq!(kind(engine.probe().await), unavailable);
    assert_eq!(kind(engine.list(instance).await), unavailable);
    assert_eq!(kind(engine.inspect(job.name()).await), unavailable);
    assert_eq!(kind(engine.watch(instance).await.map(drop)), unavailable);
    assert_eq!(kind(engine.ensure_image(rig.image(), PullPolicy::Always, &|_| ()).await), unavailable);
    assert_eq!(kind(engine.create(&job.request, &job.folder).await), unavailable);
    assert_eq!(kind(engine.start(job.name()).await), unavailable);
    assert_eq!(kind(engine.stop(job.name(), 0).await), unavailable);
    assert_eq!(kind(engine.remove(job.name()).await), unavailable);
    assert_eq!(kind(engine.output(job.name(), true).await.map(drop)), unavailable);
    assert_eq!(kind(engine.load(Bytes::new()).await), unavailable);
    while meanwhile(rig, wakes.next()).await.is_some() {}
    let last = meanwhile(rig, output.next()).await;
    assert_eq!(kind(last.expect("an end that is none is an error")), unavailable);
    assert!(meanwhile(rig, output.next()).await.is_none());
    rig.come_back().await;
    engine.probe().await.unwrap();
    assert!(matches!(job.seen(rig).await.unwrap().life, Life::Running { .. }));
}
