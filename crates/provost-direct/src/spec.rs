//! From a create request, which was checked, to an OCI bundle: the same request that other engines are sent, so that a
//! container is the same whichever engine makes it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType};
use provost_oci::ImageConfig;
use serde_json::{Value, json};

use crate::cgroup::{self, Cgroup};
use crate::limits::{self, Limit};
use crate::network::{FILES, Network};
use crate::place::Place;
use crate::shim::guise;
use crate::user::User;
use crate::users::{Guise, Users};

/// What containers have that nobody took capabilities from: what Docker gives, without the making of devices.
const USUAL_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
/// What tells of the machine, or changes it.
const MASKED: &[&str] = &[
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
const READ_ONLY: &[&str] =
    &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", "/sys/fs/cgroup"];
/// The group of terminals, everywhere.
const TTY: u32 = 5;
const SEARCH_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A container to be, in the terms of this engine.
pub(crate) struct Plan<'a> {
    /// What was asked for, and checked.
    pub(crate) body: &'a ContainerCreateBody,
    /// What the image says.
    pub(crate) image: &'a ImageConfig,
    /// As whom it runs.
    pub(crate) user: &'a User,
    /// Who its programs take themselves for, if not for that.
    pub(crate) guise: Option<Guise>,
    /// Who there is.
    pub(crate) users: &'a Users,
    /// Whether it has a user namespace of its own.
    pub(crate) has_own_users: bool,
    /// The engine's id of it.
    pub(crate) id: &'a str,
    /// Where the named volumes are.
    pub(crate) volumes: &'a Path,
    pub(crate) network: &'a Network,
    pub(crate) place: &'a Place,
}

