//! `provost skill`: what containers offer to be called; calling one is its test terminal.

use provost_api::wire::{JsonMap, SkillAnswer, SkillCall, SkillCallOn};

use super::remote::{ListArgs, client};
use super::run::object;
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
    /// List skills, with their parameters and who provides them
    Ls(ListArgs),
    /// Call a skill and print its result
    Call(CallArgs),
}

#[derive(Debug, clap::Args)]
struct CallArgs {
    /// The skill
    #[arg(value_name = "SKILL")]
    skill: String,
    /// What is handed in, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    data: String,
    /// Calling twice with one id is one call, where a container is made for it
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// On each of these servers: this one by its instance's name, others as `peers` of its configuration names them
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    servers: Vec<String>,
    /// On all servers that provide it
    #[arg(long, conflicts_with = "servers")]
    everywhere: bool,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    match args.command {
        Command::Ls(args) => {
            let skills = client(&args.server)?.skills().await?;
            view::skills(&skills).print(&mut app.output, args.format.format)?;
        }
        Command::Call(args) if args.everywhere || !args.servers.is_empty() => return call_on(args, app).await,
        Command::Call(args) => {
            let data: JsonMap = object("--data", &args.data)?;
            let call = SkillCall { data, request: args.request, own: false };
            let answer = client(&args.server)?.call_skill(&args.skill, &call).await?;
            match args.format.format {
                format @ (Format::Json | Format::Yaml) => app.output.value(&answer, format)?,
                _ => app.output.line(answer.result.to_string())?,
            }
        }
    }
    Ok(Exit::Done)
}

/// A line for each server: its name, a tabulator, and the result; what has failed on stderr.
async fn call_on(args: CallArgs, app: &mut App) -> Outcome {
    let data: JsonMap = object("--data", &args.data)?;
    let call = SkillCallOn { data, servers: args.servers.into_iter().collect(), request: args.request };
    let answer = client(&args.server)?.call_skill_on(&args.skill, &call).await?;
    let failed = answer.servers.values().filter(|answer| matches!(answer, SkillAnswer::Error(_))).count();
    if let format @ (Format::Json | Format::Yaml) = args.format.format {
        app.output.value(&answer, format)?;
    } else {
        for (server, answer) in &answer.servers {
            match answer {
                SkillAnswer::Result(result) => app.output.line(format!("{server}\t{result}"))?,
                SkillAnswer::Error(error) => app.output.note(format!("{server}: {}: {}", error.kind, error.message))?,
            }
        }
    }
    Ok(match failed {
        0 => Exit::Done,
        all if all == answer.servers.len() => Exit::No,
        _ => Exit::SomeServers,
    })
}
