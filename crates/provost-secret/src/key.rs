//! Keys that open secrets.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use secrecy::zeroize::Zeroizing;

use crate::Recipient;

/// The most that is read of a file with keys, in bytes.
const FILE_MAX: u64 = 64 << 10;

/// One private key or several: the first is the one that has a name. It is shown by nothing.
#[derive(Clone)]
pub struct Key {
    first: age::x25519::Identity,
    others: Vec<age::x25519::Identity>,
}

/// Why a file is not taken for a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or written.
    #[error("the key {path} cannot be read: {why}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// It cannot be made.
    #[error("the key {path} cannot be made: {why}", path = path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// There is no private key of age in it.
    #[error("{path}, line {line}: {why}", path = path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong, and the mend.
        why: &'static str,
    },
    /// Others may read it.
    #[error("others may read the key {path} (mode {mode:o}): chmod 600 it, and change what it protects", path = path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl Key {
    /// A new one.
    pub fn make() -> Self {
        Self { first: age::x25519::Identity::generate(), others: Vec::new() }
    }

    /// Reads the key in the file at `path`, or makes one there: a server's key, made at its first start. Only its owner
    /// may read the file.
    pub fn open_or_make(path: &Path) -> Result<Self, KeyError> {
        match fs::symlink_metadata(path) {
            Ok(facts) if facts.mode() & 0o077 != 0 => {
                Err(KeyError::Open { path: path.to_owned(), mode: facts.mode() & 0o777 })
            }
            Ok(_) => Self::read(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::make();
                let unwritable =
                    |error: io::Error| KeyError::Unwritable { path: path.to_owned(), why: error.to_string() };
                key.write(path).map_err(unwritable)?;
                Ok(key)
            }
            Err(error) => Err(KeyError::Unreadable { path: path.to_owned(), why: error.to_string() }),
        }
    }

    /// Reads the keys in the file at `path`, as `age-keygen` writes them.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let mut text = Zeroizing::new(String::new());
        let read = fs::File::open(path).and_then(|file| file.take(FILE_MAX).read_to_string(&mut text));
        read.map_err(|error| KeyError::Unreadable { path: path.to_owned(), why: error.to_string() })?;
        Self::parse(&text).map_err(|(line, why)| KeyError::NoKey { path: path.to_owned(), line, why })
    }

    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut keys = Vec::new();
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let why = "that is no private key of age, which begins with `AGE-SECRET-KEY-1`; `age-keygen` makes one";
            keys.push(text.parse().map_err(|_| (line, why))?);
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or((1, "there is no key in it; `age-keygen` makes one"))?;
        Ok(Self { first, others: keys.collect() })
    }

    /// Writes it for its owner alone, whole or not at all.
    fn write(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside); // Of a start that was cut short.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let private = self.first.to_string();
        write!(file, "# public key: {}\n{}\n", self.recipient(), private.expose_secret())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    }

    /// The public half of the first one.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.first.to_public())
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = &age::x25519::Identity> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.recipient())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a35_the_servers_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.key");
        let made = Key::open_or_make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(Key::open_or_make(&path).unwrap().recipient(), made.recipient());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else stays");
        assert!(!format!("{made:?}").contains("SECRET"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Key::open_or_make(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_file_without_a_key_is_told_by_its_line_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.key");
        for (text, part) in [("", "there is no key"), ("# a\nage1xyz\n", "line 2: that is no private key")] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = Key::open_or_make(&path).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
