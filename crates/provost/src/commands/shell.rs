//! `provost completion` and `provost man`: made from the same definition as the command line itself.

use std::path::PathBuf;

use super::schema::write;
use crate::app::App;
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    /// For which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: clap_complete::Shell,
}

/// Prints a completion script.
pub fn completion(args: &CompletionArgs, app: &mut App) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::cli::definition(), "provost", &mut script);
    app.output.raw(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Write a page for each command into this folder instead of printing the first
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

/// Prints the man page, or writes all of them.
pub fn man(args: &ManArgs, app: &mut App) -> Outcome {
    let mut definition = crate::cli::definition();
    definition.build();
    let Some(folder) = &args.write else {
        app.output.raw(&page("provost", &definition)?)?;
        return Ok(Exit::Done);
    };
    let commands: Vec<&clap::Command> = definition.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    write(folder, "provost.1", &page("provost", &definition)?)?;
    for command in &commands {
        let name = format!("provost-{}", command.get_name());
        write(folder, &format!("{name}.1"), &page(&name, command)?)?;
    }
    app.output.note(format!("{} pages are in {}.", commands.len() + 1, folder.display()))?;
    app.next(&format!("man -l {}/provost.1", folder.display()))?;
    Ok(Exit::Done)
}

fn page(name: &str, command: &clap::Command) -> Result<String, Failure> {
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).section("1").manual("Provost");
    man.render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
