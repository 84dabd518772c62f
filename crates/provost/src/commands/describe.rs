//! `provost describe X`: everything about one automation, service or run.

use super::remote::{Subject, client, only_output};
use crate::app::{App, FormatArgs};
use crate::config::ServerArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::view;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of an automation or service, or the id of a run
    #[arg(value_name = "X")]
    subject: String,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let (name, json, lines) = match Subject::parse(&args.subject)? {
        Subject::Automation(name) => {
            match client.automation(&name).await {
                Ok(detail) => (name, serde_json::to_value(&detail), view::describe_automation(&detail, &app.times)),
                // Both have one name space.
                Err(error) => match client.service(&name).await {
                    Ok(detail) => (name, serde_json::to_value(&detail), view::describe_service(&detail, &app.times)),
                    Err(_) => return Err(error.into()),
                },
            }
        }
        Subject::Service(name) => {
            let detail = client.service(&name).await?;
            (name, serde_json::to_value(&detail), view::describe_service(&detail, &app.times))
        }
        Subject::Event(event) => return Err(only_output(&event)),
        Subject::Run(run) => {
            let detail = client.run(&run).await?;
            (run, serde_json::to_value(&detail), view::describe_run(&detail, &app.times))
        }
    };
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => app.output.value(&json.map_err(Failure::no)?, format)?,
        Format::Name => app.output.line(name)?,
        Format::Csv => {
            return Err(
                Failure::usage("a description is no list, so there is no csv of it").help("use provost get -o csv")
            );
        }
        Format::Table | Format::Wide => lines.into_iter().try_for_each(|line| app.output.line(line))?,
    }
    Ok(Exit::Done)
}
