//! One Provost of a name on one engine: two of them would each take the other's containers for strays, and remove them.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use provost_model::{Digest, Instance};

use crate::exit::Failure;

/// Docker's socket, where no other engine is named.
const USUAL: &str = "unix:///var/run/docker.sock";

/// The name of an instance on its engine, held as long as this lives.
///
/// It is an abstract Unix socket: the system frees it however the process ends, and nobody has to tidy up. It holds among
/// the processes of one network namespace; engines are told apart by their addresses.
#[derive(Debug)]
pub struct NameLock {
    _listener: UnixListener,
}

impl NameLock {
    /// Takes the name of `instance` on the engine at `host`, or at the usual place.
    ///
    /// Errors: another process has it; the message says which.
    pub fn take(instance: &Instance, host: Option<&str>) -> Result<Self, Failure> {
        let failed = |error| Failure::no(format!("the name {instance} cannot be taken: {error}"));
        let address = address(instance, host).map_err(failed)?;
        match UnixListener::bind_addr(&address) {
            Ok(listener) => Ok(Self { _listener: listener }),
            Err(error) if error.kind() == ErrorKind::AddrInUse => Err(in_use(instance, &address)),
            Err(error) => Err(failed(error)),
        }
    }
}

fn address(instance: &Instance, host: Option<&str>) -> std::io::Result<SocketAddr> {
    let from_environment = std::env::var("DOCKER_HOST").ok();
    let named = [host, from_environment.as_deref()].into_iter().flatten().map(str::trim).find(|host| !host.is_empty());
    let engine = engine_of(named.unwrap_or(USUAL));
    // A digest, since an abstract address has at most 107 bytes.
    SocketAddr::from_abstract_name(format!("provost/{}", Digest::of(format!("{instance}\0{engine}").as_bytes())))
}

/// The engine's address without the spellings that lead to the same socket.
fn engine_of(host: &str) -> String {
    let path = host.strip_prefix("unix://").and_then(|path| std::fs::canonicalize(path).ok());
    path.map_or_else(|| host.to_owned(), |path| path.display().to_string())
}

fn in_use(instance: &Instance, address: &SocketAddr) -> Failure {
    let holder = holder(address).map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let message = format!("{holder} is the Provost {instance} of this engine: two of one name would meet");
    Failure::no(message)
        .help("stop that one, or give this one a name of its own: instance, in the server configuration")
}

fn holder(address: &SocketAddr) -> Option<i32> {
    let stream = UnixStream::connect_addr(address).ok()?;
    let credentials = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    Some(credentials.pid.as_raw_nonzero().get())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(name: &str, host: &str) -> Result<NameLock, String> {
        NameLock::take(&Instance::parse(name).unwrap(), Some(host)).map_err(|failure| failure.message)
    }

    #[test]
    fn a_name_is_taken_once_an_engine_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, link) = (folder.path().join("a.sock"), folder.path().join("b.sock"));
        std::fs::write(&socket, "").unwrap();
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        let [host, same] = [&socket, &link].map(|path| format!("unix://{}", path.display()));
        let held = take("shop", &host).unwrap();
        let refused = take("shop", &same).unwrap_err();
        assert!(refused.starts_with(&format!("process {} is the Provost shop", std::process::id())), "{refused}");
        take("other", &host).unwrap();
        take("shop", "unix:///nowhere/else.sock").unwrap();
        drop(held);
        take("shop", &host).unwrap();
    }
}
