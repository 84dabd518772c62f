//! The server configuration file: `provost serve --config FILE`.

#![doc = include_str!("server.md")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use provost_manifest::Never;
use provost_model::Instance;
use provost_source::{FolderConfig, SourceConfig};
use serde::Deserialize;

use super::{parse_duration, yaml};
use crate::exit::Failure;

/// The state folder when nothing is said.
pub const STATE: &str = "/var/lib/provost";

/// The file's keys; see the head of this module.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    instance: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    state: Option<PathBuf>,
    socket: Option<PathBuf>,
    source: SourceConfig,
    #[serde(default)]
    engine: EngineConfig,
    #[serde(default)]
    signers: Vec<String>,
    #[serde(default)]
    policy_paths: Vec<String>,
    #[serde(default)]
    never: NeverConfig,
    #[serde(default)]
    apply: Apply,
    #[serde(default)]
    drift: Drift,
    #[serde(default)]
    allow_empty: bool,
    shutdown_grace: Option<String>,
    prepare_ahead: Option<bool>,
    #[serde(default)]
    webhooks: Webhooks,
    secrets_dir: Option<PathBuf>,
    images: Option<PathBuf>,
}

/// Which engine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EngineConfig {
    docker: Option<DockerConfig>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DockerConfig {
    host: String,
}

/// What even a policy may not allow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct NeverConfig {
    host_paths: Vec<String>,
    networks: Vec<String>,
    add_capabilities: Vec<String>,
    writable_root: bool,
    root_user: bool,
}

impl From<NeverConfig> for Never {
    fn from(config: NeverConfig) -> Self {
        let NeverConfig { host_paths, networks, add_capabilities, writable_root, root_user } = config;
        Self { host_paths, networks, add_capabilities, writable_root, root_user }
    }
}

/// When a revision takes effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Apply {
    /// As soon as it is seen.
    #[default]
    Auto,
    /// When somebody says `provost apply`.
    Manual,
}

/// What is done about drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Drift {
    /// It is put right.
    #[default]
    Correct,
    /// It is told.
    Report,
}

/// What webhooks may reach.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Webhooks {
    #[serde(default)]
    allow_private_addresses: bool,
}

/// How a server is to run: the file, checked, with every default filled in.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The name of this Provost on its engine.
    pub instance: Instance,
    /// Labels of this server.
    pub labels: BTreeMap<String, String>,
    /// The state folder.
    pub state: PathBuf,
    /// The control socket.
    pub socket: PathBuf,
    /// Where manifests come from.
    pub source: SourceConfig,
    /// The engine's address; absent: look for one.
    pub docker_host: Option<String>,
    /// Whose signature a revision must have; empty: nobody's.
    pub signers: Vec<String>,
    /// Where `Policy` documents may be; empty: everywhere.
    pub policy_paths: Vec<String>,
    /// What even a policy may not allow.
    pub never: Never,
    /// Whether a revision applies itself.
    pub apply: Apply,
    /// What is done about drift.
    pub drift: Drift,
    /// Whether a revision may remove everything at once.
    pub allow_empty: bool,
    /// How long runs may go on when the server is asked to end, in seconds.
    pub shutdown_grace_s: u64,
    /// Whether containers are made before their due time.
    pub prepare_ahead: bool,
    /// Whether webhooks may go to private addresses.
    pub allow_private_addresses: bool,
    /// The folder with the keys of webhooks.
    pub secrets: PathBuf,
    /// The folder of image archives.
    pub images: Option<PathBuf>,
}

impl ServerConfig {
    /// Reads the file at `path`. Paths in it are relative to its folder.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let file: File = yaml::read(path)?;
        let folder = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        file.check(folder.parent().unwrap_or(Path::new("/")))
            .map_err(|problem| Failure::usage(format!("{}: {problem}", path.display())))
    }
}

impl ServerConfig {
    /// A server for one folder, for trying things out: everything as when nothing is said.
    pub fn for_folder(instance: Instance, folder: &Path, state: PathBuf, socket: PathBuf, images: Option<PathBuf>) -> Self {
        Self {
            instance,
            labels: BTreeMap::new(),
            secrets: state.join("secrets"),
            state,
            socket,
            source: SourceConfig { folder: Some(FolderConfig { path: folder.to_owned() }), git: None },
            docker_host: None,
            signers: Vec::new(),
            policy_paths: Vec::new(),
            never: Never::default(),
            apply: Apply::Auto,
            drift: Drift::Correct,
            // Whoever deletes files here means it.
            allow_empty: true,
            shutdown_grace_s: 2,
            prepare_ahead: true,
            allow_private_addresses: true,
            images,
        }
    }
}

