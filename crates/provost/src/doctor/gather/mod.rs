//! Looking and asking. Nothing is changed, started, delivered or pulled, and nothing takes longer than a moment.

mod certificate;
mod channels;
mod clock;
mod engine;
mod machine;
mod server;
mod source;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use provost_model::{Desired, Instance};

use super::evidence::{ConfigFile, Evidence, Trouble};
use crate::config::{EngineChoice, ServerConfig, host_name};
use crate::exit::Failure;
use crate::serve::do_without_root;

/// How long anybody may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Looks at the server whose configuration is at `config`. Without one, the engine is the one that the environment names
/// and the server the one at `socket`.
pub async fn gather(config: &Path, socket: PathBuf, now: Timestamp) -> Evidence {
    let path = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    let mode = machine::mode(&path);
    let (config, trouble) = match read(&path) {
        Ok(config) => (Some(config), None),
        Err(failure) => (None, Some(trouble(&failure))),
    };
    let file = ConfigFile { path, mode, trouble };
    let socket = config.as_ref().map_or(socket, |config| config.socket.clone());
    let choice = config.as_ref().map_or(EngineChoice::Docker(None), |config| config.engine.clone());
    // Before anything else is at work here.
    let without_root = do_without_root(&choice);
    let instance = config.as_ref().map(|config| config.instance.clone()).or_else(|| Instance::parse(host_name()).ok());
    let (source, server, engine, clock) = tokio::join!(
        source::ask(config.as_ref(), now),
        server::ask(&socket),
        engine::find(&choice, instance, without_root),
        clock::look(config.as_ref()),
    );
    let (source, desired) = source.unzip();
    let desired: Desired = desired.flatten().unwrap_or_default();
    let images = match &engine {
        Ok((engine, _)) => {
            engine::images(engine.as_ref(), &desired, config.as_ref().and_then(|config| config.images.as_deref())).await
        }
        Err(_) => Vec::new(),
    };
    Evidence {
        now,
        config: file,
        private: config.iter().flat_map(machine::private).collect(),
        state: config.as_ref().map(|config| machine::state(&config.state)),
        engine: engine.map(|(_, found)| found),
        clock,
        source,
        channels: match &config {
            Some(config) => channels::try_all(config, &desired).await,
            None => Vec::new(),
        },
        images,
        certificate: certificate::look(config.as_ref().and_then(|config| config.listen.as_ref())),
        server,
    }
}

/// The configuration, if the source that it names can be opened too.
fn read(path: &Path) -> Result<ServerConfig, Failure> {
    let config = ServerConfig::read(path)?;
    crate::serve::open_source(&config, &config.state)?;
    Ok(config)
}

fn trouble(failure: &Failure) -> Trouble {
    let mend =
        failure.help.clone().unwrap_or_else(|| "provost explain server lists every key with its meaning".to_owned());
    Trouble { what: failure.message.clone(), mend }
}
