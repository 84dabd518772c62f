//! The engine itself: where its things are, and which part does what.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use provost_controller::{Engine, EngineError, EngineErrorKind, EngineFacts, OutputChunk, StepFolder};
use provost_model::{
    CallError, ContainerName, ContainerRequest, ContainerSeen, HealthCheck, Instance, PullPolicy, RunId, ServiceCall,
};
use provost_oci::ImageStore;
use rustix::thread::CapabilitySet;
use serde_json::Value;

use crate::hub::Hub;
use crate::network::NetworkFolders;
use crate::place::Place;
use crate::trash::Trash;
use crate::users::Users;
use crate::{output, rootless, trouble, watch};

/// How a shim is started: the program, and its arguments before the engine's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShimProgram {
    /// A program that calls [`crate::shim::main`].
    pub program: PathBuf,
    /// What leads it there: `shim`.
    pub args: Vec<OsString>,
}

/// An engine without a daemon, as one instance of Provost sees it. Cheap to clone.
#[derive(Clone)]
pub struct DirectEngine {
    pub(crate) home: Arc<Home>,
    pub(crate) instance: Instance,
}

/// What all instances share.
pub(crate) struct Home {
    folder: PathBuf,
    pub(crate) images: ImageStore,
    pub(crate) shim: ShimProgram,
    /// Where containers and volumes go that are removed.
    pub(crate) trash: Trash,
    pub(crate) networks: NetworkFolders,
    /// Who containers can run as.
    pub(crate) users: Users,
    hub: Mutex<Option<Arc<Hub>>>,
    /// Containers that are being made.
    pub(crate) making: Mutex<BTreeSet<ContainerName>>,
    /// Held by who writes down that a shim is lost.
    pub(crate) settling: Mutex<()>,
}

impl DirectEngine {
    /// Opens the engine whose containers and volumes are in `folder`, and makes that folder where there is none.
    /// Containers that an earlier engine left running there go on.
    ///
    /// Errors: the folder cannot be made.
    pub fn open(folder: &Path, images: ImageStore, shim: ShimProgram, instance: Instance) -> Result<Self, EngineError> {
        Self::open_with(folder, images, shim, instance, NetworkFolders::default())
    }

    /// The same with what networks are made with in other folders than the usual ones.
    ///
    /// Errors: the folder cannot be made.
    pub fn open_with(
        folder: &Path,
        images: ImageStore,
        shim: ShimProgram,
        instance: Instance,
        networks: NetworkFolders,
    ) -> Result<Self, EngineError> {
        let made = private_folder(folder).and_then(|()| {
            ["containers", "volumes", "trash"].iter().try_for_each(|part| private_folder(&folder.join(part)))?;
            folder.canonicalize()
        });
        let folder = made.map_err(|error| trouble::around(&format!("make the folder {}", folder.display()), &error))?;
        let trash = Trash::open(folder.join("trash")).map_err(|error| trouble::around("empty the trash", &error))?;
        let users = Users::here().map_err(|error| trouble::around("read who this process may be", &error))?;
        let (hub, making, settling) = Default::default();
        let home = Home { folder, images, shim, trash, networks, users, hub, making, settling };
        Ok(Self { home: Arc::new(home), instance })
    }

    /// Whether this process may run containers: it is root, of the machine or of a user namespace, and may mount.
    #[must_use]
    pub fn may_run() -> bool {
        let capabilities = rustix::thread::capabilities(None);
        let may_mount = capabilities.is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN));
        rustix::process::geteuid().is_root() && may_mount
    }

    /// What containers lack on this machine, and how to mend that.
    #[must_use]
    pub fn lacks(&self) -> Vec<(String, String)> {
        if self.home.users.are_all() { self.home.networks.lacks().into_iter().collect() } else { rootless::lacks() }
    }

    /// The same engine, as another instance sees it.
    #[must_use]
    pub fn for_instance(&self, instance: Instance) -> Self {
        Self { instance, ..self.clone() }
    }
}

/// A folder that nobody else can look into: containers' files and secrets of volumes are theirs.
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

impl Home {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn containers(&self) -> PathBuf {
        self.folder.join("containers")
    }

    pub(crate) fn volumes(&self) -> PathBuf {
        self.folder.join("volumes")
    }

    pub(crate) fn place(&self, name: &ContainerName) -> Place {
        Place::new(self.containers().join(name.as_str()))
    }

    /// Its folder, if it is there. One that is not, a disk that was taken away, is no engine without containers.
    pub(crate) fn present(&self) -> Result<&Path, EngineError> {
        if self.containers().is_dir() {
            return Ok(&self.folder);
        }
        let folder = self.folder.display();
        let message = format!("the direct engine's folder {folder} is not there; mount it, or bring it back");
        Err(EngineError::new(EngineErrorKind::Unavailable, message))
    }

    /// What hears of changes; begun anew if the folder was away.
    pub(crate) fn hub(&self) -> Result<Arc<Hub>, EngineError> {
        let mut hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = hub.as_ref().filter(|hub| !hub.is_gone()) {
            return Ok(Arc::clone(hub));
        }
        let folder = self.present()?;
        let started = Hub::start(folder, &self.containers());
        let started = started.map_err(|error| trouble::around(&format!("watch {}", folder.display()), &error))?;
        Ok(Arc::clone(hub.insert(Arc::new(started))))
    }
}

#[async_trait]
impl Engine for DirectEngine {
    async fn probe(&self) -> Result<EngineFacts, EngineError> {
        let folder = self.home.present()?;
        if !Self::may_run() {
            let message = "the direct engine has to be root, and allowed to mount; start the server so, or with `engine: \
                {direct: {rootless: true}}`, or use Docker or Podman";
            return Err(EngineError::new(EngineErrorKind::Refused, message));
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(EngineFacts { product: "Provost direct".to_owned(), version, address: folder.display().to_string() })
    }

    async fn list(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        self.list_containers(instance).await
    }

    async fn inspect(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        self.inspect_own(name)
    }

    async fn watch(&self, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError> {
        self.home.present()?;
        Ok(watch::watch(self.home.hub()?, instance))
    }

    async fn ensure_image(
        &self,
        image: &str,
        pull: PullPolicy,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, EngineError> {
        self.image(image, pull, progress).await
    }

    async fn create(&self, request: &ContainerRequest, folder: &StepFolder) -> Result<(), EngineError> {
        self.create_container(request, folder).await
    }

    async fn start(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.start_container(name).await
    }

    async fn check_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Result<(), String>, EngineError> {
        self.ask_health(name, check).await
    }

    async fn call_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<Result<Value, CallError>, EngineError> {
        self.ask_service(name, call).await
    }

    async fn stop(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        self.stop_container(name, grace_s).await
    }

    async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.remove_container(name).await
    }

    async fn runs_with_volumes(&self) -> Result<Vec<RunId>, EngineError> {
        self.runs_with_own_volumes()
    }

    async fn remove_volumes(&self, run: &RunId) -> Result<(), EngineError> {
        self.remove_volumes_of(run)
    }

    async fn keep_images(&self, needed: &BTreeSet<String>, now: Timestamp) -> Result<usize, EngineError> {
        self.keep(needed, now).await
    }

    async fn output(
        &self,
        name: &ContainerName,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<OutputChunk, EngineError>>, EngineError> {
        output::output(self, name, follow)
    }

    async fn load(&self, archive: Bytes) -> Result<Vec<String>, EngineError> {
        self.load_archive(archive).await
    }
}
