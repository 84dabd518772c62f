//! Images that are not there yet, and those that nobody needs any more.

use std::collections::BTreeSet;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use provost_controller::{Engine as _, EngineErrorKind};
use provost_direct::DirectEngine;
use provost_model::PullPolicy;
use provost_oci::ImageStore;
use provost_testkit::{TOOLBOX, free_port, toolbox_like};

use crate::job::Job;
use crate::rig::{rig, shim};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_pulled_when_that_is_allowed_and_an_absent_registry_may_come() {
    let rig = rig();
    let said = Mutex::new(Vec::new());
    let say = |sentence: String| said.lock().unwrap().push(sentence);
    let away = format!("127.0.0.1:{}/team/job:1", free_port());
    for (pull, kind) in [
        (PullPolicy::Never, EngineErrorKind::Refused),
        (PullPolicy::IfNotPresent, EngineErrorKind::Unavailable),
        (PullPolicy::Always, EngineErrorKind::Unavailable),
    ] {
        let error = rig.engine.ensure_image(&away, pull, &say).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(&away), "{pull:?}: {error:?}");
    }
    assert_eq!(*said.lock().unwrap(), vec![format!("pulling {away}"); 2], "who waits hears what for");
    let wrong = rig.engine.ensure_image("../x", PullPolicy::Always, &say).await.unwrap_err();
    assert_eq!(wrong.kind, EngineErrorKind::Refused, "{wrong}");
    rig.engine.ensure_image(TOOLBOX, PullPolicy::IfNotPresent, &|_| panic!("it is there")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_goes_that_nobody_has_needed_for_long_and_no_container_has() {
    let rig = rig();
    // Images of its own, since they go.
    let images = ImageStore::open(rig.home.path().join("images")).unwrap();
    let engine = DirectEngine::open(&rig.folder(), images, shim(), rig.instances[0].clone()).unwrap();
    let names = ["named", "digest", "used", "gone"].map(|name| TOOLBOX.replace("toolbox", name));
    for name in &names {
        let archive = toolbox_like(|recipe| {
            recipe.name = name.split(':').next().unwrap().to_owned();
            recipe.labels.insert("name".to_owned(), name.clone());
        });
        assert_eq!(engine.load(archive.bytes.clone().into()).await.unwrap(), std::slice::from_ref(name));
    }
    let [named, digest, used, _] = &names;
    let digest = engine.ensure_image(digest, PullPolicy::Never, &|_| {}).await.unwrap();
    let job = Job::of(&rig.instances[0], used, &["echo"]);
    engine.create(&job.request, &job.folder).await.unwrap();

    let there = async || {
        let mut there = Vec::new();
        for name in &names {
            if engine.ensure_image(name, PullPolicy::Never, &|_| {}).await.is_ok() {
                there.push(name.clone());
            }
        }
        there
    };
    let needed = BTreeSet::from([named.clone(), digest, "no/such:1".to_owned(), "../wrong".to_owned()]);
    let after = |days: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
    for days in [0, 30] {
        engine.keep_images(&needed, after(days)).await.unwrap();
        assert_eq!(there().await, names);
    }
    engine.keep_images(&needed, after(31)).await.unwrap();
    assert_eq!(there().await, names[..3]);
    // The container of one that nobody names begins all the same.
    engine.start(job.name()).await.unwrap();
    engine.remove(job.name()).await.unwrap();
    for days in [32, 63] {
        engine.keep_images(&needed, after(days)).await.unwrap();
    }
    assert_eq!(there().await, names[..2]);
}
