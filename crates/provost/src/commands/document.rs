//! `provost document`: JSON values that containers share by name.

use std::io::Read as _;

use provost_api::wire::PatchOperation;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::remote::{ListArgs, client};
use crate::app::{App, FormatArgs};
use crate::config::ServerArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::view;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List documents, with who wrote them and when
    Ls(ListArgs),
    /// Print a document
    Show(NamedArgs),
    /// Write a document, whole
    Write(WriteArgs),
    /// Change a document by a JSON patch (RFC 6902), whole or not at all, and print what it is then
    Patch(PatchArgs),
    /// Remove a document
    Rm(RemoveArgs),
}

#[derive(Debug, clap::Args)]
struct NamedArgs {
    /// The document
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct WriteArgs {
    /// The document; it is made if it is not there
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is to be, any JSON value; - for standard input
    #[arg(value_name = "JSON")]
    value: String,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct PatchArgs {
    /// The document
    #[arg(value_name = "NAME")]
    name: String,
    /// Its operations, a JSON list; - for standard input
    #[arg(value_name = "JSON")]
    patch: String,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// The document
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    match args.command {
        Command::Ls(args) => {
            let documents = client(&args.server)?.documents().await?;
            view::documents(&documents, &app.times).print(&mut app.output, args.format.format)?;
        }
        Command::Show(args) => {
            let value = client(&args.server)?.document(&args.name).await?;
            print(&value, args.format.format, app)?;
        }
        Command::Write(args) => {
            let value: Value = parsed(&args.value, "a JSON value")?;
            client(&args.server)?.write_document(&args.name, &value).await?;
        }
        Command::Patch(args) => {
            let patch: Vec<PatchOperation> = parsed(&args.patch, "a JSON patch, a list of operations")?;
            let value = client(&args.server)?.patch_document(&args.name, &patch).await?;
            print(&value, args.format.format, app)?;
        }
        Command::Rm(args) => client(&args.server)?.remove_document(&args.name).await?,
    }
    Ok(Exit::Done)
}

fn print(value: &Value, format: Format, app: &mut App) -> Result<(), Failure> {
    match format {
        format @ (Format::Json | Format::Yaml) => app.output.value(value, format),
        _ => app.output.line(value.to_string()),
    }
}

/// What is said on the command line, or on standard input.
fn parsed<T: DeserializeOwned>(said: &str, what: &str) -> Result<T, Failure> {
    let mut text = said.to_owned();
    if said == "-" {
        text.clear();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::no(format!("standard input cannot be read: {error}")))?;
    }
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("that is not {what}: {error}")))
}
