//! The server: routes over a controller.

use std::future::IntoFuture as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use provost_controller::Controller;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::wire::ListenItem;

mod access;
mod actions;
mod automations;
mod commands;
mod description;
mod documents;
mod events;
mod extract;
mod follow;
mod gate;
mod guard;
mod jobs;
mod lines;
mod listings;
mod logs;
mod metrics;
mod peer;
mod refused;
mod resume;
mod route;
mod routes;
mod runs;
mod services;
mod skills;
mod socket;
mod status;
mod tls;
mod tokens;

pub use gate::ContainerGate;
pub use metrics::Metrics;
pub use route::{About, Answer, Route, SchemaOf};
pub use routes::ROUTES;
pub use socket::{BindError, bind};
pub use tls::TlsListener;

/// The largest body of a request, in bytes.
const BODY_MAX: usize = 1 << 20;

/// How long answers that are under way may take once the server is to stop.
const GOODBYE: Duration = Duration::from_secs(5);

/// What the server says of itself besides what the controller knows.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// Provost's version.
    pub version: String,
    /// The name of the machine.
    pub host: String,
    /// The public half of the server's key, for which secrets are sealed.
    pub recipient: String,
    /// Where other machines ask, if they may.
    pub listen: Option<ListenItem>,
    /// What is counted and measured.
    pub metrics: Metrics,
}

/// What every handler has.
#[derive(Clone)]
struct Shared {
    controller: Controller,
    info: Arc<ServerInfo>,
    stop: CancellationToken,
}

/// Where requests come from.
pub struct Listeners {
    /// The socket of this machine's own people; see [`bind`].
    pub local: UnixListener,
    /// Where everybody else asks, with a token.
    pub remote: Option<TlsListener>,
    /// Where containers ask, if they may.
    pub gate: Option<ContainerGate>,
}

impl From<UnixListener> for Listeners {
    fn from(local: UnixListener) -> Self {
        Self { local, remote: None, gate: None }
    }
}

/// Answers requests on `listeners` until `stop` is cancelled; then removes the socket's file.
///
/// Answers that are under way are given five seconds. Streams are broken off, so that nobody takes the server's end for
/// the end of a run.
pub async fn serve(
    listeners: impl Into<Listeners>,
    controller: Controller,
    info: ServerInfo,
    stop: CancellationToken,
) -> io::Result<()> {
    let Listeners { local, remote, gate } = listeners.into();
    let file = local.local_addr()?.as_pathname().map(ToOwned::to_owned);
    let watching = info.metrics.clone().watch(controller.clone());
    tokio::spawn(stop.clone().run_until_cancelled_owned(watching));
    let app = router(Shared { controller, info: Arc::new(info), stop: stop.clone() });
    if let Some(gate) = gate {
        gate.answer_with(app.clone());
    }
    let app = app.into_make_service_with_connect_info::<peer::Peer>();
    let goodbye = {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            tokio::time::sleep(GOODBYE).await;
        }
    };
    let remotely = {
        let (app, stop) = (app.clone(), stop.clone());
        async move {
            match remote {
                Some(remote) => axum::serve(remote, app).with_graceful_shutdown(stop.cancelled_owned()).await,
                None => Ok(()),
            }
        }
    };
    let locally = axum::serve(local, app).with_graceful_shutdown(stop.cancelled_owned());
    let served = tokio::select! {
        served = async { tokio::try_join!(locally.into_future(), remotely) } => served.map(drop),
        () = goodbye => Ok(()),
    };
    if let Some(file) = file {
        // Nothing listens on it any more; if it is gone already, all the better.
        let _ = std::fs::remove_file(file);
    }
    served
}

/// The service of every route in [`ROUTES`].
fn router(shared: Shared) -> Router {
    let add = |router: Router<Shared>, route: &'static Route| {
        let admit = axum::middleware::from_fn_with_state((shared.clone(), route), access::admit);
        router.route(route.path, route.method_router().route_layer(admit))
    };
    ROUTES
        .iter()
        .fold(Router::new(), add)
        .fallback(guard::no_such_path)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(axum::middleware::from_fn(guard::check_origin))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(shared)
}
