//! The server configuration file: `provost serve --config FILE`.

#![doc = include_str!("server.md")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use provost_api::CertificateFiles;
use provost_manifest::{Never, ServerPlugins, SourceFile};
use provost_model::Instance;
use provost_source::{FolderConfig, SourceConfig, SourcesConfig};

use super::file::{Apply, Drift, File};
use super::peers::Peers;
use super::yaml;
use crate::exit::Failure;

/// The state folder when nothing is said.
pub const STATE: &str = "/var/lib/provost";

/// The port where other machines ask, when nothing is said.
pub const PORT: u16 = 2719;

/// Which engine runs containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// Docker or Podman at this address; absent: the first that answers.
    Docker(Option<String>),
    /// None beside Provost itself.
    Direct {
        /// Where its containers, volumes and images are.
        folder: PathBuf,
        /// Whether it does with less where it is not root.
        rootless: bool,
    },
    /// Docker or Podman, whichever answers first; where neither is installed, none beside Provost itself.
    Any {
        /// Where Provost's own containers, volumes and images would be.
        folder: PathBuf,
        /// Where a server remembers what it has found first; absent: it does not.
        memory: Option<PathBuf>,
    },
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
    /// What sources that manifests refer to may be.
    pub sources: SourcesConfig,
    /// Which engine.
    pub engine: EngineChoice,
    /// Whose signature a revision must have; empty: nobody's.
    pub signers: Vec<String>,
    /// Where `Policy` documents may be; empty: everywhere.
    pub policy_paths: Vec<String>,
    /// What even a policy may not allow.
    pub never: Never,
    /// What is said of plugins.
    pub plugins: ServerPlugins,
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
    /// The folder in memory for the secrets of containers; absent: look for one.
    pub runtime_dir: Option<PathBuf>,
    /// Where the older event framework's wire form is spoken; absent: nowhere.
    pub events: Option<SocketAddr>,
    /// Where other machines ask; absent: nowhere.
    pub listen: Option<Listen>,
    /// Other servers, whose skills are called here.
    pub peers: Peers,
}

/// Where other machines ask, over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// What the server proves itself with.
    pub files: CertificateFiles,
    /// The server makes its certificate itself.
    pub is_own: bool,
}

