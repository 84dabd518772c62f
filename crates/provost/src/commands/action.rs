//! `provost action`: what plugins offer to be started by name; and `provost job`: how a call of it goes.

use std::collections::BTreeMap;

use provost_api::wire::{CallRequest, JobQuery, JsonMap, ParamItem};
use serde_json::Value;

use super::remote::client;
use super::run::params;
use super::wait::{WaitArgs, wait};
use crate::app::{App, FormatArgs};
use crate::config::ServerArgs;
use crate::exit::{Exit, Outcome};
use crate::output::Format;
use crate::view;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List actions, with their parameters
    Ls(ListArgs),
    /// Start an action now; its job goes on by itself
    Run(RunArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only those of this application
    #[arg(value_name = "APPLICATION")]
    application: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// The application
    #[arg(value_name = "APPLICATION")]
    application: String,
    /// The action
    #[arg(value_name = "ACTION")]
    action: String,
    /// Hand in a parameter; again for more
    #[arg(short = 'p', long = "param", value_name = "KEY=VALUE")]
    params: Vec<String>,
    /// Hand in parameters as a JSON object
    #[arg(long = "params", value_name = "JSON")]
    object: Option<String>,
    /// A flagged run: its containers see that it is a test, and nobody is notified
    #[arg(long)]
    testing: bool,
    /// The id that the job is to have, a UUID; asking twice with one starts one run
    #[arg(long, value_name = "UUID")]
    job: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
pub struct JobArgs {
    /// What `provost action run` printed
    #[arg(value_name = "JOB")]
    job: String,
    /// Every entry, not only the summary
    #[arg(long)]
    results: bool,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    match args.command {
        Command::Ls(args) => list(args, app).await,
        Command::Run(args) => call(args, app).await,
    }
}

async fn list(args: ListArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let actions = client.actions(args.application.as_deref()).await?;
    view::actions(&actions).print(&mut app.output, args.format.format)?;
    Ok(Exit::Done)
}

async fn call(args: RunArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let action = client.action(&args.application, &args.action).await?;
    let params = typed(params(&args.params, args.object.as_deref())?, &action.params);
    let request = CallRequest { params, testing: args.testing, job: args.job };
    let accepted = client.call(&args.application, &args.action, &request).await?;
    if args.wait.wait {
        return wait(&client, &accepted.run, &args.wait, args.format.format, app).await;
    }
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => app.output.value(&accepted, format)?,
        _ => app.output.line(accepted.job.as_str())?,
    }
    app.next(&format!("provost job {}", accepted.job))?;
    Ok(Exit::Done)
}

/// A command line has texts only; the action says which of them are meant as numbers or booleans.
fn typed(given: JsonMap, declared: &BTreeMap<String, ParamItem>) -> JsonMap {
    let value = |name: &str, value: Value| {
        let is_text = declared.get(name).is_none_or(|param| param.kind == "string");
        match value.as_str().filter(|_| !is_text).map(serde_json::from_str::<Value>) {
            Some(Ok(meant)) if !meant.is_object() && !meant.is_array() => meant,
            _ => value,
        }
    };
    given.into_iter().map(|(name, it)| (name.clone(), value(&name, it))).collect()
}

/// Shows how a job goes.
pub async fn job(args: JobArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let job = client.job(&args.job, &JobQuery { results: args.results }).await?;
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => app.output.value(&job, format)?,
        Format::Name => app.output.line(job.state.word())?,
        _ => view::describe_job(&job, &app.times).into_iter().try_for_each(|line| app.output.line(line))?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_read_as_the_action_declares_them() {
        let param = |kind: &str| ParamItem {
            kind: kind.to_owned(),
            description: None,
            required: true,
            default: None,
            minimum: None,
            maximum: None,
            options: Vec::new(),
        };
        let declared = [("count", "integer"), ("dry", "boolean"), ("since", "string")];
        let declared = declared.map(|(name, kind)| (name.to_owned(), param(kind))).into();
        let given = json!({"count": "5", "dry": "true", "since": "5", "more": "5"});
        let typed = typed(given.as_object().unwrap().clone(), &declared);
        assert_eq!(Value::Object(typed), json!({"count": 5, "dry": true, "since": "5", "more": "5"}));
    }
}
