//! Whose containers are shown, and what wakes.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use provost_controller::EngineErrorKind;
use provost_model::{ContainerName, LABEL_INSTANCE};
use provost_testkit::unique;

use super::{Rig, ended, meanwhile};
use crate::job::{Job, kind};

pub async fn c6_only_containers_of_the_instance_are_listed(rig: &dyn Rig) {
    let [instance, other] = rig.instances().clone();
    let mut names = Vec::new();
    let (made, running, over) = (Job::new(rig, &["echo"]), Job::new(rig, &["sleep", "60"]), Job::new(rig, &["echo"]));
    rig.engine().create(&made.request, &made.folder).await.unwrap();
    running.go(rig).await;
    over.run(rig).await;
    for job in [&made, &running, &over] {
        names.push(job.name().clone());
    }
    let theirs = Job::of(&other, rig.image(), &["echo"]);
    rig.other().create(&theirs.request, &theirs.folder).await.unwrap();
    rig.plant(&ContainerName::parse(unique("nobodys")).unwrap(), BTreeMap::new()).await;

    let mut listed = rig.engine().list(&instance).await.unwrap();
    listed.sort_by_key(|seen| names.iter().position(|name| *name == seen.name));
    assert_eq!(listed.iter().map(|seen| seen.name.clone()).collect::<Vec<_>>(), names);
    for (seen, job) in listed.iter().zip([&made, &running, &over]) {
        assert_eq!(Some(seen), job.seen(rig).await.as_ref(), "a list shows what a look shows");
    }
    let listed = rig.other().list(&other).await.unwrap();
    assert_eq!(listed.iter().map(|seen| &seen.name).collect::<Vec<_>>(), [theirs.name()]);
}

pub async fn c6_containers_of_others_are_neither_shown_nor_touched(rig: &dyn Rig) {
    let [_, other] = rig.instances().clone();
    let label = |instance: &str| BTreeMap::from([(LABEL_INSTANCE.to_owned(), instance.to_owned())]);
    for labels in [BTreeMap::new(), label(other.as_str())] {
        let (engine, job) = (rig.engine(), Job::new(rig, &["echo"]));
        let name = job.name();
        rig.plant(name, labels).await;
        assert_eq!(engine.inspect(name).await.unwrap(), None);
        assert_eq!(kind(engine.create(&job.request, &job.folder).await), EngineErrorKind::Conflict);
        assert_eq!(kind(engine.start(name).await), EngineErrorKind::Conflict);
        assert_eq!(kind(engine.stop(name, 0).await), EngineErrorKind::Conflict);
        assert_eq!(kind(engine.remove(name).await), EngineErrorKind::Conflict);
        assert_eq!(kind(engine.output(name, false).await.map(drop)), EngineErrorKind::Conflict);
        assert!(rig.planted_runs(name).await);
    }
}

pub async fn c6_a_request_for_another_instance_is_refused(rig: &dyn Rig) {
    let job = Job::of(&rig.instances()[1], rig.image(), &["echo"]);
    assert_eq!(kind(rig.engine().create(&job.request, &job.folder).await), EngineErrorKind::Refused);
    assert_eq!(rig.other().inspect(job.name()).await.unwrap(), None);
}

pub async fn watching_wakes_at_start_end_and_removal(rig: &dyn Rig) {
    let [instance, other] = rig.instances().clone();
    let theirs = Job::of(&other, rig.image(), &["echo"]);
    let job = Job::new(rig, &["echo"]);
    let mut wakes = rig.engine().watch(&instance).await.unwrap();
    rig.other().create(&theirs.request, &theirs.folder).await.unwrap();
    rig.other().start(theirs.name()).await.unwrap();
    rig.engine().create(&job.request, &job.folder).await.unwrap();
    rig.engine().start(job.name()).await.unwrap();
    assert_eq!(meanwhile(rig, wakes.next()).await.as_ref(), Some(job.name()));
    ended(rig, job.name()).await;
    assert_eq!(meanwhile(rig, wakes.next()).await.as_ref(), Some(job.name()));
    rig.engine().remove(job.name()).await.unwrap();
    assert_eq!(meanwhile(rig, wakes.next()).await.as_ref(), Some(job.name()));
}
