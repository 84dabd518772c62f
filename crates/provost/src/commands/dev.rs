//! `provost dev`: a server for one folder, here and now, which reloads on save.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use provost_api::Client;
use provost_api::wire::EventsQuery;
use provost_controller::Engine;
use provost_direct::{DirectEngine, rootless};
use provost_model::{Digest, Instance};

use super::offline;
use crate::app::App;
use crate::config::{DEV_FOLDER, EngineChoice, SOCKET, ServerConfig};
use crate::exit::{Failure, Outcome};
use crate::output::{Text, Tone};
use crate::serve::{LogFormat, Server, do_without_root, engine, find_docker, log, private_folder, runtime};
use crate::{demo, view};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; one without manifests gets a demo shop
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// A folder of image archives; one that a manifest names and the engine lacks is loaded from there
    /// [default: images or ../share/provost/images beside this program]
    #[arg(long, value_name = "DIR", env = "PROVOST_IMAGES")]
    images: Option<PathBuf>,
    /// The least important log lines that are shown: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", env = "PROVOST_LOG", default_value = "error")]
    log: String,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let mut config = prepare(args, app)?;
    config.engine = choose(config.engine, &config.instance)?;
    do_without_root(&config.engine)?;
    log(LogFormat::Text, &args.log)?;
    runtime()?.block_on(serve(&config, app))
}

/// The engine that is there; where none is installed and this is not root, none beside Provost, with what that can do.
fn choose(choice: EngineChoice, instance: &Instance) -> Result<EngineChoice, Failure> {
    let EngineChoice::Any { folder, .. } = &choice else {
        return Ok(choice);
    };
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::no)?;
    match waiting.block_on(find_docker(None, instance)) {
        Err(none) if none.is_installed_nowhere() && !DirectEngine::may_run() => {
            Ok(EngineChoice::Direct { folder: folder.clone(), rootless: true })
        }
        _ => Ok(choice),
    }
}

/// Makes the folder ready: a demo where there is nothing, and a place for the state that git does not see.
fn prepare(args: &Args, app: &mut App) -> Result<ServerConfig, Failure> {
    let failed = |error: std::io::Error| Failure::no(format!("{} cannot be used: {error}", args.path.display()));
    std::fs::create_dir_all(&args.path).map_err(failed)?;
    let folder = args.path.canonicalize().map_err(failed)?;
    if offline::read(&folder)?.is_empty() {
        demo::write(&folder)?;
        app.output.note(format!("There was no manifest in {}: here is a demo shop.", folder.display()))?;
    }
    let state = folder.join(DEV_FOLDER);
    private_folder(&state)?;
    std::fs::write(state.join(".gitignore"), "*\n").map_err(failed)?;
    let instance = format!("dev-{}", &Digest::of(folder.as_os_str().as_encoded_bytes()).as_str()[..8]);
    let instance = Instance::parse(instance).map_err(Failure::no)?;
    let images = args.images.clone().or_else(images_beside_program);
    Ok(ServerConfig::for_folder(instance, &folder, state.clone(), state.join(SOCKET), images))
}

/// `images` or `../share/provost/images` beside this program, whichever is there.
fn images_beside_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    let folder = program.parent()?;
    let places = [folder.join("images"), folder.parent()?.join("share/provost/images")];
    places.into_iter().find(|place| place.is_dir())
}

async fn serve(config: &ServerConfig, app: &mut App) -> Outcome {
    let engine = engine(config.engine.clone(), config.instance.clone(), config.images.clone());
    let facts = engine.probe().await.map_err(|error| Failure::no(&error))?;
    let server = Server::start(config, Arc::clone(&engine)).await?;
    let line = |name: &str, value: String| Text::toned(Tone::Dim, name).padded(8).plus(value);
    app.output.note(line("engine", format!("{} {} at {}", facts.product, facts.version, facts.address)))?;
    app.output.note(line("folder", format!("{} (reloads on save; Ctrl-C ends it)", folder(config).display())))?;
    for (what, _) in rootless::lacks() {
        app.output.note(line("note", what))?;
    }
    if config.images.is_none() {
        let hint = "none beside this program: the engine must have every image, or --images names a folder of archives";
        app.output.note(line("images", hint.to_owned()))?;
    }
    app.next("provost get automations, provost logs -F NAME  (here, in another terminal)")?;
    let mut events = Client::unix(&config.socket)
        .events(&EventsQuery { follow: true, limit: Some(0), ..EventsQuery::default() })
        .await?;
    let mut served = pin!(server.until_asked());
    let outcome = loop {
        tokio::select! {
            outcome = &mut served => break outcome,
            Some(event) = events.next() => {
                // The stream ends with the server; how that ended is told by the server itself.
                let Ok(event) = event else { break served.await };
                for line in view::brief_lines(&event, &app.times) {
                    app.output.line(line)?;
                }
            }
        }
    };
    sweep(&*engine, config).await?;
    outcome
}

fn folder(config: &ServerConfig) -> &Path {
    config.state.parent().unwrap_or(&config.state)
}

/// A server for trying things out leaves no containers behind.
async fn sweep(engine: &dyn Engine, config: &ServerConfig) -> Result<(), Failure> {
    for container in engine.list(&config.instance).await.map_err(Failure::no)? {
        engine.remove(&container.name).await.map_err(Failure::no)?;
    }
    Ok(())
}
