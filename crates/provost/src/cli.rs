//! The command line: which commands there are.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::app::{App, GlobalArgs, block_on};
use crate::commands::{
    action, control, describe, dev, doctor, document, engine, events, explain, get, help, logs, new, pack, package,
    revision, run, schedule, schema, secret, service, shell, simulate, skill, status, token, validate, version,
};
use crate::exit::{Exit, Outcome};

/// Declare your jobs and your shop's policy in git; every server runs them, on time, the same way.
#[derive(Debug, clap::Parser)]
#[command(name = "provost", version, disable_help_subcommand = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a project: manifests, schemas, editor modelines
    Init(new::InitArgs),
    /// Add an automation, service, policy, plugin or channel from a template
    New(new::NewArgs),
    /// Check manifests without a server, all errors at once
    Validate(validate::Args),
    /// Explain a code, a field, a key of the server configuration, or an automation's effective values
    Explain(explain::Args),
    /// Tell a cron expression in words, with its next times and the clock changes that touch it
    Schedule(schedule::Args),
    /// Play weeks of schedule and failure in a moment
    Simulate(simulate::Args),
    /// Run a folder here: reload on save, live events, one command
    Dev(dev::Args),
    /// Run the reconciler of this machine
    Serve(crate::serve::Args),
    /// Show what the source's newest revision would change
    Plan(revision::PlanArgs),
    /// Apply the source's newest revision, or exactly a plan
    Apply(revision::ApplyArgs),
    /// Go back to an earlier revision, and stay there
    Rollback(revision::RollbackArgs),
    /// List revisions: who, when, commit, result
    History(revision::HistoryArgs),
    /// List anything
    Get(get::Args),
    /// Show everything about an automation or a run
    Describe(describe::Args),
    /// Show the output of an automation, a run or an event, hooks in place
    Logs(logs::Args),
    /// Show everything that happened, in one order
    Events(events::Args),
    /// Show how the server is
    Status(status::Args),
    /// Find what is wrong on this server, and how to mend it
    Doctor(doctor::Args),
    /// Start a run now
    Run(run::Args),
    /// Start a service that was stopped, or that ended
    Start(service::StartArgs),
    /// Ask a run to end, and kill it after its grace time; take a service down until it is started
    Stop(control::StopArgs),
    /// Run again with the inputs of an earlier run
    Retry(control::RetryArgs),
    /// Skip an automation's due times, until a time and for a reason
    Pause(control::PauseArgs),
    /// End a pause
    Resume(control::ResumeArgs),
    /// Make the copy of a source anew that manifests refer to
    Reset(control::ResetArgs),
    /// Say that something happened
    Fire(control::FireArgs),
    /// List actions of plugins, and start them: ls, run
    Action(action::Args),
    /// List what containers offer each other, and call it: ls, call
    Skill(skill::Args),
    /// List what containers share by name, and change it: ls, show, write, patch, rm
    Document(document::Args),
    /// Show how a call of an action goes
    Job(action::JobArgs),
    /// Seal values for servers: set, edit, rekey, ls, key
    Secret(secret::Args),
    /// Let others in over the network: create, ls, revoke, permissions
    Token(token::Args),
    /// Make, push, pull and install packages: manifests and images as one versioned artifact
    Package(package::Args),
    /// Show which container engine is found here, and the containers of an instance
    Engine(engine::Args),
    /// Print the JSON Schema of manifests, for editors, or the OpenAPI description of the server
    Schema(schema::Args),
    /// Print a completion script for a shell
    Completion(shell::CompletionArgs),
    /// Print the man page, or write all of them
    Man(shell::ManArgs),
    /// Print the version, also of the time zones
    Version(version::Args),
    /// Help on a command or a topic: exit-codes, output, server, time, environment
    Help(help::Args),
    /// Pack an image archive from a recipe
    #[command(hide = true)]
    PackImage(pack::Args),
}

/// The command line's definition, for help, completion and man pages.
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Does what `args` say and returns how it ended; failures are told on stderr.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = definition().try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let mut app = App::new(&cli.global);
    match dispatch(cli.command, &mut app) {
        Ok(exit) => exit,
        Err(failure) => {
            app.output.failure(&failure);
            failure.exit
        }
    }
}

/// Help and version are no errors; everything else is wrong usage.
fn refused(error: &clap::Error) -> Exit {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    // Nobody reads it: there is nobody left to tell.
    let _ = error.print();
    exit
}

fn dispatch(command: Option<Command>, app: &mut App) -> Outcome {
    let Some(command) = command else {
        return help::bare(app);
    };
    match command {
        Command::Init(args) => new::init(&args, app),
        Command::New(args) => new::new(&args, app),
        Command::Validate(args) => validate::run(&args, app),
        Command::Explain(args) => explain::run(&args, app),
        Command::Schedule(args) => schedule::run(&args, app),
        Command::Simulate(args) => simulate::run(&args, app),
        Command::Dev(args) => dev::run(&args, app),
        Command::Serve(args) => crate::serve::run(&args),
        Command::Plan(args) => block_on(revision::plan(args, app)),
        Command::Apply(args) => block_on(revision::apply(args, app)),
        Command::Rollback(args) => block_on(revision::rollback(args, app)),
        Command::History(args) => block_on(revision::history(args, app)),
        Command::Get(args) => block_on(get::run(args, app)),
        Command::Describe(args) => block_on(describe::run(args, app)),
        Command::Logs(args) => block_on(logs::run(args, app)),
        Command::Events(args) => block_on(events::run(args, app)),
        Command::Status(args) => block_on(status::run(args, app)),
        Command::Doctor(args) => block_on(doctor::run(args, app)),
        Command::Run(args) => block_on(run::run(args, app)),
        Command::Start(args) => block_on(service::start(args, app)),
        Command::Stop(args) => block_on(control::stop(args, app)),
        Command::Retry(args) => block_on(control::retry(args, app)),
        Command::Pause(args) => block_on(control::pause(args, app)),
        Command::Resume(args) => block_on(control::resume(args, app)),
        Command::Reset(args) => block_on(control::reset(args, app)),
        Command::Fire(args) => block_on(control::fire(args, app)),
        Command::Action(args) => block_on(action::run(args, app)),
        Command::Skill(args) => block_on(skill::run(args, app)),
        Command::Document(args) => block_on(document::run(args, app)),
        Command::Job(args) => block_on(action::job(args, app)),
        Command::Secret(args) => secret::run(args, app),
        Command::Token(args) => block_on(token::run(args, app)),
        Command::Package(args) => package::run(&args, app),
        Command::Engine(args) => block_on(engine::run(args, app)),
        Command::Schema(args) => schema::run(&args, app),
        Command::Completion(args) => shell::completion(&args, app),
        Command::Man(args) => shell::man(&args, app),
        Command::Version(args) => version::run(&args, app),
        Command::Help(args) => help::run(&args, app),
        Command::PackImage(args) => pack::run(&args, app),
    }
}
