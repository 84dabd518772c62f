//! Installing: a package's files come into a project, and nobody's own edit is lost.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use provost_image::{Digest, Files, Package};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// Which packages a project has, and what they brought: beside the manifests, committed with them.
const LOCK: &str = "provost-packages.json";

/// Whether files that somebody edited may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// They stay; what the package has comes beside them as `FILE.new`.
    Keep,
    /// They are replaced.
    Replace,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was written.
    Written(String),
    /// It was edited here: the package's own came beside it, under this name.
    Kept(String, String),
    /// The package does not have it any more, and nobody had edited it.
    Removed(String),
    /// The package does not have it any more; it was edited here and stays.
    Left(String),
}

/// The packages of a project, by name.
type Lock = BTreeMap<String, Locked>;

/// One installed package.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Locked {
    version: String,
    digest: String,
    /// What each file was when it was installed.
    files: BTreeMap<String, String>,
}

/// Installs `package` into the project at `folder`, and its images into `images`.
///
/// A file that differs from what the package before brought was edited here, and is only replaced with consent. Errors
/// name the file; what was written before one stays, and installing again goes on.
pub fn install(package: &Package, folder: &Path, images: &Path, consent: Consent) -> Result<Vec<Done>, Failure> {
    let label = package.label();
    let mut lock = read_lock(folder)?;
    let before = lock.remove(&label.name).unwrap_or_default();
    let files = package.files().map_err(Failure::no)?;
    if let Some((path, owner)) = taken(&lock, &files) {
        let failure = Failure::no(format!("`{path}` belongs to the package {owner}; nothing was changed"));
        return Err(failure.help("two packages cannot bring one file: give one of them another `prefix`"));
    }
    let mut done = Vec::new();
    for (path, file) in &files {
        done.extend(place(folder, path, &file.bytes, before.files.get(path), consent)?);
        #[cfg(unix)]
        if file.executable {
            use std::os::unix::fs::PermissionsExt as _;
            let place = folder.join(path);
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).map_err(|e| failed(&place, &e))?;
        }
    }
    for (path, digest) in before.files.iter().filter(|(path, _)| !files.contains_key(*path)) {
        done.extend(remove(folder, path, digest)?);
    }
    for (name, bytes) in package.images() {
        write(&images.join(name), bytes)?;
    }
    let digests = files.iter().map(|(path, file)| (path.clone(), Digest::of(&file.bytes).to_string())).collect();
    let locked = Locked { version: label.version, digest: package.digest().to_string(), files: digests };
    lock.insert(label.name, locked);
    let text = serde_json::to_string_pretty(&lock).map_err(Failure::no)? + "\n";
    write(&folder.join(LOCK), text.as_bytes())?;
    Ok(done)
}

fn read_lock(folder: &Path) -> Result<Lock, Failure> {
    let path = folder.join(LOCK);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            let failure = Failure::no(format!("{}: {error}", path.display()));
            failure.help("it is written by `provost package install`; take it back from git")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lock::new()),
        Err(error) => Err(failed(&path, &error)),
    }
}

/// The first file that another package brought, and which.
fn taken<'a>(lock: &'a Lock, files: &'a Files) -> Option<(&'a String, &'a String)> {
    let owner = |path: &String| lock.iter().find(|(_, locked)| locked.files.contains_key(path)).map(|(name, _)| name);
    files.keys().find_map(|path| owner(path).map(|owner| (path, owner)))
}

fn place(
    folder: &Path,
    path: &str,
    bytes: &[u8],
    before: Option<&String>,
    consent: Consent,
) -> Result<Option<Done>, Failure> {
    let place = folder.join(path);
    let here = digest(&place)?;
    let new = Digest::of(bytes).to_string();
    if here.as_ref() == Some(&new) {
        return Ok(None);
    }
    let is_edited = here.is_some() && here.as_ref() != before;
    if is_edited && consent == Consent::Keep {
        let beside = format!("{path}.new");
        write(&folder.join(&beside), bytes)?;
        return Ok(Some(Done::Kept(path.to_owned(), beside)));
    }
    write(&place, bytes)?;
    Ok(Some(Done::Written(path.to_owned())))
}

fn remove(folder: &Path, path: &str, before: &str) -> Result<Option<Done>, Failure> {
    let place = folder.join(path);
    match digest(&place)? {
        None => Ok(None),
        Some(here) if here == before => {
            std::fs::remove_file(&place).map_err(|error| failed(&place, &error))?;
            Ok(Some(Done::Removed(path.to_owned())))
        }
        Some(_) => Ok(Some(Done::Left(path.to_owned()))),
    }
}

/// The digest of a file, if it is there.
fn digest(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(Digest::of(&bytes).to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let parent = path.parent().map(PathBuf::from).unwrap_or_default();
    let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(path, bytes));
    written.map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::no(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use provost_image::{Label, PackedFile};

    use super::*;

    fn package(version: &str, files: &[(&str, &str)]) -> Package {
        let label = Label { name: "p".to_owned(), version: version.to_owned(), description: String::new() };
        let file = |text: &str| PackedFile { executable: false, bytes: text.as_bytes().to_vec() };
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect();
        Package::pack(&label, &files, &BTreeMap::from([("i.tar".to_owned(), b"image".to_vec())])).unwrap()
    }

    #[test]
    fn a33_what_was_edited_here_is_not_replaced_without_consent() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
        let put = |package: &Package, consent| install(package, root, &root.join("images"), consent).unwrap();
        let first = package("1", &[("a.yaml", "a1"), ("b.yaml", "b1"), ("c.yaml", "c1"), ("d.yaml", "d1")]);
        assert_eq!(put(&first, Consent::Keep).len(), 4);
        assert_eq!(put(&first, Consent::Keep), []);
        std::fs::write(root.join("b.yaml"), "mine").unwrap();
        std::fs::write(root.join("d.yaml"), "mine").unwrap();

        let second = package("2", &[("a.yaml", "a2"), ("b.yaml", "b2")]);
        let expected = [
            Done::Written("a.yaml".to_owned()),
            Done::Kept("b.yaml".to_owned(), "b.yaml.new".to_owned()),
            Done::Removed("c.yaml".to_owned()),
            Done::Left("d.yaml".to_owned()),
        ];
        assert_eq!(put(&second, Consent::Keep), expected);
        assert_eq!((read("a.yaml").as_deref(), read("b.yaml").as_deref()), (Some("a2"), Some("mine")));
        assert_eq!((read("b.yaml.new").as_deref(), read("c.yaml")), (Some("b2"), None));
        assert_eq!(put(&second, Consent::Replace), [Done::Written("b.yaml".to_owned())]);
        assert_eq!((read("b.yaml").as_deref(), read("images/i.tar").as_deref()), (Some("b2"), Some("image")));
    }

    #[test]
    fn two_packages_do_not_bring_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let one = package("1", &[("a.yaml", "a")]);
        install(&one, folder.path(), folder.path(), Consent::Keep).unwrap();
        let label = Label { name: "q".to_owned(), version: "1".to_owned(), description: String::new() };
        let other = Package::pack(&label, &one.files().unwrap(), &BTreeMap::new()).unwrap();
        let refused = install(&other, folder.path(), folder.path(), Consent::Replace).unwrap_err();
        assert!(refused.message.contains("belongs to the package p"), "{}", refused.message);
    }
}
