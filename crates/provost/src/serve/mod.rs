//! `provost serve`: the reconciler. Here its parts are wired together.

mod alone;
pub mod choice;
mod compiler;
mod engine;
mod events;
mod listen;
mod logging;
mod metered;
mod peers;
mod traces;
mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use provost_api::{ContainerGate, Listeners, Metrics, ServerInfo};
use provost_controller::{ApplyMode, Controller, DriftMode, Engine, Ports, Settings, Source, SystemClock};
use provost_direct::rootless;
use provost_manifest::{Machine, ServerFacts};
use provost_model::Name;
use provost_source::ReferringSource;
use provost_store::{FileLogs, SqliteStore};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Apply, Drift, Peers, ServerConfig, host_name};
use crate::exit::{Exit, Failure, Outcome};
use crate::messenger::Post;

use alone::NameLock;
pub use choice::find_docker;
use compiler::references;
pub use compiler::{Manifests, files};
pub use engine::{SHIM, do_without_root, engine, engine_name, open_direct};
pub use logging::{LogFormat, log};
use traces::Traces;
pub use vault::key_path;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server configuration file; provost explain server lists its keys
    #[arg(long, value_name = "FILE", env = "PROVOST_CONFIG", default_value = "/etc/provost/server.yaml")]
    config: PathBuf,
    /// Check the configuration file and end: nothing is started, no engine and no repository is asked
    #[arg(long)]
    check: bool,
    /// How log lines look
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
    /// The least important log lines that are shown: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", env = "PROVOST_LOG", default_value = "info")]
    log: String,
}

/// Runs the command.
pub fn run(args: &Args) -> Outcome {
    let config = ServerConfig::read(&args.config)?;
    if args.check {
        listen::check(config.listen.as_ref())?;
        return open_source(&config, &config.state).map(|_| Exit::Done);
    }
    do_without_root(&config.engine)?;
    log(args.log_format, &args.log)?;
    for (what, mend) in rootless::lacks() {
        tracing::warn!(mend, "{what}");
    }
    runtime()?.block_on(async {
        let engine = engine(config.engine.clone(), config.instance.clone(), config.images.clone());
        let server = Server::start(&config, Arc::clone(&engine)).await?;
        match engine.probe().await {
            Ok(facts) => tracing::info!(engine = %facts.product, version = %facts.version, address = %facts.address, "found the engine"),
            Err(error) => tracing::warn!(%error, "nothing can run before the engine answers"),
        }
        tracing::info!(instance = %config.instance, socket = %config.socket.display(), "serving");
        server.until_asked().await
    })
}

/// What servers run on.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::no(format!("the system gives no resources to work with: {error}")))
}

/// A running reconciler with its control socket.
pub struct Server {
    controller: Controller,
    reconciler: JoinHandle<()>,
    api: JoinHandle<std::io::Result<()>>,
    traces: Option<JoinHandle<()>>,
    stop: CancellationToken,
    _name: NameLock,
}

impl Server {
    /// Starts the reconciler that `config` describes, on `engine`.
    pub async fn start(config: &ServerConfig, engine: Arc<dyn Engine>) -> Result<Self, Failure> {
        private_folder(&config.state)?;
        let source = open_source(config, &config.state)?;
        // The store's lock is taken first: the socket and the folders belong to whoever has it.
        let store = SqliteStore::open(&config.state).map_err(Failure::no)?;
        let name = NameLock::take(&config.instance, engine_name(&config.engine).as_deref())?;
        let logs = FileLogs::open(&config.state).map_err(Failure::no)?;
        if let Some(folder) = config.socket.parent() {
            private_folder(folder)?;
        }
        let key = vault::key(config)?;
        let recipient = key.recipient().to_string();
        let local = provost_api::bind(&config.socket).await.map_err(Failure::no)?;
        let events = match config.events {
            Some(address) => Some(events::bind(address).await?),
            None => None,
        };
        let (remote, listen) = listen::listen(config.listen.as_ref()).await?.unzip();
        let metrics = Metrics::default();
        let gate = ContainerGate::new(tokio::runtime::Handle::current());
        let ports = Ports {
            clock: Arc::new(SystemClock),
            store: Arc::new(store),
            logs: Arc::new(logs),
            engine: Arc::new(metered::Metered::new(engine, metrics.clone())),
            source,
            compiler: Arc::new(Manifests { facts: facts(config) }),
            messenger: Arc::new(Post {
                channels: config.state.join("channels"),
                secrets: config.secrets.clone(),
                allow_private_addresses: config.allow_private_addresses,
            }),
            vault: Arc::new(vault::vault(config, key)?),
            gate: Arc::new(gate.clone()),
            peers: Arc::new(peers::HttpsPeers(config.peers.clone())),
        };
        let traces = Traces::are_wanted().then(|| Traces::from_environment(config.instance.clone())).transpose()?;
        let (controller, reconciler) =
            provost_controller::start(settings(config, traces.is_some()), ports).await.map_err(Failure::no)?;
        let stop = CancellationToken::new();
        if let Some(listener) = events {
            events::take(listener, controller.clone(), stop.clone());
        }
        let info =
            ServerInfo { version: env!("CARGO_PKG_VERSION").to_owned(), host: host_name(), recipient, listen, metrics };
        let api = tokio::spawn(provost_api::serve(
            Listeners { local, remote, gate: Some(gate) },
            controller.clone(),
            info,
            stop.clone(),
        ));
        let traces = traces.map(|traces| tokio::spawn(traces.tell(controller.clone(), stop.clone())));
        Ok(Self { controller, reconciler, api, traces, stop, _name: name })
    }

