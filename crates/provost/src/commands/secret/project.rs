//! A project's secrets on the disk, and for whom they are sealed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use provost_manifest::{Kind, SourceFile};
use provost_model::Name;
use provost_secret::{
    Armour, Key, OpenError, Recipient, SealError, SecretValue, armours, open, parse_recipients, seal,
};

use super::super::offline;
use crate::exit::{Exit, Failure};

/// The list of those who may open the secrets of a project, in age's own format.
const RECIPIENTS: &str = "recipients.txt";

/// Where the project is.
#[derive(Debug, clap::Args)]
pub struct ProjectArgs {
    /// The folder of manifests
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// For whom a value is sealed.
#[derive(Debug, clap::Args)]
pub struct RecipientArgs {
    /// Seal it for this public key too, besides those in recipients.txt; may be given more than once
    #[arg(long = "recipient", value_name = "age1…")]
    more: Vec<String>,
}

/// Who opens a value.
#[derive(Debug, clap::Args)]
pub struct IdentityArgs {
    /// The file with the private key that opens it
    #[arg(long, value_name = "FILE", env = "PROVOST_IDENTITY", hide_env_values = true)]
    pub identity: Option<PathBuf>,
}

impl IdentityArgs {
    /// The key.
    pub fn key(&self) -> Result<Key, Failure> {
        let help = "--identity FILE or PROVOST_IDENTITY names a file that age-keygen made; its public key has to be in \
                    recipients.txt when a value is sealed";
        let path =
            self.identity.as_ref().ok_or_else(|| Failure::usage("there is no key to open secrets with").help(help))?;
        Key::read(path).map_err(|error| Failure::no(error).help(help))
    }
}

impl RecipientArgs {
    /// Everybody for whom values of the project in `dir` are sealed.
    pub fn all(&self, dir: &Path) -> Result<Vec<Recipient>, Failure> {
        let list = dir.join(RECIPIENTS);
        let text = match std::fs::read_to_string(&list) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| Failure::no(format!("{} cannot be read: {error}", list.display())))?,
        };
        let mut all =
            parse_recipients(&text).map_err(|error| Failure::usage(format!("{}: {error}", list.display())))?;
        for text in &self.more {
            let recipient = text.parse().map_err(|why| Failure::usage(format!("--recipient {text}: {why}")))?;
            if !all.contains(&recipient) {
                all.push(recipient);
            }
        }
        if all.is_empty() {
            let why = format!("nobody could open it: there is no public key in {}", list.display());
            return Err(Failure::usage(why).help("`provost secret key >> recipients.txt` adds that of a server"));
        }
        Ok(all)
    }
}

/// Where a secret of this name belongs.
pub fn path_of(dir: &Path, name: &Name) -> PathBuf {
    dir.join("secrets").join(format!("{name}.yaml"))
}

/// The text of a file that is there to be changed; absent if there is none.
pub fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::no(format!("{} cannot be read: {error}", path.display()))),
    }
}

/// A manifest of `name` with this armour.
pub fn manifest(name: &Name, armour: &str) -> String {
    let lines: String = armour.lines().map(|line| format!("    {line}\n")).collect();
    let head = "# yaml-language-server: $schema=../schema/manifest.json\napiVersion: provost/v1\nkind: Secret\n";
    format!("{head}metadata: {{name: {name}}}\nspec:\n  age: |\n{lines}")
}

/// `text` with its armours replaced by `new`, one by one, each indented as the one before; the rest stays as it is.
pub fn replaced(text: &str, new: &[String]) -> String {
    let mut whole = text.to_owned();
    for (Armour { range, .. }, armour) in armours(text).into_iter().zip(new).rev() {
        let line = text[..range.start].rfind('\n').map_or(0, |end| end + 1);
        let indent = &text[line..range.start];
        let lines: Vec<&str> = armour.trim_end().lines().collect();
        whole.replace_range(range, &lines.join(&format!("\n{indent}")));
    }
    whole
}

/// The one armour in the text of `path`.
pub fn armour(text: &str, path: &Path) -> Result<String, Failure> {
    let (mut found, place) = (armours(text), path.display());
    match found.len() {
        1 => Ok(found.remove(0).text),
        0 => Err(Failure::no(format!("{place}: there is no armour in lines of its own"))
            .help("write `age: |`, and the armour in the lines after it")),
        _ => {
            Err(Failure::no(format!("{place}: there are several secrets in this file")).help("give each its own file"))
        }
    }
}

/// Opens the armour of `path`.
pub fn opened(armour: &str, key: &Key, path: &Path) -> Result<SecretValue, Failure> {
    open(armour, key).map_err(|error| {
        let failure = Failure::new(Exit::Denied, format!("{}: {error}", path.display()));
        match error {
            OpenError::OtherKey(_) => failure.help("somebody whose key opens it can run provost secret rekey"),
            _ => failure.help("provost secret set seals it anew"),
        }
    })
}

/// Seals `value` for `recipients`.
pub fn sealed(value: &SecretValue, recipients: &[Recipient]) -> Result<String, Failure> {
    seal(value, recipients).map_err(|error| match error {
        SealError::TooLong(_) => Failure::usage(error).help("a volume or an image carries more"),
        error => Failure::usage(error),
    })
}

/// Writes `text` to `path`, whole or not at all.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let beside = path.with_extension("yaml.new");
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&beside, text))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| Failure::no(format!("{} cannot be written: {error}", path.display())))
}

/// The secrets of the project in `dir`: the file that each is in, and which documents use it.
pub fn secrets(dir: &Path) -> Result<BTreeMap<Name, Found>, Failure> {
    let files: Vec<SourceFile> = offline::read(dir)?;
    let parsed = provost_manifest::parse(&files);
    let of_kind = parsed.documents.iter().filter(|document| document.kind() == Kind::Secret);
    let mut found: BTreeMap<Name, Found> = of_kind
        .map(|document| (document.name().clone(), Found { path: dir.join(document.file()), used_by: Vec::new() }))
        .collect();
    for document in &parsed.documents {
        for name in document.secrets() {
            if let Some(secret) = found.get_mut(name) {
                secret.used_by.push(document.id());
            }
        }
    }
    Ok(found)
}

/// A secret of a project.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// Whose containers use it: `Automation/nightly`.
    pub used_by: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_armour_changes() {
        let (a, b) = (Key::make(), Key::make());
        let value = SecretValue::new(b"hunter2".to_vec());
        let text = manifest(&Name::new("db").unwrap(), &seal(&value, &[a.recipient()]).unwrap());
        let labelled = text.replace("{name: db}", "{name: db, labels: {team: a}} # theirs");
        let new = replaced(&labelled, &[seal(&value, &[b.recipient()]).unwrap()]);
        assert!(new.contains("# theirs") && new.ends_with("-----END AGE ENCRYPTED FILE-----\n"), "{new}");
        let path = Path::new("db.yaml");
        assert_eq!(opened(&armour(&new, path).unwrap(), &b, path).unwrap().expose(), b"hunter2");
        let files = [SourceFile { path: "db.yaml".to_owned(), bytes: new.into_bytes() }];
        assert_eq!(provost_manifest::parse(&files).diagnostics.len(), 0);
        assert!(armour(&labelled.repeat(2), path).unwrap_err().message.contains("several"));
    }
}
