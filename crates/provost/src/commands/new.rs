//! `provost init` and `provost new`: files from templates, which validate and run as they are.

use std::path::{Path, PathBuf};

use provost_model::Name;

use super::schema::write;
use crate::app::App;
use crate::exit::{Exit, Failure, Outcome};

const AUTOMATION: &str = include_str!("../../templates/automation.yaml");
const SERVICE: &str = include_str!("../../templates/service.yaml");
const POLICY: &str = include_str!("../../templates/policy.yaml");
const PLUGIN: &str = include_str!("../../templates/plugin.yaml");
const CHANNEL: &str = include_str!("../../templates/channel.yaml");
const SHOP: &str = include_str!("../../templates/init/shop.yaml");
const README: &str = include_str!("../../templates/init/README.md");

/// The files of a project with a flake, in which everything is called `my-KIND`. They are a template of the flake too.
macro_rules! project {
    ($kind:literal) => {
        [
            ("flake.nix", include_str!(concat!("../../templates/nix/", $kind, "/flake.nix"))),
            ("program.nix", include_str!(concat!("../../templates/nix/", $kind, "/program.nix"))),
            ("package.toml", include_str!(concat!("../../templates/nix/", $kind, "/package.toml"))),
            (
                concat!("manifests/my-", $kind, ".yaml"),
                include_str!(concat!("../../templates/nix/", $kind, "/manifests/my-", $kind, ".yaml")),
            ),
        ]
    };
}

#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// What to make
    #[arg(value_enum, value_name = "KIND")]
    kind: Kind,
    /// Its name: a-z, 0-9 and -, at most 52 characters
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder of manifests
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// A project in a folder of its own, whose `nix build` makes its image and packs both
    #[arg(long)]
    nix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Automation,
    Service,
    Policy,
    Plugin,
    Channel,
}

impl Kind {
    /// The folder that manifests of this kind are in, and the template.
    fn template(self) -> (&'static str, &'static str) {
        match self {
            Self::Automation => ("automations", AUTOMATION),
            Self::Service => ("services", SERVICE),
            Self::Policy => ("policies", POLICY),
            Self::Plugin => ("plugins", PLUGIN),
            Self::Channel => ("channels", CHANNEL),
        }
    }

    /// What the project's template calls it, and the project's files, if there is such a template.
    fn project(self) -> Option<(&'static str, [(&'static str, &'static str); 4])> {
        match self {
            Self::Automation => Some(("my-automation", project!("automation"))),
            Self::Policy => Some(("my-policy", project!("policy"))),
            Self::Plugin => Some(("my-plugin", project!("plugin"))),
            Self::Channel | Self::Service => None,
        }
    }
}

/// Adds one manifest from a template, or a project with a flake.
pub fn new(args: &NewArgs, app: &mut App) -> Outcome {
    let name = Name::new(args.name.as_str()).map_err(Failure::usage)?;
    if args.nix {
        return new_project(&name, args, app);
    }
    let (folder, template) = args.kind.template();
    let path = write_new(&args.dir, &format!("{folder}/{name}.yaml"), &filled(template, name.as_str()))?;
    app.output.line(path.display().to_string())?;
    app.next(&format!("provost validate {}", args.dir.display()))?;
    Ok(Exit::Done)
}

fn new_project(name: &Name, args: &NewArgs, app: &mut App) -> Outcome {
    let (called, files) = args.kind.project().ok_or_else(|| {
        Failure::usage("--nix makes automations, policies and plugins").help("leave it out: this is one manifest")
    })?;
    let folder = args.dir.join(name.as_str());
    if folder.exists() {
        return Err(exists(&folder).help("choose another name"));
    }
    for (path, text) in files {
        let (path, text) = (path.replace(called, name.as_str()), text.replace(called, name.as_str()));
        app.output.line(write_new(&folder, &path, &text)?.display().to_string())?;
    }
    let folder = folder.display();
    app.next(&format!("say in {folder}/flake.nix where Provost is; git init {folder}, git add, nix build"))?;
    Ok(Exit::Done)
}

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The folder; made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// Makes a project: manifests, schemas for editors, a README.
pub fn init(args: &InitArgs, app: &mut App) -> Outcome {
    let zone = app.times.zone.iana_name().filter(|zone| *zone != "Etc/Unknown").unwrap_or("UTC").to_owned();
    let files = [
        ("policies/shop.yaml", filled(SHOP, "shop").replace("ZONE", &zone)),
        ("automations/hello.yaml", filled(AUTOMATION, "hello")),
        ("README.md", README.to_owned()),
    ];
    if let Some((name, _)) = files.iter().find(|(name, _)| args.dir.join(name).exists()) {
        return Err(exists(&args.dir.join(name)).help("init makes a new project; provost new adds to one"));
    }
    for (name, text) in &files {
        app.output.line(write_new(&args.dir, name, text)?.display().to_string())?;
    }
    for (name, schema) in provost_manifest::schemas() {
        write(&args.dir.join("schema"), &name, &(serde_json::to_string_pretty(&schema).map_err(Failure::no)? + "\n"))?;
    }
    app.output.line(args.dir.join("schema").display().to_string())?;
    let here = args.dir.display();
    app.next(&format!("provost dev {here}  (runs it here), git init {here} && git add (to keep it)"))?;
    Ok(Exit::Done)
}

/// `template` with its placeholders filled in.
fn filled(template: &str, name: &str) -> String {
    template.replace("NAME", name).replace("VERSION", env!("CARGO_PKG_VERSION"))
}

/// Writes `text` to a file that is not there yet.
fn write_new(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    let file = std::fs::create_dir_all(parent).and_then(|()| std::fs::File::create_new(&path));
    match file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes())) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(exists(&path).help("choose another name, or edit that file"))
        }
        Err(error) => Err(Failure::no(format!("{} cannot be written: {error}", path.display()))),
    }
}

fn exists(path: &Path) -> Failure {
    Failure::no(format!("{} is there already; nothing was changed", path.display()))
}
