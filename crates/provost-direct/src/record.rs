//! What the engine and its shims tell each other through files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use provost_model::{ContainerName, LABEL_INSTANCE};
use serde::{Deserialize, Serialize};

use crate::limits::Limit;
use crate::network::Network;
use crate::users::{Guise, OwnUsers};

/// A container, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Made {
    pub(crate) name: ContainerName,
    /// The engine's id of it: its cgroup is called so.
    pub(crate) id: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// As whom it runs: its streams are that user's.
    pub(crate) uid: u32,
    /// Who its programs take themselves for, if not for that.
    #[serde(default)]
    pub(crate) guise: Option<Guise>,
    /// The users of its own, if it has some.
    #[serde(default)]
    pub(crate) own_users: Option<OwnUsers>,
    /// It is made without root, and so without control groups.
    #[serde(default)]
    pub(crate) rootless: bool,
    /// The digest of its image.
    #[serde(default)]
    pub(crate) image: String,
    /// The folders of its image, the lowest first.
    pub(crate) layers: Vec<PathBuf>,
    /// Its image's folders carry `user.overlay.*` attributes.
    pub(crate) user_xattrs: bool,
    /// The capabilities that it may have: what the kernel lets it call depends on them.
    pub(crate) capabilities: Vec<String>,
    /// Made where the image has no such folders: where its program starts, and where others are mounted.
    pub(crate) folders: Vec<String>,
    /// The named volumes that it uses.
    pub(crate) volumes: Vec<String>,
    /// Limits for the shim to set; none where the runtime does.
    #[serde(default)]
    pub(crate) limits: Vec<Limit>,
    /// What it calls itself.
    #[serde(default)]
    pub(crate) hostname: String,
    /// The network that it is connected to when it is started.
    #[serde(default)]
    pub(crate) network: Network,
    /// How much output is kept: of each of two files, so many bytes.
    pub(crate) log_bytes: u64,
}

impl Made {
    /// The instance whose it is.
    pub(crate) fn instance(&self) -> Option<&str> {
        self.labels.get(LABEL_INSTANCE).map(String::as_str)
    }
}

/// A container that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ended {
    pub(crate) code: i64,
    pub(crate) out_of_memory: bool,
    pub(crate) at: Timestamp,
    pub(crate) error: Option<String>,
}

/// What a shim is told, through its socket, as one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Order {
    /// Start the container.
    Start,
    /// Send it SIGTERM. The connection ends with the container.
    Ask,
    /// Send it SIGKILL. The connection ends with the container.
    Kill,
}

/// What a shim answers, as one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// It will never be.
    Refused(String),
    /// It cannot be done now.
    Unavailable(String),
}
