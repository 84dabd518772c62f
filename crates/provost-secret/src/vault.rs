//! The controller's port: secrets for containers.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use provost_controller::{HandedOut, Masks, SecretFile, Vault, VaultError};
use provost_model::{ContainerName, Name, SecretUse};

use crate::{Key, MemoryError, MemoryFolder, OpenError, SecretValue, masks_of, open};

/// Opens secrets with one key, and keeps the files of containers in memory.
#[derive(Debug)]
pub struct MemoryVault {
    key: Key,
    /// Where files go; without a place, secrets are still good as variables.
    place: Result<MemoryFolder, MemoryError>,
    /// Held while folders are made or removed.
    one: Mutex<()>,
}

impl MemoryVault {
    /// A vault with this key, whose files go to `place`.
    pub fn new(key: Key, place: Result<MemoryFolder, MemoryError>) -> Self {
        Self { key, place, one: Mutex::new(()) }
    }

    fn open(&self, secret: &SecretUse) -> Result<SecretValue, VaultError> {
        open(secret.sealed.armour(), &self.key).map_err(|error| {
            let mend = match &error {
                OpenError::OtherKey(key) => {
                    format!("add {key} to recipients.txt, run `provost secret rekey`, and commit both")
                }
                _ => format!("set it again with `provost secret set {}`, and commit it", secret.name),
            };
            VaultError::Closed { secret: secret.name.clone(), why: error.to_string(), mend }
        })
    }

