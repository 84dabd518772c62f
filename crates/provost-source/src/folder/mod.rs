//! A folder of this machine as a source.

mod read;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provost_controller::{Revision, Source, SourceError, SourceFile};
use provost_model::RevisionId;
use sha2::{Digest as _, Sha256};

use crate::config::{ConfigProblem, FolderConfig};
use crate::limits::{refused, unreachable};
use crate::poll::Poll;
use read::Trouble;
use watch::Watch;

/// How often the folder is read although the watch said nothing: some file systems (of the network) say
/// nothing at all.
const SAFETY_POLL: Duration = Duration::from_secs(60);
/// How often a folder is read again when files vanish while it is read.
const ATTEMPTS: usize = 5;

/// The manifests in a folder: every `*.yaml` and `*.yml` below it, hidden files and folders left out.
///
/// Links between files within the folder are followed, so that a mounted `ConfigMap` works; links to
/// folders are not, and a link that leads out of the folder is refused.
pub struct FolderSource {
    path: PathBuf,
    watch: Arc<Watch>,
    poll: Poll,
}

impl FolderSource {
    /// Opens the folder without reading it; it need not exist yet.
    pub fn open(config: &FolderConfig) -> Result<Self, ConfigProblem> {
        // Absolute from here on, so that the working directory of the process does not matter.
        let path = std::path::absolute(&config.path).map_err(|error| {
            let what = format!("{:?} is not a path ({error})", config.path.display());
            ConfigProblem::new("folder.path", what, "write the path of the folder with the manifests")
        })?;
        Ok(Self { watch: Arc::new(Watch::new(path.clone())), path, poll: Poll::new(SAFETY_POLL) })
    }
}

#[async_trait]
impl Source for FolderSource {
    fn describe(&self) -> String {
        format!("folder {}", self.path.display())
    }

    async fn fetch(&self) -> Result<Revision, SourceError> {
        let (path, watch) = (self.path.clone(), Arc::clone(&self.watch));
        let reading = tokio::task::spawn_blocking(move || {
            // Watched first, read afterwards: what is saved in between is seen by one of the two.
            watch.follow();
            read_settled(&path)
        });
        let files = reading.await.map_err(|error| unreachable(format!("reading it was broken off: {error}")))?;
        self.poll.restart();
        revision(files?)
    }

    async fn changed(&self) {
        self.watch.changed(self.poll.next()).await;
        self.poll.restart();
    }
}

/// Reads the folder; begins anew when a file vanishes between being found and being read.
pub(crate) fn read_settled(path: &std::path::Path) -> Result<Vec<SourceFile>, SourceError> {
    for _ in 0..ATTEMPTS {
        match read::read(path) {
            Ok(files) => return Ok(files),
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Vanished(file)) => {
                tracing::debug!(file, "vanished while the folder was read")
            }
        }
    }
    Err(unreachable(format!("`{}` keeps changing while it is read; it is read again shortly", path.display())))
}

fn revision(files: Vec<SourceFile>) -> Result<Revision, SourceError> {
    let id =
        RevisionId::parse(format!("folder-{}", &digest(&files)[..12])).map_err(|error| refused(error.to_string()))?;
    Ok(Revision { id, author: String::new(), subject: String::new(), at: None, signer: None, files })
}

/// A digest over paths and contents; lengths come first, so that nothing can move from one into the next.
pub(crate) fn digest(files: &[SourceFile]) -> String {
    let mut hash = Sha256::new();
    for part in files.iter().flat_map(|file| [file.path.as_bytes(), &file.bytes]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_paths_and_contents_apart() {
        let file = |path: &str, bytes: &[u8]| SourceFile { path: path.to_owned(), bytes: bytes.to_vec() };
        let digests = [
            digest(&[]),
            digest(&[file("a.yaml", b"b")]),
            digest(&[file("a.yam", b"lb")]),
            digest(&[file("a.yaml", b""), file("b", b"")]),
            digest(&[file("a.yaml", b"b"), file("b", b"")]),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }
}