impl File {
    fn check(self, folder: &Path) -> Result<ServerConfig, String> {
        let state = folder.join(self.state.unwrap_or_else(|| STATE.into()));
        let instance = self.instance.unwrap_or_else(host_name);
        let mut source = self.source;
        if let Some(from) = &mut source.folder {
            from.path = folder.join(&from.path);
        }
        if let Some(hosts) = source.git.as_mut().and_then(|git| git.known_hosts.as_mut()) {
            *hosts = folder.join(&hosts);
        }
        Ok(ServerConfig {
            instance: Instance::parse(instance).map_err(|error| format!("instance: {error}"))?,
            labels: self.labels,
            socket: self.socket.map_or_else(|| state.join("provost.sock"), |socket| folder.join(socket)),
            source,
            docker_host: self.engine.docker.map(|docker| docker.host),
            signers: self.signers,
            policy_paths: self.policy_paths,
            never: self.never.into(),
            apply: self.apply,
            drift: self.drift,
            allow_empty: self.allow_empty,
            shutdown_grace_s: seconds("shutdownGrace", self.shutdown_grace.as_deref().unwrap_or("5s"))?,
            prepare_ahead: self.prepare_ahead.unwrap_or(true),
            allow_private_addresses: self.webhooks.allow_private_addresses,
            secrets: self.secrets_dir.map_or_else(|| state.join("secrets"), |path| folder.join(path)),
            images: self.images.map(|path| folder.join(path)),
            state,
        })
    }
}

fn seconds(key: &str, text: &str) -> Result<u64, String> {
    let length = parse_duration(text).map_err(|why| format!("{key}: {why}"))?;
    if length.subsec_millis() != 0 {
        return Err(format!("{key}: {text:?} is not a whole number of seconds"));
    }
    u64::try_from(length.as_secs()).map_err(|_| format!("{key}: {text:?} is negative"))
}

/// The machine's name.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<ServerConfig, String> {
        let file: File = yaml::parse(text, "server.yaml").map_err(|failure| failure.message)?;
        file.check(Path::new("/etc/provost"))
    }

    #[test]
    fn a_short_file_gets_every_default() {
        let config = config("source: {folder: {path: shop}}").unwrap();
        assert_eq!(config.state, Path::new("/var/lib/provost"));
        assert_eq!(config.socket, Path::new("/var/lib/provost/provost.sock"));
        assert_eq!(config.secrets, Path::new("/var/lib/provost/secrets"));
        assert_eq!(config.source.folder.unwrap().path, Path::new("/etc/provost/shop"));
        assert_eq!(config.instance.as_str(), host_name());
        assert_eq!((config.apply, config.drift), (Apply::Auto, Drift::Correct));
        assert_eq!((config.shutdown_grace_s, config.prepare_ahead, config.allow_empty), (5, true, false));
        assert!(!config.allow_private_addresses);
        assert!(config.policy_paths.is_empty());
        assert_eq!(config.never, Never::default());
        assert_eq!((config.docker_host, config.images), (None, None));
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
instance: ber-1
labels: {tier: prod}
state: /srv/provost
socket: /run/provost/provost.sock
source: {git: {url: "https://git.example.org/shop.git", knownHosts: hosts}}
engine: {docker: {host: "unix:///run/docker.sock"}}
signers: ["ssh-ed25519 AAAA ops"]
policyPaths: [policies]
never: {hostPaths: [/etc], networks: [host], addCapabilities: [ALL], writableRoot: true, rootUser: true}
apply: Manual
drift: Report
allowEmpty: true
shutdownGrace: 1m
prepareAhead: false
webhooks: {allowPrivateAddresses: true}
secretsDir: keys
images: images
"#;
        let config = config(text).unwrap();
        assert_eq!(config.instance.as_str(), "ber-1");
        assert_eq!(config.labels["tier"], "prod");
        assert_eq!(config.state, Path::new("/srv/provost"));
        assert_eq!(config.socket, Path::new("/run/provost/provost.sock"));
        assert_eq!(config.source.git.unwrap().known_hosts.unwrap(), Path::new("/etc/provost/hosts"));
        assert_eq!(config.docker_host.unwrap(), "unix:///run/docker.sock");
        assert_eq!(config.signers, ["ssh-ed25519 AAAA ops"]);
        assert_eq!(config.policy_paths, ["policies"]);
        assert_eq!((config.never.host_paths, config.never.networks), (vec!["/etc".to_owned()], vec!["host".to_owned()]));
        assert_eq!(config.never.add_capabilities, ["ALL"]);
        assert!(config.never.writable_root && config.never.root_user);
        assert_eq!((config.apply, config.drift), (Apply::Manual, Drift::Report));
        assert_eq!((config.shutdown_grace_s, config.prepare_ahead, config.allow_empty), (60, false, true));
        assert!(config.allow_private_addresses);
        assert_eq!(config.secrets, Path::new("/etc/provost/keys"));
        assert_eq!(config.images.unwrap(), Path::new("/etc/provost/images"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, expected: &str| {
            let problem = config(text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        };
        check("source: {folder: {path: a}}\nstat: b", "unknown field `stat`");
        check("instance: a", "missing field `source`");
        check("source: {folder: {path: a}}\ninstance: a/b", "instance: ");
        check("source: {folder: {path: a}}\nshutdownGrace: soon", "shutdownGrace: \"soon\" is not a duration");
        check("source: {folder: {path: a}}\nshutdownGrace: 10ms", "whole number of seconds");
        check("source: {folder: {path: a}}\napply: Never", "unknown variant `Never`");
    }
}
