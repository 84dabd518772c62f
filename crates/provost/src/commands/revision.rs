//! `provost plan`, `apply`, `rollback`, `history`: which revision is in force.

use provost_api::Client;
use provost_api::wire::{ApplyRequest, HistoryQuery, Proposal, RollbackRequest};

use super::remote::client;
use crate::app::{App, FormatArgs};
use crate::config::ServerArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::view;

#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Exit with 3 if there are changes
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Shows what the source's newest revision would change. Changes nothing.
pub async fn plan(args: PlanArgs, app: &mut App) -> Outcome {
    let plan = client(&args.server)?.plan().await?;
    if args.format.format.is_for_people() {
        app.output.lines(&plan.report)?;
    }
    print(&plan, args.format.format, app)?;
    if !plan.changes.is_empty() {
        app.next(&format!("provost apply --plan {}  (does exactly this)", plan.id))?;
    }
    Ok(if args.exit_code && !plan.changes.is_empty() { Exit::Changes } else { Exit::Done })
}

#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// Only if this is still the plan; provost plan names it
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Applies the source's newest revision.
pub async fn apply(args: ApplyArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let applied = client.apply(&ApplyRequest { plan: args.plan }).await?;
    tell(&client, &applied, args.format.format, app).await
}

#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// Which, or its beginning [default: the one before the one in force]
    #[arg(value_name = "REVISION")]
    revision: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Applies an earlier revision, and stays at it until `provost apply`.
pub async fn rollback(args: RollbackArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let applied = client.rollback(&RollbackRequest { revision: args.revision }).await?;
    tell(&client, &applied, args.format.format, app).await?;
    app.output.note("The server stays at this revision until provost apply.")?;
    Ok(Exit::Done)
}

async fn tell(client: &Client, applied: &Proposal, format: Format, app: &mut App) -> Outcome {
    print(applied, format, app)?;
    let in_force = client.status().await?.revision;
    if let Some(revision) = in_force {
        app.output.note(format!("{} is in force.", view::short_revision(&revision.revision)))?;
    }
    app.next("provost get automations")?;
    Ok(Exit::Done)
}

fn print(plan: &Proposal, format: Format, app: &mut App) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => app.output.value(plan, format),
        Format::Name => app.output.line(plan.id.as_str()),
        Format::Csv => Err(Failure::usage("a plan is no list, so there is no csv of it").help("use -o json")),
        Format::Table | Format::Wide => view::plan_lines(plan).into_iter().try_for_each(|line| app.output.line(line)),
    }
}

#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Lists what happened to revisions: who, when, commit, result.
pub async fn history(args: HistoryArgs, app: &mut App) -> Outcome {
    let items = client(&args.server)?.history(&HistoryQuery { limit: Some(args.limit as usize), cursor: None }).await?;
    view::history(&items, &app.times).print(&mut app.output, args.format.format)?;
    Ok(Exit::Done)
}
