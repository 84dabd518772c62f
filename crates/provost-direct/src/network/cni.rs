//! The plugins of a list, called as their specification says. Source: CNI 1.0, "Section 2: Execution Protocol".

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use provost_model::PortMapping;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::{Value, json};

use super::{NetworkError, PACKAGES, SEARCH_PATH, find};

/// How long one plugin may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a plugin says when it may be asked again.
const TRY_AGAIN: u64 = 11;
/// The interface in the container.
const INTERFACE: &str = "eth0";

/// A container and the list that it is, or was, connected by.
pub(super) struct Connection<'a> {
    pub(super) list: &'a Value,
    /// Folders with plugins.
    pub(super) plugins: &'a [PathBuf],
    /// The engine's id of the container.
    pub(super) container: &'a str,
    /// The path of its namespace; empty where it is gone.
    pub(super) namespace: &'a str,
    pub(super) ports: &'a [PortMapping],
    /// The engine's folder: paths of our own list are relative to it.
    pub(super) root: &'a Path,
}

impl Connection<'_> {
    /// Connects the container; what the last plugin says of it.
    pub(super) fn add(&self) -> Result<Value, NetworkError> {
        let mut result = None;
        for plugin in self.configurations() {
            result = Some(self.call("ADD", plugin, result.as_ref())?);
        }
        result.ok_or_else(|| NetworkError::lasting("the list of the network names no plugin"))
    }

    /// Gives everything back, in the reverse order. One that fails keeps no other from its work.
    pub(super) fn del(&self, result: Option<&Value>) -> Result<(), NetworkError> {
        let called: Vec<_> = self.configurations().rev().map(|plugin| self.call("DEL", plugin, result)).collect();
        called.into_iter().try_for_each(|one| one.map(drop))
    }

    fn configurations(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.list["plugins"].as_array().into_iter().flatten()
    }

    fn call(&self, command: &str, plugin: &Value, result: Option<&Value>) -> Result<Value, NetworkError> {
        let name = plugin["type"].as_str().unwrap_or_default();
        let program = find(self.plugins, name).ok_or_else(|| {
            NetworkError::lasting(format!("the plugin `{name}` of the network is not installed ({PACKAGES})"))
        })?;
        let config = self.config(plugin, result).to_string();
        let around = |error: io::Error| NetworkError::passing(format!("cannot run the plugin `{name}`: {error}"));
        let (is_good, answer) = self.run(command, &program, config.as_bytes()).map_err(around)?;
        if is_good {
            // Only an ADD answers.
            return Ok(serde_json::from_slice(&answer).unwrap_or_default());
        }
        Err(failed(name, &answer))
    }

    /// The configuration of one plugin of the list.
    fn config(&self, plugin: &Value, result: Option<&Value>) -> Value {
        let mut config = plugin.clone();
        config["name"] = self.list["name"].clone();
        config["cniVersion"] = self.list["cniVersion"].clone();
        if takes_ports(plugin) && !self.ports.is_empty() {
            config["runtimeConfig"] = json!({"portMappings": self.ports.iter().map(mapping).collect::<Vec<_>>()});
        }
        if let Some(result) = result {
            config["prevResult"] = result.clone();
        }
        config
    }

    /// Runs a plugin; whether it was content, and what it said. It is given nothing of this process's.
    fn run(&self, command: &str, program: &Path, config: &[u8]) -> io::Result<(bool, Vec<u8>)> {
        let path = std::env::join_paths(self.plugins).map_err(io::Error::other)?;
        let mut child = Command::new(program)
            .current_dir(self.root)
            .env_clear()
            .env("PATH", SEARCH_PATH)
            .env("CNI_COMMAND", command)
            .env("CNI_CONTAINERID", self.container)
            .env("CNI_NETNS", self.namespace)
            .env("CNI_IFNAME", INTERFACE)
            .env("CNI_PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        // It may end without reading all of it; what it says tells why.
        let _ = child.stdin.take().map(|mut stdin| stdin.write_all(config));
        if !ends_in_time(child.id())? {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it does not end in {} s", PATIENCE.as_secs()),
            ));
        }
        let mut said = Vec::new();
        child.stdout.take().map(|mut stdout| stdout.read_to_end(&mut said)).transpose()?;
        Ok((child.wait()?.success(), said))
    }
}

/// Waits for the end of a child, but not for ever. What it says is short: no pipe keeps it from its end.
fn ends_in_time(child: u32) -> io::Result<bool> {
    let pid = i32::try_from(child).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let limit = Timespec::try_from(PATIENCE).ok();
    loop {
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], limit.as_ref()) {
            Err(Errno::INTR) => {}
            answer => return Ok(answer? > 0),
        }
    }
}

/// Whether a plugin publishes ports.
pub(super) fn takes_ports(plugin: &Value) -> bool {
    plugin["capabilities"]["portMappings"] == true
}

