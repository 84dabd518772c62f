//! How the engine speaks with shims: it starts them, and sends them orders.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::process::Stdio;
use std::time::Duration;

use provost_controller::{EngineError, EngineErrorKind};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::engine::ShimProgram;
use crate::place::{Place, SOCKET};
use crate::record::{Answer, Order};
use crate::trouble;

/// How long a container may take to be made. Making many at once is slow on a small machine.
const MAKE: Duration = Duration::from_secs(120);
/// How long a shim may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Starts a shim for a place and waits until its container is made.
///
/// It is given nothing of the server's: no variables, no streams but the lock of the place, the one that it answers on,
/// and a file for its complaints.
pub(crate) async fn launch(program: &ShimProgram, place: &Place, doing: &str) -> Result<(), EngineError> {
    let around = |error: std::io::Error| trouble::around(doing, &error);
    let complaints = File::create(place.complaints()).map_err(around)?;
    let lock = place.lock().map_err(around)?;
    let mut child = Command::new(&program.program)
        .args(&program.args)
        .arg("run")
        .arg(place.folder())
        .env_clear()
        .stdin(lock)
        .stdout(Stdio::piped())
        .stderr(complaints)
        .process_group(0)
        .spawn()
        .map_err(around)?;
    let mut text = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        let read = timeout(MAKE, stdout.read_to_end(&mut text)).await;
        read.map_err(|_| silent(doing, MAKE))?.map_err(around)?;
    }
    // It lives as long as its container; somebody has to take note of its end.
    tokio::spawn(async move { child.wait().await });
    let answer = serde_json::from_slice(&text).unwrap_or_else(|_| Answer::Unavailable(last_words(place)));
    trouble::of_answer(doing, answer)
}

/// What a shim has complained of.
fn last_words(place: &Place) -> String {
    let words = std::fs::read_to_string(place.complaints()).unwrap_or_default();
    let last = words.trim().lines().next_back().unwrap_or("it was ended, or is no shim").to_owned();
    format!("its shim did not answer: {last}")
}

/// A shim that has answered, and stays connected until its container ends.
pub(crate) struct Attached(BufReader<UnixStream>);

impl Attached {
    /// Waits until the container has ended, but no longer than this; whether it has.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> bool {
        timeout(limit, self.0.read_to_end(&mut Vec::new())).await.is_ok()
    }
}

/// Gives an order to the shim of a place. One that is gone cannot be reached, which is an error that may pass.
pub(crate) async fn order(place: &Place, order: Order, doing: &str) -> Result<Attached, EngineError> {
    let around = |error: std::io::Error| trouble::around(doing, &error);
    // Through the folder, since the path of a socket may be no longer than 107 bytes.
    let folder = File::open(place.folder()).map_err(around)?;
    let path = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
    let mut stream = BufReader::new(UnixStream::connect(path).await.map_err(around)?);
    let mut text = serde_json::to_vec(&order).unwrap_or_default();
    text.push(b'\n');
    let mut line = String::new();
    let exchange = async {
        stream.write_all(&text).await?;
        stream.read_line(&mut line).await
    };
    timeout(ANSWER, exchange).await.map_err(|_| silent(doing, ANSWER))?.map_err(around)?;
    let answer = serde_json::from_str(&line).unwrap_or_else(|_| Answer::Unavailable("its shim is gone".to_owned()));
    trouble::of_answer(doing, answer)?;
    Ok(Attached(stream))
}

fn silent(doing: &str, limit: Duration) -> EngineError {
    let message = format!("cannot {doing}: its shim does not answer within {} s", limit.as_secs());
    EngineError::new(EngineErrorKind::Unavailable, message)
}
