//! Where containers ask the server.

use std::io;
use std::path::Path;

use provost_model::{Caller, ContainerName};

/// Where containers ask the server: a socket for each that may ask for something. Who asks is told by the socket.
pub trait Gate: Send + Sync {
    /// Listens at `socket` for `caller`. A socket that a process which is gone has left there is replaced.
    fn open(&self, socket: &Path, caller: Caller) -> io::Result<()>;

    /// Listens no more for `container`. One that it does not listen for is no error.
    fn close(&self, container: &ContainerName);
}

/// A gate that answers nobody, for those who run no containers.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClosedGate;

impl Gate for ClosedGate {
    fn open(&self, _socket: &Path, _caller: Caller) -> io::Result<()> {
        Ok(())
    }

    fn close(&self, _container: &ContainerName) {}
}
