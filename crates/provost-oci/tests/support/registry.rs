//! A registry that does what a test says.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use provost_oci::Digest;

/// How the registry behaves.
#[derive(Default)]
pub struct Conduct {
    /// After how many bytes the answers with blobs break off, one after the other; later ones do not.
    pub cuts: VecDeque<usize>,
    /// Whether it knows of `Range`.
    pub ranges: bool,
    /// `user:password`, without which it gives nothing.
    pub login: Option<String>,
}

/// A registry of one image, `example/a:1`, on a free port; it ends with the test's process.
pub struct FakeRegistry {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    conduct: Conduct,
    /// Content by path.
    files: BTreeMap<String, Vec<u8>>,
    /// What was asked for: path and range.
    asked: Vec<(String, Option<usize>)>,
}

impl FakeRegistry {
    /// `blobs` are those of an image, the manifest's first.
    pub fn start(blobs: &[(String, Vec<u8>)], conduct: Conduct) -> Self {
        let blob =
            |(_, bytes): &(String, Vec<u8>)| (format!("/v2/example/a/blobs/{}", Digest::of(bytes)), bytes.clone());
        let mut files: BTreeMap<_, _> = blobs[1..].iter().map(blob).collect();
        for name in ["1".to_owned(), Digest::of(&blobs[0].1).to_string()] {
            files.insert(format!("/v2/example/a/manifests/{name}"), blobs[0].1.clone());
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { conduct, files, asked: Vec::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // Who goes away in the middle of an answer is no concern of the registry's.
                std::thread::spawn(move || answer(stream, &state));
            }
        });
        Self { port, state }
    }

    pub fn reference(&self) -> String {
        format!("127.0.0.1:{}/example/a:1", self.port)
    }

    /// From where the blobs were asked for, in this order.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        let state = self.state.lock().unwrap();
        state.asked.iter().filter(|(path, _)| path.contains("/blobs/")).map(|(_, range)| *range).collect()
    }

    /// Exchanges the content of the blob with this digest.
    pub fn exchange(&self, digest: &Digest, content: Vec<u8>) {
        self.state.lock().unwrap().files.insert(format!("/v2/example/a/blobs/{digest}"), content);
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = Vec::new();
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let header = |name: &str| {
        lines
            .iter()
            .find_map(|line| line.to_lowercase().starts_with(name).then(|| line[name.len()..].trim().to_owned()))
    };
    let path = lines[0].split(' ').nth(1).unwrap_or_default().to_owned();
    let range: Option<usize> = header("range: bytes=").and_then(|range| range.trim_end_matches('-').parse().ok());
    let (head, body, cut) = {
        let mut state = state.lock().unwrap();
        let login = state.conduct.login.clone();
        let is_allowed = login.is_none_or(|login| {
            use base64::Engine as _;
            let expected = base64::engine::general_purpose::STANDARD.encode(login);
            header("authorization: basic ").is_some_and(|given| given == expected)
        });
        let content = state.files.get(&path).cloned();
        let start = range.filter(|_| state.conduct.ranges).unwrap_or_default();
        match content {
            _ if !is_allowed => {
                let head = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"registry\"".to_owned();
                (head, b"{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"no\"}]}".to_vec(), None)
            }
            None if path == "/v2/" => ("200 OK".to_owned(), b"{}".to_vec(), None),
            None => {
                let body = b"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}";
                ("404 Not Found\r\nContent-Type: application/json".to_owned(), body.to_vec(), None)
            }
            Some(content) => {
                let is_blob = path.contains("/blobs/");
                // The configuration is small, and comes whole.
                let cut = if is_blob && content.len() > 10_000 { state.conduct.cuts.pop_front() } else { None };
                if cut.is_some() || content.len() > 10_000 {
                    state.asked.push((path, range));
                }
                let end = content.len();
                let head = match start {
                    0 => "200 OK".to_owned(),
                    start => format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{end}", end - 1),
                };
                (head, content[start..].to_vec(), cut)
            }
        }
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body[..cut.unwrap_or(length).min(length)])?;
    stream.flush()
}
