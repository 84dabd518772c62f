//! One function that checks a create request, whichever door it came through.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, RestartPolicyNameEnum};
use provost_controller::{SecretFile, StepFolder};
use provost_model::ContainerRequest;
use serde_json::Value;

use crate::body::{EVENT_PATH, NO_NEW_PRIVILEGES, OUT_PATH, RUN_PATH, container_side, volume_name};
use crate::names::{is_image, is_plain, plain_path};

/// Everything that Provost ever asks of an engine. What is not listed (host namespaces, devices, `Binds`, `VolumesFrom`,
/// cgroup parents, runtimes, and whatever engines invent) is refused.
const TOP: &[&str] = &[
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "HostConfig",
    "Hostname",
    "Image",
    "Labels",
    "StopSignal",
    "StopTimeout",
    "Tty",
    "User",
    "WorkingDir",
];
const HOST: &[&str] = &[
    "AutoRemove",
    "CapAdd",
    "CapDrop",
    "Init",
    "LogConfig",
    "Memory",
    "MemorySwap",
    "Mounts",
    "NanoCpus",
    "NetworkMode",
    "PidsLimit",
    "PortBindings",
    "Privileged",
    "ReadonlyRootfs",
    "RestartPolicy",
    "SecurityOpt",
    "Tmpfs",
];
const MOUNT: &[&str] = &["ReadOnly", "Source", "Target", "Type"];

/// Names of sockets that are the keys to the host.
const ENGINE_SOCKETS: &[&str] = &["docker.sock", "podman.sock", "containerd.sock", "crio.sock"];
/// Folders that are the kernel's.
const KERNEL_FOLDERS: &[&str] = &["/dev", "/proc", "/sys"];
/// Where engines' sockets usually are; a folder that holds one of them is refused too.
const USUAL_SOCKETS: &[&str] =
    &["/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"];

/// What one container may have, beyond what every container may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Exactly these labels.
    pub labels: BTreeMap<String, String>,
    /// The step's files.
    pub event: PathBuf,
    /// The step's folder for answers.
    pub out: PathBuf,
    /// The folder of the step's socket, if it may ask the server.
    pub run: Option<PathBuf>,
    /// The step's secrets: files in memory, each at its path only.
    pub secrets: Vec<SecretFile>,
    /// Named volumes, as the engine calls them.
    pub volumes: BTreeSet<String>,
    /// Paths of the host as the workload spells them, each with what it is when links are followed.
    pub host_paths: BTreeMap<String, PathBuf>,
    /// Capabilities that policy gives.
    pub capabilities: BTreeSet<String>,
    /// It may have the host's network: its manifest says `network: Host`, and policy has decided about that.
    pub host_network: bool,
    /// Ports of the host: the container's side (`80/tcp`), the address and the port. Policy has decided about them.
    pub ports: BTreeSet<(String, IpAddr, u16)>,
    /// The sockets of the engine that is asked.
    pub sockets: Vec<PathBuf>,
}

/// A create request that no engine is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the container is refused: {}", problems.join("; "))]
pub struct Refusal {
    /// Every problem, one sentence each.
    pub problems: Vec<String>,
}

impl Allowed {
    /// What `request` may have. Follows links of host paths, so that none leads to what is refused.
    pub fn of(request: &ContainerRequest, folder: &StepFolder, socket: Option<&Path>) -> Self {
        let workload = &request.workload;
        let (bound, named): (Vec<_>, Vec<_>) = workload.volumes.iter().partition(|volume| volume.host_path.is_some());
        let host_paths = bound.into_iter().filter_map(|volume| volume.host_path.clone());
        let sockets = USUAL_SOCKETS.iter().map(PathBuf::from).chain(socket.map(Path::to_path_buf));
        Self {
            labels: request.labels(),
            event: folder.event.clone(),
            out: folder.out.clone(),
            run: folder.run.clone(),
            secrets: folder.secrets.files.clone(),
            volumes: named.iter().map(|volume| volume_name(&request.instance, &volume.name)).collect(),
            host_paths: host_paths.map(|path| (path.clone(), real(Path::new(&path)))).collect(),
            capabilities: workload.add_capabilities.iter().cloned().collect(),
            host_network: workload.network == "Host",
            ports: workload.ports.iter().map(|port| (container_side(port), port.address, port.host)).collect(),
            sockets: sockets.flat_map(|socket| [real(&socket), socket]).collect(),
        }
    }
}

