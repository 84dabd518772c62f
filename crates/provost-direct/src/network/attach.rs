//! A container is connected, and gives everything back.

use std::net::IpAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cni::Connection;
use super::etc::{RESOLV, resolv_of};
use super::members::{Hall, Member, rewrite};
use super::shared::Shared;
use super::{Joined, NetworkError, SHARED};
use crate::place::Place;
use crate::record::Made;

/// How a container was connected: what is needed to take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// The list, as it was then.
    list: Value,
    /// What the plugins said; absent until they are done.
    result: Option<Value>,
}

impl Attachment {
    /// The container's address. Source: CNI 1.0, "Section 5: Result Types".
    pub(crate) fn address(&self) -> Option<IpAddr> {
        let text = self.result.as_ref()?["ips"][0]["address"].as_str()?;
        text.split('/').next()?.parse().ok()
    }
}

/// Connects a container, whose namespace is at the path `namespace`. `root` is the engine's folder.
pub(crate) fn attach(
    root: &Path,
    place: &Place,
    made: &Made,
    joined: &Joined,
    namespace: &str,
) -> Result<(), NetworkError> {
    // An earlier try was ended before it was done.
    detach(root, place, made, namespace)?;
    let hall =
        Hall::enter(root, &joined.name).map_err(NetworkError::around(format!("hold the network {}", joined.name)))?;
    // Before anything is made: the network is in use from now on.
    hall.admit(&Member::of(made, None)).map_err(NetworkError::around("join the network"))?;
    let attached = connect(root, place, made, joined, namespace, &hall);
    let joined = attached.and_then(|attachment| {
        hall.admit(&Member::of(made, attachment.address())).map_err(NetworkError::around("join the network"))
    });
    drop(hall);
    if joined.is_err() {
        let _ = detach(root, place, made, namespace);
    }
    joined
}

fn connect(
    root: &Path,
    place: &Place,
    made: &Made,
    joined: &Joined,
    namespace: &str,
    hall: &Hall,
) -> Result<Attachment, NetworkError> {
    let write = |attachment: &Attachment| {
        place.set_network(attachment).map_err(NetworkError::around("write down how the container is connected"))
    };
    // So much that it is taken back if more is not reached.
    write(&Attachment { list: Value::Null, result: None })?;
    let (list, _lock) = match &joined.list {
        Some(list) => (list.clone(), None),
        None => {
            let (shared, lock) = Shared::ready(root, &hall.folder)?;
            (shared.list(!joined.ports.is_empty()), lock)
        }
    };
    let mut attachment = Attachment { list, result: None };
    write(&attachment)?;
    let (plugins, ports) = (&joined.plugins, &joined.ports);
    let connection = Connection { list: &attachment.list, plugins, container: &made.id, namespace, ports, root };
    let result = connection.add()?;
    if let Some(resolv) = resolv_of(&result) {
        rewrite(&place.path(RESOLV), &resolv)
            .map_err(NetworkError::around("write the nameservers of the network down"))?;
    }
    attachment.result = Some(result);
    write(&attachment)?;
    Ok(attachment)
}

/// Takes back what connects a container; one that is not connected is fine. `namespace` is empty where it is gone.
pub(crate) fn detach(root: &Path, place: &Place, made: &Made, namespace: &str) -> Result<(), NetworkError> {
    let attachment = place.network().map_err(NetworkError::around("read how the container is connected"))?;
    let (Some(attachment), Some(joined)) = (attachment, made.network.joins()) else {
        return Ok(());
    };
    let around = |doing: &str| NetworkError::around(format!("{doing} the network {}", joined.name));
    let hall = Hall::enter(root, &joined.name).map_err(around("hold"))?;
    let (plugins, ports) = (&joined.plugins, &joined.ports);
    let connection = Connection { list: &attachment.list, plugins, container: &made.id, namespace, ports, root };
    connection.del(attachment.result.as_ref())?;
    hall.dismiss(made).map_err(around("leave"))?;
    if joined.name == SHARED && hall.is_empty().map_err(around("leave"))? {
        Shared::dissolve(&hall.folder).map_err(around("take away"))?;
    }
    place.forget_network().map_err(around("forget"))
}
