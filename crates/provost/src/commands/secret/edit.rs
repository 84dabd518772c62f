//! `provost secret edit NAME`.

use std::path::Path;

use provost_model::Name;
use provost_secret::{MemoryFolder, SecretValue};

use super::project::{
    IdentityArgs, ProjectArgs, RecipientArgs, armour, opened, path_of, read, replaced, sealed, write,
};
use crate::app::{App, block_on};
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which secret
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Opens a value, lets an editor change it, and seals it again.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let name = Name::new(args.name.as_str()).map_err(Failure::usage)?;
    let path = path_of(&args.project.dir, &name);
    let text = read(&path)?.ok_or_else(|| {
        Failure::not_found(format!("there is no {}", path.display()))
            .help(format!("provost secret set {name} makes it"))
    })?;
    let recipients = args.recipients.all(&args.project.dir)?;
    let before = opened(&armour(&text, &path)?, &args.identity.key()?, &path)?;
    let draft = Draft::of(&name, &before)?;
    match block_on(editor(draft.path()))? {
        Exit::Done => {}
        ended => return Ok(ended),
    }
    let after = draft.read()?;
    if after.expose() == before.expose() {
        app.output.note("Nothing was changed.")?;
        return Ok(Exit::Done);
    }
    write(&path, &replaced(&text, &[sealed(&after, &recipients)?]))?;
    app.output.line(path.display().to_string())?;
    app.next("git commit")?;
    Ok(Exit::Done)
}

/// Lets the user's own editor change the file at `path`.
async fn editor(path: &Path) -> Outcome {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    let editor = named.unwrap_or_else(|| "vi".to_owned());
    // A shell, since the variable may hold arguments too.
    let mut command = tokio::process::Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path).kill_on_drop(true);
    let ended = command.status().await.map_err(|error| Failure::no(format!("{editor} cannot be started: {error}")))?;
    if ended.success() {
        return Ok(Exit::Done);
    }
    Err(Failure::no(format!("{editor} ended with {ended}; nothing was changed")).help("EDITOR names another editor"))
}

/// A value in a file in memory, which goes with this.
struct Draft {
    folder: MemoryFolder,
    path: std::path::PathBuf,
}

const FOLDER: &str = "value";

impl Draft {
    fn of(name: &Name, value: &SecretValue) -> Result<Self, Failure> {
        let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(std::path::PathBuf::from);
        let folder = MemoryFolder::find(&format!("edit-{}", std::process::id()), runtime_dir.as_deref());
        let folder = folder.map_err(|error| Failure::no(format!("there is no place in memory: {error}")))?;
        let failed = |error| Failure::no(format!("the value cannot be put into memory: {error}"));
        let draft = Self { path: folder.path().join(FOLDER).join(name.as_str()), folder };
        draft.folder.put(FOLDER, &[(name.as_str(), value)]).map_err(failed)?;
        let writable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        std::fs::set_permissions(&draft.path, writable).map_err(failed)?;
        Ok(draft)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<SecretValue, Failure> {
        let read = std::fs::read(&self.path).map(SecretValue::new);
        read.map_err(|error| Failure::no(format!("what was edited cannot be read: {error}")))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = self.folder.remove(FOLDER); // It is in memory, for this user alone.
    }
}
