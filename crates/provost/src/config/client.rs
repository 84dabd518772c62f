//! Which server a command talks to.
//!
//! In this order: `--server`; `--socket`; `PROVOST_SOCKET`; `PROVOST_SERVER`; the server of `provost dev` in this folder or one above it; `socket` in
//! the user's file (`$XDG_CONFIG_HOME/provost/config.yaml`); the system's server.

use std::path::{Path, PathBuf};

use provost_api::Remote;
use serde::Deserialize;

use super::yaml;
use crate::exit::Failure;

/// The folder of `provost dev`, inside the folder that it runs.
pub const DEV_FOLDER: &str = ".provost";

/// The socket's name in a state folder.
pub const SOCKET: &str = "provost.sock";

/// Where the system's server is, when nobody says otherwise.
const SYSTEM: [&str; 2] = ["/run/provost/provost.sock", "/var/lib/provost/provost.sock"];

/// The user's own file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserFile {
    /// The control socket of the server that commands talk to.
    socket: Option<PathBuf>,
}

/// What can be said on a command line about the server to talk to.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServerArgs {
    /// The server's control socket [default: that of `provost dev` here, or the system's]
    #[arg(short = 's', long, value_name = "PATH", env = "PROVOST_SOCKET", hide_env_values = true)]
    pub socket: Option<PathBuf>,
    /// A server on another machine, https://HOST[:2719], with the token in PROVOST_TOKEN; or a socket
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub enum ServerPlace {
    /// On this machine: its control socket.
    Local(PathBuf),
    /// Anywhere.
    Remote(Box<Remote>),
}

impl ServerArgs {
    /// The server to talk to. Nobody has looked whether it answers.
    pub fn find(&self) -> Result<ServerPlace, Failure> {
        let named = |server: String| match server.contains("://") {
            true => ServerPlace::Remote(Box::new(remote(server))),
            false => ServerPlace::Local(server.into()),
        };
        match (&self.server, &self.socket, variable("PROVOST_SERVER")) {
            (Some(server), ..) => Ok(named(server.clone())),
            (None, None, Some(server)) => Ok(named(server)),
            _ => self.find_socket().map(ServerPlace::Local),
        }
    }

    /// The socket of the server of this machine.
    pub fn find_socket(&self) -> Result<PathBuf, Failure> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        if let Some(socket) = std::env::current_dir().ok().and_then(|here| dev_socket(&here)) {
            return Ok(socket);
        }
        if let Some(socket) = user_file()?.socket {
            return Ok(socket);
        }
        let found = SYSTEM.iter().map(Path::new).find(|path| path.exists());
        Ok(found.unwrap_or(Path::new(SYSTEM[0])).to_owned())
    }
}

/// What the environment says about the server at `address`.
fn remote(address: String) -> Remote {
    let file = |name| variable(name).map(PathBuf::from);
    Remote {
        address,
        token: variable("PROVOST_TOKEN"),
        fingerprint: variable("PROVOST_FINGERPRINT"),
        ca: file("PROVOST_CA"),
        identity: file("PROVOST_CERT").zip(file("PROVOST_CERT_KEY")),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn dev_socket(here: &Path) -> Option<PathBuf> {
    here.ancestors().map(|folder| folder.join(DEV_FOLDER).join(SOCKET)).find(|socket| socket.exists())
}

fn user_file() -> Result<UserFile, Failure> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".config")));
    let Some(path) = folder.map(|folder| folder.join("provost/config.yaml")).filter(|path| path.exists()) else {
        return Ok(UserFile::default());
    };
    yaml::read(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dev_server_of_a_folder_is_found_from_below() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("automations/old");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(dev_socket(&deep), None);
        let socket = folder.path().join(DEV_FOLDER).join(SOCKET);
        std::fs::create_dir(folder.path().join(DEV_FOLDER)).unwrap();
        std::fs::write(&socket, "").unwrap();
        assert_eq!(dev_socket(&deep), Some(socket));
    }

    #[test]
    fn what_is_said_goes_first() {
        let socket = Some("/said".into());
        let said = ServerArgs { socket: socket.clone(), server: None };
        assert!(matches!(said.find().unwrap(), ServerPlace::Local(path) if path == Path::new("/said")));
        let said = ServerArgs { socket, server: Some("https://ber-1".to_owned()) };
        assert!(matches!(said.find().unwrap(), ServerPlace::Remote(remote) if remote.address == "https://ber-1"));
    }
}
