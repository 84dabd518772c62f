//! The older event framework's wire form, for clients that are there already.
//!
//! On one TCP port: JSON objects, each ended by a NUL byte, a newline or the end of the stream ([`frame`]), and the same
//! objects as bodies of HTTP requests ([`web`]). What they ask for is in [`task`]. There are no tokens in this form, so
//! whoever reaches the port can fire events: it is off unless the server's configuration says otherwise.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use provost_controller::Controller;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

mod frame;
mod task;
mod web;

use task::Desk;

/// Connections at once; more wait.
const CONNECTIONS_MAX: usize = 64;

/// The largest object, in bytes.
const OBJECT_MAX: usize = 1 << 20;

/// How long a client may take to send an object.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection whose client has not yet said what it speaks is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Takes events on `listener` until `stop` is cancelled. Each is durable before it is answered (E5), and those of one
/// connection are handled in the order in which they came (E4).
pub async fn take_events(listener: TcpListener, controller: Controller, stop: CancellationToken) {
    let desk = Arc::new(Desk::new(controller));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let (desk, stop) = (Arc::clone(&desk), stop.clone());
        match accepted {
            Ok((stream, peer)) => drop(tokio::spawn(async move {
                tokio::select! {
                    talked = talk(stream, peer, desk) => told(peer, talked),
                    () = stop.cancelled() => {}
                }
                drop(place);
            })),
            // Out of file descriptors, or a client that is gone already: neither is mended by hurrying.
            Err(error) => {
                tracing::warn!(%error, "a client of the event listener was not let in");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

async fn talk(stream: TcpStream, peer: SocketAddr, desk: Arc<Desk>) -> io::Result<()> {
    match tokio::time::timeout(PATIENCE, speaks_http(&stream)).await.map_err(io::Error::from)?? {
        true => web::talk(stream, peer, desk).await,
        false => frame::talk(stream, peer, &desk).await,
    }
}

fn told(peer: SocketAddr, talked: io::Result<()>) {
    if let Err(error) = talked {
        tracing::debug!(%peer, %error, "a client of the event listener broke off");
    }
}

/// Whether the client begins an HTTP request. Nothing is taken from the stream.
async fn speaks_http(stream: &TcpStream) -> io::Result<bool> {
    let mut begin = [0; 8];
    loop {
        let length = stream.peek(&mut begin).await?;
        match begins_http(&begin[..length]) {
            Some(is_http) => return Ok(is_http),
            None if length == 0 => return Ok(false),
            None => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// Whether `begin` begins an HTTP request; absent while that cannot be said.
fn begins_http(begin: &[u8]) -> Option<bool> {
    const METHODS: [&str; 9] =
        ["GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS ", "TRACE ", "CONNECT "];
    let whole = |method: &&str| begin.starts_with(&method.as_bytes()[..method.len().min(8)]);
    let partly = |method: &&str| method.as_bytes().starts_with(begin);
    if METHODS.iter().any(whole) {
        Some(true)
    } else if METHODS.iter().any(partly) {
        None
    } else {
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_forms_are_told_apart_by_how_they_begin() {
        for (begin, expected) in [
            ("", None),
            ("PO", None),
            ("POST", None),
            ("POST /fi", Some(true)),
            ("GET / HT", Some(true)),
            ("CONNECT ", Some(true)),
            ("OPTIONS ", Some(true)),
            ("{\"hook_n", Some(false)),
            ("\n", Some(false)),
            ("POSTAL c", Some(false)),
            ("hello", Some(false)),
        ] {
            assert_eq!(begins_http(begin.as_bytes()), expected, "{begin:?}");
        }
    }
}