    /// Serves until SIGTERM or Ctrl-C, then ends in good order. Asked a second time, it ends at once: what still runs is
    /// adopted at the next start.
    pub async fn until_asked(self) -> Outcome {
        let failed = |error| Failure::no(format!("signals cannot be caught: {error}"));
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let Self { controller, mut reconciler, api, traces, stop, _name } = self;
        let mut asked = false;
        loop {
            let again = tokio::select! {
                ended = &mut reconciler => {
                    stop.cancel();
                    // Its answers are given or broken off; either way the server is gone.
                    let _ = api.await;
                    if let Some(traces) = traces {
                        let _ = traces.await;
                    }
                    return ended.map(|()| Exit::Done).map_err(|error| Failure::no(format!("the reconciler broke down: {error}")));
                }
                _ = terminate.recv() => asked,
                _ = interrupt.recv() => asked,
            };
            if again {
                return Ok(Exit::Interrupted);
            }
            asked = true;
            tracing::info!("shutting down: runs may end within the grace time, then the shutdown hooks run");
            controller.shut_down();
        }
    }
}

/// How long one git command may take for a source that manifests refer to, unless the server's own says otherwise.
const GIT_TIMEOUT: Duration = Duration::from_secs(60);

/// The source that `config` names, with those that its manifests refer to, not read yet; what it remembers is below `folder`.
pub fn open_source(config: &ServerConfig, folder: &Path) -> Result<Arc<dyn Source>, Failure> {
    let wrong = |problem| Failure::usage(format!("server configuration: {problem}"));
    let main = provost_source::open(&config.source, &config.signers, folder).map_err(wrong)?;
    let timeout = config.source.git.as_ref().map_or(GIT_TIMEOUT, |git| git.timeout);
    let (sources, folder) = (config.sources.clone(), folder.to_owned());
    let whole = ReferringSource::open(main, Arc::new(references), sources, &config.signers, timeout, folder);
    Ok(Arc::new(whole.map_err(wrong)?))
}

fn settings(config: &ServerConfig, traces: bool) -> Settings {
    Settings {
        instance: config.instance.clone(),
        host: host_name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        work_dir: config.state.join("steps"),
        apply: match config.apply {
            Apply::Auto => ApplyMode::Auto,
            Apply::Manual => ApplyMode::Manual,
        },
        allow_empty: config.allow_empty,
        shutdown_grace_s: config.shutdown_grace_s,
        drift: match config.drift {
            Drift::Correct => DriftMode::Correct,
            Drift::Report => DriftMode::Report,
        },
        prepare_ahead: config.prepare_ahead,
        traces,
    }
}

/// What `config` says about manifests.
pub fn facts(config: &ServerConfig) -> ServerFacts {
    ServerFacts {
        name: config.instance.to_string(),
        labels: config.labels.clone(),
        policy_paths: config.policy_paths.clone(),
        never: config.never.clone(),
        plugins: config.plugins.clone(),
        peers: skills_of(&config.peers),
        machine: Some(machine()),
    }
}

/// The skills that `peers` provide, each with the names of those servers.
fn skills_of(peers: &Peers) -> BTreeMap<String, BTreeSet<Name>> {
    let mut skills: BTreeMap<String, BTreeSet<Name>> = BTreeMap::new();
    for (name, skill) in peers.iter().flat_map(|(name, peer)| peer.skills.iter().map(move |skill| (name, skill))) {
        skills.entry(skill.clone()).or_default().insert(name.clone());
    }
    skills
}

/// What this machine is. Its memory is all that it has, whatever this process may use of it.
fn machine() -> Machine {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    };
    let memory = rustix::system::sysinfo();
    let memory_bytes = memory.totalram.saturating_mul(u64::from(memory.mem_unit));
    Machine { architecture: architecture.to_owned(), memory_bytes }
}

/// Makes `folder`, for its owner alone; one that is there stays as it is.
pub fn private_folder(folder: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        Failure::no(format!("the folder {} cannot be made: {error}", folder.display()))
            .help("name another one as `state` in the server configuration, or run as root")
    })
}
