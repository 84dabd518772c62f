//! `provost secret rekey`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use provost_secret::armours;

use super::project::{IdentityArgs, ProjectArgs, RecipientArgs, opened, read, replaced, sealed, secrets, write};
use crate::app::App;
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Opens every value and seals it for those who are listed now. All of them, or none.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let dir = &args.project.dir;
    let recipients = args.recipients.all(dir)?;
    let key = args.identity.key()?;
    let found = secrets(dir)?;
    let paths: BTreeSet<&PathBuf> = found.values().map(|secret| &secret.path).collect();
    let mut changed = Vec::new();
    for path in paths {
        let text = read(path)?.unwrap_or_default();
        let there = armours(&text);
        let expected = found.values().filter(|secret| secret.path == *path).count();
        if there.len() != expected {
            let why = format!("{}: of {expected} secrets, {} stand in lines of their own", path.display(), there.len());
            return Err(Failure::no(why).help("write `age: |`, and the armour in the lines after it"));
        }
        let anew = there.into_iter().map(|armour| sealed(&opened(&armour.text, &key, path)?, &recipients));
        changed.push((path, replaced(&text, &anew.collect::<Result<Vec<_>, _>>()?)));
    }
    for (path, text) in &changed {
        write(path, text)?;
        app.output.line(path.display().to_string())?;
    }
    let keys = if recipients.len() == 1 { "1 key".to_owned() } else { format!("{} keys", recipients.len()) };
    app.output.note(format!("{} sealed anew, for {keys}.", super::list::count(found.len())))?;
    app.output
        .note("Whoever could open a value before still can open what is in git's history: exchange it if need be.")?;
    app.next("git commit")?;
    Ok(Exit::Done)
}
