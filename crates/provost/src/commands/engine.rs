//! `provost engine`: which container engine is found here, and what an instance has on it.

use std::path::PathBuf;
use std::sync::Arc;

use provost_controller::Engine;
use provost_model::{Instance, Life};
use serde_json::json;

use crate::app::{App, FormatArgs};
use crate::config::{EngineChoice, host_name};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Column, Listing, Row, Text, Tone};
use crate::serve::{do_without_root, find_docker, open_direct};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The engine's address [default: DOCKER_HOST, Docker's socket, Podman's sockets, whichever answers first]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// The folder of the direct engine, <state>/engine, instead of an address
    #[arg(long, value_name = "FOLDER", conflicts_with = "host")]
    direct: Option<PathBuf>,
    /// Whose containers [default: the machine's host name]
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Remove every container of the instance; its server must not be running
    #[arg(long, requires = "instance")]
    sweep: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    let instance = Instance::parse(args.instance.unwrap_or_else(host_name)).map_err(Failure::usage)?;
    let failed = |error: provost_controller::EngineError| Failure::no(error);
    let engine: Arc<dyn Engine> = match &args.direct {
        Some(folder) if folder.is_dir() => {
            do_without_root(&EngineChoice::Direct { folder: folder.clone(), rootless: true })?;
            Arc::new(open_direct(folder, &instance).map_err(failed)?)
        }
        Some(folder) => return Err(Failure::new(Exit::NotFound, format!("there is no folder {}", folder.display()))),
        None => {
            let found = find_docker(args.host.as_deref(), &instance).await;
            Arc::new(found.map_err(|error| Failure::new(Exit::NotFound, error))?)
        }
    };
    let facts = engine.probe().await.map_err(failed)?;
    app.output.note(format!("{} {} at {}", facts.product, facts.version, facts.address))?;
    let containers = engine.list(&instance).await.map_err(failed)?;
    let rows = containers.iter().map(|container| {
        let step = container.step.as_ref();
        let owner = step.map(|step| step.owner.id().to_owned()).unwrap_or_default();
        let state = match &container.life {
            Life::Created => Text::toned(Tone::Dim, "· created"),
            Life::Running { .. } => Text::toned(Tone::Live, "▶ running"),
            Life::Exited { code: 0, .. } => Text::toned(Tone::Good, "✓ exited"),
            Life::Exited { code, .. } => Text::toned(Tone::Bad, format!("✗ exit {code}")),
        };
        let step = step.map(|step| step.step.to_string()).unwrap_or_default();
        let cells =
            vec![container.name.to_string().into(), state.into(), Cell::from(owner.clone()), step.as_str().into()];
        let json = json!({"name": container.name.as_str(), "life": container.life, "owner": owner, "step": step});
        Row { name: container.name.to_string(), cells, json }
    });
    let columns = vec![Column::new("CONTAINER"), Column::new("STATE"), Column::new("OF"), Column::new("STEP")];
    let listing =
        Listing { columns, rows: rows.collect(), when_empty: format!("There is no container of {instance}.") };
    listing.print(&mut app.output, args.format.format)?;
    if args.sweep {
        for container in &containers {
            engine.remove(&container.name).await.map_err(failed)?;
        }
        app.output.note(format!("{} removed.", containers.len()))?;
    }
    Ok(Exit::Done)
}