    fn put(
        &self,
        container: &ContainerName,
        secrets: &[SecretUse],
        values: &[SecretValue],
    ) -> Result<Vec<SecretFile>, VaultError> {
        let with_file = secrets.iter().zip(values).filter(|(secret, _)| secret.file.is_some());
        let wanted: BTreeMap<&Name, &SecretValue> = with_file.map(|(secret, value)| (&secret.name, value)).collect();
        let Some((first, _)) = wanted.first_key_value() else {
            return Ok(Vec::new());
        };
        let no_place = |why: String| VaultError::NoPlace {
            secret: (*first).clone(),
            why,
            mend: "name a folder on a tmpfs as `runtimeDir` in the server configuration".to_owned(),
        };
        let place = self.place.as_ref().map_err(|error| no_place(error.to_string()))?;
        let files: Vec<_> = wanted.into_iter().map(|(name, value)| (name.as_str(), value)).collect();
        let _one = self.lock();
        let folder = place.put(container.as_str(), &files).map_err(|error| no_place(error.to_string()))?;
        let file = |secret: &SecretUse| {
            let path = secret.file.clone()?;
            Some(SecretFile { source: folder.join(secret.name.as_str()), path })
        };
        Ok(secrets.iter().filter_map(file).collect())
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.one.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for MemoryVault {
    fn hand_out(&self, container: &ContainerName, secrets: &[SecretUse]) -> Result<HandedOut, VaultError> {
        let values = secrets.iter().map(|secret| self.open(secret)).collect::<Result<Vec<_>, _>>()?;
        let mut env = Vec::new();
        for (secret, value) in secrets.iter().zip(&values) {
            if let Some(name) = &secret.env {
                let no_text = || VaultError::Closed {
                    secret: secret.name.clone(),
                    why: format!("its value is not text, which the variable {name} has to hold"),
                    mend: "let the container have it as a `file`".to_owned(),
                };
                env.push((name.clone(), value.text().ok_or_else(no_text)?));
            }
        }
        Ok(HandedOut { files: self.put(container, secrets, &values)?, env })
    }

    fn take_back(&self, container: &ContainerName) -> io::Result<()> {
        let Ok(place) = &self.place else { return Ok(()) };
        let _one = self.lock();
        place.remove(container.as_str())
    }

    fn masks(&self, secrets: &[SecretUse]) -> Result<Masks, VaultError> {
        let mut texts = Vec::new();
        for secret in secrets {
            texts.extend(masks_of(&self.open(secret)?));
        }
        Ok(Masks::of(texts))
    }
}

#[cfg(test)]
mod tests {
    use provost_model::Sealed;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::seal;

    fn vault(key: &Key) -> (tempfile::TempDir, MemoryVault) {
        let folder = tempfile::Builder::new().prefix("provost-test-").tempdir_in("/dev/shm").unwrap();
        let place = MemoryFolder::within(folder.path(), "here");
        (folder, MemoryVault::new(key.clone(), place))
    }

    fn wanted(key: &Key, name: &str, value: &[u8], env: Option<&str>, file: Option<&str>) -> SecretUse {
        let sealed = Sealed::new(seal(&SecretValue::new(value.to_vec()), &[key.recipient()]).unwrap());
        SecretUse { name: Name::new(name).unwrap(), sealed, env: env.map(str::to_owned), file: file.map(str::to_owned) }
    }

    fn container() -> ContainerName {
        ContainerName::parse("provost-test-a").unwrap()
    }

    #[test]
    fn d30_each_secret_is_handed_out_where_it_is_wanted() {
        let key = Key::make();
        let (folder, vault) = vault(&key);
        let secrets = [
            wanted(&key, "db", b"hunter2", Some("PGPASSWORD"), None),
            wanted(&key, "gcp", b"{\"key\": 1}", None, Some("/run/secrets/gcp.json")),
            wanted(&key, "both", b"both ways", Some("BOTH"), Some("/both")),
        ];
        let handed = vault.hand_out(&container(), &secrets).unwrap();
        let env: Vec<_> = handed.env.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        assert_eq!(env, [("PGPASSWORD", "hunter2"), ("BOTH", "both ways")]);
        let files: Vec<_> =
            handed.files.iter().map(|file| (std::fs::read(&file.source).unwrap(), file.path.as_str())).collect();
        assert_eq!(files, [(b"{\"key\": 1}".to_vec(), "/run/secrets/gcp.json"), (b"both ways".to_vec(), "/both")]);
        assert!(!format!("{handed:?} {vault:?}").contains("hunter2"));
        vault.take_back(&container()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let masks = vault.masks(&secrets).unwrap();
        assert_eq!(masks.hide("hunter2 and aHVudGVyMg== and both ways"), "*** and *** and ***");
    }

    #[test]
    fn d31_what_cannot_be_opened_is_named_with_its_mend_and_nothing_is_handed_out() {
        let (key, other) = (Key::make(), Key::make());
        let (folder, vault) = vault(&key);
        let secrets = [
            wanted(&key, "db", b"hunter2", None, Some("/db")),
            wanted(&other, "foreign", b"x", None, Some("/foreign")),
        ];
        let error = vault.hand_out(&container(), &secrets).unwrap_err().to_string();
        let expected = format!("secret foreign cannot be opened: it is not sealed for the key {}", key.recipient());
        assert!(error.starts_with(&expected) && error.contains("provost secret rekey"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        vault.masks(&secrets).unwrap_err();
        let binary = wanted(&key, "bin", b"\xff\xfe", Some("BIN"), None);
        let error = vault.hand_out(&container(), &[binary]).unwrap_err().to_string();
        assert!(error.contains("secret bin") && error.contains("as a `file`"), "{error}");
    }

    #[test]
    fn d31_without_memory_only_files_are_refused() {
        let key = Key::make();
        let vault = MemoryVault::new(key.clone(), MemoryFolder::within("/".as_ref(), "here"));
        let env = wanted(&key, "db", b"hunter2", Some("PW"), None);
        assert_eq!(vault.hand_out(&container(), &[env]).unwrap().env.len(), 1);
        let file = wanted(&key, "db", b"hunter2", None, Some("/db"));
        let error = vault.hand_out(&container(), &[file]).unwrap_err().to_string();
        assert!(error.contains("secret db") && error.contains("runtimeDir"), "{error}");
        vault.take_back(&container()).unwrap();
    }
}
