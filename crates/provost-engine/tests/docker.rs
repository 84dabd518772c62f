//! Docker Engine: the suite that all engines pass, and what containers find inside.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod conformance;
mod gate;
mod job;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use conformance::{Rig, code, read};
use gate::Gate;
use job::Job;
use provost_controller::{Engine, EngineErrorKind};
use provost_engine::{DockerEngine, Host, Search, discover, volume_name};
use provost_model::{ContainerName, Instance, LABEL_INSTANCE, LABEL_OWNER, Owner, VolumeMount, VolumeScope};
use provost_testkit::{Docker, engine, load_toolbox, unique};
use serde_json::json;

/// A real engine behind a gate that can be shut. Removes what was made through it.
struct Real {
    engine: DockerEngine,
    docker: Docker,
    image: &'static str,
    instances: [Instance; 2],
    gate: Gate,
    label: String,
}

async fn rig() -> Real {
    let (image, docker) = tokio::task::block_in_place(|| (load_toolbox(engine().host()), engine().docker()));
    let gate = Gate::open(docker.socket());
    let instances = ["a", "b"].map(|head| Instance::parse(unique(head)).unwrap());
    let host = Host::Unix(gate.path());
    let engine = DockerEngine::connect(host, "the test", instances[0].clone()).await.unwrap();
    Real { engine, docker, image, instances, gate, label: unique("planted") }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.docker.sweep(&self.label);
        for instance in &self.instances {
            let label = format!("{LABEL_INSTANCE}={instance}");
            self.docker.sweep(&label);
            let filter = json!({"label": [label]}).to_string().replace('"', "%22");
            let Ok(volumes) = self.docker.http().get(&format!("/volumes?filters={filter}")) else {
                continue;
            };
            for volume in volumes.json()["Volumes"].as_array().into_iter().flatten() {
                let _ = self.docker.http().delete(&format!("/volumes/{}", volume["Name"].as_str().unwrap_or_default()));
            }
        }
    }
}

#[async_trait]
impl Rig for Real {
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
        self.image
    }

    async fn tick(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    async fn plant(&self, name: &ContainerName, labels: BTreeMap<String, String>) {
        let mut labels = labels;
        labels.insert(self.label.clone(), "1".to_owned());
        let body = json!({"Image": self.image, "Cmd": ["sleep", "600"], "Labels": labels,
            "HostConfig": {"NetworkMode": "none"}});
        let http = self.docker.http();
        assert!(http.post(&format!("/containers/create?name={name}"), &body).unwrap().is_success());
        assert!(http.post(&format!("/containers/{name}/start"), &json!(null)).unwrap().is_success());
    }

    async fn planted_runs(&self, name: &ContainerName) -> bool {
        self.docker.container(name.as_str()).is_some_and(|seen| seen["State"]["Running"] == true)
    }

    async fn go_down(&self) {
        self.gate.shut();
    }

    async fn come_back(&self) {
        self.gate.open_again();
    }
}

suite!(rig());

/// What a job prints, and its exit code.
async fn run(rig: &Real, job: &Job) -> (i64, String) {
    let life = job.run(rig).await;
    (code(&life), read(rig, job.name(), false).await.trim().to_owned())
}

