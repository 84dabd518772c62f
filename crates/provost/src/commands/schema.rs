//! `provost schema`: the JSON Schemas of manifests, for editors, and the description of the server's interface.

use std::path::PathBuf;

use crate::app::App;
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which schema to print: automation, service, policy, plugin, channel, secret, source, manifest for any of them, or
    /// openapi for the server's interface
    #[arg(value_name = "KIND", default_value = "manifest")]
    kind: String,
    /// Write all of them into this folder, one file a kind
    #[arg(long, value_name = "DIR", conflicts_with = "kind")]
    write: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let mut schemas = provost_manifest::schemas();
    schemas.insert("openapi.json".into(), provost_api::openapi());
    if let Some(folder) = &args.write {
        for (name, schema) in &schemas {
            write(folder, name, &(serde_json::to_string_pretty(schema).map_err(Failure::no)? + "\n"))?;
        }
        app.output.note(format!("{} schemas are in {}.", schemas.len(), folder.display()))?;
        let modeline = format!("# yaml-language-server: $schema={}/manifest.json", folder.display());
        app.output.note(format!("The first line of a manifest, for editors: {modeline}"))?;
        return Ok(Exit::Done);
    }
    let name = format!("{}.json", args.kind.to_lowercase());
    let Some(schema) = schemas.get(&name) else {
        let known: Vec<&str> = schemas.keys().filter_map(|name| name.strip_suffix(".json")).collect();
        return Err(Failure::not_found(format!("there is no schema of {:?}", args.kind))
            .help(format!("there are {}", known.join(", "))));
    };
    app.output.value(schema, crate::output::Format::Json)?;
    Ok(Exit::Done)
}

/// Writes `text` to `folder/name`; what is there is replaced.
pub fn write(folder: &std::path::Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| Failure::no(format!("{} cannot be written: {error}", path.display())))
}
