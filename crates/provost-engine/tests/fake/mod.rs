//! A container engine that says what a test wants.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// What is answered to one call.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// The length is said beforehand; otherwise the body ends with the connection.
    pub whole: bool,
    /// The connection stays open after the body.
    pub stuck: bool,
}

impl Answer {
    pub fn json(body: &str) -> Self {
        Self { status: 200, body: body.to_owned(), whole: true, stuck: false }
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self { status, ..Self::json(&serde_json::json!({"message": message}).to_string()) }
    }

    pub fn stream(body: &str) -> Self {
        Self { whole: false, ..Self::json(body) }
    }

    pub fn stuck(body: &str) -> Self {
        Self { stuck: true, ..Self::stream(body) }
    }
}

type Answering = dyn Fn(&str, &str) -> Answer + Send + Sync;

pub struct Fake {
    folder: TempDir,
    calls: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Fake {
    /// Answers every call (`GET /path?query`, without the version of the API) and its body as `answer` says.
    pub fn start(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let (answer, calls): (Arc<Answering>, _) = (Arc::new(answer), Arc::<Mutex<Vec<String>>>::default());
        let noted = calls.clone();
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, answer.clone(), noted.clone()));
            }
        });
        Self { folder, calls, serving }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut client: UnixStream, answer: Arc<Answering>, calls: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut read = Vec::new();
    let (head, length, start) = loop {
        client.read_buf(&mut read).await.ok().filter(|count| *count > 0)?;
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            break (head.to_owned(), length.unwrap_or(0_usize), head.len() + 4);
        }
    };
    while read.len() < start + length {
        client.read_buf(&mut read).await.ok().filter(|count| *count > 0)?;
    }
    let mut words = head.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let path = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path);
    let call = format!("{method} {path}");
    calls.lock().unwrap().push(call.clone());
    let given = answer(&call, &String::from_utf8_lossy(&read[start..]));
    let length = if given.whole { format!("Content-Length: {}\r\n", given.body.len()) } else { String::new() };
    let reply = format!("HTTP/1.1 {} X\r\n{length}Connection: close\r\n\r\n{}", given.status, given.body);
    client.write_all(reply.as_bytes()).await.ok()?;
    if given.stuck {
        std::future::pending::<()>().await;
    }
    Some(())
}
