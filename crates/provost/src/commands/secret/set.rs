//! `provost secret set NAME`.

use provost_model::Name;
use provost_secret::masks_of;

use super::input::ValueArgs;
use super::project::{ProjectArgs, RecipientArgs, armour, manifest, path_of, read, replaced, sealed, write};
use crate::app::App;
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name: a-z, 0-9 and -, at most 52 characters
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    value: ValueArgs,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Seals a value into `secrets/NAME.yaml`; what else is in that file stays.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let name = Name::new(args.name.as_str()).map_err(Failure::usage)?;
    let recipients = args.recipients.all(&args.project.dir)?;
    let path = path_of(&args.project.dir, &name);
    let before = read(&path)?;
    if let Some(text) = &before {
        armour(text, &path)?; // Before anybody is asked for a value.
    }
    let value = args.value.read(&name)?;
    let new = sealed(&value, &recipients)?;
    let text = before.map_or_else(|| manifest(&name, &new), |text| replaced(&text, std::slice::from_ref(&new)));
    write(&path, &text)?;
    app.output.line(path.display().to_string())?;
    if masks_of(&value).is_empty() {
        app.output.note("It is too short to be masked in output: a longer value is safer.")?;
    }
    app.next(&format!("write secrets: [{{name: {name}}}] where a container needs it; git commit"))?;
    Ok(Exit::Done)
}
