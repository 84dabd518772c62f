//! What is asked of a container that runs: a program in it, or one of its ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use futures_util::StreamExt as _;
use provost_controller::{EngineError, EngineErrorKind, OutputStream};
use provost_model::{ContainerName, ContainerSeen, Life};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::{DockerEngine, trouble};
use crate::http::reachable;
use crate::program::Ran;

impl DockerEngine {
    /// The container `name`, which has to run.
    pub(super) async fn running(&self, name: &ContainerName) -> Result<ContainerSeen, EngineError> {
        let running = self.own(name, "ask").await?.filter(|seen| matches!(seen.life, Life::Running { .. }));
        let gone = || EngineError::new(EngineErrorKind::NotFound, format!("container {name} does not run"));
        running.ok_or_else(gone)
    }

    /// Where a container's port can be reached: at its own addresses, and where the server publishes it.
    pub(super) async fn places(&self, seen: &ContainerSeen, port: u16) -> Result<Vec<SocketAddr>, EngineError> {
        let shown: Option<Value> = self.wire.json(&format!("/containers/{}/json", seen.id)).await?;
        Ok(shown.map(|shown| places(&shown, port)).unwrap_or_default())
    }

    /// Runs a program in the container, hands it `input`, and keeps at most `most` bytes of each stream.
    pub(super) async fn run_inside(
        &self,
        seen: &ContainerSeen,
        command: &[String],
        input: Option<&[u8]>,
        most: usize,
    ) -> Result<Ran, EngineError> {
        let fault = |error| trouble::say(&format!("run a program in container {}", seen.name), error);
        let options = CreateExecOptions {
            cmd: Some(command.to_vec()),
            attach_stdin: Some(input.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let exec = self.docker.create_exec(&seen.id, options).await.map_err(fault)?.id;
        let mut ran = Ran::default();
        if let StartExecResults::Attached { mut output, input: mut to } =
            self.docker.start_exec(&exec, None).await.map_err(fault)?
        {
            let hand_in = async {
                // A program that does not read all of it ends without it, and says itself whether that is wrong.
                let _ = to.write_all(input.unwrap_or_default()).await;
                let _ = to.shutdown().await;
            };
            let take = async {
                while let Some(Ok(piece)) = output.next().await {
                    keep(&mut ran, &piece, most);
                }
            };
            futures_util::future::join(hand_in, take).await;
        }
        ran.code = self.docker.inspect_exec(&exec).await.map_err(fault)?.exit_code;
        Ok(ran)
    }
}

/// Keeps a piece of what a program said.
fn keep(ran: &mut Ran, piece: &LogOutput, most: usize) {
    let is_error = matches!(piece, LogOutput::StdErr { .. });
    ran.add(if is_error { OutputStream::Stderr } else { OutputStream::Stdout }, piece.as_ref(), most);
}

/// The addresses that `shown`, the engine's answer about a container, has for `port`. Source: Docker Engine API 1.41,
/// `ContainerInspect`, `NetworkSettings`.
fn places(shown: &Value, port: u16) -> Vec<SocketAddr> {
    // In the host's network it is where the host is.
    if shown["HostConfig"]["NetworkMode"] == "host" {
        return vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)];
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        let host = json!({"HostConfig": {"NetworkMode": "host"}, "NetworkSettings": {"Networks": {"host": {"IPAddress": ""}}}});
        assert_eq!(super::places(&host, 80), ["127.0.0.1:80".parse().unwrap()]);
    }
}