impl ServerConfig {
    /// Reads the file at `path`. Paths in it are relative to its folder.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let file: File = yaml::read(path)?;
        let folder = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut config = file
            .check(folder.parent().unwrap_or(Path::new("/")))
            .map_err(|problem| Failure::usage(format!("{}: {problem}", path.display())))?;
        // For the places of what does not fit the manifests; that it can be read was seen just now.
        let bytes = std::fs::read(path).unwrap_or_default();
        config.plugins.file = Some(SourceFile { path: path.display().to_string(), bytes });
        Ok(config)
    }

    /// A server for one folder, for trying things out: everything as when nothing is said.
    pub fn for_folder(
        instance: Instance,
        folder: &Path,
        state: PathBuf,
        socket: PathBuf,
        images: Option<PathBuf>,
    ) -> Self {
        Self {
            instance,
            labels: BTreeMap::new(),
            secrets: state.join("secrets"),
            engine: EngineChoice::Any { folder: state.join("engine"), memory: None },
            state,
            socket,
            source: SourceConfig { folder: Some(FolderConfig { path: folder.to_owned() }), git: None },
            sources: SourcesConfig::default(),
            signers: Vec::new(),
            policy_paths: Vec::new(),
            never: Never::default(),
            plugins: ServerPlugins::default(),
            apply: Apply::Auto,
            drift: Drift::Correct,
            // Whoever deletes files here means it.
            allow_empty: true,
            shutdown_grace_s: 2,
            prepare_ahead: true,
            allow_private_addresses: true,
            images,
            runtime_dir: None,
            events: None,
            listen: None,
            peers: Peers::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::config::host_name;

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
        assert_eq!(config.sources, SourcesConfig::default());
        assert_eq!(config.never, Never::default());
        assert_eq!(config.plugins, ServerPlugins::default());
        let (folder, memory) = ("/var/lib/provost/engine".into(), Some("/var/lib/provost/engine.kind".into()));
        assert_eq!((config.engine, config.images), (EngineChoice::Any { folder, memory }, None));
        assert_eq!(config.runtime_dir, None);
        assert_eq!(config.events, None);
        assert_eq!(config.listen, None);
        assert!(config.peers.is_empty());
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
instance: ber-1
labels: {tier: prod}
state: /srv/provost
socket: /run/provost/provost.sock
source: {git: {url: "https://git.example.org/shop.git", knownHosts: hosts}}
sources: {folders: [plugins], allowFile: true, knownHosts: hosts}
engine: {docker: {host: "unix:///run/docker.sock"}}
signers: ["ssh-ed25519 AAAA ops"]
policyPaths: [policies]
plugins: {warehouse: {enabled: true, config: {a: {b: 1}}, instances: {berlin: {enabled: false, config: {c: 2}}}}}
never: {hostPaths: [/etc], networks: [host], addCapabilities: [ALL], writableRoot: true, rootUser: true, ports: ["*:22"]}
apply: Manual
drift: Report
allowEmpty: true
shutdownGrace: 1m
prepareAhead: false
webhooks: {allowPrivateAddresses: true}
secretsDir: keys
images: images
runtimeDir: /run/shop
events: {enabled: true, address: 0.0.0.0, port: 2121}
listen: {address: 0.0.0.0, certificate: tls/cert.pem, key: /tls/key.pem, clientCa: tls/ca.pem}
peers: {berlin: {address: "https://ber-2", tokenFile: keys/berlin.token, ca: tls/ca.pem, skills: [fx.rate]}}
"#;
        let config = config(text).unwrap();
        assert_eq!(config.instance.as_str(), "ber-1");
        assert_eq!(config.labels["tier"], "prod");
        assert_eq!(config.state, Path::new("/srv/provost"));
        assert_eq!(config.socket, Path::new("/run/provost/provost.sock"));
        assert_eq!(config.source.git.unwrap().known_hosts.unwrap(), Path::new("/etc/provost/hosts"));
        assert_eq!(config.sources.folders, [Path::new("/etc/provost/plugins")]);
        assert_eq!(config.sources.known_hosts.unwrap(), Path::new("/etc/provost/hosts"));
        assert!(config.sources.allow_file);
        assert_eq!(config.engine, EngineChoice::Docker(Some("unix:///run/docker.sock".to_owned())));
        assert_eq!(config.signers, ["ssh-ed25519 AAAA ops"]);
        assert_eq!(config.policy_paths, ["policies"]);
        assert_eq!(
            (config.never.host_paths, config.never.networks),
            (vec!["/etc".to_owned()], vec!["host".to_owned()])
        );
        assert_eq!(config.never.add_capabilities, ["ALL"]);
        let warehouse = config.plugins.by_name.values().next().unwrap();
        assert_eq!((warehouse.enabled, &warehouse.config["a"]["b"]), (Some(true), &serde_json::json!(1)));
        let berlin = warehouse.instances.values().next().unwrap();
        assert_eq!((berlin.enabled, &berlin.config["c"]), (Some(false), &serde_json::json!(2)));
        assert!(config.never.writable_root && config.never.root_user);
        assert_eq!(config.never.ports, [provost_manifest::PortRule::parse("*:22").unwrap()]);
        assert_eq!((config.apply, config.drift), (Apply::Manual, Drift::Report));
        assert_eq!((config.shutdown_grace_s, config.prepare_ahead, config.allow_empty), (60, false, true));
        assert!(config.allow_private_addresses);
        assert_eq!(config.secrets, Path::new("/etc/provost/keys"));
        assert_eq!(config.images.unwrap(), Path::new("/etc/provost/images"));
        assert_eq!(config.runtime_dir.unwrap(), Path::new("/run/shop"));
        assert_eq!(config.events.unwrap().to_string(), "0.0.0.0:2121");
        let listen = config.listen.unwrap();
        assert_eq!((listen.address.to_string().as_str(), listen.is_own), ("0.0.0.0:2719", false));
        assert_eq!(listen.files.certificate, Path::new("/etc/provost/tls/cert.pem"));
        assert_eq!(listen.files.key, Path::new("/tls/key.pem"));
        assert_eq!(listen.files.client_ca.unwrap(), Path::new("/etc/provost/tls/ca.pem"));
        let berlin = config.peers.values().next().unwrap();
        assert_eq!((berlin.address.as_str(), &berlin.skills), ("https://ber-2", &vec!["fx.rate".to_owned()]));
        assert_eq!(berlin.token_file, Path::new("/etc/provost/keys/berlin.token"));
        assert_eq!(berlin.ca.as_deref(), Some(Path::new("/etc/provost/tls/ca.pem")));
    }

    #[test]
    fn the_direct_engine_has_its_folder_in_the_servers() {
        let engine =
            |said: &str| config(&format!("source: {{folder: {{path: shop}}}}\nengine: {said}")).map(|it| it.engine);
        let direct = |path: &str, rootless| Ok(EngineChoice::Direct { folder: path.into(), rootless });
        assert_eq!(engine("{direct: {}}"), direct("/var/lib/provost/engine", false));
        assert_eq!(engine("{direct: {folder: containers}}"), direct("/etc/provost/containers", false));
        assert_eq!(engine("{direct: {rootless: true}}"), direct("/var/lib/provost/engine", true));
        assert_eq!(engine("{docker: {}}"), Ok(EngineChoice::Docker(None)));
        let both = engine("{direct: {}, docker: {host: 'unix:///run/docker.sock'}}").unwrap_err();
        assert!(both.contains("leave one out"), "{both}");
    }

    #[test]
    fn c26_events_are_taken_only_when_that_is_said_and_then_on_this_machine() {
        let events =
            |said: &str| config(&format!("source: {{folder: {{path: shop}}}}\nevents: {said}")).unwrap().events;
        assert_eq!(events("{enabled: true}").unwrap().to_string(), "127.0.0.1:21212");
        assert_eq!(events("{enabled: true, address: '::1'}").unwrap().to_string(), "[::1]:21212");
        assert_eq!(events("{enabled: true, port: 0}").unwrap().to_string(), "127.0.0.1:0");
        assert_eq!(events("{address: 0.0.0.0, port: 2121}"), None);
    }

    #[test]
    fn without_a_certificate_the_server_makes_one() {
        let config = config("source: {folder: {path: shop}}\nlisten: {address: '[::1]:8000'}").unwrap();
        let listen = config.listen.unwrap();
        assert_eq!(listen.address.to_string(), "[::1]:8000");
        assert_eq!(listen, Listen { files: CertificateFiles::own(&config.state), is_own: true, ..listen.clone() });
    }

    #[test]
    fn every_documented_key_is_known() {
        for key in crate::config::keys() {
            // Of a type that no key has, so that the answer is about the type if the key is known.
            let value = key.name.rsplit('.').fold("!x y".to_owned(), |inner, part| format!("{{{part}: {inner}}}"));
            let problem = yaml::parse::<File>(&value, "server.yaml").unwrap_err().message;
            assert!(!problem.contains("unknown field"), "{}: {problem}", key.name);
        }
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
        check("source: {folder: {path: a}}\nplugins: {a_b: {}}", "\"a_b\" is not");
        check("source: {folder: {path: a}}\nplugins: {a: {conf: {}}}", "unknown field `conf`");
        check("source: {folder: {path: a}}\napply: Never", "unknown variant `Never`");
        check("source: {folder: {path: a}}\nlisten: {address: here}", "listen.address: \"here\" is no address");
        check("source: {folder: {path: a}}\nlisten: {address: '::', key: k}", "certificate and key belong together");
        let peers =
            |peers: &str, expected: &str| check(&format!("source: {{folder: {{path: a}}}}\npeers: {peers}"), expected);
        peers(
            "{b: {address: 'http://b', tokenFile: t, skills: []}}",
            "peers.b.address: write \"http://b\" like https://",
        );
        peers(
            "{b: {address: 'https://b/a', tokenFile: t, skills: []}}",
            "peers.b.address: write \"https://b/a\" like https://",
        );
        let b = "address: 'https://b', tokenFile: t, skills: [fx.rate]";
        peers(&format!("{{b: {{{b}, ca: a, fingerprint: f}}}}"), "peers.b: ca and fingerprint exclude each other");
        peers("{b: {address: 'https://b', skills: []}}", "missing field `tokenFile`");
    }
}
