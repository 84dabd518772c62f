//! `provost stop`, `retry`, `pause`, `resume`, `reset`, `fire`: what a person asks of a running server.

use provost_api::wire::{FireRequest, JsonMap, PauseRequest, RetryRequest};

use super::fire_at::fire_at;
use super::remote::{Subject, client, only_output};
use super::run::started;
use super::wait::{WaitArgs, wait};
use crate::app::{App, FormatArgs};
use crate::config::{Direction, ServerArgs, parse_moment};
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct StopArgs {
    /// The run, or the service
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Asks a run to end; its container is killed after its grace time, and its after-hooks run. A service stays down.
pub async fn stop(args: StopArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let subject = Subject::parse(&args.run)?;
    if let Subject::Service(name) | Subject::Automation(name) = &subject {
        let is_service = matches!(subject, Subject::Service(_)) || client.service(name).await.is_ok();
        if is_service {
            return super::service::stop(&client, name, &args.wait, args.format.format, app).await;
        }
    }
    let run = run_id(&args.run)?;
    client.stop_run(&run).await?;
    if args.wait.wait {
        // It was asked to end: that it did not succeed is no failure of this command.
        wait(&client, &run, &args.wait, args.format.format, app).await?;
    } else {
        app.output.note(format!("{run} is asked to end; its after-hooks run."))?;
        app.next(&format!("provost describe {run}"))?;
    }
    Ok(Exit::Done)
}

#[derive(Debug, clap::Args)]
pub struct RetryArgs {
    /// The run whose inputs are used again
    #[arg(value_name = "RUN")]
    run: String,
    /// Asking twice with one id starts one run
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs again with the inputs of an earlier run.
pub async fn retry(args: RetryArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let accepted = client.retry_run(&run_id(&args.run)?, &RetryRequest { request: args.request }).await?;
    started(&client, &accepted.run, &args.wait, args.format.format, app).await
}

fn run_id(text: &str) -> Result<String, Failure> {
    match Subject::parse(text)? {
        Subject::Run(run) => Ok(run),
        Subject::Event(event) => Err(only_output(&event)),
        Subject::Automation(name) | Subject::Service(name) => {
            Err(Failure::usage(format!("{name:?} is a name, not the id of a run"))
                .help(format!("provost get runs {name} lists its runs")))
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    /// The automation
    #[arg(value_name = "NAME")]
    automation: String,
    /// Until when: 2h, 2026-11-20T02:00:00Z [default: until it is resumed]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why; shown wherever the automation is
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// From now on, due times are recorded as skipped.
pub async fn pause(args: PauseArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let until = args.until.as_deref().map(|text| parse_moment(text, app.times.now, Direction::Ahead));
    let until = until.transpose().map_err(Failure::usage)?;
    client.pause(&args.automation, &PauseRequest { until, reason: args.reason }).await?;
    let end = until.map_or("until it is resumed".to_owned(), |until| format!("until {}", app.times.when(until)));
    app.output.note(format!("{} is paused {end}; its due times are recorded as skipped.", args.automation))?;
    app.next(&format!("provost resume {}", args.automation))?;
    Ok(Exit::Done)
}

#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// The automation
    #[arg(value_name = "NAME")]
    automation: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Ends a pause.
pub async fn resume(args: ResumeArgs, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    client.resume(&args.automation).await?;
    app.output.note(format!("{} goes on.", args.automation))?;
    app.next(&format!("provost get automations {}", args.automation))?;
    Ok(Exit::Done)
}

#[derive(Debug, clap::Args)]
pub struct ResetArgs {
    /// The source
    #[arg(value_name = "NAME")]
    source: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Throws the copy of a source away and has it made anew.
pub async fn reset(args: ResetArgs, app: &mut App) -> Outcome {
    client(&args.server)?.reset_source(&args.source).await?;
    app.output.note(format!("The copy of {} is made anew from where it comes from.", args.source))?;
    app.next(&format!("provost get sources {}", args.source))?;
    Ok(Exit::Done)
}

#[derive(Debug, clap::Args)]
pub struct FireArgs {
    /// What happened: orders.arrived
    #[arg(value_name = "EVENT")]
    event: String,
    /// Its data, a JSON object; `-` reads it from standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    data: String,
    /// Firing twice with one id is one event
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Fire it at another server, by the address of its event listener
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "request")]
    at: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Says that something happened.
pub async fn fire(args: FireArgs, app: &mut App) -> Outcome {
    let text = if args.data == "-" { std::io::read_to_string(std::io::stdin())? } else { args.data };
    let data: JsonMap = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("--data is no JSON object: {error}")).help("write it like --data '{\"count\": 3}'")
    })?;
    let fired = match &args.at {
        Some(address) => fire_at(address, &args.event, &data).await?,
        None => {
            let request = FireRequest { name: args.event.clone(), data, request: args.request };
            client(&args.server)?.fire(&request).await?
        }
    };
    if args.format.format.is_for_people() {
        app.output.line(fired.event)?;
        if args.at.is_none() {
            app.next("provost events --tail 10")?;
        }
    } else {
        app.output.value(&fired, args.format.format)?;
    }
    Ok(Exit::Done)
}
