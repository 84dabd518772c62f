//! `provost run NAME`: a run now. With `--wait`, its result is the exit code.

use provost_api::wire::{JsonMap, RunRequest};

use super::remote::client;
use super::wait::{WaitArgs, wait};
use crate::app::{App, FormatArgs};
use crate::config::ServerArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Format;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The automation
    #[arg(value_name = "NAME")]
    automation: String,
    /// Hand in a parameter; again for more
    #[arg(short = 'p', long = "param", value_name = "KEY=VALUE")]
    params: Vec<String>,
    /// Hand in parameters as a JSON object
    #[arg(long = "params", value_name = "JSON")]
    object: Option<String>,
    /// A flagged run: its containers see that it is a test, and nobody is notified
    #[arg(long)]
    testing: bool,
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

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    let client = client(&args.server)?;
    let params = params(&args.params, args.object.as_deref())?;
    let request = RunRequest { params, testing: args.testing, request: args.request };
    let accepted = client.start_run(&args.automation, &request).await?;
    started(&client, &accepted.run, &args.wait, args.format.format, app).await
}

/// Tells that `run` was accepted, and waits for its end if that is asked for.
pub async fn started(
    client: &provost_api::Client,
    run: &str,
    waiting: &WaitArgs,
    format: Format,
    app: &mut App,
) -> Outcome {
    if waiting.wait {
        return wait(client, run, waiting, format, app).await;
    }
    match format {
        Format::Json | Format::Yaml => app.output.value(&serde_json::json!({ "run": run }), format)?,
        _ => app.output.line(run)?,
    }
    app.next(&format!("provost logs -F {run}"))?;
    Ok(Exit::Done)
}

/// The parameters; text is read as its declared type by the server.
pub fn params(pairs: &[String], object: Option<&str>) -> Result<JsonMap, Failure> {
    let mut params: JsonMap = match object {
        Some(text) => self::object("--params", text)?,
        None => JsonMap::new(),
    };
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(
                Failure::usage(format!("{pair:?} is no parameter")).help("write it like --param since=yesterday")
            );
        };
        params.insert(key.to_owned(), value.into());
    }
    Ok(params)
}

/// The JSON object that `flag` is given.
pub fn object(flag: &str, text: &str) -> Result<JsonMap, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("{flag} is no JSON object: {error}"))
            .help(format!("write it like {flag} '{{\"limit\": 5}}'"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_pairs_or_an_object() {
        let pairs = ["since=a=b".to_owned(), "limit=5".to_owned()];
        let both = params(&pairs, Some(r#"{"limit": 1, "dry": true}"#)).unwrap();
        assert_eq!(serde_json::Value::from(both).to_string(), r#"{"dry":true,"limit":"5","since":"a=b"}"#);
        for bad in ["x", "=x"] {
            assert_eq!(params(&[bad.to_owned()], None).unwrap_err().exit, Exit::Usage);
        }
        assert_eq!(params(&[], Some("[1]")).unwrap_err().exit, Exit::Usage);
    }
}
