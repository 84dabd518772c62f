//! The server's key, and what opens secrets with it.

use std::path::{Path, PathBuf};

use provost_secret::{Key, MemoryFolder, MemoryVault};

use crate::config::ServerConfig;
use crate::exit::Failure;

/// Where the key of a server is.
pub fn key_path(state: &Path) -> PathBuf {
    state.join("server.key")
}

/// The server's key, made at its first start.
pub fn key(config: &ServerConfig) -> Result<Key, Failure> {
    let help = "without it no secret that is sealed for this server can be opened: bring it back from a backup, or remove \
                it for a new one and run `provost secret rekey`";
    Key::open_or_make(&key_path(&config.state)).map_err(|error| Failure::no(error).help(help))
}

/// What opens secrets with `key`. A place in memory that the configuration names must be one; that none is found
/// otherwise is told once a container needs it.
pub fn vault(config: &ServerConfig, key: Key) -> Result<MemoryVault, Failure> {
    let place = match &config.runtime_dir {
        Some(place) => {
            let named = MemoryFolder::within(place, config.instance.as_str());
            let help = "name a folder on a tmpfs, such as one in /run, or leave the key out";
            Ok(named.map_err(|error| Failure::usage(format!("runtimeDir: {error}")).help(help))?)
        }
        None => {
            let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
            MemoryFolder::find(config.instance.as_str(), runtime_dir.as_deref())
        }
    };
    Ok(MemoryVault::new(key, place))
}
