//! What every command is handed: where to print, what time it is, and the common arguments.

use std::future::Future;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::exit::{Failure, Outcome};
use crate::output::{Color, Format, Output, Times};

/// What every command is handed.
pub struct App {
    /// Where everything is printed.
    pub output: Output,
    /// What time it is, and how times are told.
    pub times: Times,
}

/// Arguments of every command.
#[derive(Clone, Debug, clap::Args)]
pub struct GlobalArgs {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Common options")]
    pub color: Color,
    /// Print data and errors only
    #[arg(short, long, global = true, help_heading = "Common options")]
    pub quiet: bool,
    /// Tell times in UTC instead of the local zone
    #[arg(long, global = true, help_heading = "Common options")]
    pub utc: bool,
    /// Take this for the time that it is now (for tests)
    #[arg(long, global = true, hide = true, env = "PROVOST_NOW", value_name = "RFC3339")]
    pub now: Option<Timestamp>,
}

/// Arguments of every command that prints data.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct FormatArgs {
    /// How to print it
    #[arg(short = 'o', long = "output", value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

impl App {
    /// The process's own streams and clock, as `args` say.
    pub fn new(args: &GlobalArgs) -> Self {
        let zone = if args.utc { TimeZone::UTC } else { TimeZone::system() };
        let times = Times { now: args.now.unwrap_or_else(Timestamp::now), zone };
        Self { output: Output::new(args.color, args.quiet), times }
    }

    /// Prints the next useful command, on stderr.
    pub fn next(&mut self, command: &str) -> Result<(), Failure> {
        use crate::output::{Text, Tone};
        self.output.note(Text::toned(Tone::Dim, "next: ").plus(command))
    }
}

/// Runs a command that talks to a server, on this thread alone. Ctrl-C ends it with 130.
pub fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::no(format!("the system gives no resources to work with: {error}")))?;
    runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Ok(crate::exit::Exit::Interrupted),
        }
    })
}
