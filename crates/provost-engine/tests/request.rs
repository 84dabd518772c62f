//! The create request: every field of a workload changes it, and what it must not ask for is refused.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, HostConfig, HostConfigCgroupnsModeEnum, Mount, MountBindOptions, MountType,
    MountVolumeOptions, RestartPolicy, RestartPolicyNameEnum,
};
use provost_controller::{HandedOut, SecretFile, StepFolder};
use provost_engine::{Allowed, Habits, check, create_request};
use provost_model::{
    ContainerName, ContainerRequest, Instance, Owner, PullPolicy, Resources, RunId, StepId, StepRef, VolumeMount,
    VolumeScope, Workload,
};
use serde_json::{Value, json};

const DOCKER: Habits = Habits { podman: false, init: true };

fn request() -> ContainerRequest {
    let instance = Instance::parse("here").unwrap();
    let step = StepRef { owner: Owner::Run(RunId::parse("nightly.20261120T020000Z").unwrap()), step: StepId::main(1) };
    ContainerRequest {
        name: ContainerName::of(&instance, step.owner.id(), step.step.as_str()),
        instance,
        step,
        workload: Workload { image: "alpine:3".to_owned(), network: "None".to_owned(), ..Workload::default() },
        event: Value::Null,
        grace_s: 30,
        log_bytes: 10 << 20,
    }
}

fn folder() -> StepFolder {
    let secrets = HandedOut::default();
    StepFolder { event: "/state/steps/1/event.json".into(), out: "/state/steps/1/out".into(), run: None, secrets }
}

fn body(change: impl FnOnce(&mut ContainerRequest)) -> Value {
    let mut request = request();
    change(&mut request);
    serde_json::to_value(create_request(&request, &folder(), DOCKER)).unwrap()
}

fn volume(host_path: Option<&str>, read_only: bool) -> VolumeMount {
    let host_path = host_path.map(str::to_owned);
    VolumeMount { name: "data".to_owned(), path: "/data".to_owned(), host_path, read_only, scope: VolumeScope::Server }
}

#[test]
fn a_socket_is_mounted_where_there_is_one() {
    let own = |folder: &StepFolder| {
        let body = serde_json::to_value(create_request(&request(), folder, DOCKER)).unwrap();
        let mounts = body["HostConfig"]["Mounts"].as_array().unwrap().clone();
        mounts.into_iter().find(|mount| mount["Target"] == "/provost/run")
    };
    assert_eq!(own(&folder()), None);
    let run = StepFolder { run: Some("/state/steps/1/run".into()), ..folder() };
    let mount = json!({"Type": "bind", "Source": "/state/steps/1/run", "Target": "/provost/run", "ReadOnly": true});
    assert_eq!(own(&run), Some(mount));
    let request = request();
    let body = create_request(&request, &run, DOCKER);
    assert_eq!(check(&body, &Allowed::of(&request, &run, None)), Ok(()));
    assert!(check(&body, &Allowed::of(&request, &folder(), None)).is_err(), "it is for those alone who may ask");
}

