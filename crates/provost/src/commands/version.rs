//! `provost version`: which Provost this is, and which time zones it knows.

use crate::app::{App, FormatArgs};
use crate::exit::{Exit, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let (version, zones) = (env!("CARGO_PKG_VERSION"), provost_schedule::zone_database_version());
    if args.format.format.is_for_people() {
        app.output.line(format!("provost {version}"))?;
        app.output.line(format!("time zones {zones}"))?;
        app.output.line(format!("manifests {}", provost_manifest::API_VERSION))?;
    } else {
        let value = serde_json::json!({
            "version": version,
            "zoneDatabase": zones,
            "apiVersion": provost_manifest::API_VERSION,
        });
        app.output.value(&value, args.format.format)?;
    }
    Ok(Exit::Done)
}
