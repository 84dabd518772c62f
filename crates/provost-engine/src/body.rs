//! One function that turns a container request into an engine's create request.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType, PortBinding, PortMap,
    RestartPolicy, RestartPolicyNameEnum,
};
use provost_controller::StepFolder;
use provost_model::{ContainerRequest, Instance, PortMapping, StepRef, VolumeMount};
use secrecy::ExposeSecret as _;

/// Where a container finds its event.
pub(crate) const EVENT_PATH: &str = "/provost/event.json";
/// Where a container leaves its answers.
pub(crate) const OUT_PATH: &str = "/provost/out";
/// Where a container finds its socket, if it may ask the server.
pub(crate) const RUN_PATH: &str = "/provost/run";
/// The option that keeps a program from gaining privileges through set-user-id files.
pub(crate) const NO_NEW_PRIVILEGES: &str = "no-new-privileges";
/// `/tmp` of a container whose root is read-only. Nothing in it can be executed: a folder that is writable and
/// executable would undo what the read-only root is for. A job that needs one mounts a volume.
pub(crate) const TMP_OPTIONS: &str = "rw,noexec,nosuid,nodev,size=64m,mode=1777";

/// What differs from engine to engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// It is Podman: the log driver is left as it is.
    pub podman: bool,
    /// It has a small init program that passes signals on and reaps orphans.
    pub init: bool,
}

/// Returns what an engine is asked to make for `request`: everything in the request, and nothing else.
///
/// Hardening that no manifest can take away: no new privileges, never privileged, no terminal, the engine's own
/// seccomp and AppArmor profiles, no health check and no stop signal of the image's choosing, a bounded copy of the
/// output in the engine. Limits of 0 are none.
///
/// Source: Docker Engine API 1.41, `ContainerCreate`.
pub fn create_request(request: &ContainerRequest, folder: &StepFolder, habits: Habits) -> ContainerCreateBody {
    let workload = &request.workload;
    ContainerCreateBody {
        image: Some(workload.image.clone()),
        entrypoint: unless_empty(&workload.command),
        cmd: unless_empty(&workload.args),
        env: Some(env(request, folder)),
        user: workload.user.clone(),
        working_dir: workload.working_dir.clone(),
        hostname: Some(hostname(&request.step)),
        labels: Some(request.labels().into_iter().collect()),
        stop_signal: Some("SIGTERM".to_owned()),
        stop_timeout: Some(signed(request.grace_s)),
        exposed_ports: exposed_ports(request),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        tty: Some(false),
        host_config: Some(host_config(request, folder, habits)),
        ..ContainerCreateBody::default()
    }
}

/// The variables, those that hold secrets last.
fn env(request: &ContainerRequest, folder: &StepFolder) -> Vec<String> {
    let own = request.workload.env.iter().map(|(name, value)| format!("{name}={value}"));
    let secret = folder.secrets.env.iter().map(|(name, value)| format!("{name}={}", value.expose_secret()));
    own.chain(secret).collect()
}

fn host_config(request: &ContainerRequest, folder: &StepFolder, habits: Habits) -> HostConfig {
    let workload = &request.workload;
    let memory = limit(workload.resources.memory_bytes);
    HostConfig {
        privileged: Some(false),
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        init: habits.init.then_some(true),
        security_opt: Some(vec![NO_NEW_PRIVILEGES.to_owned()]),
        cap_drop: unless_empty(&workload.drop_capabilities),
        cap_add: unless_empty(&workload.add_capabilities),
        readonly_rootfs: Some(workload.read_only_root),
        tmpfs: tmpfs(request),
        pids_limit: limit(workload.resources.pids),
        memory,
        memory_swap: memory,
        nano_cpus: limit(workload.resources.cpu_millis.saturating_mul(1_000_000)),
        network_mode: Some(network_mode(&workload.network).to_owned()),
        port_bindings: port_bindings(request),
        mounts: Some(mounts(request, folder)),
        log_config: (!habits.podman).then(|| log_config(request.log_bytes)),
        ..HostConfig::default()
    }
}

/// The container's side of its ports: `80/tcp`.
pub(crate) fn container_side(port: &PortMapping) -> String {
    format!("{}/{}", port.container, port.protocol.word())
}

fn exposed_ports(request: &ContainerRequest) -> Option<Vec<String>> {
    let ports: BTreeSet<String> = request.workload.ports.iter().map(container_side).collect();
    (!ports.is_empty()).then(|| ports.into_iter().collect())
}

fn port_bindings(request: &ContainerRequest) -> Option<PortMap> {
    let mut bindings = PortMap::new();
    for port in &request.workload.ports {
        let binding = PortBinding { host_ip: Some(port.address.to_string()), host_port: Some(port.host.to_string()) };
        bindings.entry(container_side(port)).or_default().get_or_insert_default().push(binding);
    }
    (!bindings.is_empty()).then_some(bindings)
}

/// The engine's name for `None`, `Shared` and `Host`; any other network has its own.
fn network_mode(network: &str) -> &str {
    match network {
        "None" | "" => "none",
        "Shared" => "bridge",
        "Host" => "host",
        named => named,
    }
}

/// A short name that people recognise: the automation's, for a run.
fn hostname(step: &StepRef) -> String {
    let head = step.owner.id().split('.').next().unwrap_or_default();
    head.chars().take(63).collect::<String>().trim_end_matches(['-', '_']).to_owned()
}

fn tmpfs(request: &ContainerRequest) -> Option<HashMap<String, String>> {
    let workload = &request.workload;
    let taken = workload.volumes.iter().any(|volume| volume.path == "/tmp");
    (workload.read_only_root && !taken).then(|| HashMap::from([("/tmp".to_owned(), TMP_OPTIONS.to_owned())]))
}

fn mounts(request: &ContainerRequest, folder: &StepFolder) -> Vec<Mount> {
    let own = [bind(&folder.event, EVENT_PATH, true), bind(&folder.out, OUT_PATH, false)];
    let run = folder.run.iter().map(|run| bind(run, RUN_PATH, true));
    let secrets = folder.secrets.files.iter().map(|file| bind(&file.source, &file.path, true));
    let volumes = &request.workload.volumes;
    own.into_iter()
        .chain(run)
        .chain(secrets)
        .chain(volumes.iter().map(|volume| mount(&request.instance, volume)))
        .collect()
}

fn mount(instance: &Instance, volume: &VolumeMount) -> Mount {
    match &volume.host_path {
        Some(host_path) => bind(Path::new(host_path), &volume.path, volume.read_only),
        None => Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume_name(instance, &volume.name)),
            target: Some(volume.path.clone()),
            read_only: Some(volume.read_only),
            ..Mount::default()
        },
    }
}

fn bind(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

/// The engine's name of a manifest's volume: `provost-<instance>-<volume>`.
pub fn volume_name(instance: &Instance, volume: &str) -> String {
    format!("provost-{instance}-{volume}")
}

/// The engine's own copy of the output: two files, each twice as long as what Provost keeps, so that a flood cannot fill
/// the disk, and what is kept can still be read again after a restart. A short one is not turned over all the time.
fn log_config(log_bytes: u64) -> HostConfigLogConfig {
    let size = log_bytes.saturating_mul(2).max(1 << 20);
    let config = [("max-size", size.to_string()), ("max-file", "2".to_owned())];
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(config.map(|(key, value)| (key.to_owned(), value)).into()),
    }
}

fn unless_empty(words: &[String]) -> Option<Vec<String>> {
    (!words.is_empty()).then(|| words.to_vec())
}

fn limit(amount: u64) -> Option<i64> {
    (amount > 0).then(|| signed(amount))
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
