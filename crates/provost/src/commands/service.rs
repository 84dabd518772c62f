//! `provost start` and `provost stop` of services.

use std::time::{Duration, Instant};

use provost_api::Client;
use provost_api::wire::{ServiceItem, ServiceState};

use super::remote::{Subject, client};
use super::wait::WaitArgs;
use crate::app::{App, FormatArgs};
use crate::config::{ServerArgs, parse_duration};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::view;

/// From one look at a service to the next, while it is waited for.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
pub struct StartArgs {
    /// The service
    #[arg(value_name = "NAME")]
    service: String,
    /// Wait until it is up; the exit code is 0 if it is, 1 if it is given up, 124 if it took too long
    #[arg(long)]
    wait: bool,
    /// Wait no longer than this: 90s, 10m
    #[arg(long, value_name = "DURATION", requires = "wait")]
    timeout: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Starts a service that was stopped, or that ended.
pub async fn start(args: StartArgs, app: &mut App) -> Outcome {
    let name = match Subject::parse(&args.service)? {
        Subject::Service(name) | Subject::Automation(name) => name,
        Subject::Run(_) | Subject::Event(_) => {
            return Err(Failure::usage(format!("{:?} is not the name of a service", args.service))
                .help("provost get services lists them; provost run starts a run of an automation"));
        }
    };
    let client = client(&args.server)?;
    client.start_service(&name).await?;
    if args.wait {
        let wait = WaitArgs { wait: true, timeout: args.timeout };
        return wait_for(&client, &name, &wait, args.format.format, app, ServiceState::Up).await;
    }
    app.output.note(format!("{name} is being started."))?;
    app.next(&format!("provost get services {name}"))?;
    Ok(Exit::Done)
}

/// Takes a service down; it stays so until it is started.
pub async fn stop(client: &Client, name: &str, wait: &WaitArgs, format: Format, app: &mut App) -> Outcome {
    client.stop_service(name).await?;
    if wait.wait {
        return wait_for(client, name, wait, format, app, ServiceState::Stopped).await;
    }
    app.output.note(format!("{name} is taken down and stays so; its clean-up hooks run."))?;
    app.next(&format!("provost start {name}"))?;
    Ok(Exit::Done)
}

/// Waits until the service is as wanted, or will not be.
async fn wait_for(
    client: &Client,
    name: &str,
    args: &WaitArgs,
    format: Format,
    app: &mut App,
    wanted: ServiceState,
) -> Outcome {
    let timeout = args.timeout.as_deref().map(parse_duration).transpose().map_err(Failure::usage)?;
    let (begun, timeout) = (Instant::now(), timeout.map(|length| length.unsigned_abs()));
    loop {
        let item = client.service(name).await?.item;
        let is_over = matches!(item.state, ServiceState::Dead | ServiceState::Ended | ServiceState::Stopped);
        if item.state == wanted || is_over {
            print(&item, format, app)?;
            return Ok(if item.state == wanted { Exit::Done } else { Exit::No });
        }
        if timeout.is_some_and(|timeout| begun.elapsed() >= timeout) {
            let message = format!("{name} is {} still", item.state.word());
            return Err(Failure::new(Exit::TimedOut, message).help(format!("provost describe {name}")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn print(item: &ServiceItem, format: Format, app: &mut App) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => app.output.value(item, format),
        _ => view::services(std::slice::from_ref(item), &app.times).print(&mut app.output, format),
    }
}
