//! Whether a service does its work: asked by HTTP, or by a program in its container.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::{FutureExt as _, future};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use provost_controller::EngineError;
use provost_model::{ContainerName, HealthCheck, Probe};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::DockerEngine;
use crate::program::{Ran, Verdict, WORDS_MAX};

impl DockerEngine {
    pub(super) async fn ask_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Verdict, EngineError> {
        let seen = self.running(name).await?;
        let limit = Duration::from_secs(check.timeout_s);
        let answer = match &check.probe {
            Probe::Http { port, path } => {
                let places = self.places(&seen, *port).await?;
                timeout(limit, first_good(&places, path)).await.map(Ok)
            }
            Probe::Command { command } => {
                timeout(limit, self.run_inside(&seen, command, None, WORDS_MAX)).await.map(|ran| ran.map(Ran::verdict))
            }
        };
        answer.unwrap_or_else(|_| Ok(Err(format!("no answer within {} s", check.timeout_s))))
    }
}

/// Asks at all places at once, since some may not be reachable from here: one good answer is enough.
async fn first_good(places: &[SocketAddr], path: &str) -> Verdict {
    if places.is_empty() {
        return Err("the container has no address".to_owned());
    }
    let asked = places.iter().map(|place| ask(*place, path).boxed());
    future::select_ok(asked).await.map(drop)
}

async fn ask(place: SocketAddr, path: &str) -> Verdict {
    let said = |error: &dyn std::fmt::Display| format!("http://{place}{path}: {error}");
    let stream = TcpStream::connect(place).await.map_err(|error| said(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| said(&error))?;
    let request = hyper::Request::get(path).header("host", place.to_string()).header("user-agent", "provost");
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| said(&error))?;
    let mut answer = pin!(sender.send_request(request));
    // The connection ends with the question: nothing of it outlives this call. It may end as soon as it has the answer.
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    match answer.map_err(|error| said(&error))?.status().as_u16() {
        200..=399 => Ok(()),
        status => Err(said(&format!("status {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers one question with `status`.
    async fn server(status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let length = stream.read(&mut asked).await.unwrap();
            assert!(asked[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        place
    }

    #[tokio::test]
    async fn d1_a_service_is_asked_by_http() {
        for (status, is_good) in [("200 OK", true), ("302 Found", true), ("404 Not Found", false), ("500 Oh", false)] {
            let place = server(status).await;
            let answer = first_good(&[place], "/healthz").await;
            assert_eq!(answer.is_ok(), is_good, "{status}: {answer:?}");
        }
        let nobody = "127.0.0.1:1".parse().unwrap();
        let place = server("204 No Content").await;
        assert_eq!(first_good(&[nobody, place], "/healthz").await, Ok(()));
        let answer = first_good(&[nobody], "/healthz").await.unwrap_err();
        assert!(answer.starts_with("http://127.0.0.1:1/healthz: "), "{answer}");
        assert!(first_good(&[], "/").await.is_err());
    }
}
