//! The server's own log, on stderr.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::exit::Failure;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// From here on, what is logged at `level` or above goes to stderr.
pub fn log(format: LogFormat, level: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Failure::usage(format!("{level:?} is no log level: {error}")).help("write error, warn, info, debug or trace")
    })?;
    let coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(coloured);
    let safe = || filter_fn(is_safe);
    let installed = match format {
        LogFormat::Text => lines.with_target(false).finish().with(safe()).try_init(),
        LogFormat::Json => lines.json().finish().with(safe()).try_init(),
    };
    installed.map_err(|error| Failure::no(format!("nothing can be logged: {error}")))
}

/// The engine's client shows whole requests and answers below `info`, and with them the secrets that containers get as
/// variables. Those lines are shown at no level.
fn is_safe(about: &Metadata<'_>) -> bool {
    let is_of_client = about.target() == "bollard" || about.target().starts_with("bollard::");
    !is_of_client || *about.level() <= Level::INFO
}
