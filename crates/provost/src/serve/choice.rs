//! Which engine a server takes.
//!
//! One whose configuration names none takes Docker or Podman, whichever answers; where neither is installed, it runs
//! containers itself. What it has found first it remembers: a server must not turn to another engine while its own is
//! being exchanged, and leave containers and volumes behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use provost_controller::{EngineError, EngineErrorKind};
use provost_direct::DirectEngine;
use provost_engine::{DockerEngine, NoEngine, Search, discover};
use provost_model::Instance;

use crate::config::EngineChoice;

/// An engine that was found.
pub enum Found {
    /// Docker or Podman.
    Docker(DockerEngine),
    /// None beside Provost itself; its things are in this folder.
    Direct(PathBuf),
}

/// Why there is no engine.
pub enum NotFound {
    /// None answers.
    Silent(NoEngine),
    /// What was remembered cannot be read or written.
    Memory(PathBuf, io::Error),
}

impl From<NotFound> for EngineError {
    fn from(not_found: NotFound) -> Self {
        let message = match not_found {
            NotFound::Silent(none) if none.is_installed_nowhere() => {
                format!(
                    "{none}; or start Provost as root, then it runs containers itself, or with `engine: {{direct: {{rootless: \
                     true}}}}`"
                )
            }
            NotFound::Silent(none) => none.to_string(),
            NotFound::Memory(path, error) => {
                format!("cannot tell which engine was used before: {}: {error}", path.display())
            }
        };
        Self::new(EngineErrorKind::Unavailable, message)
    }
}

/// Finds the engine that was chosen.
pub async fn find(choice: &EngineChoice, instance: &Instance) -> Result<Found, NotFound> {
    let (folder, memory) = match choice {
        EngineChoice::Direct { folder, .. } => return Ok(Found::Direct(folder.clone())),
        EngineChoice::Docker(host) => return docker(host.as_deref(), instance).await.map_err(NotFound::Silent),
        EngineChoice::Any { folder, memory } => (folder, memory.as_deref()),
    };
    let remembered = memory.map_or(Ok(None), remembered);
    match remembered.map_err(|error| NotFound::Memory(memory.unwrap_or(folder).to_path_buf(), error))? {
        Some(Kind::Docker) => docker(None, instance).await.map_err(NotFound::Silent),
        Some(Kind::Direct) => Ok(Found::Direct(folder.clone())),
        None => match docker(None, instance).await {
            Err(none) if none.is_installed_nowhere() && DirectEngine::may_run() => Ok(Found::Direct(folder.clone())),
            found => found.map_err(NotFound::Silent),
        },
    }
}

/// Remembers what a server that names no engine has found.
pub fn remember(choice: &EngineChoice, found: &Found) -> Result<(), NotFound> {
    let EngineChoice::Any { memory: Some(memory), .. } = choice else {
        return Ok(());
    };
    let kind = match found {
        Found::Docker(_) => Kind::Docker,
        Found::Direct(_) => Kind::Direct,
    };
    let is_known = remembered(memory).is_ok_and(|known| known == Some(kind));
    let written = if is_known { Ok(()) } else { fs::write(memory, format!("{}\n", kind.word())) };
    written.map_err(|error| NotFound::Memory(memory.clone(), error))
}

async fn docker(host: Option<&str>, instance: &Instance) -> Result<Found, NoEngine> {
    find_docker(host, instance).await.map(Found::Docker)
}

/// Connects to the engine at `configured`, or to the first that answers, as the environment says.
pub async fn find_docker(configured: Option<&str>, instance: &Instance) -> Result<DockerEngine, NoEngine> {
    let variable = |name: &str| std::env::var(name).ok();
    let (docker_host, runtime_dir) = (variable("DOCKER_HOST"), variable("XDG_RUNTIME_DIR"));
    let search = Search { configured, docker_host: docker_host.as_deref(), runtime_dir: runtime_dir.as_deref() };
    discover(search, instance).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Docker,
    Direct,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Direct => "direct",
        }
    }
}

/// What a server has found before; nothing at its first start.
fn remembered(memory: &Path) -> io::Result<Option<Kind>> {
    let text = match fs::read_to_string(memory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let kind = [Kind::Docker, Kind::Direct].into_iter().find(|kind| kind.word() == text.trim());
    let refuse =
        || io::Error::other("it says neither `docker` nor `direct`; write which of the two it is, or remove it");
    kind.map(Some).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_engine_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let memory = folder.path().join("engine.kind");
        assert_eq!(remembered(&memory).unwrap(), None);
        let choice = EngineChoice::Any { folder: folder.path().join("engine"), memory: Some(memory.clone()) };
        remember(&choice, &Found::Direct(folder.path().join("engine"))).ok().unwrap();
        assert_eq!(remembered(&memory).unwrap(), Some(Kind::Direct));
        fs::write(&memory, "").unwrap();
        assert!(remembered(&memory).unwrap_err().to_string().contains("or remove it"));
    }

    #[tokio::test]
    async fn what_is_remembered_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (own, memory) = (folder.path().join("engine"), folder.path().join("engine.kind"));
        fs::write(&memory, "direct\n").unwrap();
        let choice = EngineChoice::Any { folder: own.clone(), memory: Some(memory.clone()) };
        let found = find(&choice, &Instance::parse("here").unwrap()).await;
        assert!(matches!(found, Ok(Found::Direct(folder)) if folder == own));
        fs::write(&memory, "neither").unwrap();
        let error = EngineError::from(find(&choice, &Instance::parse("here").unwrap()).await.err().unwrap());
        assert!(error.message.contains("engine.kind: it says neither"), "{error:?}");
    }
}
