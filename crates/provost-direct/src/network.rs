//! Networks of containers: none, the host's, the one that containers of this engine share, and those that the machine
//! names.
//!
//! # How
//! What connects a container is the machine's own: plugins of the Container Network Interface (CNI 1.0,
//! <https://www.cni.dev>), programs that are run one after the other. `Shared` is a list of ours, a bridge with addresses
//! behind the host's own, and a forwarding of ports where any are published; another name is a list of that name in
//! `/etc/cni/net.d`. Of our own are only the choice of a free range of addresses, the few rules that belong to the bridge
//! and not to a container ([`rules`]), and names.
//!
//! A container is connected when it is started, and not before, as Docker does it: one that is made and never started has
//! nothing to give back. Its shim does that, which stays in the host's network; what it does is written down before, so
//! that whoever finds the container without its shim can take it back. With the last container of `Shared`, its bridge
//! and rules go too.
//!
//! # Names
//! There is no server for names. Each container on a network has an `/etc/hosts` of its own, in which the services of the
//! same instance on the same network stand that run: `NAME` and `NAME.INSTANCE`. It is written in place whenever one of
//! them comes or goes.

mod attach;
mod cni;
mod etc;
mod link;
mod lists;
mod members;
mod ports;
mod rules;
mod shared;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use provost_model::{PortMapping, Workload};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use attach::{Attachment, attach, detach};
pub(crate) use etc::{FILES, write_files};
pub(crate) use link::raise_loopback;
pub(crate) use ports::{Held, hold};

use crate::record::Answer;

/// What the network is called that containers of one engine share.
pub(crate) const SHARED: &str = "Shared";
/// Where programs are that plugins call: `iptables`.
pub(crate) const SEARCH_PATH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin";
/// What has to be installed, on Debian.
const PACKAGES: &str = "apt-get install containernetworking-plugins iptables";

/// Where the machine has what networks are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkFolders {
    /// Folders with plugins; the first one that has a plugin counts.
    pub plugins: Vec<PathBuf>,
    /// The folder with the lists of plugins that networks are, by their names.
    pub lists: PathBuf,
}

impl Default for NetworkFolders {
    fn default() -> Self {
        let plugins = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
        Self { plugins: plugins.map(PathBuf::from).into(), lists: PathBuf::from("/etc/cni/net.d") }
    }
}

impl NetworkFolders {
    /// What containers on `Shared` lack on this machine, and how to mend that; nothing where they lack nothing.
    #[must_use]
    pub fn lacks(&self) -> Option<(String, String)> {
        let mut missing = missing(&self.plugins, ["bridge", "host-local", "portmap"]);
        missing
            .extend(tools().into_iter().filter(|tool| find(SEARCH_PATH.split(':'), tool).is_none()).map(str::to_owned));
        if missing.is_empty() {
            return None;
        }
        let what =
            format!("containers cannot be on a network, `network: Shared`: {} is not installed", missing.join(", "));
        Some((what, PACKAGES.to_owned()))
    }
}

/// The programs of iptables that are called.
fn tools() -> [&'static str; 2] {
    ["iptables", "iptables-restore"]
}

/// Which of `plugins` no folder has.
fn missing<'a>(folders: &[PathBuf], plugins: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let is_missing = |plugin: &&str| find(folders, plugin).is_none();
    plugins.into_iter().filter(is_missing).map(str::to_owned).collect()
}

/// The program of that name in the first folder that has it.
fn find<T: AsRef<Path>>(folders: impl IntoIterator<Item = T>, name: &str) -> Option<PathBuf> {
    folders.into_iter().map(|folder| folder.as_ref().join(name)).find(|path| path.is_file())
}

/// The network of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Network {
    /// A namespace with nothing in it but the loopback.
    #[default]
    None,
    /// The host's namespace.
    Host,
    /// A namespace of its own, connected by plugins.
    Joined(Joined),
}

/// A network that containers are connected to by plugins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Joined {
    pub(crate) name: String,
    /// Where its plugins are.
    pub(crate) plugins: Vec<PathBuf>,
    /// Its list; absent for `Shared`, whose list is made when the first container is connected.
    pub(crate) list: Option<Value>,
    /// Ports of the server that lead to the container.
    pub(crate) ports: Vec<PortMapping>,
}

