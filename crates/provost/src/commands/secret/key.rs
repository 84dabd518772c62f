//! `provost secret key`.

use std::path::PathBuf;

use crate::app::{App, block_on};
use crate::commands::remote::client;
use crate::config::{ServerArgs, ServerConfig};
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of the server with this configuration file, also while it does not run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["socket", "server"])]
    config: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Prints the public half of a server's key. It is no secret.
pub fn run(args: Args, app: &mut App) -> Outcome {
    let recipient = match &args.config {
        Some(path) => {
            let key = crate::serve::key_path(&ServerConfig::read(path)?.state);
            let help = "a server makes its key at its first start";
            provost_secret::Key::read(&key)
                .map_err(|error| Failure::not_found(error).help(help))?
                .recipient()
                .to_string()
        }
        None => {
            let mut found = String::new();
            let exit = block_on(async {
                found = client(&args.server)?.status().await?.recipient;
                Ok(Exit::Done)
            })?;
            if exit != Exit::Done {
                return Ok(exit);
            }
            found
        }
    };
    app.output.line(recipient)?;
    Ok(Exit::Done)
}
