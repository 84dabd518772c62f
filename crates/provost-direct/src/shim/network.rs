//! The network of a container, as its shim makes it: a namespace, and what connects it.
//!
//! One without a network has a namespace with nothing in it but the loopback, which is this process's too. One that is to be
//! connected has a namespace of its own, and this process stays in the host's, where plugins have to run.

use std::fs;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use nix::sched::{CloneFlags, setns};
use rustix::process::Pid;

use super::ShimError;
use crate::network::{self, Held, Joined, NetworkError, SHARED};
use crate::place::Place;
use crate::record::Made;

/// The engine's folder, from a container's.
const ROOT: &str = "../..";

/// Sets the network namespace up that this process is in. Ports below 1024 are for everybody in it, as with other engines.
pub(super) fn prepare() -> Result<(), ShimError> {
    network::raise_loopback().map_err(ShimError::around("raise the loopback of the container"))?;
    fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
        .map_err(ShimError::around("open the low ports of the container"))
}

/// What connects a container, or will.
pub(super) struct Link {
    /// The container's namespace, of one that is to be connected.
    namespace: Option<File>,
    /// Its ports of the server, while it is connected.
    held: Vec<Held>,
}

impl Link {
    /// Holds the namespace of the container whose first process is `first`, and sets it up.
    pub(super) fn open(made: &Made, first: Pid) -> Result<Self, ShimError> {
        // One without a network is set up here too, if it has to be that of its own users.
        let is_own = made.network.joins().is_some() || (made.network.is_none() && made.own_users.is_some());
        if !is_own {
            return Ok(Self { namespace: None, held: Vec::new() });
        }
        // Only now: the runtime's children would inherit it, and have no use for a way out.
        let around = |what| ShimError::around::<io::Error>(what);
        let host = File::open("/proc/self/ns/net").map_err(around("hold the network of the host"))?;
        let path = format!("/proc/{}/ns/net", first.as_raw_nonzero());
        let namespace = File::open(path).map_err(around("hold the network of the container"))?;
        let enter = |network: &File| {
            setns(network, CloneFlags::CLONE_NEWNET).map_err(ShimError::around("enter the network of the container"))
        };
        enter(&namespace)?;
        let prepared = prepare().and_then(|()| made.network.joins().map_or(Ok(()), without_version_6));
        enter(&host)?;
        prepared?;
        Ok(Self { namespace: Some(namespace), held: Vec::new() })
    }

    /// Connects the container, if it is to be.
    pub(super) fn attach(&mut self, place: &Place, made: &Made) -> Result<(), NetworkError> {
        let (Some(joined), Some(namespace)) = (made.network.joins(), &self.namespace) else {
            return Ok(());
        };
        // First, so that nobody's packets are led away who has a port already.
        self.held = Vec::new();
        self.held = network::hold(&joined.ports)?;
        let attached = network::attach(Path::new(ROOT), place, made, joined, &path(namespace));
        if attached.is_err() {
            self.held = Vec::new();
        }
        attached
    }

    /// Gives everything back. Who sees the end of the container finds its ports free.
    pub(super) fn detach(&mut self, place: &Place, made: &Made) {
        let (Some(joined), Some(namespace)) = (made.network.joins(), &self.namespace) else {
            return;
        };
        // Of ours, all is found without the namespace, and is quicker taken back; the cable goes with the namespace.
        let path = if joined.name == SHARED { String::new() } else { path(namespace) };
        if let Err(error) = network::detach(Path::new(ROOT), place, made, &path) {
            // It is tried again when the container is removed.
            let _ = writeln!(io::stderr(), "cannot give the network of the container back: {error}");
        }
        self.held = Vec::new();
        self.namespace = None;
    }
}

/// Where plugins find a namespace that this process holds.
fn path(namespace: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), namespace.as_raw_fd())
}

/// The shared network has addresses of version 4 only: no others lead around its rules. A machine without version 6 has
/// nothing to turn off.
fn without_version_6(joined: &Joined) -> Result<(), ShimError> {
    if joined.name != SHARED {
        return Ok(());
    }
    match fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ShimError::around("turn addresses of version 6 off")(error))
        }
        _ => Ok(()),
    }
}
