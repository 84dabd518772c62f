//! `provost secret ls`.

use serde_json::json;

use super::project::{IdentityArgs, ProjectArgs, armour, opened, read, secrets};
use crate::app::{App, FormatArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Column, Listing, Row};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Lists the secrets of a project; with a key, whether it opens them.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let key = args.identity.identity.is_some().then(|| args.identity.key()).transpose()?;
    let mut rows = Vec::new();
    for (name, secret) in secrets(&args.project.dir)? {
        let opens = key.as_ref().map(|key| {
            let text = read(&secret.path)?.unwrap_or_default();
            opened(&armour(&text, &secret.path)?, key, &secret.path)
        });
        let opens = opens.map(|opened: Result<_, Failure>| opened.is_ok());
        let used_by = if secret.used_by.is_empty() { "nobody".to_owned() } else { secret.used_by.join(", ") };
        let word = opens.map_or("", |opens| if opens { "yes" } else { "no" });
        let file = secret.path.display().to_string();
        let json = json!({"name": name, "file": file, "usedBy": secret.used_by, "opens": opens});
        let cells = vec![Cell::from(name.as_str()), file.into(), used_by.into(), word.into()];
        rows.push(Row { name: name.to_string(), cells, json });
    }
    let columns = ["NAME", "FILE", "USED BY", "OPENS"].map(Column::new).into();
    let when_empty = "There is no secret; provost secret set NAME makes one.".to_owned();
    Listing { columns, rows, when_empty }.print(&mut app.output, args.format.format)?;
    Ok(Exit::Done)
}

/// `1 secret`, `2 secrets`.
pub fn count(secrets: usize) -> String {
    if secrets == 1 { "1 secret".to_owned() } else { format!("{secrets} secrets") }
}