/// Source: CNI conventions, `portMappings`.
fn mapping(port: &PortMapping) -> Value {
    let (host, container, protocol) = (port.host, port.container, port.protocol.word());
    let mut mapping = json!({"hostPort": host, "containerPort": container, "protocol": protocol});
    if !port.address.is_unspecified() {
        mapping["hostIP"] = port.address.to_string().into();
    }
    mapping
}

/// What a plugin's failure says.
fn failed(name: &str, answer: &[u8]) -> NetworkError {
    /// Parts of what plugins say that speak of what may pass.
    const PASSING: &[&str] = &["no IP addresses available", "No space left", "temporarily unavailable", "xtables lock"];
    let told: Value = serde_json::from_slice(answer).unwrap_or_default();
    let part = |key: &str| told[key].as_str().map(str::trim).filter(|text| !text.is_empty());
    let words: Vec<&str> = [part("msg"), part("details")].into_iter().flatten().collect();
    let words = if words.is_empty() { String::from_utf8_lossy(answer).trim().to_owned() } else { words.join(": ") };
    let text = format!("the plugin `{name}` of the network failed: {words}");
    let may_pass = told["code"] == TRY_AGAIN || PASSING.iter().any(|part| text.contains(part));
    if may_pass { NetworkError::passing(text) } else { NetworkError::lasting(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection<'a>(list: &'a Value, plugins: &'a [PathBuf], ports: &'a [PortMapping]) -> Connection<'a> {
        Connection { list, plugins, container: "c", namespace: "/n", ports, root: Path::new("/") }
    }

    /// A plugin that writes down what it is told, and answers.
    fn plugin(folder: &Path, name: &str, rest: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join(name);
        let text = format!(
            "#!/bin/sh\necho \"$CNI_COMMAND {name} $CNI_CONTAINERID $CNI_NETNS $(cat)\" >> $CNI_PATH/told\n{rest}\n"
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn plugins_are_called_in_a_chain_and_back() {
        let folder = tempfile::tempdir().unwrap();
        plugin(folder.path(), "one", r#"echo '{"ips": [1]}'"#);
        plugin(folder.path(), "two", r#"echo '{"ips": [2]}'"#);
        let plugins = [folder.path().to_path_buf()];
        let ports = ["8080:80".parse().unwrap(), "0.0.0.0:53:53/udp".parse().unwrap()];
        let list = json!({"name": "n", "cniVersion": "1.0.0", "plugins": [
            {"type": "one"}, {"type": "two", "capabilities": {"portMappings": true}},
        ]});
        let connection = connection(&list, &plugins, &ports);
        let result = connection.add().unwrap();
        assert_eq!(result, json!({"ips": [2]}));
        connection.del(Some(&result)).unwrap();
        let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
        let lines: Vec<Vec<&str>> = told.lines().map(|line| line.splitn(5, ' ').collect()).collect();
        let heads: Vec<_> = lines.iter().map(|line| (line[0], line[1], line[2], line[3])).collect();
        let head = |command, name| (command, name, "c", "/n");
        assert_eq!(heads, [head("ADD", "one"), head("ADD", "two"), head("DEL", "two"), head("DEL", "one")]);
        let config = |line: usize| serde_json::from_str::<Value>(lines[line][4]).unwrap();
        assert_eq!(config(0), json!({"type": "one", "name": "n", "cniVersion": "1.0.0"}));
        assert_eq!(config(1)["prevResult"], json!({"ips": [1]}));
        let mapped = &config(1)["runtimeConfig"]["portMappings"];
        assert_eq!(mapped[0]["hostIP"], "127.0.0.1");
        assert_eq!(mapped[1], json!({"hostPort": 53, "containerPort": 53, "protocol": "udp"}));
        assert_eq!(config(3)["prevResult"], json!({"ips": [2]}));
    }

    #[test]
    fn a_failure_is_told_and_keeps_no_other_plugin_from_giving_back() {
        let folder = tempfile::tempdir().unwrap();
        plugin(folder.path(), "good", "echo '{}'");
        plugin(folder.path(), "full", r#"echo '{"code": 11, "msg": "later", "details": "all taken"}'; exit 1"#);
        plugin(folder.path(), "bad", r#"echo '{"code": 7, "msg": "bad list"}'; exit 1"#);
        let plugins = [folder.path().to_path_buf()];
        let list =
            |types: &[&str]| json!({"plugins": types.iter().map(|name| json!({"type": name})).collect::<Vec<_>>()});
        let of = |list: &Value| connection(list, &plugins, &[]).add().unwrap_err();
        let full = of(&list(&["good", "full"]));
        assert!(full.may_pass && full.to_string().contains("`full` of the network failed: later: all taken"), "{full}");
        assert!(!of(&list(&["bad"])).may_pass);
        assert!(of(&list(&["nowhere"])).to_string().contains("containernetworking-plugins"));
        assert!(connection(&list(&["good", "bad"]), &plugins, &[]).del(None).is_err());
        let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
        assert!(told.contains("DEL bad") && told.contains("DEL good"), "{told}");
    }
}
