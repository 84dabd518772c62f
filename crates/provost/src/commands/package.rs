//! `provost package`: a policy, an automation or a plugin as one artifact with a version.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};
use provost_image::Package;

use crate::app::{App, block_on};
use crate::exit::{Exit, Failure, Outcome};
use crate::package::{Consent, Definition, Done, Registry, install, is_reference};

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    make: Make,
}

#[derive(Debug, ClapArgs)]
struct Make {
    /// The folder with package.toml
    #[arg(value_name = "DIR", required = true)]
    dir: Option<PathBuf>,
    /// The archive to write; NAME-VERSION.tar if it is not said
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put a package into a registry
    Push(Push),
    /// Fetch a package from a registry
    Pull(Pull),
    /// Bring a package's manifests and images into a project
    Install(Install),
    /// Say what is in a package
    Show(Show),
}

#[derive(Debug, ClapArgs)]
struct Push {
    /// The archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to: registry.example.org/team/warehouse:1.2.0
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Without TLS
    #[arg(long)]
    plain_http: bool,
}

#[derive(Debug, ClapArgs)]
struct Pull {
    /// Where from: registry.example.org/team/warehouse:1.2.0
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// The archive to write; NAME-VERSION.tar if it is not said
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Without TLS
    #[arg(long)]
    plain_http: bool,
}

#[derive(Debug, ClapArgs)]
struct Install {
    /// The archive, or its place in a registry
    #[arg(value_name = "FILE|REFERENCE")]
    package: String,
    /// The project
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// Where its images go; the folder `images` of the project if it is not said
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Replace files that were edited here
    #[arg(long)]
    replace: bool,
    /// Without TLS
    #[arg(long)]
    plain_http: bool,
}

#[derive(Debug, ClapArgs)]
struct Show {
    /// The archive, or its place in a registry
    #[arg(value_name = "FILE|REFERENCE")]
    package: String,
    /// Without TLS
    #[arg(long)]
    plain_http: bool,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    match &args.command {
        None => make(&args.make, app),
        Some(Command::Push(args)) => push(args, app),
        Some(Command::Pull(args)) => {
            let package = fetch(&args.reference, args.plain_http)?;
            write(&package, args.write.as_deref(), app)
        }
        Some(Command::Install(args)) => bring(args, app),
        Some(Command::Show(args)) => show(&find(&args.package, args.plain_http)?, app),
    }
}

fn make(args: &Make, app: &mut App) -> Outcome {
    let folder = args.dir.as_deref().unwrap_or(Path::new("."));
    let package = Definition::read(folder)?.pack(folder)?;
    write(&package, args.write.as_deref(), app)
}

/// Writes the archive, and says its digest and its place.
fn write(package: &Package, place: Option<&Path>, app: &mut App) -> Outcome {
    let label = package.label();
    let place = place.map_or_else(|| PathBuf::from(format!("{}-{}.tar", label.name, label.version)), Path::to_owned);
    let bytes = package.archive().map_err(Failure::no)?;
    let parent = place.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&place, bytes));
    written.map_err(|error| Failure::no(format!("{} cannot be written: {error}", place.display())))?;
    app.output.line(format!("{}  {}", package.digest(), place.display()))?;
    app.next(&format!("provost package push {} REGISTRY/{}:{}", place.display(), label.name, label.version))?;
    Ok(Exit::Done)
}

fn push(args: &Push, app: &mut App) -> Outcome {
    let package = read(&args.file)?;
    let registry = Registry::new(&args.reference, args.plain_http)?;
    block_on(async {
        let digest = registry.push(&package).await?;
        app.output.line(format!("{digest}  {}", args.reference))?;
        app.next(&format!("provost package install {}", args.reference))?;
        Ok(Exit::Done)
    })
}

fn bring(args: &Install, app: &mut App) -> Outcome {
    let package = find(&args.package, args.plain_http)?;
    let images = args.images.clone().unwrap_or_else(|| args.into.join("images"));
    let consent = if args.replace { Consent::Replace } else { Consent::Keep };
    let mut has_kept = false;
    for done in install(&package, &args.into, &images, consent)? {
        app.output.line(match done {
            Done::Written(path) => path,
            Done::Removed(path) => format!("{path} was removed"),
            Done::Left(path) => format!("{path} is not in the package any more; it was edited here and stays"),
            Done::Kept(path, beside) => {
                has_kept = true;
                format!("{path} was edited here and stays; the package's is {beside}")
            }
        })?;
    }
    let label = package.label();
    app.output.note(format!("{} {} is installed", label.name, label.version))?;
    app.next(&format!("provost validate {}", args.into.display()))?;
    if has_kept {
        app.output.note("merge the .new files by hand, or install with --replace")?;
    }
    Ok(Exit::Done)
}

fn show(package: &Package, app: &mut App) -> Outcome {
    let label = package.label();
    app.output.line(format!("{} {}  {}", label.name, label.version, package.digest()))?;
    if !label.description.is_empty() {
        app.output.line(label.description)?;
    }
    for (path, file) in package.files().map_err(Failure::no)? {
        app.output.line(format!("file   {path}  {} bytes", file.bytes.len()))?;
    }
    for (name, bytes) in package.images() {
        app.output.line(format!("image  {name}  {} bytes", bytes.len()))?;
    }
    Ok(Exit::Done)
}

fn find(package: &str, plain_http: bool) -> Result<Package, Failure> {
    if is_reference(package) && !Path::new(package).exists() {
        return fetch(package, plain_http);
    }
    read(Path::new(package))
}

fn fetch(reference: &str, plain_http: bool) -> Result<Package, Failure> {
    let registry = Registry::new(reference, plain_http)?;
    let mut fetched = None;
    block_on(async {
        fetched = Some(registry.pull().await?);
        Ok(Exit::Done)
    })?;
    fetched.ok_or_else(|| Failure::no(format!("{reference} was not fetched")))
}

fn read(path: &Path) -> Result<Package, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::not_found(format!("{} cannot be read: {error}", path.display())))?;
    Package::read(&bytes).map_err(|error| Failure::no(format!("{}: {error}", path.display())))
}
