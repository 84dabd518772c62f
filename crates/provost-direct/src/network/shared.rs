//! The network that the containers of one engine share: a bridge of its own, and a range of addresses that nobody else on
//! the machine has.

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use provost_model::Digest;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{NetworkError, SHARED, link, rules};

/// What is written down of it, as long as it is there.
const STATE: &str = "state.json";
/// Held by an engine that looks for a free range, until it has taken it.
const MACHINE_LOCK: &str = "/run/provost-networks.lock";
/// Where the ranges are that one is chosen of; each has 1024 addresses.
const RANGES: [(Ipv4Addr, u8); 3] =
    [(Ipv4Addr::new(10, 212, 0, 0), 14), (Ipv4Addr::new(172, 24, 0, 0), 14), (Ipv4Addr::new(192, 168, 128, 0), 17)];
/// The length of the prefix of each.
const PREFIX: u8 = 22;

/// Its bridge and its addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shared {
    pub(super) bridge: String,
    subnet: String,
}

impl Shared {
    /// The network of the engine in `root`, whose part of the network is `folder`. It is made where it is not there: at its
    /// first use, and after the machine was started anew. What is returned beside it has to be kept until a container is
    /// connected: only then do others see which range is taken.
    pub(super) fn ready(root: &Path, folder: &Path) -> Result<(Self, Option<File>), NetworkError> {
        let known = read(folder).map_err(NetworkError::around("read what the network Shared is"))?;
        if let Some(known) = known.as_ref()
            && link::exists(&known.bridge).map_err(NetworkError::around("look for the bridge of the network Shared"))?
        {
            return Ok((known.clone(), None));
        }
        let lock = machine_lock().map_err(NetworkError::around(format!("hold {MACHINE_LOCK}")))?;
        if let Some(known) = &known {
            rules::remove(&known.bridge, &known.subnet);
        }
        let shared = Self::choose(root)?;
        let text = serde_json::to_vec(&shared).unwrap_or_default();
        fs::write(folder.join(STATE), text).map_err(NetworkError::around("write down what the network Shared is"))?;
        rules::make(&shared.bridge, &shared.subnet)?;
        Ok((shared, Some(lock)))
    }

    /// Takes the network away, with which nobody is connected any more.
    pub(super) fn dissolve(folder: &Path) -> io::Result<()> {
        let Some(known) = read(folder)? else {
            return Ok(());
        };
        link::remove(&known.bridge)?;
        rules::remove(&known.bridge, &known.subnet);
        fs::remove_file(folder.join(STATE))
    }

    /// A bridge and a range that nobody has. The same engine mostly gets the same.
    fn choose(root: &Path) -> Result<Self, NetworkError> {
        let root = root.canonicalize().map_err(NetworkError::around("find the folder of the engine"))?;
        let digest = Digest::of(root.as_os_str().as_encoded_bytes());
        let table = fs::read_to_string("/proc/thread-self/net/fib_trie");
        let taken = taken(&table.map_err(NetworkError::around("read the routes of the machine"))?);
        let start = usize::from_str_radix(&digest.as_str()[..8], 16).unwrap_or_default();
        let subnet = free(&taken, start).ok_or_else(|| {
            NetworkError::lasting(
                "no range of addresses is free for the network Shared: all private ones have a route (`ip route`)",
            )
        })?;
        // At most 15 characters.
        Ok(Self { bridge: format!("pvst-{}", &digest.as_str()[..10]), subnet: format!("{subnet}/{PREFIX}") })
    }

    /// Its list of plugins. Version 0.4.0 is what older plugins know too. Paths are relative to the engine's folder, which
    /// may be moved.
    pub(super) fn list(&self, publishes: bool) -> Value {
        let bridge = json!({
            "type": "bridge",
            "bridge": self.bridge,
            "isGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "dataDir": format!("networks/{SHARED}/addresses"),
                "ranges": [[{"subnet": self.subnet}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        });
        let ports = json!({"type": "portmap", "snat": true, "capabilities": {"portMappings": true}});
        let plugins = [Some(bridge), publishes.then_some(ports)];
        let plugins: Vec<Value> = plugins.into_iter().flatten().collect();
        json!({"name": self.bridge, "cniVersion": "0.4.0", "plugins": plugins})
    }
}

fn read(folder: &Path) -> io::Result<Option<Shared>> {
    match fs::read(folder.join(STATE)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn machine_lock() -> io::Result<File> {
    let lock = File::options().create(true).append(true).open(MACHINE_LOCK)?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// The ranges that the machine has addresses in or routes to. A default route, or the halves of one, takes none.
///
/// Source: the kernel's `fib_trie`: each leaf `|-- ADDRESS` is followed by lines `/LENGTH SCOPE TYPE`.
fn taken(table: &str) -> Vec<(Ipv4Addr, u8)> {
    let mut taken = Vec::new();
    let mut leaf = None;
    for line in table.lines().map(str::trim_start) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.trim().parse::<Ipv4Addr>().ok();
        } else if let Some((length, _)) = line.strip_prefix('/').and_then(|rest| rest.split_once(' '))
            && let (Some(leaf), Ok(length)) = (leaf, length.parse::<u8>())
            && length > 3
        {
            taken.push((leaf, length));
        }
    }
    taken
}

/// The first free range from the `start`th on, going round.
fn free(taken: &[(Ipv4Addr, u8)], start: usize) -> Option<Ipv4Addr> {
    let candidates = RANGES.map(|(first, length)| {
        let count = 1_u32 << (PREFIX - length);
        let of = start % count as usize;
        let step = 1_u32 << (32 - PREFIX);
        (0..count)
            .cycle()
            .skip(of)
            .take(count as usize)
            .map(move |number| Ipv4Addr::from(u32::from(first) + number * step))
    });
    let overlaps = |one: Ipv4Addr, (other, length): &(Ipv4Addr, u8)| {
        let shift = 32 - u32::from(PREFIX.min(*length));
        u32::from(one).checked_shr(shift) == u32::from(*other).checked_shr(shift)
    };
    candidates.into_iter().flatten().find(|candidate| !taken.iter().any(|range| overlaps(*candidate, range)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 10.212.0.0/22 2 0 2\n        \
        |-- 10.212.0.1\n           /32 host LOCAL\n     |-- 10.212.8.0\n        /21 link UNICAST\n           /32 link BROADCAST\n";

    #[test]
    fn ranges_with_a_route_or_an_address_are_taken() {
        let address = |text: &str| text.parse::<Ipv4Addr>().unwrap();
        let taken = taken(TABLE);
        assert_eq!(taken, [(address("10.212.0.1"), 32), (address("10.212.8.0"), 21), (address("10.212.8.0"), 32)]);
        assert_eq!(free(&taken, 0), Some(address("10.212.4.0")));
        assert_eq!(free(&taken, 2), Some(address("10.212.16.0")), "two are taken at once");
        assert_eq!(free(&taken, 256), free(&taken, 0), "it goes round");
        assert_eq!(free(&[(address("10.0.0.0"), 8)], 0), Some(address("172.24.0.0")));
        assert_eq!(
            free(&[(address("10.0.0.0"), 8), (address("172.16.0.0"), 12), (address("192.168.0.0"), 16)], 7),
            None
        );
    }

    #[test]
    fn the_bridge_has_a_name_that_the_kernel_takes_and_each_engine_its_own() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, other] = folders.each_ref().map(|folder| Shared::choose(folder.path()).unwrap());
        assert!(one.bridge.len() <= 15 && one.bridge != other.bridge, "{one:?}");
        assert_eq!(one, Shared::choose(folders[0].path()).unwrap());
    }
}
