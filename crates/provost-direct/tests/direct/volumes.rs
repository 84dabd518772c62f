//! Volumes, and paths of the host.

use provost_controller::{Engine as _, EngineErrorKind};
use provost_engine::volume_name;
use provost_model::{Owner, VolumeMount, VolumeScope, Workload};

use crate::job::{Job, kind};
use crate::rig::{prints, rig, volume};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_volumes_are_made_and_kept() {
    let rig = rig();
    let with = |read_only| {
        move |workload: &mut Workload| {
            workload.volumes = vec![VolumeMount { read_only, ..volume("warehouse", "/data") }];
        }
    };
    // The image's /data is its user's; so is the volume that is mounted there.
    assert_eq!(prints(&rig, &["write", "/data/file", "kept"], with(false)).await.0, 0);
    assert_eq!(prints(&rig, &["cat", "/data/file"], with(true)).await, (0, "kept".to_owned()));
    assert_eq!(prints(&rig, &["ro-check", "/data"], with(true)).await, (0, "/data is read-only".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_a_volume_of_others_is_not_used() {
    let rig = rig();
    let name = volume_name(&rig.instances[0], "theirs");
    let folder = rig.folder().join("volumes").join(&name);
    std::fs::create_dir_all(folder.join("data")).unwrap();
    for owner in [None, Some(r#"{"instance":"another","run":null}"#)] {
        if let Some(owner) = owner {
            std::fs::write(folder.join("owner.json"), owner).unwrap();
        }
        let mut job = Job::new(&rig, &["echo"]);
        job.request.workload.volumes = vec![volume("theirs", "/data")];
        let error = rig.engine.create(&job.request, &job.folder).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Conflict);
        assert!(error.message.contains(&name), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_the_volumes_of_a_run_go_with_it_and_no_others() {
    let rig = rig();
    let mut job = Job::new(&rig, &["echo"]);
    let Owner::Run(run) = job.request.step.owner.clone() else { unreachable!("jobs are of runs") };
    let own = VolumeMount { scope: VolumeScope::Run, ..volume("work", "/work") };
    job.request.workload.volumes = vec![volume("kept", "/data"), own.clone()];
    job.run(&rig).await;
    let mut theirs = Job::of(&rig.instances[1], &job.request.workload.image, &["echo"]);
    theirs.request.workload.volumes = vec![own];
    rig.engine.for_instance(rig.instances[1].clone()).create(&theirs.request, &theirs.folder).await.unwrap();
    assert_eq!(rig.engine.runs_with_volumes().await.unwrap(), std::slice::from_ref(&run));
    let error = rig.engine.remove_volumes(&run).await.unwrap_err();
    assert!(error.may_pass(), "its container still has it: {error}");
    rig.engine.remove(job.name()).await.unwrap();
    rig.engine.remove_volumes(&run).await.unwrap();
    rig.engine.remove_volumes(&run).await.unwrap();
    assert_eq!(rig.engine.runs_with_volumes().await.unwrap(), []);
    let is_there = |instance: usize, name: &str| {
        rig.folder().join("volumes").join(volume_name(&rig.instances[instance], name)).exists()
    };
    assert_eq!((is_there(0, "work"), is_there(0, "kept"), is_there(1, "work")), (false, true, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_paths_are_mounted_as_they_were_allowed() {
    let rig = rig();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    std::fs::write(folder.path().join("file"), "of the host").unwrap();
    let with = |read_only| {
        let host_path = Some(path.clone());
        move |workload: &mut Workload| {
            workload.user = Some("0:0".to_owned());
            // Without this, root may not write into a folder of another user.
            workload.drop_capabilities.clear();
            workload.volumes = vec![VolumeMount { host_path, read_only, ..volume("host", "/host") }];
        }
    };
    assert_eq!(prints(&rig, &["cat", "/host/file"], with(true)).await.1, "of the host");
    assert_eq!(prints(&rig, &["ro-check", "/host"], with(true)).await, (0, "/host is read-only".to_owned()));
    assert_eq!(prints(&rig, &["write", "/host/new", "text"], with(false)).await.0, 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("new")).unwrap(), "text\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engines_socket_is_never_mounted() {
    let rig = rig();
    for path in ["/var/run/docker.sock", "/run", "/", "/proc", "/dev"] {
        let mut job = Job::new(&rig, &["echo"]);
        let host_path = Some(path.to_owned());
        job.request.workload.volumes = vec![VolumeMount { host_path, ..volume("key", "/key") }];
        assert_eq!(kind(rig.engine.create(&job.request, &job.folder).await), EngineErrorKind::Refused, "{path}");
        assert_eq!(job.seen(&rig).await, None);
    }
}
