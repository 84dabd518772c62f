//! `provost validate [PATH]`: all errors of all files at once, without a server.

use super::offline::{FactsArgs, PathArgs, compiled};
use crate::app::{App, FormatArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Format;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    path: PathArgs,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    facts: FactsArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    use provost_manifest::Style;
    let compiled = compiled(&args.path.path, &args.facts.read()?, app)?;
    let (errors, warnings) = compiled.count();
    let right = errors == 0 && (warnings == 0 || !args.strict);
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => {
            let report = serde_json::json!({
                "valid": right,
                "files": compiled.files,
                "errors": errors,
                "warnings": warnings,
                "diagnostics": compiled.diagnostics,
            });
            app.output.value(&report, format)?;
        }
        Format::Table | Format::Wide => {
            let style = if app.output.is_coloured() { Style::Coloured } else { Style::Plain };
            app.output.raw(&(compiled.report(style) + "\n"))?;
        }
        Format::Name | Format::Csv => {
            return Err(Failure::usage("diagnostics are told as table, json or yaml").help("use -o json"));
        }
    }
    Ok(if right { Exit::Done } else { Exit::No })
}
