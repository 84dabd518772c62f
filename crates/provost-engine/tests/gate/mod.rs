//! A socket in front of an engine's socket that can be taken away.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

pub struct Gate {
    folder: TempDir,
    behind: PathBuf,
    serving: Mutex<JoinHandle<()>>,
}

impl Gate {
    /// Passes all connections on to the socket behind it.
    pub fn open(behind: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("gate").tempdir_in("/tmp").unwrap();
        let serving = Mutex::new(serve(&folder.path().join("gate.sock"), behind));
        Self { folder, behind: behind.to_path_buf(), serving }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("gate.sock")
    }

    /// Cuts all connections, and lets no new ones come.
    pub fn shut(&self) {
        self.serving.lock().unwrap().abort();
        std::fs::remove_file(self.path()).unwrap();
    }

    pub fn open_again(&self) {
        *self.serving.lock().unwrap() = serve(&self.path(), &self.behind);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.lock().unwrap().abort();
    }
}

fn serve(path: &Path, behind: &Path) -> JoinHandle<()> {
    let (listener, behind) = (UnixListener::bind(path).unwrap(), behind.to_path_buf());
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let behind = behind.clone();
            connections.spawn(async move {
                let mut engine = UnixStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
            });
            while connections.try_join_next().is_some() {}
        }
    })
}
