//! The event listener: the older framework's wire form, where the configuration says so.

use std::net::SocketAddr;

use provost_controller::Controller;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// Makes the socket at `address`, before anything else is started.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::no(format!("events cannot be taken on {address}: {error}"))
            .help("name another `events.port` or `events.address` in the server configuration")
    })
}

/// Takes events on `listener` until `stop` is cancelled.
pub fn take(listener: TcpListener, controller: Controller, stop: CancellationToken) {
    match listener.local_addr() {
        Ok(address) if address.ip().is_loopback() => tracing::info!(%address, "taking events"),
        Ok(address) => tracing::warn!(%address, "taking events from whoever reaches this address"),
        Err(error) => tracing::warn!(%error, "taking events on an address that the system does not tell"),
    }
    tokio::spawn(provost_api::take_events(listener, controller, stop));
}