/// The path with all links followed; itself where nothing is there.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Checks that `body` asks for nothing but what `allowed` and every container may have.
///
/// Errors: every problem. Source: quality.md of the design, "Security"; Docker Engine API 1.41, `ContainerCreate`.
pub fn check(body: &ContainerCreateBody, allowed: &Allowed) -> Result<(), Refusal> {
    let mut problems = unknown_fields(body);
    problems.extend(check_container(body, allowed));
    match &body.host_config {
        Some(host) => problems.extend(check_host(host, allowed)),
        None => problems.push("it has no limits and no hardening (HostConfig)".to_owned()),
    }
    if problems.is_empty() { Ok(()) } else { Err(Refusal { problems }) }
}

/// Fields that Provost never sets, in the request as it will be sent.
fn unknown_fields(body: &ContainerCreateBody) -> Vec<String> {
    let json = serde_json::to_value(body).unwrap_or_default();
    let mounts = json["HostConfig"]["Mounts"].as_array().into_iter().flatten();
    beyond(&json, TOP, "")
        .into_iter()
        .chain(beyond(&json["HostConfig"], HOST, "HostConfig."))
        .chain(mounts.flat_map(|mount| beyond(mount, MOUNT, "HostConfig.Mounts.")))
        .collect()
}

fn beyond(json: &Value, known: &[&str], place: &str) -> Vec<String> {
    let fields = json.as_object().into_iter().flatten().map(|(field, _)| field);
    fields
        .filter(|field| !known.contains(&field.as_str()))
        .map(|field| format!("`{place}{field}` is not among what a container may have"))
        .collect()
}

fn check_container(body: &ContainerCreateBody, allowed: &Allowed) -> Vec<String> {
    let mut problems = Vec::new();
    let mut must = |holds: bool, problem: &str| {
        if !holds {
            problems.push(problem.to_owned());
        }
    };
    let labels = body.labels.iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    must(allowed.labels == labels, "its labels are not exactly those of its step");
    must(body.image.as_deref().is_some_and(is_image), "its image is not a reference such as name:tag");
    must(body.tty != Some(true), "it wants a terminal");
    must(body.stop_signal.as_deref() == Some("SIGTERM"), "it does not end on SIGTERM");
    let no_check = |health: &bollard::models::HealthConfig| {
        health.test.as_deref().is_some_and(|test| test.len() == 1 && test[0] == "NONE")
    };
    must(body.healthcheck.as_ref().is_some_and(no_check), "it wants a health check");
    let legal = |variable: &String| {
        let name = variable.split('=').next().unwrap_or_default();
        !name.is_empty() && variable.contains('=') && !variable.contains('\0')
    };
    must(body.env.iter().flatten().all(legal), "a variable has no name, or a NUL in it");
    problems
}

fn check_host(host: &HostConfig, allowed: &Allowed) -> Vec<String> {
    let mut problems = Vec::new();
    let mut must = |holds: bool, problem: &str| {
        if !holds {
            problems.push(problem.to_owned());
        }
    };
    must(host.privileged != Some(true), "it wants to be privileged");
    must(host.auto_remove != Some(true), "it wants to be removed by the engine, and its exit code with it");
    let restart = host.restart_policy.as_ref().and_then(|policy| policy.name);
    let once = matches!(restart, None | Some(RestartPolicyNameEnum::NO | RestartPolicyNameEnum::EMPTY));
    must(once, "it wants to be started again by the engine");
    let options: Vec<&str> = host.security_opt.iter().flatten().map(String::as_str).collect();
    must(options == [NO_NEW_PRIVILEGES], "its security options are not exactly `no-new-privileges`");
    must(host.memory == host.memory_swap, "its memory limit leaves swap out");
    must(host.tmpfs.iter().flatten().all(is_small_tmp), "it wants a folder in memory besides /tmp");
    let network = host.network_mode.as_deref().unwrap_or_default();
    must(network != "host" || allowed.host_network, "it wants the network of the host");
    must(is_plain(network), "its network is none of `None`, `Shared`, `Host` and a network's name");
    problems.extend(host.cap_add.iter().flatten().filter_map(|name| capability(name, allowed)));
    problems.extend(check_ports(host, allowed));
    problems.extend(host.mounts.iter().flatten().filter_map(|mount| check_mount(mount, allowed).err()));
    problems
}

