//! What may be written in the server configuration file, and what it comes to.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use provost_api::CertificateFiles;
use provost_manifest::{Never, PluginSetting, PortRule, ServerPlugins};
use provost_model::{Instance, Name};
use provost_source::{SourceConfig, SourcesConfig};
use serde::Deserialize;

use super::parse_duration;
use super::peers::{self, Peers};
use super::server::{EngineChoice, Listen, PORT, STATE, ServerConfig};

/// The file's keys; see [`super::server`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct File {
    instance: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    state: Option<PathBuf>,
    socket: Option<PathBuf>,
    source: SourceConfig,
    #[serde(default)]
    sources: SourcesConfig,
    #[serde(default)]
    engine: EngineConfig,
    #[serde(default)]
    signers: Vec<String>,
    #[serde(default)]
    policy_paths: Vec<String>,
    #[serde(default)]
    never: NeverConfig,
    #[serde(default)]
    plugins: BTreeMap<Name, PluginSetting>,
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
    runtime_dir: Option<PathBuf>,
    #[serde(default)]
    events: EventsConfig,
    listen: Option<ListenConfig>,
    #[serde(default)]
    peers: Peers,
}

/// Where the older event framework's wire form is spoken.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct EventsConfig {
    enabled: bool,
    address: IpAddr,
    port: u16,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { enabled: false, address: Ipv4Addr::LOCALHOST.into(), port: 21212 }
    }
}

/// Where other machines ask.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListenConfig {
    address: String,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
}

impl ListenConfig {
    /// Errors: the key, what is wrong with it, and the mend.
    fn check(self, folder: &Path, state: &Path) -> Result<Listen, String> {
        let address = match (self.address.parse::<SocketAddr>(), self.address.parse::<IpAddr>()) {
            (Ok(address), _) => address,
            (_, Ok(ip)) => SocketAddr::new(ip, PORT),
            _ => return Err(format!("listen.address: {:?} is no address: write it like 0.0.0.0:2719", self.address)),
        };
        let (files, is_own) = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (folder.join(certificate), folder.join(key));
                (CertificateFiles { certificate, key, client_ca: None }, false)
            }
            (None, None) => (CertificateFiles::own(state), true),
            _ => return Err("listen: certificate and key belong together: name both, or none".to_owned()),
        };
        let client_ca = self.client_ca.map(|path| folder.join(path));
        Ok(Listen { address, files: CertificateFiles { client_ca, ..files }, is_own })
    }
}

/// Which engine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EngineConfig {
    docker: Option<DockerConfig>,
    direct: Option<DirectConfig>,
}

/// The engine without a daemon.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DirectConfig {
    folder: Option<PathBuf>,
    #[serde(default)]
    rootless: bool,
}

impl EngineConfig {
    fn read(self, folder: &Path, state: &Path) -> Result<EngineChoice, String> {
        match (self.docker, self.direct) {
            (Some(_), Some(_)) => Err("engine: docker and direct are two engines; leave one out".to_owned()),
            (None, None) => {
                Ok(EngineChoice::Any { folder: state.join("engine"), memory: Some(state.join("engine.kind")) })
            }
            (Some(docker), None) => Ok(EngineChoice::Docker(docker.host)),
            (None, Some(direct)) => {
                let folder = direct.folder.map_or_else(|| state.join("engine"), |path| folder.join(path));
                Ok(EngineChoice::Direct { folder, rootless: direct.rootless })
            }
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DockerConfig {
    host: Option<String>,
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
    ports: Vec<String>,
}

impl NeverConfig {
    /// Errors: a rule about ports that cannot be read.
    fn read(self) -> Result<Never, String> {
        let Self { host_paths, networks, add_capabilities, writable_root, root_user, ports } = self;
        let rule = |text: &String| {
            let wrong =
                || format!("never.ports: {text:?} is no rule; write ADDRESS:PORT, ADDRESS:FIRST-LAST or *:PORT");
            PortRule::parse(text).ok_or_else(wrong)
        };
        let ports = ports.iter().map(rule).collect::<Result<_, _>>()?;
        Ok(Never { host_paths, networks, add_capabilities, writable_root, root_user, ports })
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

impl File {
    /// The configuration, with every default filled in; relative paths are below `folder`.
    ///
    /// Errors: the key, what is wrong with it, and the mend.
    pub fn check(self, folder: &Path) -> Result<ServerConfig, String> {
        let state = folder.join(self.state.unwrap_or_else(|| STATE.into()));
        let instance = self.instance.unwrap_or_else(host_name);
        let mut source = self.source;
        if let Some(from) = &mut source.folder {
            from.path = folder.join(&from.path);
        }
        if let Some(hosts) = source.git.as_mut().and_then(|git| git.known_hosts.as_mut()) {
            *hosts = folder.join(&hosts);
        }
        let mut sources = self.sources;
        sources.folders.iter_mut().chain(&mut sources.known_hosts).for_each(|path| *path = folder.join(&*path));
        Ok(ServerConfig {
            instance: Instance::parse(instance).map_err(|error| format!("instance: {error}"))?,
            labels: self.labels,
            socket: self.socket.map_or_else(|| state.join("provost.sock"), |socket| folder.join(socket)),
            source,
            sources,
            engine: self.engine.read(folder, &state)?,
            signers: self.signers,
            policy_paths: self.policy_paths,
            never: self.never.read()?,
            plugins: ServerPlugins { file: None, by_name: self.plugins },
            apply: self.apply,
            drift: self.drift,
            allow_empty: self.allow_empty,
            shutdown_grace_s: seconds("shutdownGrace", self.shutdown_grace.as_deref().unwrap_or("5s"))?,
            prepare_ahead: self.prepare_ahead.unwrap_or(true),
            allow_private_addresses: self.webhooks.allow_private_addresses,
            secrets: self.secrets_dir.map_or_else(|| state.join("secrets"), |path| folder.join(path)),
            images: self.images.map(|path| folder.join(path)),
            runtime_dir: self.runtime_dir.map(|path| folder.join(path)),
            events: self.events.enabled.then_some(SocketAddr::new(self.events.address, self.events.port)),
            listen: self.listen.map(|listen| listen.check(folder, &state)).transpose()?,
            peers: peers::check(self.peers, folder)?,
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