impl Plan<'_> {
    /// The bundle's `config.json`. Source: OCI Runtime Specification 1.2.
    pub(crate) fn config(&self) -> Value {
        let host = self.body.host_config.clone().unwrap_or_default();
        let (bound, own) = self.capabilities_of_process();
        let own_namespaces = ["pid", "ipc", "uts", "mount", "cgroup"].map(|namespace| json!({"type": namespace}));
        // A network that is connected later is a new one. Else it is the shim's, which is empty, or the host's. It has to be
        // named: what joins the container later goes only where this list says.
        let network = match self.network {
            Network::Joined(_) => Some(json!({"type": "network"})),
            // It has to be that of its own users.
            Network::None if self.has_own_users => Some(json!({"type": "network"})),
            // Nobody but root may enter it, and everybody is in it already.
            Network::Host if !self.is_of_host() => None,
            Network::None | Network::Host => Some(json!({"type": "network", "path": "/proc/self/ns/net"})),
        };
        let users = self.has_own_users.then(|| json!({"type": "user", "path": self.place.users()}));
        let namespaces: Vec<Value> = own_namespaces.into_iter().chain(network).chain(users).collect();
        let mut config = json!({
            "ociVersion": "1.0.2",
            "hostname": self.body.hostname,
            "root": {"path": "rootfs", "readonly": host.readonly_rootfs == Some(true)},
            "process": {
                "terminal": false,
                "user": {"uid": self.user.uid, "gid": self.user.gid, "additionalGids": self.user.groups},
                "args": self.command(),
                "env": self.env(),
                "cwd": self.working_dir(),
                "noNewPrivileges": true,
                "capabilities":
                    {"bounding": bound, "effective": own, "permitted": own, "inheritable": [], "ambient": []},
            },
            "mounts": self.mapped(self.mounts(&host)),
            "linux": {
                "namespaces": namespaces,
                "cgroupsPath": Cgroup::runtime_path(self.id),
                "maskedPaths": MASKED,
                "readonlyPaths": READ_ONLY,
            },
        });
        if cgroup::is_unified() && self.users.are_all() {
            config["linux"]["resources"] = limits::unified(&host);
        }
        config
    }

    /// What is mounted into it of the machine.
    pub(crate) fn sources(&self) -> Vec<PathBuf> {
        let host = self.body.host_config.clone().unwrap_or_default();
        let mounts = self.mounts(&host).into_iter().filter(has_owners);
        mounts.filter_map(|mount| mount["source"].as_str().map(PathBuf::from)).collect()
    }

    /// The mounts with what is bound of the machine taken from where the shim maps its users; see [`Plan::sources`].
    fn mapped(&self, mut mounts: Vec<Value>) -> Vec<Value> {
        let bound = mounts.iter_mut().filter(|mount| self.has_own_users && has_owners(mount));
        for (index, mount) in bound.enumerate() {
            mount["source"] = json!(self.place.bound(index));
        }
        mounts
    }

    /// Whether its root is the machine's.
    fn is_of_host(&self) -> bool {
        self.users.are_all() && !self.has_own_users
    }

    /// Whether it could make the machine's devices and use them: only version 1 of control groups keeps them closed.
    pub(crate) fn opens_devices(&self, is_unified: bool) -> bool {
        is_unified && self.is_of_host() && self.capabilities().iter().any(|name| name == "CAP_MKNOD")
    }

    /// Limits that the shim sets, and not the runtime.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        let host = self.body.host_config.clone().unwrap_or_default();
        if cgroup::is_unified() || !self.users.are_all() { Vec::new() } else { limits::by_controller(&host) }
    }

    /// The program with its arguments. A request's own program leaves the image's arguments out, as everywhere.
    pub(crate) fn command(&self) -> Vec<String> {
        let (entrypoint, cmd) = (self.body.entrypoint.clone(), self.body.cmd.clone());
        match (entrypoint, cmd) {
            (Some(entrypoint), cmd) => [entrypoint, cmd.unwrap_or_default()].concat(),
            (None, Some(cmd)) => [self.image.entrypoint.clone(), cmd].concat(),
            (None, None) => [self.image.entrypoint.clone(), self.image.cmd.clone()].concat(),
        }
    }

    pub(crate) fn working_dir(&self) -> String {
        let asked = self.body.working_dir.clone().filter(|folder| !folder.is_empty());
        let folder = asked.unwrap_or_else(|| self.image.working_dir.clone());
        if folder.starts_with('/') { folder } else { format!("/{folder}") }
    }

    /// The folders that the container must have. Those that something is mounted on could be left to the runtime, which
    /// takes long over each; but not those below another mount.
    pub(crate) fn folders(&self) -> Vec<String> {
        let host = self.body.host_config.clone().unwrap_or_default();
        let mounts = self.mounts(&host);
        let text = |mount: &Value, part: &str| mount[part].as_str().unwrap_or_default().to_owned();
        let places: Vec<String> = mounts.iter().map(|mount| text(mount, "destination")).collect();
        let is_below = |place: &str| places.iter().any(|other| place != other && Path::new(place).starts_with(other));
        let folders =
            mounts.iter().filter(|mount| mount["type"] != "bind" || Path::new(&text(mount, "source")).is_dir());
        let folders = folders.map(|mount| text(mount, "destination")).filter(|place| !is_below(place));
        folders.chain([self.working_dir()]).collect()
    }

    /// The variables: a search path, the host's name, the image's, the request's. A later one counts.
    fn env(&self) -> Vec<String> {
        let hostname = self.body.hostname.iter().map(|name| format!("HOSTNAME={name}"));
        let own = self.image.env.iter().chain(self.body.env.iter().flatten()).cloned();
        let mut variables: Vec<String> = Vec::new();
        for variable in [SEARCH_PATH.to_owned()].into_iter().chain(hostname).chain(own) {
            let name = |text: &str| text.split('=').next().map(str::to_owned);
            variables.retain(|known| name(known) != name(&variable));
            variables.push(variable);
        }
        variables
    }

    /// Those that the process is bound by, and those that it has when the runtime is done. Who is not root has them only as
    /// a bound: a program that is given some by its file may use no others.
    fn capabilities_of_process(&self) -> (Vec<String>, Vec<String>) {
        let bound = match self.guise {
            // It gives all of them away.
            Some(_) => vec![guise::NEEDED.to_owned()],
            None => self.capabilities(),
        };
        let own = if self.user.uid == 0 { bound.clone() } else { Vec::new() };
        (bound, own)
    }

    /// `CAP_CHOWN` and so on.
    pub(crate) fn capabilities(&self) -> Vec<String> {
        let host = self.body.host_config.as_ref();
        let plain = |name: &String| name.to_ascii_uppercase().trim_start_matches("CAP_").to_owned();
        let names = |of: Option<&Vec<String>>| of.into_iter().flatten().map(plain).collect::<BTreeSet<_>>();
        let dropped = names(host.and_then(|host| host.cap_drop.as_ref()));
        let added = names(host.and_then(|host| host.cap_add.as_ref()));
        let usual = USUAL_CAPABILITIES.iter().map(|name| (*name).to_owned());
        let kept = usual.filter(|name| !dropped.contains("ALL") && !dropped.contains(name));
        kept.chain(added).collect::<BTreeSet<_>>().into_iter().map(|name| format!("CAP_{name}")).collect()
    }

    fn mounts(&self, host: &HostConfig) -> Vec<Value> {
        let mut mounts = self.kernel_mounts();
        let tmpfs = host.tmpfs.iter().flatten();
        mounts.extend(
            tmpfs.map(|(path, options)| mount(path, "tmpfs", "tmpfs", &options.split(',').collect::<Vec<_>>())),
        );
        mounts.extend(self.network_files(host));
        let mut own: Vec<&Mount> = host.mounts.iter().flatten().collect();
        // A folder before what lies in it.
        own.sort_by_key(|mount| mount.target.clone());
        mounts.extend(own.into_iter().map(|mount| self.bound(mount)));
        mounts
    }

    /// What the kernel shows of itself.
    fn kernel_mounts(&self) -> Vec<Value> {
        let safe = ["nosuid", "noexec", "nodev"];
        let mut terminals = vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
        if self.users.have_group(TTY) {
            terminals.push("gid=5");
        }
        // Who is not root may show no network but its own.
        let shows_host = matches!(self.network, Network::Host) && !self.is_of_host();
        let kernel = if shows_host {
            mount("/sys", "bind", "/sys", &["rbind", "rprivate", "nosuid", "noexec", "nodev", "ro"])
        } else {
            mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", "ro"])
        };
        let mut mounts = vec![
            mount("/proc", "proc", "proc", &safe),
            mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", "devpts", &terminals),
            mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", "mqueue", &safe),
            kernel,
        ];
        // On version 1, the runtime mounts one for each controller, and none of them read-only: root in the container could
        // lift its own limits.
        if cgroup::is_unified() && !shows_host {
            mounts.push(mount("/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"]));
        }
        mounts
    }

    /// The files of `/etc` that go with a network. What a request mounts there itself is left alone.
    fn network_files(&self, host: &HostConfig) -> Vec<Value> {
        let is_taken = |inside: &str| {
            let mut targets = host.mounts.iter().flatten().filter_map(|mount| mount.target.as_deref());
            targets.any(|target| Path::new(inside).starts_with(target))
        };
        let files = FILES.iter().filter(|(_, inside)| !self.network.is_none() && !is_taken(inside));
        let options = ["bind", "rprivate", "nosuid", "nodev", "noexec", "ro"];
        files.map(|(file, inside)| mount(inside, "bind", &self.place.path(file).to_string_lossy(), &options)).collect()
    }

    /// A folder or file of the host. Devices in it cannot be opened, and no program in it gains privileges.
    fn bound(&self, asked: &Mount) -> Value {
        let source = PathBuf::from(asked.source.clone().unwrap_or_default());
        let source = if asked.typ == Some(MountType::VOLUME) { self.volumes.join(source).join("data") } else { source };
        let write = if asked.read_only == Some(true) { "ro" } else { "rw" };
        let target = asked.target.clone().unwrap_or_default();
        mount(&target, "bind", &source.to_string_lossy(), &["rbind", "rprivate", "nosuid", "nodev", write])
    }
}

