//! The socket's file.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// The owner and the group may connect; whoever may, may do everything.
const MODE: u32 = 0o660;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Why no socket could be made.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A server answers there.
    #[error("another server answers on {}: stop it, or give this one a socket of its own", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Something else is in the way.
    #[error("{} is there and is no socket: remove it, or name another path", path.display())]
    NoSocket {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("the socket {} cannot be made: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: io::Error,
    },
}

/// Makes the socket `path` and listens on it. The file of a server that is gone is replaced, and nothing else is.
///
/// Nobody can connect before its permissions are 0660: it listens only then.
pub async fn bind(path: &Path) -> Result<UnixListener, BindError> {
    clear(path).await?;
    listen(path).map_err(|why| BindError::Io { path: path.to_owned(), why })
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(MODE))?;
    socket.listen(BACKLOG)
}

/// Removes the socket that a server left behind.
async fn clear(path: &Path) -> Result<(), BindError> {
    let failed = |why| BindError::Io { path: path.to_owned(), why };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(BindError::NoSocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(failed),
        Err(error) => Err(failed(error)),
        Ok(_) => Err(BindError::InUse { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        (folder, path)
    }

    #[tokio::test]
    async fn only_owner_and_group_may_connect() {
        let (_folder, path) = place();
        let _listener = bind(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    }

    #[tokio::test]
    async fn the_file_of_a_server_that_is_gone_is_replaced() {
        let (_folder, path) = place();
        drop(bind(&path).await.unwrap());
        assert!(path.exists(), "dropping a listener leaves its file, as a killed server does");
        let _listener = bind(&path).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_answers_is_left_alone() {
        let (_folder, path) = place();
        let _listener = bind(&path).await.unwrap();
        assert!(matches!(bind(&path).await, Err(BindError::InUse { .. })));
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone() {
        let (_folder, path) = place();
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&path).await, Err(BindError::NoSocket { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
}