async fn prints(rig: &Real, args: &[&str], change: impl FnOnce(&mut provost_model::Workload)) -> (i64, String) {
    let mut job = Job::new(rig, args);
    change(&mut job.request.workload);
    run(rig, &job).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_a_containers_own_are_refused_where_the_engine_gives_none() {
    let rig = rig().await;
    let mut job = Job::new(&rig, &["echo"]);
    job.request.workload.user_namespace = true;
    let refused = rig.engine().create(&job.request, &job.folder).await.unwrap_err();
    assert!(refused.message.contains("--userns-remap"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a20_containers_have_no_privileges_and_gain_none() {
    let rig = rig().await;
    let (_, caps) = prints(&rig, &["caps"], |_| ()).await;
    assert_eq!(caps, "CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2");
    // Root without capabilities, root with one, root with the engine's usual ones: the seccomp filter stays.
    let root = |workload: &mut provost_model::Workload| workload.user = Some("0:0".to_owned());
    let (_, caps) = prints(&rig, &["caps"], root).await;
    assert_eq!(caps, "CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2");
    let (_, caps) = prints(&rig, &["caps"], |workload| {
        root(workload);
        workload.add_capabilities = vec!["NET_BIND_SERVICE".to_owned()];
    })
    .await;
    assert_eq!(caps, "CapEff=0000000000000400 NoNewPrivs=1 Seccomp=2");
    let (_, caps) = prints(&rig, &["caps"], |workload| {
        root(workload);
        workload.drop_capabilities.clear();
    })
    .await;
    assert_ne!(caps.split(' ').next(), Some("CapEff=0000000000000000"), "the test sees capabilities: {caps}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_is_the_images_or_the_one_that_is_named() {
    let rig = rig().await;
    assert!(prints(&rig, &["id"], |_| ()).await.1.starts_with("uid=65532 gid=65532"));
    let named = prints(&rig, &["id"], |workload| workload.user = Some("1234:5678".to_owned())).await;
    assert!(named.1.starts_with("uid=1234 gid=5678"), "{named:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_root_leaves_tmp_and_out_to_write() {
    let rig = rig().await;
    let as_root = |workload: &mut provost_model::Workload| workload.user = Some("0:0".to_owned());
    assert_eq!(prints(&rig, &["ro-check", "/data"], as_root).await, (0, "/data is read-only".to_owned()));
    assert_eq!(prints(&rig, &["ro-check", "/tmp"], |_| ()).await, (1, "/tmp is writable".to_owned()));
    assert_eq!(prints(&rig, &["ro-check", "/provost/out"], |_| ()).await, (1, "/provost/out is writable".to_owned()));
    let event = prints(&rig, &["append", "/provost/event.json", "x"], as_root).await;
    assert_ne!(event.0, 0, "the event cannot be changed: {event:?}");
    let writable = |workload: &mut provost_model::Workload| workload.read_only_root = false;
    assert_eq!(prints(&rig, &["ro-check", "/data"], writable).await, (1, "/data is writable".to_owned()));
    let mounts = prints(&rig, &["mounts"], |_| ()).await.1;
    let tmp = mounts.lines().find(|line| line.starts_with("/tmp ")).unwrap();
    assert!(["tmpfs", "noexec", "nosuid", "nodev", "size=65536k"].iter().all(|option| tmp.contains(option)), "{tmp}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn networks_are_none_shared_the_hosts_or_named() {
    let rig = rig().await;
    let with = |network: &str| {
        let network = network.to_owned();
        move |workload: &mut provost_model::Workload| workload.network = network
    };
    assert_eq!(prints(&rig, &["net"], with("None")).await.1, "lo");
    let shared = prints(&rig, &["net"], with("Shared")).await.1;
    assert!(shared.lines().any(|name| name.starts_with("eth")), "{shared}");

    let host = prints(&rig, &["net"], with("Host")).await.1;
    assert!(host.lines().any(|name| name.starts_with("docker")), "the engine's bridge is there: {host}");

    let network = unique("net");
    let body = json!({"Name": network, "Internal": true});
    assert!(rig.docker.http().post("/networks/create", &body).unwrap().is_success());
    let named = prints(&rig, &["net"], with(&network)).await.1;
    let removed = rig.docker.http().delete(&format!("/networks/{network}")).unwrap();
    assert!(named.lines().any(|name| name.starts_with("eth")), "{named}");
    assert!(removed.is_success() || removed.status == 403, "{removed:?}");

    let mut job = Job::new(&rig, &["echo"]);
    job.request.workload.network = unique("nowhere");
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    let error = rig.engine.start(job.name()).await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Refused, "{error}");
    rig.docker.sweep(&format!("{LABEL_INSTANCE}={}", rig.instances[0]));
    let _ = rig.docker.http().delete(&format!("/networks/{network}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_are_limited() {
    let rig = rig().await;
    let few = |workload: &mut provost_model::Workload| workload.resources.pids = 20;
    assert_eq!(prints(&rig, &["fork-bomb", "40"], few).await.0, 1);
    assert_eq!(prints(&rig, &["fork-bomb", "10"], few).await.0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_command_and_folder_arrive() {
    let rig = rig().await;
    let (_, env) = prints(&rig, &["env", "GREETING"], |workload| {
        workload.env.insert("GREETING".to_owned(), "a=b c\n\"d\"".to_owned());
    })
    .await;
    assert!(env.contains("a=b c\n\"d\""), "{env:?}");
    let (_, echo) =
        prints(&rig, &["two"], |workload| workload.command = vec!["/toolbox".to_owned(), "echo".to_owned()]).await;
    assert_eq!(echo, "two");
    let mut job = Job::new(&rig, &["write", "here", "text"]);
    job.request.workload.working_dir = Some("/provost/out".to_owned());
    assert_eq!(run(&rig, &job).await.0, 0);
    assert!(job.folder.out.join("here").exists());
}

fn volume(name: &str, path: &str, host_path: Option<&str>, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        path: path.to_owned(),
        host_path: host_path.map(str::to_owned),
        read_only,
        scope: VolumeScope::Server,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_volumes_are_made_labelled_and_kept() {
    let rig = rig().await;
    let with = |read_only| {
        move |workload: &mut provost_model::Workload| {
            workload.volumes = vec![volume("warehouse", "/data", None, read_only)];
        }
    };
    assert_eq!(prints(&rig, &["write", "/data/file", "kept"], with(false)).await.0, 0);
    assert_eq!(prints(&rig, &["cat", "/data/file"], with(true)).await, (0, "kept".to_owned()));
    assert_eq!(prints(&rig, &["ro-check", "/data"], with(true)).await, (0, "/data is read-only".to_owned()));
    let name = volume_name(&rig.instances[0], "warehouse");
    let seen = rig.docker.http().get(&format!("/volumes/{name}")).unwrap().json();
    assert_eq!(seen["Labels"][LABEL_INSTANCE], rig.instances[0].as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_a_volume_of_others_is_not_used() {
    let rig = rig().await;
    let name = volume_name(&rig.instances[0], "theirs");
    assert!(rig.docker.http().post("/volumes/create", &json!({"Name": name})).unwrap().is_success());
    let mut job = Job::new(&rig, &["echo"]);
    job.request.workload.volumes = vec![volume("theirs", "/data", None, false)];
    let error = rig.engine.create(&job.request, &job.folder).await.unwrap_err();
    assert!(rig.docker.http().delete(&format!("/volumes/{name}")).unwrap().is_success());
    assert_eq!(error.kind, EngineErrorKind::Conflict);
    assert!(error.message.contains(&name), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_the_volumes_of_a_run_go_with_it_and_no_others() {
    let rig = rig().await;
    let mut job = Job::new(&rig, &["echo"]);
    let Owner::Run(run) = job.request.step.owner.clone() else { unreachable!("jobs are of runs") };
    let own = VolumeMount { scope: VolumeScope::Run, ..volume("work", "/work", None, false) };
    job.request.workload.volumes = vec![volume("kept", "/data", None, false), own];
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    // Another instance has a run of this name, and so has somebody else.
    let strange = |instance: &str| json!({LABEL_INSTANCE: instance, LABEL_OWNER: run.as_str()});
    let others = [("theirs", strange(rig.instances[1].as_str())), ("strangers", json!({LABEL_OWNER: run.as_str()}))];
    let others = others.map(|(name, mut labels)| {
        let name = unique(name);
        labels[&rig.label] = json!("");
        let made = rig.docker.http().post("/volumes/create", &json!({"Name": name, "Labels": labels})).unwrap();
        assert!(made.is_success(), "{}", made.text());
        name
    });
    assert_eq!(rig.engine.runs_with_volumes().await.unwrap(), std::slice::from_ref(&run));
    let error = rig.engine.remove_volumes(&run).await.unwrap_err();
    assert!(error.may_pass(), "its container still has it: {error}");
    rig.engine.remove(job.name()).await.unwrap();
    rig.engine.remove_volumes(&run).await.unwrap();
    rig.engine.remove_volumes(&run).await.unwrap();
    assert_eq!(rig.engine.runs_with_volumes().await.unwrap(), []);
    let is_there = |name: &str| rig.docker.http().get(&format!("/volumes/{name}")).unwrap().is_success();
    assert!(!is_there(&volume_name(&rig.instances[0], "work")));
    assert!(is_there(&volume_name(&rig.instances[0], "kept")) && others.iter().all(|name| is_there(name)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_paths_are_mounted_as_they_were_allowed() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("file"), "of the host").unwrap();
    let with = |read_only| {
        move |workload: &mut provost_model::Workload| {
            workload.user = Some("0:0".to_owned());
            // Without this, root may not write into a folder of another user.
            workload.drop_capabilities.clear();
            workload.volumes = vec![volume("host", "/host", Some(path), read_only)];
        }
    };
    assert_eq!(prints(&rig, &["cat", "/host/file"], with(true)).await.1, "of the host");
    assert_eq!(prints(&rig, &["ro-check", "/host"], with(true)).await, (0, "/host is read-only".to_owned()));
    assert_eq!(prints(&rig, &["write", "/host/new", "text"], with(false)).await.0, 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("new")).unwrap(), "text\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engines_socket_is_never_mounted() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("harmless");
    std::os::unix::fs::symlink(rig.gate.path(), &link).unwrap();
    let holder = rig.gate.path().parent().unwrap().to_path_buf();
    for path in [rig.gate.path(), holder, link, "/var/run/docker.sock".into(), "/run".into(), "/".into()] {
        let mut job = Job::new(&rig, &["echo"]);
        job.request.workload.volumes = vec![volume("key", "/key", path.to_str(), true)];
        let error = rig.engine.create(&job.request, &job.folder).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Refused, "{}: {error}", path.display());
        assert_eq!(job.seen(&rig).await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_that_is_named_is_found_and_says_why() {
    let (host, instance) = (engine().host(), Instance::parse("a").unwrap());
    let found = discover(Search { docker_host: Some(host), ..Search::default() }, &instance).await.unwrap();
    let facts = found.probe().await.unwrap();
    assert_eq!((facts.product.as_str(), facts.address), ("Docker Engine", format!("{host} (DOCKER_HOST)")));
    assert!(facts.version.starts_with(|first: char| first.is_ascii_digit()));
    let search = Search { configured: Some("unix:///no/such.sock"), docker_host: Some(host), ..Search::default() };
    let error = discover(search, &instance).await.err().unwrap();
    assert_eq!(error.tried.len(), 1, "an engine that nobody expects would be worse than none: {error}");
    let text = error.to_string();
    assert!(text.contains("unix:///no/such.sock (engine.docker.host)") && text.contains("apt-get install"), "{text}");
}