/// One row a field: what changes, and where it is found.
#[test]
fn every_field_of_a_workload_changes_the_request() {
    // A new field does not compile here, until it has its row below.
    let Workload {
        image: _,
        pull: _,
        command: _,
        args: _,
        env: _,
        user: _,
        working_dir: _,
        read_only_root: _,
        drop_capabilities: _,
        add_capabilities: _,
        user_namespace: _, // No row: an engine has it for all containers, or for none. See `remaps_users`.
        network: _,
        volumes: _,
        secrets: _, // `secrets_come_from_what_was_handed_out` is its row.
        ports: _,
        resources: Resources { cpu_millis: _, memory_bytes: _, pids: _ },
        access: _, // `a_socket_is_mounted_where_there_is_one` is its row.
    } = Workload::default();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    type Row = (&'static str, Box<dyn Fn(&mut Workload)>, &'static str, Value);
    let row = |field, change: Box<dyn Fn(&mut Workload)>, place, value| -> Row { (field, change, place, value) };
    let mount = |kind: &str, source: &str, read_only: bool| json!({"Type": kind, "Source": source, "Target": "/data", "ReadOnly": read_only});
    let rows = [
        row("image", Box::new(|w| w.image = "b:2".to_owned()), "/Image", json!("b:2")),
        row("command", Box::new(move |w| w.command = words(&["a", "b"])), "/Entrypoint", json!(["a", "b"])),
        row("args", Box::new(move |w| w.args = words(&["c d"])), "/Cmd", json!(["c d"])),
        row("env", Box::new(|w| w.env = BTreeMap::from([("A".into(), "b=c".into())])), "/Env", json!(["A=b=c"])),
        row("user", Box::new(|w| w.user = Some("1:2".into())), "/User", json!("1:2")),
        row("workingDir", Box::new(|w| w.working_dir = Some("/w".into())), "/WorkingDir", json!("/w")),
        row("readOnlyRoot", Box::new(|w| w.read_only_root = true), "/HostConfig/ReadonlyRootfs", json!(true)),
        row(
            "readOnlyRoot",
            Box::new(|w| w.read_only_root = true),
            "/HostConfig/Tmpfs",
            json!({"/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777"}),
        ),
        row(
            "dropCapabilities",
            Box::new(move |w| w.drop_capabilities = words(&["ALL"])),
            "/HostConfig/CapDrop",
            json!(["ALL"]),
        ),
        row(
            "addCapabilities",
            Box::new(move |w| w.add_capabilities = words(&["CHOWN"])),
            "/HostConfig/CapAdd",
            json!(["CHOWN"]),
        ),
        row("network", Box::new(|w| w.network = "Shared".into()), "/HostConfig/NetworkMode", json!("bridge")),
        row("network", Box::new(|w| w.network = "shop".into()), "/HostConfig/NetworkMode", json!("shop")),
        row("network", Box::new(|w| w.network = "Host".into()), "/HostConfig/NetworkMode", json!("host")),
        row(
            "volumes",
            Box::new(|w| w.volumes = vec![volume(None, false)]),
            "/HostConfig/Mounts/2",
            mount("volume", "provost-here-data", false),
        ),
        row(
            "volumes",
            Box::new(|w| w.volumes = vec![volume(Some("/srv/data"), true)]),
            "/HostConfig/Mounts/2",
            mount("bind", "/srv/data", true),
        ),
        row(
            "ports",
            Box::new(|w| w.ports = vec!["8090:80".parse().unwrap(), "0.0.0.0:53:53/udp".parse().unwrap()]),
            "/HostConfig/PortBindings",
            json!({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8090"}],
                   "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "53"}]}),
        ),
        row("ports", Box::new(|w| w.ports = vec!["8090:80".parse().unwrap()]), "/ExposedPorts", json!({"80/tcp": {}})),
        row("cpu", Box::new(|w| w.resources.cpu_millis = 1500), "/HostConfig/NanoCpus", json!(1_500_000_000_u64)),
        row("memory", Box::new(|w| w.resources.memory_bytes = 64), "/HostConfig/Memory", json!(64)),
        row("memory", Box::new(|w| w.resources.memory_bytes = 64), "/HostConfig/MemorySwap", json!(64)),
        row("pids", Box::new(|w| w.resources.pids = 7), "/HostConfig/PidsLimit", json!(7)),
    ];
    let plain = body(|_| ());
    for (field, change, place, value) in rows {
        let changed = body(|request| change(&mut request.workload));
        assert_eq!(changed.pointer(place), Some(&value), "{field}");
        assert_ne!(plain.pointer(place), Some(&value), "{field}: the row proves nothing");
    }
}

/// What was handed out for a secret that is wanted both ways.
fn with_secrets() -> StepFolder {
    let files = vec![SecretFile { source: "/run/provost/here/c/gcp".into(), path: "/run/secrets/gcp".to_owned() }];
    let env = vec![("PGPASSWORD".to_owned(), "hunter2".to_owned().into())];
    StepFolder { secrets: HandedOut { files, env }, ..folder() }
}

#[test]
fn secrets_come_from_what_was_handed_out() {
    let body = create_request(&request(), &with_secrets(), DOCKER);
    let json = serde_json::to_value(&body).unwrap();
    let mount =
        json!({"Type": "bind", "Source": "/run/provost/here/c/gcp", "Target": "/run/secrets/gcp", "ReadOnly": true});
    assert_eq!(json["HostConfig"]["Mounts"][2], mount);
    assert_eq!(json["Env"].as_array().unwrap().last().unwrap(), "PGPASSWORD=hunter2");
    assert!(!json["Labels"].to_string().contains("hunter2"));
    let allowed = Allowed::of(&request(), &with_secrets(), None);
    check(&body, &allowed).unwrap();
    let bare = Allowed::of(&request(), &folder(), None);
    assert!(
        check(&body, &bare).unwrap_err().to_string().contains("/run/provost/here/c/gcp"),
        "a file that nobody handed out"
    );
    assert!(!format!("{:?} {allowed:?}", with_secrets()).contains("hunter2"));
}

#[test]
fn the_pull_policy_is_no_matter_of_the_container() {
    let with = |pull| body(|request| request.workload.pull = pull)["HostConfig"].clone();
    assert_eq!(with(PullPolicy::Always), with(PullPolicy::Never));
    assert_eq!(body(|_| ())["HostConfig"]["NetworkMode"], "none");
}

#[test]
fn the_fields_of_the_request_are_in_it_too() {
    let plain = body(|_| ());
    assert_eq!(plain["StopTimeout"], 30);
    assert_eq!(plain["Hostname"], "nightly");
    assert_eq!(plain["Labels"], serde_json::to_value(request().labels()).unwrap());
    let log = json!({"Type": "json-file", "Config": {"max-size": "20971520", "max-file": "2"}});
    assert_eq!(plain["HostConfig"]["LogConfig"], log);
    let mount = |source: &str, target: &str, read_only: bool| json!({"Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only});
    let mounts = [
        mount("/state/steps/1/event.json", "/provost/event.json", true),
        mount("/state/steps/1/out", "/provost/out", false),
    ];
    assert_eq!(plain["HostConfig"]["Mounts"], json!(mounts));
    assert_eq!(body(|request| request.grace_s = 5)["StopTimeout"], 5);
    assert_eq!(body(|request| request.log_bytes = 1)["HostConfig"]["LogConfig"]["Config"]["max-size"], "1048576");
}

#[test]
fn every_container_is_hardened() {
    let host = &body(|_| ())["HostConfig"];
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    assert_eq!((&host["Privileged"], &host["AutoRemove"], &host["Init"]), (&json!(false), &json!(false), &json!(true)));
    assert_eq!(host["RestartPolicy"], json!({"Name": "no"}));
    assert_eq!(body(|_| ())["Healthcheck"], json!({"Test": ["NONE"]}));
}

#[test]
fn engines_differ_a_little() {
    let podman = create_request(&request(), &folder(), Habits { podman: true, init: false });
    let host = serde_json::to_value(podman).unwrap()["HostConfig"].clone();
    assert_eq!((host.get("LogConfig"), host.get("Init")), (None, None));
}

#[test]
fn a_volume_at_tmp_is_not_covered() {
    let host = body(|request| {
        request.workload.read_only_root = true;
        request.workload.volumes = vec![VolumeMount { path: "/tmp".to_owned(), ..volume(None, false) }];
    })["HostConfig"]
        .clone();
    assert_eq!(host.get("Tmpfs"), None);
}

#[test]
fn host_names_are_short() {
    let long = body(|request| request.step.owner = Owner::Run(RunId::parse("n".repeat(120)).unwrap()));
    assert_eq!(long["Hostname"].as_str().unwrap().len(), 63);
}

/// A request with one of everything that is allowed.
fn rich() -> ContainerRequest {
    let mut request = request();
    request.workload.volumes = vec![
        volume(None, false),
        VolumeMount { name: "srv".to_owned(), path: "/srv".to_owned(), ..volume(Some("/srv/data"), true) },
    ];
    request.workload.add_capabilities = vec!["CHOWN".to_owned()];
    request.workload.read_only_root = true;
    request.workload.network = "shop".to_owned();
    request.workload.resources.memory_bytes = 1 << 20;
    request
}

fn checked(change: impl FnOnce(&mut ContainerCreateBody)) -> Result<(), String> {
    let request = rich();
    let mut body = create_request(&request, &folder(), DOCKER);
    change(&mut body);
    let socket = PathBuf::from("/engine/the.sock");
    check(&body, &Allowed::of(&request, &folder(), Some(&socket))).map_err(|refusal| refusal.to_string())
}

fn host(change: impl FnOnce(&mut HostConfig)) -> Result<(), String> {
    checked(|body| change(body.host_config.as_mut().unwrap()))
}

fn mount(change: impl FnOnce(&mut Mount)) -> Result<(), String> {
    host(|host| change(host.mounts.as_mut().unwrap().last_mut().unwrap()))
}

#[test]
fn what_was_decided_passes() {
    assert_eq!(checked(|_| ()), Ok(()));
}

#[test]
fn the_hosts_network_is_only_for_who_asked_for_exactly_that() {
    let of = |network: &str| {
        let mut request = rich();
        request.workload.network = network.to_owned();
        let body = create_request(&request, &folder(), DOCKER);
        check(&body, &Allowed::of(&request, &folder(), None)).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(of("Host"), Ok(()));
    assert!(of("host").unwrap_err().contains("network of the host"), "a network of that name is not what it is");
}

/// A binding of a port of the host.
fn bindings(address: Option<&str>, port: &str) -> Option<bollard::models::PortMap> {
    let binding =
        bollard::models::PortBinding { host_ip: address.map(str::to_owned), host_port: Some(port.to_owned()) };
    Some(HashMap::from([("80/tcp".to_owned(), Some(vec![binding]))]))
}

#[test]
fn the_keys_to_the_host_are_refused() {
    let some = |text: &str| Some(text.to_owned());
    let list = |text: &str| Some(vec![text.to_owned()]);
    for (result, words) in [
        (host(|h| h.privileged = Some(true)), "privileged"),
        (host(|h| h.pid_mode = some("host")), "PidMode"),
        (host(|h| h.ipc_mode = some("host")), "IpcMode"),
        (host(|h| h.uts_mode = some("host")), "UTSMode"),
        (host(|h| h.userns_mode = some("host")), "UsernsMode"),
        (host(|h| h.cgroupns_mode = Some(HostConfigCgroupnsModeEnum::HOST)), "CgroupnsMode"),
        (host(|h| h.network_mode = some("host")), "network of the host"),
        (host(|h| h.network_mode = some("container:other")), "network is none of"),
        (host(|h| h.network_mode = some("ns:/proc/1/ns/net")), "network is none of"),
        (host(|h| h.network_mode = None), "network is none of"),
        (host(|h| h.devices = Some(vec![DeviceMapping::default()])), "Devices"),
        (host(|h| h.device_cgroup_rules = list("a *:* rwm")), "DeviceCgroupRules"),
        (host(|h| h.device_requests = Some(Vec::new())), "DeviceRequests"),
        (host(|h| h.binds = list("/:/host")), "Binds"),
        (host(|h| h.volumes_from = list("other")), "VolumesFrom"),
        (host(|h| h.cgroup_parent = some("/")), "CgroupParent"),
        (host(|h| h.runtime = some("other")), "Runtime"),
        (host(|h| h.sysctls = Some(HashMap::new())), "Sysctls"),
        (host(|h| h.oom_kill_disable = Some(true)), "OomKillDisable"),
        (host(|h| h.security_opt = None), "security options"),
        (host(|h| h.security_opt = list("seccomp=unconfined")), "security options"),
        (host(|h| h.security_opt.as_mut().unwrap().push("apparmor=unconfined".to_owned())), "security options"),
        (host(|h| h.cap_add = list("SYS_ADMIN")), "SYS_ADMIN"),
        (host(|h| h.cap_add = list("all")), "every capability"),
        (host(|h| h.memory_swap = Some(-1)), "swap"),
        (host(|h| h.auto_remove = Some(true)), "removed by the engine"),
        (
            host(|h| {
                let name = Some(RestartPolicyNameEnum::ALWAYS);
                h.restart_policy = Some(RestartPolicy { name, maximum_retry_count: None });
            }),
            "started again",
        ),
        (host(|h| h.port_bindings = bindings(Some("127.0.0.1"), "80")), "port of the host"),
        (host(|h| h.port_bindings = bindings(None, "80")), "port of the host"),
        (host(|h| h.publish_all_ports = Some(true)), "PublishAllPorts"),
        (host(|h| h.tmpfs = Some(HashMap::from([("/run".to_owned(), String::new())]))), "besides /tmp"),
        (host(|h| h.tmpfs = Some(HashMap::from([("/tmp".to_owned(), "exec".to_owned())]))), "besides /tmp"),
        (checked(|b| b.host_config = None), "no limits"),
        (checked(|b| b.tty = Some(true)), "terminal"),
        (checked(|b| b.open_stdin = Some(true)), "OpenStdin"),
        (checked(|b| b.healthcheck = None), "health check"),
        (checked(|b| b.stop_signal = some("SIGKILL")), "SIGTERM"),
        (checked(|b| b.image = some("../x")), "image"),
        (checked(|b| b.env = list("=x")), "variable"),
        (checked(|b| b.env = list("A=\0")), "variable"),
        (checked(|b| drop(b.labels.as_mut().unwrap().insert("provost.instance".into(), "other".into()))), "labels"),
        (checked(|b| drop(b.labels.as_mut().unwrap().insert("more".into(), "x".into()))), "labels"),
        (checked(|b| drop(b.labels.as_mut().unwrap().remove("provost.step"))), "labels"),
        (checked(|b| b.labels = None), "labels"),
        (mount(|m| m.typ = Some(MountType::TMPFS)), "neither a volume"),
        (mount(|m| m.source = some("/etc")), "no volume of its manifest names"),
        (mount(|m| m.bind_options = Some(MountBindOptions::default())), "BindOptions"),
        (mount(|m| m.volume_options = Some(MountVolumeOptions::default())), "VolumeOptions"),
        (mount(|m| m.target = some("/")), "is the root"),
        (mount(|m| m.target = some("/provost/out")), "not a volume's place"),
        (mount(|m| m.target = some("/proc/sys")), "not a volume's place"),
        (mount(|m| m.target = some("/a/../proc")), "not spelled plainly"),
        (mount(|m| (m.source, m.typ) = (some("provost-other-data"), Some(MountType::VOLUME))), "neither a volume"),
    ] {
        let refusal = result.expect_err(words);
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
    let both = host(|h| (h.privileged, h.auto_remove) = (Some(true), Some(true))).unwrap_err();
    assert!(both.contains("privileged") && both.contains("removed by"), "all problems at once: {both}");
    let event = host(|h| h.mounts.as_mut().unwrap()[0].read_only = Some(false)).unwrap_err();
    assert!(event.contains("not a volume's place"), "{event}");
}

/// Even if a policy lets a host path through.
#[test]
fn some_host_paths_are_refused_whoever_allows_them() {
    let refusal = |path: &str| {
        let mut request = request();
        request.workload.volumes = vec![volume(Some(path), true)];
        let body = create_request(&request, &folder(), DOCKER);
        let socket = PathBuf::from("/engine/the.sock");
        check(&body, &Allowed::of(&request, &folder(), Some(&socket))).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(refusal("/srv/data"), Ok(()));
    for (path, words) in [
        ("", "not absolute"),
        ("srv", "not absolute"),
        ("/", "is the root"),
        ("/srv/../etc", "not spelled plainly"),
        ("/srv/./data", "not spelled plainly"),
        ("/srv//data", "not spelled plainly"),
        ("/srv/data/", "not spelled plainly"),
        ("/srv,dst=/x", "comma"),
        ("/srv\n", "control"),
        ("/proc", "the kernel's"),
        ("/sys/fs/cgroup", "the kernel's"),
        ("/dev/sda", "the kernel's"),
        ("/var/run/docker.sock", "engine's socket"),
        ("/run/docker.sock", "engine's socket"),
        ("/var/run", "engine's socket"),
        ("/run", "engine's socket"),
        ("/run/podman", "engine's socket"),
        ("/run/containerd", "engine's socket"),
        ("/engine/the.sock", "engine's socket"),
        ("/engine", "engine's socket"),
        ("/elsewhere/docker.sock", "engine's socket"),
    ] {
        let refusal = refusal(path).expect_err(path);
        assert!(refusal.contains(words), "{path:?}: {refusal}");
    }
}

/// Policy decides about paths as they are written; what a link leads to is another path.
#[test]
fn host_paths_that_lead_elsewhere_by_a_link_are_refused() {
    let folder_of_links = tempfile::tempdir().unwrap();
    let root = folder_of_links.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("data/below")).unwrap();
    for (link, target) in [("away", "/etc"), ("inside", "data"), ("socket", "/run/docker.sock"), ("nowhere", "/none")] {
        std::os::unix::fs::symlink(target, root.join(link)).unwrap();
    }
    std::os::unix::fs::symlink("/proc/self/root", root.join("host")).unwrap();
    let refusal = |path: &str| {
        let path = root.join(path).to_str().unwrap().to_owned();
        let mut request = request();
        request.workload.volumes = vec![volume(Some(&path), true)];
        let body = create_request(&request, &folder(), DOCKER);
        check(&body, &Allowed::of(&request, &folder(), None)).map_err(|refusal| refusal.to_string())
    };
    for path in ["data", "data/below", "not-there-yet"] {
        assert_eq!(refusal(path), Ok(()), "{path}");
    }
    for (path, words) in [
        ("away", "leads by a link to `/etc`; name that path itself"),
        ("away/ssl", "leads by a link to `/etc/ssl`"),
        ("inside", "leads by a link to `"),
        ("inside/below", "leads by a link to `"),
        ("host", "is or holds the engine's socket"),
        ("host/etc", "leads by a link to `/etc`"),
    ] {
        let refusal = refusal(path).expect_err(path);
        assert!(refusal.contains(words), "{path}: {refusal}");
    }
}
