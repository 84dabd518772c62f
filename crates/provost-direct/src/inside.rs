//! What is asked of a container that runs: a program in it, by a helper that joins it, or one of its ports.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use provost_controller::{EngineError, EngineErrorKind, OutputStream};
use provost_engine::http;
use provost_engine::program::{ANSWER_MAX, CallAnswer, Ran, Verdict, WORDS_MAX};
use provost_model::{CallError, CallWay, ContainerName, HealthCheck, Life, Probe, ServiceCall};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::DirectEngine;
use crate::container::Found;
use crate::network::reached_at;
use crate::trouble;

impl DirectEngine {
    pub(crate) async fn ask_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Verdict, EngineError> {
        let found = self.running(name)?;
        let limit = Duration::from_secs(check.timeout_s);
        let answer = match &check.probe {
            Probe::Http { port, path } => {
                let places = places(&found, *port)?;
                timeout(limit, http::health(&places, path)).await.map(Ok)
            }
            Probe::Command { command } => {
                let ran = timeout(limit, self.run_inside(&found, command, None, WORDS_MAX)).await;
                ran.map(|ran| ran.map(Ran::verdict))
            }
        };
        answer.unwrap_or_else(|_| Ok(Err(format!("no answer within {} s", check.timeout_s))))
    }

    pub(crate) async fn ask_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<CallAnswer, EngineError> {
        let found = self.running(name)?;
        let (data, limit) = (call.data.to_string(), Duration::try_from(call.timeout).unwrap_or(Duration::ZERO));
        let answer = match &call.way {
            CallWay::Http { port, path } => {
                let places = places(&found, *port)?;
                timeout(limit, http::call(&places, path, data)).await
            }
            CallWay::Program { command } => {
                let ran = timeout(limit, self.run_inside(&found, command, Some(data.as_bytes()), ANSWER_MAX)).await;
                let failed = |error: EngineError| Err(CallError::new("Unavailable", &error.message));
                ran.map(|ran| ran.map_or_else(failed, Ran::answer))
            }
        };
        let late = |_| Err(CallError::new("Timeout", format!("no answer within {} s", limit.as_secs())));
        Ok(answer.unwrap_or_else(late))
    }

    /// The container `name`, which has to run.
    fn running(&self, name: &ContainerName) -> Result<Found, EngineError> {
        let running = self.own(name, "ask")?.filter(|found| matches!(found.seen.life, Life::Running { .. }));
        let gone = || EngineError::new(EngineErrorKind::NotFound, format!("container {name} does not run"));
        running.ok_or_else(gone)
    }

    /// Runs a program in the container, hands it `input`, and keeps at most `most` bytes of each stream. It ends when
    /// nobody waits for it any more.
    async fn run_inside(
        &self,
        found: &Found,
        command: &[String],
        input: Option<&[u8]>,
        most: usize,
    ) -> Result<Ran, EngineError> {
        let fault = |error| trouble::around(&format!("run a program in container {}", found.seen.name), &error);
        let shim = &self.home.shim;
        let mut child = Command::new(&shim.program)
            .args(&shim.args)
            .arg("inside")
            .arg(found.place.folder())
            .args(command)
            .env_clear()
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(fault)?;
        let (to, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let hand_in = async {
            // A program that does not read all of it ends without it, and says itself whether that is wrong.
            if let Some(mut to) = to {
                let _ = to.write_all(input.unwrap_or_default()).await;
            }
        };
        let (mut ran, mut words) = (Ran::default(), Ran::default());
        let read = take(stdout, OutputStream::Stdout, &mut ran, most);
        let heard = take(stderr, OutputStream::Stderr, &mut words, most);
        tokio::join!(hand_in, read, heard);
        let status = child.wait().await.map_err(fault)?;
        Ok(Ran { code: status.code().map(i64::from), stderr: words.stderr, is_cut: ran.is_cut || words.is_cut, ..ran })
    }
}

/// Where a container's port can be reached: at its own address, and where the server publishes it.
fn places(found: &Found, port: u16) -> Result<Vec<SocketAddr>, EngineError> {
    let attachment = found.place.network();
    let doing = format!("read how container {} is connected", found.seen.name);
    let address = attachment.map_err(|error| trouble::around(&doing, &error))?.and_then(|it| it.address());
    let reached = reached_at(&found.made.network, address, port);
    Ok(reached.into_iter().map(|(address, port)| SocketAddr::new(http::reachable(address), port)).collect())
}

/// Reads a stream to its end and keeps its beginning.
async fn take(from: Option<impl AsyncRead + Unpin>, stream: OutputStream, into: &mut Ran, most: usize) {
    let mut buffer = vec![0; 16 << 10];
    let Some(mut from) = from else {
        return;
    };
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            return;
        }
        into.add(stream, &buffer[..length], most);
    }
}