/// Whether something is mounted that belongs to users of the machine; what the kernel shows is everybody's.
fn has_owners(mount: &Value) -> bool {
    mount["type"] == "bind" && mount["source"] != "/sys"
}

fn mount(target: &str, kind: &str, source: &str, options: &[&str]) -> Value {
    json!({"destination": target, "type": kind, "source": source, "options": options})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(body: ContainerCreateBody, image: ImageConfig) -> Value {
        let user = User { uid: 1000, gid: 1000, groups: vec![5] };
        of_network(&body, &image, &user, &Network::None)
    }

    fn of_network(body: &ContainerCreateBody, image: &ImageConfig, user: &User, network: &Network) -> Value {
        let place = Place::new("/c".into());
        let (guise, users, has_own_users) = (None, &Users::here().unwrap(), false);
        Plan {
            body,
            image,
            user,
            guise,
            users,
            has_own_users,
            id: "0123",
            volumes: Path::new("/v"),
            network,
            place: &place,
        }
        .config()
    }

    #[test]
    fn only_who_has_a_network_has_files_about_it() {
        let user = User { uid: 1000, gid: 1000, groups: Vec::new() };
        let mount = |target: &str| Mount { target: Some(target.to_owned()), ..Mount::default() };
        let mounted = |network: &Network, targets: &[&str]| {
            let mounts = Some(targets.iter().map(|target| mount(target)).collect());
            let host_config = Some(HostConfig { mounts, ..HostConfig::default() });
            let body = ContainerCreateBody { host_config, ..ContainerCreateBody::default() };
            let config = of_network(&body, &ImageConfig::default(), &user, network);
            let places = config["mounts"].as_array().unwrap().iter();
            let sources = places.filter_map(|mount| mount["source"].as_str()?.strip_prefix("/c/"));
            sources.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(mounted(&Network::None, &[]), [""; 0]);
        assert_eq!(mounted(&Network::Host, &[]), ["hosts", "resolv.conf", "hostname"]);
        assert_eq!(mounted(&Network::Host, &["/etc/hosts"]), ["resolv.conf", "hostname"]);
        assert_eq!(mounted(&Network::Host, &["/etc"]), [""; 0]);
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_command_is_put_together_as_everywhere() {
        let image = || ImageConfig { entrypoint: words(&["/e"]), cmd: words(&["c"]), ..ImageConfig::default() };
        let args = |entrypoint: Option<&[&str]>, cmd: Option<&[&str]>| {
            let body = ContainerCreateBody {
                entrypoint: entrypoint.map(words),
                cmd: cmd.map(words),
                ..ContainerCreateBody::default()
            };
            config(body, image())["process"]["args"].clone()
        };
        assert_eq!(args(None, None), json!(["/e", "c"]));
        assert_eq!(args(None, Some(&["d"])), json!(["/e", "d"]));
        assert_eq!(args(Some(&["/f"]), None), json!(["/f"]));
        assert_eq!(args(Some(&["/f"]), Some(&["d"])), json!(["/f", "d"]));
    }

    #[test]
    fn folders_are_made_for_mounts_but_not_below_others() {
        let bound = |source: &str, target: &str| Mount {
            typ: Some(MountType::BIND),
            source: Some(source.to_owned()),
            target: Some(target.to_owned()),
            ..Mount::default()
        };
        let mounts = vec![bound("/", "/data"), bound("/proc/version", "/file"), bound("/", "/data/deep")];
        let host = HostConfig { mounts: Some(mounts), ..HostConfig::default() };
        let body = ContainerCreateBody { host_config: Some(host), ..ContainerCreateBody::default() };
        let user = User { uid: 0, gid: 0, groups: Vec::new() };
        let image = ImageConfig { working_dir: "/work".to_owned(), ..ImageConfig::default() };
        let (volumes, network, place) = (Path::new("/v"), &Network::None, &Place::new("/c".into()));
        let (guise, users, has_own_users) = (None, &Users::here().unwrap(), false);
        let plan = Plan {
            body: &body,
            image: &image,
            user: &user,
            guise,
            users,
            has_own_users,
            id: "0123",
            volumes,
            network,
            place,
        };
        assert_eq!(plan.folders(), ["/proc", "/dev", "/sys", "/data", "/work"]);
    }

    #[test]
    fn who_makes_devices_is_kept_from_them_by_version_1_or_its_own_users() {
        let opens = |capability: &str, has_own_users, is_unified| {
            let host = HostConfig { cap_add: Some(words(&[capability])), ..HostConfig::default() };
            let body = &ContainerCreateBody { host_config: Some(host), ..ContainerCreateBody::default() };
            let (image, user, place) = (&ImageConfig::default(), &User::default(), &Place::new("/c".into()));
            let (guise, users, volumes, network) = (None, &Users::here().unwrap(), Path::new("/v"), &Network::None);
            Plan { body, image, user, guise, users, has_own_users, id: "0123", volumes, network, place }
                .opens_devices(is_unified)
        };
        assert!(opens("MKNOD", false, true));
        assert!(!opens("MKNOD", false, false) && !opens("MKNOD", true, true) && !opens("CHOWN", false, true));
    }

    #[test]
    fn a_later_variable_counts() {
        let body = ContainerCreateBody { env: Some(words(&["A=2", "B=3"])), ..ContainerCreateBody::default() };
        let image = ImageConfig { env: words(&["PATH=/bin", "A=1"]), ..ImageConfig::default() };
        assert_eq!(config(body, image)["process"]["env"], json!(["PATH=/bin", "A=2", "B=3"]));
    }

    #[test]
    fn capabilities_are_bounds_for_who_is_not_root() {
        let capabilities = |drop: &[&str], add: &[&str]| {
            let host = HostConfig { cap_drop: Some(words(drop)), cap_add: Some(words(add)), ..HostConfig::default() };
            let body = ContainerCreateBody { host_config: Some(host), ..ContainerCreateBody::default() };
            config(body, ImageConfig::default())["process"]["capabilities"].clone()
        };
        let none = capabilities(&["ALL"], &[]);
        assert_eq!((&none["bounding"], &none["effective"]), (&json!([]), &json!([])));
        assert_eq!(capabilities(&["ALL"], &["NET_ADMIN"])["bounding"], json!(["CAP_NET_ADMIN"]));
        let usual = capabilities(&["KILL"], &[]);
        let has = |name: &str| usual["bounding"].as_array().unwrap().contains(&json!(name));
        assert!(has("CAP_CHOWN") && !has("CAP_KILL") && !has("CAP_MKNOD"), "{usual}");
        assert_eq!(usual["permitted"], json!([]));
    }
}
