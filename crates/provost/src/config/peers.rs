//! Other servers, whose skills are called on this one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use provost_api::Remote;
use provost_model::Name;
use serde::Deserialize;

/// Another server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Peer {
    /// `https://ber-1:2719`; the port may be left out.
    pub address: String,
    /// A file with the text of the token that is shown there; read for each call, so that it can be exchanged.
    pub token_file: PathBuf,
    /// A file with the authorities that vouch for its certificate; absent: those of the system.
    pub ca: Option<PathBuf>,
    /// The fingerprint of its certificate, where nobody vouches for that.
    pub fingerprint: Option<String>,
    /// What it provides that is called here.
    pub skills: Vec<String>,
}

/// Other servers, by the names that this one has for them.
pub type Peers = BTreeMap<Name, Peer>;

impl Peer {
    /// What a client has to know of it, but for the token.
    pub fn remote(&self) -> Remote {
        let Self { address, ca, fingerprint, .. } = self.clone();
        Remote { address, ca, fingerprint, ..Remote::default() }
    }
}

/// `peers`, with their files below `folder`.
///
/// Errors: the key, what is wrong with it, and the mend.
pub fn check(mut peers: Peers, folder: &Path) -> Result<Peers, String> {
    for (name, peer) in &mut peers {
        if !peer.remote().has_address() {
            return Err(format!("peers.{name}.address: write {:?} like https://ber-1:2719", peer.address));
        }
        if peer.ca.is_some() && peer.fingerprint.is_some() {
            return Err(format!("peers.{name}: ca and fingerprint exclude each other: name the one that is known"));
        }
        peer.token_file = folder.join(&peer.token_file);
        peer.ca = peer.ca.take().map(|path| folder.join(path));
    }
    Ok(peers)
}
