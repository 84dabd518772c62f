//! A container engine as tests look at it: independent of Provost's own way of talking to it.

use std::path::Path;

use provost_image::Archive;
use serde_json::{Value, json};

use crate::{
    http::{Http, Reply, escape},
    unique,
};

/// The label of containers that [`Docker::run`] makes.
const LABEL: &str = "provost.testkit";

/// The API of a container engine behind a Unix socket.
#[derive(Clone, Debug)]
pub struct Docker {
    http: Http,
}

/// A container's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The exit code.
    pub code: i64,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Docker {
    /// The engine at `unix:///path`.
    ///
    /// # Panics
    /// For hosts of another form.
    #[must_use]
    #[track_caller]
    pub fn at(host: &str) -> Self {
        let path = host.strip_prefix("unix://").unwrap_or_else(|| panic!("not a Unix socket: {host}"));
        Self { http: Http::new(path) }
    }

    /// The raw API, for what the other methods do not offer.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Its address, `unix:///path`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Whether it answers.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.http.get("/_ping").is_ok_and(|reply| reply.is_success())
    }

    /// Loads an image.
    ///
    /// # Panics
    /// If the engine refuses it.
    #[track_caller]
    pub fn load(&self, archive: &Archive) {
        let reply = self.http.send("POST", "/images/load?quiet=1", "application/x-tar", &archive.bytes);
        let reply = done("load the image", reply);
        // Errors after the first byte come inside of an answer with status 200.
        assert!(!reply.text().contains("\"error\""), "the engine refuses the image: {}", reply.text());
    }

    /// What the engine says of an image; `None` if it does not have it.
    #[must_use]
    #[track_caller]
    pub fn image(&self, reference: &str) -> Option<Value> {
        found("inspect the image", self.http.get(&format!("/images/{reference}/json")))
    }

    /// What the engine says of a container; `None` if there is no such one.
    #[must_use]
    #[track_caller]
    pub fn container(&self, name: &str) -> Option<Value> {
        found("inspect the container", self.http.get(&format!("/containers/{name}/json")))
    }

    /// All containers with this label (`name` or `name=value`), running or not, as the engine lists them.
    #[must_use]
    #[track_caller]
    pub fn labelled(&self, label: &str) -> Vec<Value> {
        let reply = done("list containers", self.http.get(&listing(label)));
        reply.json().as_array().cloned().unwrap_or_default()
    }

    /// Removes all containers with this label, running or not, and then all volumes with it, as far as the engine is
    /// there and does it: for use at the end of a test, whose own message is the one that counts.
    pub fn sweep(&self, label: &str) {
        for id in texts(&self.look(&listing(label)), "Id") {
            let _ = self.http.delete(&removal(id));
        }
        for name in texts(&self.look(&volumes_with(label))["Volumes"], "Name") {
            let _ = self.http.delete(&format!("/volumes/{name}"));
        }
    }

    /// The names of all volumes.
    ///
    /// # Panics
    /// If the engine refuses.
    #[must_use]
    #[track_caller]
    pub fn volumes(&self) -> Vec<String> {
        let reply = done("list volumes", self.http.get("/volumes")).json();
        texts(&reply["Volumes"], "Name").map(str::to_owned).collect()
    }

    /// The text of a file in a volume, read by the toolbox, whose image this is; empty if there is none.
    ///
    /// # Panics
    /// If the engine refuses.
    #[must_use]
    #[track_caller]
    pub fn file(&self, toolbox: &str, volume: &str, file: &str) -> String {
        // The engine would make it, and then it would be nobody's.
        if found("look at the volume", self.http.get(&format!("/volumes/{volume}"))).is_none() {
            return String::new();
        }
        let mounted = json!({"HostConfig": {"Binds": [format!("{volume}:/data")], "NetworkMode": "none"}});
        self.run(toolbox, &["cat", &format!("/data/{file}")], &mounted).stdout
    }

    /// What the engine shows there; null if it shows nothing.
    fn look(&self, path: &str) -> Value {
        let reply = self.http.get(path).ok();
        reply.and_then(|reply| serde_json::from_slice(&reply.body).ok()).unwrap_or_default()
    }

    /// Removes a container; one that is gone already is no error.
    ///
    /// # Panics
    /// If the engine refuses.
    #[track_caller]
    pub fn remove(&self, name: &str) {
        found_any("remove the container", self.http.delete(&removal(name)));
    }

    /// Creates and starts a container; returns its id. `extra` is merged into the create request at its top level.
    ///
    /// # Panics
    /// If the engine refuses.
    #[track_caller]
    pub fn start(&self, image: &str, args: &[&str], extra: &Value) -> String {
        let mut request = json!({"Image": image, "Cmd": args, "Labels": {LABEL: "1"}});
        for (key, value) in extra.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
        let name = unique("testkit");
        let created =
            done("create the container", self.http.post(&format!("/containers/create?name={name}"), &request));
        let id = created.json()["Id"].as_str().unwrap_or_default().to_owned();
        let started = self.http.post(&format!("/containers/{id}/start"), &Value::Null);
        if !started.as_ref().is_ok_and(Reply::is_success) {
            self.remove(&id);
        }
        done("start the container", started);
        id
    }

    /// Waits until a container has ended; returns its exit code and output. It stays.
    ///
    /// # Panics
    /// If the engine refuses.
    #[must_use]
    #[track_caller]
    pub fn wait(&self, id: &str) -> Finished {
        let ended = done("wait", self.http.post(&format!("/containers/{id}/wait"), &Value::Null)).json();
        let logs = done("read the output", self.http.get(&format!("/containers/{id}/logs?stdout=1&stderr=1")));
        let (stdout, stderr) = split(&logs.body);
        Finished { code: ended["StatusCode"].as_i64().unwrap_or(-1), stdout, stderr }
    }

    /// Runs a container to its end and removes it. `extra` is merged into the create request at its top level.
    ///
    /// # Panics
    /// If the engine refuses.
    #[must_use]
    #[track_caller]
    pub fn run(&self, image: &str, args: &[&str], extra: &Value) -> Finished {
        let id = self.start(image, args, extra);
        let finished = self.wait(&id);
        self.remove(&id);
        finished
    }

    /// The socket of the engine.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.http.socket()
    }
}

