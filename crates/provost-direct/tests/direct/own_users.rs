//! Containers with a user namespace of their own: the same inside, and nobody outside.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use provost_controller::{Engine as _, EngineErrorKind};
use provost_model::Workload;

use crate::conformance::{code, ended};
use crate::job::Job;
use crate::network_rig::{bridge, is_answered, nothing_is_left, service, shared};
use crate::outliving::processes;
use crate::rig::{Direct, prints, rig, run, volume, with_host_tools};
use crate::services::health;

fn own(workload: &mut Workload) {
    workload.user_namespace = true;
}

/// A script of the host's own shell and tools, as root in a container with users of its own.
async fn script(rig: &Direct, text: &str, change: impl FnOnce(&mut Workload)) -> (i64, String) {
    prints(rig, &["-c", text], |workload| {
        with_host_tools(workload);
        workload.user = Some("0:0".to_owned());
        own(workload);
        change(workload);
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_root_is_nobody_on_the_server() {
    let rig = rig();
    let mut job = Job::new(&rig, &["sleep", "60"]);
    job.request.workload.user = Some("0:0".to_owned());
    own(&mut job.request.workload);
    job.go(&rig).await;
    let program = processes(job.name()).last().copied().unwrap();
    let program = format!("/proc/{}", program.as_raw_nonzero());
    let outside = fs::metadata(&program).unwrap().uid();
    assert!(outside >= 524_288, "it is {outside}");
    let map = fs::read_to_string(format!("{program}/uid_map")).unwrap();
    let words: Vec<&str> = map.split_whitespace().collect();
    assert_eq!(words, ["0", &outside.to_string(), "65536"]);
    let status = fs::read_to_string(format!("{program}/status")).unwrap();
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    rig.engine.remove(job.name()).await.unwrap();

    let other = script(&rig, "cat /proc/self/uid_map", |_| ()).await.1;
    assert!(!other.contains(&outside.to_string()), "another one has other users: {other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_it_is_as_everywhere() {
    let rig = rig();
    assert!(prints(&rig, &["id"], own).await.1.starts_with("uid=65532 gid=65532"));
    let caps = prints(&rig, &["caps"], own).await.1;
    assert_eq!(caps, "CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2");
    // The image's files have their owners, and what was made for mounts is root's.
    let owners = script(&rig, "stat -c '%n %u:%g' / /toolbox /provost /tmp", |_| ()).await;
    assert_eq!(owners.1, "/ 0:0\n/toolbox 0:0\n/provost 0:0\n/tmp 0:0", "{owners:?}");
    let network = script(&rig, "ls /sys/class/net; cat /proc/sys/net/ipv4/ip_unprivileged_port_start", |_| ()).await;
    assert_eq!(network, (0, "lo\n0".to_owned()));
    let loose = |workload: &mut Workload| {
        workload.drop_capabilities.clear();
        workload.read_only_root = false;
    };
    let given = script(&rig, "touch /data/file && chown 7:8 /data/file && stat -c %u:%g /data/file", loose).await;
    assert_eq!(given, (0, "7:8".to_owned()));
    let devices = script(&rig, "head -c 4 /dev/zero | wc -c; echo lost >/dev/null; ls /dev", |_| ()).await;
    assert!(devices.0 == 0 && devices.1.starts_with('4') && devices.1.contains("urandom"), "{devices:?}");
    let mknod = script(&rig, "mknod /data/x c 1 1", loose).await;
    assert!(mknod.1.contains("not permitted"), "{mknod:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_is_the_same_for_those_with_and_without() {
    let rig = rig();
    let with_volume = |has_own: bool| {
        move |workload: &mut Workload| {
            workload.volumes.push(volume("shared", "/data"));
            workload.user_namespace = has_own;
        }
    };
    assert_eq!(prints(&rig, &["write", "/data/a", "first"], with_volume(true)).await.0, 0);
    assert_eq!(prints(&rig, &["append", "/data/a", " second"], with_volume(false)).await.0, 0);
    let read = prints(&rig, &["cat", "/data/a"], with_volume(true)).await;
    assert!(read.0 == 0 && read.1.contains("first") && read.1.contains("second"), "{read:?}");
    let owner = |entry: fs::DirEntry| fs::metadata(entry.path().join("data/a")).map(|data| data.uid());
    let owners: Vec<_> =
        fs::read_dir(rig.folder().join("volumes")).unwrap().map(|entry| owner(entry.unwrap()).unwrap()).collect();
    assert_eq!(owners, [65_532], "on the disk they are who they are inside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_beside_it_is_in_the_same_namespace() {
    let rig = rig();
    let mut job = Job::new(&rig, &["-c", "sleep 60"]);
    with_host_tools(&mut job.request.workload);
    own(&mut job.request.workload);
    job.go(&rig).await;
    let same = "[ \"$(readlink /proc/self/ns/user)\" = \"$(readlink /proc/2/ns/user)\" ] && [ \"$(id -u)\" = 65532 ]";
    assert_eq!(health(&rig, &job, &["/usr/bin/sh", "-c", same]).await, Ok(()));
    let status = "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp|Groups):' /proc/self/status | tr -s '\\t\\n' ' '; exit 1";
    let said = health(&rig, &job, &["/usr/bin/sh", "-c", status]).await.unwrap_err();
    let none = "0000000000000000";
    assert_eq!(said, format!("exit 1: Groups: CapEff: {none} CapBnd: {none} NoNewPrivs: 1 Seccomp: 2"));
    rig.engine.remove(job.name()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_networks_are_those_of_everybody() {
    let rig = rig();
    let mut web = service(&rig.instances[0], "web", &["serve", "80", "here"]);
    own(&mut web.request.workload);
    web.go(&rig).await;
    let known = bridge(&rig.folder()).unwrap();
    let mut asks = Job::new(&rig, &["get", "web:80"]);
    shared(&mut asks.request.workload);
    own(&mut asks.request.workload);
    is_answered(&rig, &web).await;
    assert_eq!(run(&rig, &asks).await, (0, "here".to_owned()));
    for job in [&web, &asks] {
        rig.engine.remove(job.name()).await.unwrap();
    }
    nothing_is_left(&rig, &known);
    let host = |workload: &mut Workload| workload.network = "Host".to_owned();
    let seen = script(&rig, "readlink /proc/self/ns/net; ls /sys/class/net | wc -l", host).await;
    let here = fs::read_link("/proc/self/ns/net").unwrap();
    let count = fs::read_dir("/sys/class/net").unwrap().count();
    assert_eq!(seen, (0, format!("{}\n{count}", here.display())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_is_told_and_limits_hold() {
    let rig = rig();
    assert_eq!(prints(&rig, &["fail", "7"], own).await.0, 7);
    let mut job = Job::new(&rig, &["memory", "200", "2"]);
    job.request.workload.resources.memory_bytes = 64 << 20;
    own(&mut job.request.workload);
    job.go(&rig).await;
    assert_eq!(code(&ended(&rig, job.name()).await), 137);
    let mut beyond = Job::new(&rig, &["echo"]);
    beyond.request.workload.user = Some("70000".to_owned());
    own(&mut beyond.request.workload);
    let refused = rig.engine.create(&beyond.request, &beyond.folder).await.unwrap_err();
    assert!(refused.kind == EngineErrorKind::Refused && refused.message.contains("below 65536"), "{refused:?}");
}
