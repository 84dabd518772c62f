//! Images that are not there yet.

use std::sync::Mutex;

use provost_controller::{Engine as _, EngineErrorKind};
use provost_model::PullPolicy;
use provost_testkit::{TOOLBOX, free_port};

use crate::rig::rig;

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
