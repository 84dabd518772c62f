//! `provost token`: what others than this machine's own people prove themselves with.

use provost_api::wire::{Permissions, TokenItem, TokenRequest, TokenScope};

use super::remote::{ListArgs, client};
use crate::app::{App, FormatArgs};
use crate::config::{Direction, ServerArgs, parse_moment};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Column, Format, Listing, Row, Text, Times, Tone};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token; its text is printed once and kept nowhere
    Create(CreateArgs),
    /// List tokens, and what they are good for
    Ls(ListArgs),
    /// From now on, a token is good for nothing
    Revoke(RevokeArgs),
    /// Show what you, or whoever has this token, may do
    Permissions(ListArgs),
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Scope {
    /// Look
    View,
    /// Look, start and stop runs, fire events
    Run,
    /// The same, and pause; with all automations: apply, roll back, make tokens
    Admin,
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// What to call it; what is done with it is recorded under this name
    #[arg(value_name = "NAME")]
    name: String,
    /// What may be done with it
    #[arg(long, value_enum, value_name = "SCOPE")]
    scope: Scope,
    /// Only with automations of these names: web-* [default: all, and the server itself]
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    automations: Option<Vec<String>>,
    /// Events that may be fired with it: orders.* [default: none with --automations, else all]
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    events: Option<Vec<String>>,
    /// Until when: 30d, 2026-11-20T02:00:00Z [default: until it is revoked]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct RevokeArgs {
    /// The token
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    match args.command {
        Command::Create(args) => create(args, app).await,
        Command::Ls(args) => list(args, app).await,
        Command::Revoke(args) => revoke(args, app).await,
        Command::Permissions(args) => permissions(args, app).await,
    }
}

async fn create(args: CreateArgs, app: &mut App) -> Outcome {
    let until = args.until.as_deref().map(|text| parse_moment(text, app.times.now, Direction::Ahead));
    let request = TokenRequest {
        name: args.name,
        scope: match args.scope {
            Scope::View => TokenScope::View,
            Scope::Run => TokenScope::Run,
            Scope::Admin => TokenScope::Admin,
        },
        automations: args.automations,
        events: args.events,
        until: until.transpose().map_err(Failure::usage)?,
    };
    let made = client(&args.server)?.make_token(&request).await?;
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => app.output.value(&made, format)?,
        _ => app.output.line(made.token.as_str())?,
    }
    app.output
        .note(format!("This is token {}. It is shown only now: keep it where secrets are kept.", made.item.name))?;
    app.next("PROVOST_SERVER=https://HOST:2719 PROVOST_TOKEN=… provost token permissions")?;
    Ok(Exit::Done)
}

async fn list(args: ListArgs, app: &mut App) -> Outcome {
    let tokens = client(&args.server)?.tokens().await?;
    let rows = tokens.iter().map(|token| row(token, &app.times)).collect::<Result<_, _>>()?;
    let columns = ["NAME", "SCOPE", "AUTOMATIONS", "EVENTS", "UNTIL", "MADE BY"].map(Column::new).into();
    let when_empty = "There is no token; provost token create NAME makes one.".to_owned();
    Listing { columns, rows, when_empty }.print(&mut app.output, args.format.format)?;
    Ok(Exit::Done)
}

fn row(token: &TokenItem, times: &Times) -> Result<Row, Failure> {
    let until = token.until.map_or_else(Cell::default, |until| Cell::exact(times.relative(until), until));
    let cells = vec![
        token.name.as_str().into(),
        token.scope.word().into(),
        patterns(&token.automations).into(),
        patterns(&token.events).into(),
        until,
        token.by.as_str().into(),
    ];
    Ok(Row { name: token.name.clone(), cells, json: serde_json::to_value(token).map_err(Failure::no)? })
}

fn patterns(patterns: &[String]) -> String {
    if patterns.is_empty() { "none".to_owned() } else { patterns.join(", ") }
}

async fn revoke(args: RevokeArgs, app: &mut App) -> Outcome {
    client(&args.server)?.revoke_token(&args.name).await?;
    app.output.note(format!("Token {} is good for nothing any more.", args.name))?;
    Ok(Exit::Done)
}

async fn permissions(args: ListArgs, app: &mut App) -> Outcome {
    let permissions = client(&args.server)?.permissions().await?;
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => app.output.value(&permissions, format)?,
        Format::Table | Format::Wide => {
            let until =
                permissions.until.map_or_else(String::new, |until| format!(", until {}", app.times.when(until)));
            app.output.line(Text::toned(Tone::Strong, &permissions.by).plus(format!(
                " may {} (automations: {}; events: {}{until})",
                permissions.scope.word(),
                patterns(&permissions.automations),
                patterns(&permissions.events)
            )))?;
            routes(&permissions).print(&mut app.output, args.format.format)?;
        }
        format => routes(&permissions).print(&mut app.output, format)?,
    }
    Ok(Exit::Done)
}

fn routes(permissions: &Permissions) -> Listing {
    let rows = permissions.routes.iter().map(|route| {
        let name = format!("{} {}", route.method, route.path);
        let with = route.automations.as_ref().map_or_else(String::new, |names| patterns(names));
        let cells = vec![route.method.as_str().into(), route.path.as_str().into(), with.into()];
        Row { name, cells, json: serde_json::to_value(route).unwrap_or_default() }
    });
    let columns = ["METHOD", "PATH", "WITH"].map(Column::new).into();
    Listing { columns, rows: rows.collect(), when_empty: "Nothing is allowed.".to_owned() }
}
