//! The sockets of containers. Each container that may ask the server has one of its own, so that who asks is known by the
//! socket, and nothing in the container has to prove it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use provost_controller::Gate;
use provost_model::{Caller, ContainerName};
use rustix::fs::OFlags;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::peer::Peer;

/// The gate of a server. Connections that come before it answers wait until it does. Cheap to clone.
#[derive(Clone)]
pub struct ContainerGate {
    router: watch::Sender<Option<Router>>,
    open: Arc<Mutex<BTreeMap<ContainerName, CancellationToken>>>,
    runtime: Handle,
}

impl ContainerGate {
    /// A gate whose sockets are answered on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        Self { router: watch::Sender::new(None), open: Arc::default(), runtime }
    }

    /// From now on, whoever asks is answered.
    pub(super) fn answer_with(&self, router: Router) {
        self.router.send_replace(Some(router));
    }

    fn sockets(&self) -> std::sync::MutexGuard<'_, BTreeMap<ContainerName, CancellationToken>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate for ContainerGate {
    fn open(&self, socket: &Path, caller: Caller) -> io::Result<()> {
        let _runtime = self.runtime.enter();
        let listener = listen(socket)?;
        let closed = CancellationToken::new();
        if let Some(before) = self.sockets().insert(caller.container.clone(), closed.clone()) {
            before.cancel();
        }
        let mut router = self.router.subscribe();
        let listener = ContainerListener { listener, caller: Arc::new(caller) };
        self.runtime.spawn(async move {
            let router = tokio::select! {
                router = router.wait_for(Option::is_some) => router.ok().and_then(|router| router.clone()),
                () = closed.cancelled() => None,
            };
            let Some(router) = router else { return };
            let app = router.into_make_service_with_connect_info::<Peer>();
            // Accepting never fails for good; it ends with the container.
            let _ = axum::serve(listener, app).with_graceful_shutdown(closed.cancelled_owned()).await;
        });
        Ok(())
    }

    fn close(&self, container: &ContainerName) {
        if let Some(closed) = self.sockets().remove(container) {
            closed.cancel();
        }
    }
}

/// Listens at `socket`. Its path may be longer than a socket's may be, so it is told by its folder's descriptor.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    let (folder, name) = match (socket.parent(), socket.file_name()) {
        (Some(folder), Some(name)) => (folder, name),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no path of a file")),
    };
    let flags = (OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let folder = OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
    let place = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    match fs::remove_file(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&place)?;
    // Whatever user the image has, it may ask. Others cannot reach the folder.
    fs::set_permissions(&place, Permissions::from_mode(0o666))?;
    Ok(listener)
}

struct ContainerListener {
    listener: UnixListener,
    caller: Arc<Caller>,
}

impl Listener for ContainerListener {
    type Io = UnixStream;
    type Addr = Arc<Caller>;

    async fn accept(&mut self) -> (UnixStream, Arc<Caller>) {
        let (stream, _) = Listener::accept(&mut self.listener).await;
        (stream, Arc::clone(&self.caller))
    }

    fn local_addr(&self) -> io::Result<Arc<Caller>> {
        Ok(Arc::clone(&self.caller))
    }
}

impl Connected<IncomingStream<'_, ContainerListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, ContainerListener>) -> Self {
        Self::Container(Arc::clone(stream.remote_addr()))
    }
}