impl Network {
    /// The network that a workload wants.
    ///
    /// Errors: why it cannot have it, with what to do.
    pub(crate) fn of(workload: &Workload, folders: &NetworkFolders) -> Result<Self, String> {
        let ports = &workload.ports;
        match workload.network.as_str() {
            "None" | "" if ports.is_empty() => Ok(Self::None),
            "None" | "" => Err("it wants ports of the server and has no network; set `network: Shared`".to_owned()),
            "Host" if ports.is_empty() => Ok(Self::Host),
            "Host" => {
                Err("it has the host's network, where its ports are the server's own; leave `ports` out".to_owned())
            }
            SHARED => Self::shared(ports, folders),
            name => {
                let list = lists::read(name, folders)?;
                lists::check(name, &list, ports, folders)?;
                Ok(Self::joined(name, Some(list), ports, folders))
            }
        }
    }

    fn shared(ports: &[PortMapping], folders: &NetworkFolders) -> Result<Self, String> {
        if let Some((what, mend)) = folders.lacks() {
            return Err(format!("{what}; install it ({mend}), or set `network: None`"));
        }
        match ports.iter().find(|port| port.address.is_ipv6()) {
            Some(port) => Err(format!(
                "it wants the port {} of the address {}, and the network Shared has addresses of version 4 only; publish it \
                 at one of those",
                port.host, port.address
            )),
            None => Ok(Self::joined(SHARED, None, ports, folders)),
        }
    }

    fn joined(name: &str, list: Option<Value>, ports: &[PortMapping], folders: &NetworkFolders) -> Self {
        Self::Joined(Joined { name: name.to_owned(), plugins: folders.plugins.clone(), list, ports: ports.to_vec() })
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::None
    }

    pub(crate) fn joins(&self) -> Option<&Joined> {
        if let Self::Joined(joined) = self { Some(joined) } else { None }
    }
}

/// Why a container is not connected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct NetworkError {
    text: String,
    may_pass: bool,
}

impl NetworkError {
    /// No waiting will mend it.
    fn lasting(text: impl Into<String>) -> Self {
        Self { text: text.into(), may_pass: false }
    }

    /// Waiting may mend it.
    fn passing(text: impl Into<String>) -> Self {
        Self { text: text.into(), may_pass: true }
    }

    /// What to make of a system's error: `map_err(NetworkError::around("hold the network"))`.
    pub(crate) fn around<E: Into<std::io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |error| Self::passing(format!("cannot {}: {}", what.into(), error.into()))
    }

    /// What the engine is told.
    pub(crate) fn answer(&self) -> Answer {
        if self.may_pass { Answer::Unavailable(self.text.clone()) } else { Answer::Refused(self.text.clone()) }
    }
}

/// Where the container's own address and the ports that lead to it are.
pub(crate) fn reached_at(network: &Network, address: Option<IpAddr>, port: u16) -> Vec<(IpAddr, u16)> {
    match network {
        Network::None => Vec::new(),
        Network::Host => vec![(std::net::Ipv4Addr::LOCALHOST.into(), port)],
        Network::Joined(joined) => {
            let is_it = |mapping: &&PortMapping| mapping.container == port && mapping.protocol.word() == "tcp";
            let published = joined.ports.iter().filter(is_it).map(|mapping| (mapping.address, mapping.host));
            address.map(|address| (address, port)).into_iter().chain(published).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(network: &str, ports: &[&str]) -> Workload {
        let ports = ports.iter().map(|port| port.parse().unwrap()).collect();
        Workload { network: network.to_owned(), ports, ..Workload::default() }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_to_do() {
        let folders = NetworkFolders { plugins: vec!["/nowhere".into()], lists: "/nowhere".into() };
        let why = |network: &str, ports: &[&str]| Network::of(&workload(network, ports), &folders).unwrap_err();
        assert!(why("None", &["80:80"]).contains("`network: Shared`"));
        assert!(why("Host", &["80:80"]).contains("leave `ports` out"));
        assert!(why("Shared", &[]).contains("apt-get install containernetworking-plugins"));
        assert!(why("backend", &[]).contains("/nowhere"));
        assert_eq!(Network::of(&workload("None", &[]), &folders), Ok(Network::None));
        assert_eq!(Network::of(&workload("Host", &[]), &folders), Ok(Network::Host));
    }

    #[test]
    fn a_port_is_at_the_container_and_where_it_is_published() {
        let ports = ["127.0.0.1:8090:80", "81:81/udp"].map(|port| port.parse().unwrap()).to_vec();
        let joined = Joined { name: "n".to_owned(), plugins: Vec::new(), list: None, ports };
        let at = |port| reached_at(&Network::Joined(joined.clone()), "10.1.2.3".parse().ok(), port);
        let place = |address: &str, port: u16| (address.parse::<IpAddr>().unwrap(), port);
        assert_eq!(at(80), [place("10.1.2.3", 80), place("127.0.0.1", 8090)]);
        assert_eq!(at(81), [place("10.1.2.3", 81)]);
        assert_eq!(reached_at(&Network::None, None, 80), []);
    }
}
