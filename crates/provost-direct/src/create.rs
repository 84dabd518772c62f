//! Making containers: a request is checked, written down as a bundle, and given to a shim.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use bollard::models::ContainerCreateBody;
use provost_controller::{EngineError, EngineErrorKind, StepFolder};
use provost_engine::labels::adopt;
use provost_engine::{Allowed, Habits, check, create_request};
use provost_model::{ContainerName, ContainerRequest};
use provost_oci::Image;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::DirectEngine;
use crate::cgroup;
use crate::control;
use crate::engine::Home;
use crate::network::{self, Network};
use crate::place::Place;
use crate::record::{Made, Order};
use crate::spec::Plan;
use crate::trouble;
use crate::user::User;
use crate::users::OwnUsers;

/// The request is that of an engine with an init, as this one is.
const HABITS: Habits = Habits { podman: false, init: true };
/// How often it is looked whether a shim is done that an engine started before this one.
const LOOK: Duration = Duration::from_millis(10);

impl DirectEngine {
    pub(crate) async fn create_container(
        &self,
        request: &ContainerRequest,
        folder: &StepFolder,
    ) -> Result<(), EngineError> {
        self.home.present()?;
        let (body, network) = self.checked(request, folder)?;
        let _making = Making::begin(&self.home, &request.name)?;
        let place = self.home.place(&request.name);
        self.wait_for_earlier(&place).await;
        if let Some(found) = self.home.look(&request.name)? {
            return adopt(request, &found.made.labels);
        }
        let image = self.find(&request.workload.image).await?.ok_or_else(|| no_image(request))?;
        let doing = format!("create container {}", request.name);
        self.write_bundle(request, &body, network, &image, &place)?;
        let launched = match self.home.hub() {
            Ok(hub) => {
                hub.add(&request.name);
                // The disk has its time while the container is made.
                let kept = keep(&place, &doing);
                let (launched, kept) = tokio::join!(control::launch(&self.home.shim, &place, &doing), kept);
                launched.and(kept)
            }
            Err(error) => Err(error),
        };
        if launched.is_err() {
            let _ = control::order(&place, Order::Kill, &doing).await;
            // What is left of it is in nobody's way.
            let _ = self.home.trash.take(place.folder());
        }
        launched
    }

    /// What is asked for, if this engine may and can do it.
    fn checked(
        &self,
        request: &ContainerRequest,
        folder: &StepFolder,
    ) -> Result<(ContainerCreateBody, Network), EngineError> {
        let refuse =
            |problem: String| EngineError::new(EngineErrorKind::Refused, format!("{}: {problem}", request.name));
        let body = create_request(request, folder, HABITS);
        check(&body, &Allowed::of(request, folder, None)).map_err(|refusal| refuse(refusal.to_string()))?;
        if request.instance != self.instance {
            return Err(refuse(format!("it is for the instance {}, not {}", request.instance, self.instance)));
        }
        let network = Network::of(&request.workload, &self.home.networks).map_err(refuse)?;
        if !self.home.users.are_all() && network.joins().is_some() {
            let problem = "it is to be connected to a network, for which Provost has to be root; start the server as root, \
                or use Docker or Podman";
            return Err(refuse(problem.to_owned()));
        }
        Ok((body, network))
    }

    /// Waits for a shim that is still at work for an engine that was ended; what it does not finish is taken away.
    async fn wait_for_earlier(&self, place: &Place) {
        while !place.is_ready() && place.has_shim() {
            sleep(LOOK).await;
        }
        if place.folder().exists() && !place.is_ready() {
            let _ = self.home.trash.take(place.folder());
        }
    }

    fn write_bundle(
        &self,
        request: &ContainerRequest,
        body: &ContainerCreateBody,
        network: Network,
        image: &Image,
        place: &Place,
    ) -> Result<(), EngineError> {
        let refuse = |why: String| {
            EngineError::new(EngineErrorKind::Refused, format!("cannot create container {}: {why}", request.name))
        };
        let words = body.user.as_deref().unwrap_or(&image.config.user);
        let users = &self.home.users;
        let (user, guise) = User::of(words, &image.layers).and_then(|user| users.place(user)).map_err(refuse)?;
        let (id, volumes) = (new_id(), self.home.volumes());
        // Without root they all have those of the server's user, who is nobody's root.
        let has_own_users = request.workload.user_namespace && users.are_all();
        let own_users = has_own_users.then(|| OwnUsers::first_for(&user, &id)).transpose().map_err(refuse)?;
        let plan = Plan {
            body,
            image: &image.config,
            user: &user,
            guise,
            users,
            has_own_users,
            id: &id,
            volumes: &volumes,
            network: &network,
            place,
        };
        if plan.opens_devices(cgroup::is_unified()) {
            let problem = "it is given the capability MKNOD, and on control groups of version 2 nothing keeps it from the \
                server's devices; leave that out, or give it users of its own (`userNamespace: true`)";
            return Err(refuse(problem.to_owned()));
        }
        let made = Made {
            name: request.name.clone(),
            id: id.clone(),
            labels: request.labels(),
            uid: own_users.unwrap_or_default() + user.uid,
            guise,
            own_users: own_users.map(|first| OwnUsers { first, bound: plan.sources() }),
            rootless: !users.are_all(),
            image: image.digest.to_string(),
            layers: image.layers.clone(),
            user_xattrs: self.home.images.user_xattrs(),
            capabilities: plan.capabilities(),
            folders: plan.folders(),
            volumes: self.make_volumes(request, image)?,
            limits: plan.limits(),
            hostname: body.hostname.clone().unwrap_or_default(),
            network: network.clone(),
            log_bytes: request.log_bytes.saturating_mul(2).max(1 << 20),
        };
        let written = fs::create_dir(place.folder())
            .and_then(|()| write_private(&place.bundle(), &plan.config()))
            .and_then(|()| network::write_files(place.folder(), &network, &made.hostname))
            .and_then(|()| place.set_made(&made))
            .and_then(|()| place.begin());
        written.map_err(|error| trouble::around(&format!("create container {}", request.name), &error))
    }
}

/// Makes durable that a container is there.
async fn keep(place: &Place, doing: &str) -> Result<(), EngineError> {
    let place = place.clone();
    let kept = spawn_blocking(move || place.keep()).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    kept.map_err(|error| trouble::around(doing, &error))
}

/// Writes the bundle, which may hold secrets as variables.
fn write_private(bundle: &Path, config: &serde_json::Value) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::create_dir(bundle)?;
    let path: PathBuf = bundle.join("config.json");
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&serde_json::to_vec(config)?)
}

/// Sorted by time, and not to be guessed.
fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

fn no_image(request: &ContainerRequest) -> EngineError {
    let (name, image) = (&request.name, &request.workload.image);
    let message = format!(
        "cannot create container {name}: the direct engine does not have the image {image}; pull or load it first, or set `pull: IfNotPresent`"
    );
    EngineError::new(EngineErrorKind::NotFound, message)
}

/// A name whose container is being made, as long as this lives.
struct Making<'a> {
    home: &'a Home,
    name: &'a ContainerName,
}

impl<'a> Making<'a> {
    fn begin(home: &'a Home, name: &'a ContainerName) -> Result<Self, EngineError> {
        if home.making.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            return Ok(Self { home, name });
        }
        let message = format!("cannot create container {name}: one of that name is being made");
        Err(EngineError::new(EngineErrorKind::Unavailable, message))
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.home.making.lock().unwrap_or_else(PoisonError::into_inner).remove(self.name);
    }
}