/// The path that lists all containers with a label.
fn listing(label: &str) -> String {
    format!("/containers/json?all=1&filters={}", escape(&json!({"label": [label]}).to_string()))
}

/// The path that lists all volumes with a label.
fn volumes_with(label: &str) -> String {
    format!("/volumes?filters={}", escape(&json!({"label": [label]}).to_string()))
}

/// What the items of a list have at `key`.
fn texts<'a>(list: &'a Value, key: &'static str) -> impl Iterator<Item = &'a str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(move |item| item[key].as_str())
}

/// The path that removes a container.
fn removal(name: &str) -> String {
    format!("/containers/{name}?force=1&v=1")
}

#[track_caller]
fn done(doing: &str, reply: std::io::Result<Reply>) -> Reply {
    match reply {
        Ok(reply) if reply.is_success() => reply,
        Ok(reply) => panic!("the engine cannot {doing}: {} {}", reply.status, reply.text()),
        Err(error) => panic!("the engine cannot {doing}: {error}"),
    }
}

#[track_caller]
fn found_any(doing: &str, reply: std::io::Result<Reply>) -> Option<Reply> {
    match reply {
        Ok(reply) if reply.status == 404 => None,
        reply => Some(done(doing, reply)),
    }
}

#[track_caller]
fn found(doing: &str, reply: std::io::Result<Reply>) -> Option<Value> {
    found_any(doing, reply).map(|reply| reply.json())
}

/// Splits the output of a container without a terminal.
/// Source: Docker Engine API, `ContainerAttach`: frames of `[stream, 0, 0, 0, size (4 bytes, big endian)]` and content.
fn split(mut frames: &[u8]) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some((header, rest)) = frames.split_first_chunk::<8>() {
        let size = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let (content, rest) = rest.split_at(size.min(rest.len()));
        if header[0] == 2 { &mut stderr } else { &mut stdout }.extend_from_slice(content);
        frames = rest;
    }
    (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_apart() {
        let frames =
            [&[1, 0, 0, 0, 0, 0, 0, 2][..], b"a\n", &[2, 0, 0, 0, 0, 0, 0, 1], b"b", &[1, 0, 0, 0, 0, 0, 0, 1], b"c"];
        assert_eq!(split(&frames.concat()), ("a\nc".to_owned(), "b".to_owned()));
    }
}
