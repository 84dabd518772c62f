//! What containers find inside: as little as with Docker, and less where that costs nothing.

use provost_controller::{Engine as _, EngineErrorKind};
use provost_model::{Life, Workload};

use crate::conformance::code;
use crate::job::Job;
use crate::rig::{Direct, prints, rig, run, with_host_tools};

/// A script of the host's own shell and tools, as root in the container.
async fn script(rig: &Direct, text: &str, change: impl FnOnce(&mut Workload)) -> (i64, String) {
    prints(rig, &["-c", text], |workload| {
        with_host_tools(workload);
        workload.user = Some("0:0".to_owned());
        change(workload);
    })
    .await
}

fn as_root(workload: &mut Workload) {
    workload.user = Some("0:0".to_owned());
}

/// The usual capabilities, on a root that can be written.
fn loose(workload: &mut Workload) {
    workload.drop_capabilities.clear();
    workload.read_only_root = false;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a20_containers_have_no_privileges_and_gain_none() {
    let rig = rig();
    let none = "CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2";
    assert_eq!(prints(&rig, &["caps"], |_| ()).await.1, none);
    assert_eq!(prints(&rig, &["caps"], as_root).await.1, none);
    let bind = |workload: &mut Workload| {
        as_root(workload);
        workload.add_capabilities = vec!["NET_BIND_SERVICE".to_owned()];
    };
    assert_eq!(prints(&rig, &["caps"], bind).await.1, "CapEff=0000000000000400 NoNewPrivs=1 Seccomp=2");
    let usual = |workload: &mut Workload| {
        as_root(workload);
        workload.drop_capabilities.clear();
    };
    // What Docker gives, without CAP_MKNOD.
    assert_eq!(prints(&rig, &["caps"], usual).await.1, "CapEff=00000000a00425fb NoNewPrivs=1 Seccomp=2");
    let user = |workload: &mut Workload| workload.drop_capabilities.clear();
    assert_eq!(prints(&rig, &["caps"], user).await.1, none, "who is not root has none of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_is_the_images_or_the_one_that_is_named() {
    let rig = rig();
    assert!(prints(&rig, &["id"], |_| ()).await.1.starts_with("uid=65532 gid=65532"));
    let named = prints(&rig, &["id"], |workload| workload.user = Some("1234:5678".to_owned())).await;
    assert!(named.1.starts_with("uid=1234 gid=5678 groups="), "{named:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_root_leaves_tmp_and_out_to_write() {
    let rig = rig();
    assert_eq!(prints(&rig, &["ro-check", "/data"], as_root).await, (0, "/data is read-only".to_owned()));
    assert_eq!(prints(&rig, &["ro-check", "/tmp"], |_| ()).await, (1, "/tmp is writable".to_owned()));
    assert_eq!(prints(&rig, &["ro-check", "/provost/out"], |_| ()).await, (1, "/provost/out is writable".to_owned()));
    let event = prints(&rig, &["append", "/provost/event.json", "x"], as_root).await;
    assert_ne!(event.0, 0, "the event cannot be changed: {event:?}");
    let writable = |workload: &mut Workload| workload.read_only_root = false;
    assert_eq!(prints(&rig, &["ro-check", "/data"], writable).await, (1, "/data is writable".to_owned()));
    let mounts = prints(&rig, &["mounts"], |_| ()).await.1;
    let tmp = mounts.lines().find(|line| line.starts_with("/tmp ")).unwrap();
    assert!(["tmpfs", "noexec", "nosuid", "nodev", "size=65536k"].iter().all(|option| tmp.contains(option)), "{tmp}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_to_a_root_is_gone_with_the_container() {
    let rig = rig();
    assert_eq!(prints(&rig, &["write", "/data/file", "text"], |workload| workload.read_only_root = false).await.0, 0);
    assert_ne!(prints(&rig, &["cat", "/data/file"], |_| ()).await.0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kernels_files_are_masked_or_read_only() {
    let rig = rig();
    let looks =
        "for file in /proc/kcore /proc/keys /proc/timer_list; do head -c 1 $file 2>/dev/null; done; ls /sys/firmware";
    assert_eq!(script(&rig, looks, |_| ()).await, (0, String::new()), "they are empty");
    for file in ["/proc/sys/kernel/hostname", "/proc/irq/default_smp_affinity", "/sys/kernel/mm/ksm/run"] {
        let (code, said) = script(&rig, &format!("echo x > {file}"), loose).await;
        assert!(code != 0 && said.contains("Read-only file system"), "{file}: {code} {said}");
    }
    // No limit can be lifted: the files are read-only, or not there.
    let (code, said) = script(&rig, "echo max > /sys/fs/cgroup/memory.max", loose).await;
    assert!(code != 0 && ["Read-only", "nonexistent", "denied"].iter().any(|part| said.contains(part)), "{said}");
    assert_eq!(script(&rig, "find /sys/fs/cgroup -type f -writable", loose).await, (0, String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn system_calls_are_filtered() {
    let rig = rig();
    // Anybody may make a namespace of users, were it not for the filter; and only then try the rest.
    for command in ["unshare -U true", "unshare -m true", "mount -t tmpfs none /tmp", "dmesg", "chroot / true"] {
        let (code, said) = script(&rig, command, |_| ()).await;
        assert!(
            code != 0 && (said.contains("not permitted") || said.contains("permission denied")),
            "{command}: {code} {said}"
        );
    }
    assert_eq!(script(&rig, "chroot / /usr/bin/true", loose).await, (0, String::new()), "CAP_SYS_CHROOT opens it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_those_of_every_container_and_no_others() {
    let rig = rig();
    let devices = script(&rig, "find /dev -type c -o -type b | sort | tr '\\n' ' '", |_| ()).await.1;
    let usual = "/dev/full /dev/null /dev/ptmx /dev/pts/ptmx /dev/random /dev/tty /dev/urandom /dev/zero";
    assert_eq!(devices.replace("/dev/ptmx ", ""), usual.replace("/dev/ptmx ", ""));
    let mknod = script(&rig, "mknod /data/x c 1 1", loose).await;
    assert!(mknod.1.contains("not permitted"), "the usual capabilities make none: {mknod:?}");
    let opened = script(&rig, "mknod /data/x c 1 5 && head -c 1 /data/x", |workload| {
        loose(workload);
        workload.add_capabilities = vec!["MKNOD".to_owned()];
    });
    let opened = opened.await;
    assert!(
        opened.1.contains("Permission denied") || opened.1.contains("not permitted"),
        "none can be opened: {opened:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_container_has_namespaces_of_its_own() {
    let rig = rig();
    let list = "for kind in pid ipc uts mnt net cgroup; do readlink /proc/self/ns/$kind; done";
    let inside = script(&rig, list, |_| ()).await.1;
    let kinds = ["pid", "ipc", "uts", "mnt", "net", "cgroup"];
    assert_eq!(inside.lines().count(), kinds.len(), "{inside}");
    for (kind, inside) in kinds.iter().zip(inside.lines()) {
        let outside = std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        assert_ne!(outside.to_str(), Some(inside), "{kind}");
    }
    assert_eq!(prints(&rig, &["net"], |_| ()).await.1, "lo");
    assert_eq!(script(&rig, "cat /sys/class/net/lo/flags", |_| ()).await.1, "0x9", "it is up");
    let processes = script(&rig, "ls -d /proc/[0-9]* | wc -l", |_| ()).await.1;
    assert!(processes.parse::<u32>().unwrap() <= 5, "nobody else's: {processes}");
    assert_eq!(script(&rig, "uname -n", |_| ()).await.1, "job");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_memory_and_processors_are_limited() {
    let rig = rig();
    let few = |workload: &mut Workload| workload.resources.pids = 20;
    assert_eq!(prints(&rig, &["fork-bomb", "40"], few).await.0, 1);
    assert_eq!(prints(&rig, &["fork-bomb", "10"], few).await.0, 0);
    let mut greedy = Job::new(&rig, &["memory", "256"]);
    greedy.request.workload.resources.memory_bytes = 24 << 20;
    let life = greedy.run(&rig).await;
    assert!(matches!(life, Life::Exited { code: 137, out_of_memory: true, .. }), "{life:?}");
    let mut job = Job::new(&rig, &["sleep", "60"]);
    job.request.workload.resources.cpu_millis = 500;
    job.go(&rig).await;
    let id = job.seen(&rig).await.unwrap().id;
    let of = |files: [&str; 2]| {
        let paths = files.map(|file| file.replace("ID", &format!("provost/{id}")));
        paths.into_iter().find_map(|path| std::fs::read_to_string(format!("/sys/fs/cgroup/{path}")).ok()).unwrap()
    };
    assert_eq!(of(["memory/ID/memory.limit_in_bytes", "ID/memory.max"]).trim(), (128 << 20).to_string());
    assert_eq!(of(["cpu/ID/cpu.cfs_quota_us", "ID/cpu.max"]).split_whitespace().next(), Some("50000"));
    assert_eq!(of(["pids/ID/pids.max", "ID/pids.max"]).trim(), "64");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_process_passes_signals_on_and_reaps() {
    let rig = rig();
    // A shell has no handler for SIGTERM: without an init before it, the kernel would spare it.
    let mut job = Job::new(&rig, &["sleep", "60"]);
    job.go(&rig).await;
    rig.engine.stop(job.name(), 60).await.unwrap();
    let life = job.seen(&rig).await.unwrap().life;
    assert_eq!(code(&life), 143);
    let orphans = "for n in 1 2 3; do (sleep 0.1 &) ; done; sleep 0.4; cat /proc/[0-9]*/stat | grep -c ' Z '";
    assert_eq!(script(&rig, orphans, |_| ()).await.1, "0");
    job = Job::new(&rig, &["fail", "42"]);
    assert_eq!(code(&job.run(&rig).await), 42);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_belong_to_the_user() {
    let rig = rig();
    let both = "echo one > /dev/stdout; echo two > /dev/stderr";
    let said = script(&rig, both, |workload| workload.user = Some("1234:1234".to_owned())).await;
    assert_eq!(said, (0, "one\ntwo".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn networks_that_are_not_there_are_refused_with_what_to_do() {
    let rig = rig();
    for (network, what) in
        [("host", "network of the host"), ("mine", "put a list of CNI plugins"), ("a/b", "is none of")]
    {
        let mut job = Job::new(&rig, &["echo"]);
        job.request.workload.network = network.to_owned();
        let error = rig.engine.create(&job.request, &job.folder).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Refused, "{error}");
        assert!(error.message.contains(what), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_command_and_folder_arrive() {
    let rig = rig();
    let (_, env) = prints(&rig, &["env", "GREETING"], |workload| {
        workload.env.insert("GREETING".to_owned(), "a=b c\n\"d\"".to_owned());
    })
    .await;
    assert!(env.contains("a=b c\n\"d\""), "{env:?}");
    let all = prints(&rig, &["env"], |_| ()).await.1;
    assert!(!all.contains("CARGO"), "nothing of the server's: {all}");
    let mut job = Job::new(&rig, &["write", "here", "text"]);
    job.request.workload.working_dir = Some("/provost/out".to_owned());
    assert_eq!(run(&rig, &job).await.0, 0);
    assert!(job.folder.out.join("here").exists());
    let made = prints(&rig, &["echo", "made"], |workload| workload.working_dir = Some("/deep/in/it".to_owned())).await;
    assert_eq!(made, (0, "made".to_owned()));
}