/// Each port of the host is one that its manifest names, with its address: without one, an engine takes all of them.
fn check_ports(host: &HostConfig, allowed: &Allowed) -> Vec<String> {
    let mut problems = Vec::new();
    for (inside, bindings) in host.port_bindings.iter().flatten() {
        for binding in bindings.iter().flatten() {
            let address = binding.host_ip.as_deref().and_then(|address| address.parse::<IpAddr>().ok());
            let port = binding.host_port.as_deref().and_then(|port| port.parse::<u16>().ok()).filter(|port| *port > 0);
            let named = address.zip(port).map(|(address, port)| (inside.clone(), address, port));
            if !named.is_some_and(|named| allowed.ports.contains(&named)) {
                problems.push(format!("it wants a port of the host for `{inside}` that its manifest does not name"));
            }
        }
    }
    problems
}

fn is_small_tmp((path, options): (&String, &String)) -> bool {
    path == "/tmp" && options == crate::body::TMP_OPTIONS
}

fn capability(name: &str, allowed: &Allowed) -> Option<String> {
    let all = name.eq_ignore_ascii_case("ALL") || name.eq_ignore_ascii_case("CAP_ALL");
    match all {
        true => {
            Some("every capability together is privilege by another name; name the ones that are needed".to_owned())
        }
        false if allowed.capabilities.contains(name) => None,
        false => Some(format!("no policy gives it the capability `{name}`")),
    }
}

fn check_mount(mount: &Mount, allowed: &Allowed) -> Result<(), String> {
    let source = mount.source.as_deref().unwrap_or_default();
    let target = mount.target.as_deref().unwrap_or_default();
    let read_only = mount.read_only == Some(true);
    let own = [(&allowed.event, EVENT_PATH, true), (&allowed.out, OUT_PATH, false)];
    let run = allowed.run.iter().map(|run| (run, RUN_PATH, true));
    if mount.typ == Some(MountType::BIND)
        && own
            .into_iter()
            .chain(run)
            .any(|(path, at, ro)| Path::new(source) == path.as_path() && target == at && read_only == ro)
    {
        return Ok(());
    }
    check_target(target)?;
    let is_secret = |file: &SecretFile| Path::new(source) == file.source && target == file.path && read_only;
    match mount.typ {
        Some(MountType::BIND) if allowed.secrets.iter().any(is_secret) => Ok(()),
        Some(MountType::VOLUME) if is_plain(source) && allowed.volumes.contains(source) => Ok(()),
        Some(MountType::BIND) => check_host_path(source, allowed),
        _ => Err(format!(
            "it wants to mount `{source}`, which is neither a volume of its own nor a path that policy allows"
        )),
    }
}

/// What a container may mount things over.
fn check_target(target: &str) -> Result<(), String> {
    plain_path(target).map_err(|why| format!("it wants to see a volume at `{target}`, which {why}"))?;
    let taken = ["/provost", "/proc", "/sys", "/dev"];
    match taken.iter().find(|folder| Path::new(target).starts_with(folder)) {
        Some(folder) => Err(format!("it wants to see a volume at `{target}`; `{folder}` is not a volume's place")),
        None => Ok(()),
    }
}

fn check_host_path(source: &str, allowed: &Allowed) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("it wants `{source}` of the host, which {why}"));
    let Some(real) = allowed.host_paths.get(source) else {
        return refuse("no volume of its manifest names");
    };
    if let Err(why) = plain_path(source) {
        return refuse(why);
    }
    for path in [Path::new(source), real] {
        if KERNEL_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
            return refuse("is the kernel's");
        }
        let key = path.file_name().is_some_and(|name| ENGINE_SOCKETS.iter().any(|socket| name == *socket));
        if key || allowed.sockets.iter().any(|socket| socket.starts_with(path)) {
            return refuse("is or holds the engine's socket; whoever has that is root on the host");
        }
    }
    if real != Path::new(source) {
        // Policy decided about the path as it is written. A link may be made by whoever may write to its folder.
        return refuse(&format!("leads by a link to `{}`; name that path itself", real.display()));
    }
    Ok(())
}
