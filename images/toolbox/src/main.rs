//! `provost-toolbox`: one small static program whose sub-commands play the parts that containers play in
//! demonstrations and tests of Provost: jobs that succeed, fail, hang or flood, hooks that answer, and probes that
//! say what the container may do.
//!
//! The command is the first argument, or the name that the program was called by. Exit codes: what the command says,
//! 1 for a failure, 2 for wrong usage, 143 after SIGTERM. Output is written line by line.
//!
//! SIGTERM: the kernel ignores a signal without a handler for the first process of a container, so the program installs
//! one, and works the same with and without an init beside it.

mod args;
mod ask;
mod failure;
mod files;
mod hook;
mod leak;
mod load;
mod mark;
mod output;
mod probe;
mod remote;
mod shop;
mod signals;
mod time;
mod web;

use std::process::ExitCode;

use args::Args;
use failure::Failure;

/// What a command returns: the exit code of the program, or why it failed.
type Outcome = Result<u8, Failure>;

/// A sub-command: its name, its arguments and what it does, as `help` prints them, and the function that does it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(Args) -> Outcome,
}

#[rustfmt::skip] // a table
const COMMANDS: &[Command] = &[
    command("echo", "WORDS…", "print the words on one line", output::echo),
    command("spam", "LINES", "print that many numbered lines", output::spam),
    command("long-line", "BYTES", "print one line of that many bytes", output::long_line),
    command("env", "[NAME…]", "print all variables, or these", output::env),
    command("sleep", "SECONDS", "sleep; fractions are allowed", signals::sleep),
    command("stubborn", "SECONDS", "sleep, and ignore SIGTERM", signals::stubborn),
    command("fail", "CODE [MESSAGE]", "print the message on stderr and exit with the code", failure::fail),
    command("flaky", "N", "fail the first N attempts, as PROVOST_ATTEMPT counts them", failure::flaky),
    command("cat", "FILE", "print the file", files::cat),
    command("write", "FILE TEXT", "replace the file by the text and a line end; its folder is made if there is none", files::write),
    command("append", "FILE TEXT", "append the text as one line, in one write", files::append),
    command("ro-check", "PATH", "try to create a file there; exit 1 if that works", files::ro_check),
    command("mark", "FILE [--sleep S] [--lines N] [--exit N]", "append a line of evidence at the start and at the end", mark::mark),
    command("hook", "[OPTIONS]", "a lifecycle hook; `hook --help` lists its options", hook::hook),
    command("ask", "[--result] METHOD PATH [BODY]", "ask the server through the container's socket; exit 1 unless it says yes", ask::ask),
    command("answer", "[--error KIND MESSAGE]", "answer the call of a skill with its own data", ask::answer),
    command("run", "", "answer the call of a skill: run the program `argv`; its exit code and output are the result", remote::run),
    command("delete-directory", "ROOT", "answer the call of a skill: remove the folder `path` below ROOT", remote::delete_directory),
    command("leak", "FILE [--hold S]", "give the file's content away in every way: plain, encoded, in two writes", leak::leak),
    command("id", "", "print the user and group ids", probe::id),
    command("caps", "", "print capabilities, no-new-privileges and the seccomp mode", probe::caps),
    command("mounts", "", "print the mounts as `target type options`", probe::mounts),
    command("net", "", "print the network interfaces", probe::net),
    command("serve", "PORT [TEXT…]", "answer every HTTP request with the text, until it is ended", web::serve),
    command("get", "HOST:PORT [PATH]", "ask by HTTP and print the answer; exit 1 unless it is good", web::get),
    command("memory", "MB [SECONDS]", "allocate and touch that much memory, evenly over that time", load::memory),
    command("fork-bomb", "N", "start N sleeping children; exit 1 if a limit stops that", load::fork_bomb),
    command("extract", "", "pretend to extract a shop's orders", shop::extract),
    command("load", "", "pretend to load them into a warehouse", shop::load),
    command("report", "[--since X] [--limit N]", "pretend to report on them", shop::report),
    command("help", "", "print this", help),
];

const fn command(
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(Args) -> Outcome,
) -> Command {
    Command { name, arguments, about, run }
}

fn main() -> ExitCode {
    match run(std::env::args().collect()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::complain(&failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Finds the command that the arguments name and runs it.
fn run(mut words: Vec<String>) -> Outcome {
    let called = words.first().map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()).unwrap_or_default();
    let skip = if find(&called).is_some() { 0 } else { 1 };
    words.drain(..skip.min(words.len()));
    if words.is_empty() {
        return Err(Failure::usage("a command is missing; `help` lists them"));
    }
    let name = words.remove(0).rsplit('/').next().unwrap_or_default().to_owned();
    let command =
        find(&name).ok_or_else(|| Failure::usage(format!("there is no command `{name}`; `help` lists them")))?;
    if !signals::handles_its_own(command.name) {
        signals::end_on_termination()?;
    }
    (command.run)(Args::new(command.name, command.arguments, words))
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn help(args: Args) -> Outcome {
    args.end()?;
    for Command { name, arguments, about, .. } in COMMANDS {
        output::line(&format!("{:<46}{about}", format!("{name} {arguments}")))?;
    }
    Ok(0)
}
