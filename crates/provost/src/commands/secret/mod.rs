//! `provost secret`: values that are sealed in git and opened on servers only.

mod edit;
mod input;
mod key;
mod list;
mod project;
mod rekey;
mod set;

use crate::app::App;
use crate::exit::Outcome;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Seal a value: from a file, from standard input, or asked for
    Set(set::Args),
    /// Change a value in an editor; it is in memory only meanwhile
    Edit(edit::Args),
    /// Seal all values anew, for those who are listed in recipients.txt now
    Rekey(rekey::Args),
    /// List the secrets, and who uses them
    Ls(list::Args),
    /// Print a server's public key, for recipients.txt
    Key(key::Args),
}

/// Runs the command.
pub fn run(args: Args, app: &mut App) -> Outcome {
    match args.command {
        Command::Set(args) => set::run(&args, app),
        Command::Edit(args) => edit::run(&args, app),
        Command::Rekey(args) => rekey::run(&args, app),
        Command::Ls(args) => list::run(&args, app),
        Command::Key(args) => key::run(args, app),
    }
}
