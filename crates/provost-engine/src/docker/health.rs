//! Whether a service does its work: asked by HTTP, or by a program in its container.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use futures_util::{FutureExt as _, StreamExt as _, future};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::{ContainerName, ContainerSeen, HealthCheck, Life, Probe};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{DockerEngine, trouble};

/// How much of what a program says is told, in characters.
const WORDS_MAX: usize = 200;

/// An answer: good, or why not.
type Verdict = Result<(), String>;

impl DockerEngine {
    pub(super) async fn ask_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Verdict, EngineError> {
        let running = self.own(name, "ask").await?.filter(|seen| matches!(seen.life, Life::Running { .. }));
        let Some(seen) = running else {
            let message = format!("container {name} does not run");
            return Err(EngineError::new(EngineErrorKind::NotFound, message));
        };
        let limit = Duration::from_secs(check.timeout_s);
        let answer = match &check.probe {
            Probe::Http { port, path } => {
                let places = self.places(&seen, *port).await?;
                timeout(limit, first_good(&places, path)).await.map(Ok)
            }
            Probe::Command { command } => timeout(limit, self.run_inside(&seen, command)).await,
        };
        answer.unwrap_or_else(|_| Ok(Err(format!("no answer within {} s", check.timeout_s))))
    }

    /// Where a container's port can be reached: at its own addresses, and where the server publishes it.
    async fn places(&self, seen: &ContainerSeen, port: u16) -> Result<Vec<SocketAddr>, EngineError> {
        let shown: Option<Value> = self.wire.json(&format!("/containers/{}/json", seen.id)).await?;
        Ok(shown.map(|shown| places(&shown, port)).unwrap_or_default())
    }

    async fn run_inside(&self, seen: &ContainerSeen, command: &[String]) -> Result<Verdict, EngineError> {
        let fault = |error| trouble::say(&format!("run the health check of container {}", seen.name), error);
        let options = CreateExecOptions {
            cmd: Some(command.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let exec = self.docker.create_exec(&seen.id, options).await.map_err(fault)?.id;
        let mut words = String::new();
        if let StartExecResults::Attached { mut output, .. } =
            self.docker.start_exec(&exec, None).await.map_err(fault)?
        {
            while let Some(Ok(piece)) = output.next().await {
                add_words(&mut words, &piece);
            }
        }
        let code = self.docker.inspect_exec(&exec).await.map_err(fault)?.exit_code;
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(match code {
            Some(0) => Ok(()),
            Some(code) if words.is_empty() => Err(format!("exit {code}")),
            Some(code) => Err(format!("exit {code}: {words}")),
            None => Err("its end is not known".to_owned()),
        })
    }
}

fn add_words(words: &mut String, piece: &LogOutput) {
    let text = String::from_utf8_lossy(piece.as_ref()).into_owned();
    let left = WORDS_MAX.saturating_sub(words.chars().count());
    words.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(left));
}

/// The addresses that `shown`, the engine's answer about a container, has for `port`. Source: Docker Engine API 1.41,
/// `ContainerInspect`, `NetworkSettings`.
fn places(shown: &Value, port: u16) -> Vec<SocketAddr> {
    let settings = &shown["NetworkSettings"];
    let networks = settings["Networks"].as_object().into_iter().flatten().map(|(_, network)| network);
    let own = networks.chain([settings]).filter_map(|network| network["IPAddress"].as_str()?.parse::<IpAddr>().ok());
    let bindings = settings["Ports"][format!("{port}/tcp")].as_array().into_iter().flatten();
    let published = bindings.filter_map(|binding| {
        let address: IpAddr = binding["HostIp"].as_str()?.parse().ok()?;
        Some(SocketAddr::new(reachable(address), binding["HostPort"].as_str()?.parse().ok()?))
    });
    let mut places: Vec<SocketAddr> = own.map(|address| SocketAddr::new(address, port)).chain(published).collect();
    places.sort();
    places.dedup();
    places
}

/// Where something is that listens on all addresses.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
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
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_is_at_the_container_and_where_it_is_published() {
        let shown = json!({"NetworkSettings": {
            "IPAddress": "172.17.0.2", "Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "other": {"IPAddress": ""}},
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8090"}], "81/tcp": null},
        }});
        let places = places(&shown, 80);
        assert_eq!(places, ["127.0.0.1:8090".parse().unwrap(), "172.17.0.2:80".parse().unwrap()]);
        assert!(super::places(&json!({}), 80).is_empty());
    }

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
