//! A vault for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use provost_controller::{HandedOut, Masks, SecretFile, Vault, VaultError};
use provost_model::{ContainerName, Name, SecretUse};

use crate::encoded::MASK_MIN;

/// A vault without a key: the armour is the value, and each of its lines is masked. It hands out paths, and remembers who has what.
#[derive(Debug, Default)]
pub struct FakeVault {
    out: Mutex<BTreeMap<ContainerName, BTreeSet<Name>>>,
    closed: Mutex<BTreeSet<Name>>,
}

impl FakeVault {
    /// From now on this secret does not open.
    pub fn close(&self, secret: Name) {
        lock(&self.closed).insert(secret);
    }

    /// Forgets what was handed out, as memory does when a machine is started anew.
    pub fn forget(&self) {
        lock(&self.out).clear();
    }

    /// Which secrets `container` has.
    pub fn has(&self, container: &ContainerName) -> BTreeSet<Name> {
        lock(&self.out).get(container).cloned().unwrap_or_default()
    }

    fn check(&self, secrets: &[SecretUse]) -> Result<(), VaultError> {
        let closed = lock(&self.closed);
        let found = secrets.iter().find(|secret| closed.contains(&secret.name));
        found.map_or(Ok(()), |secret| {
            let (why, mend) = ("it is closed".to_owned(), "open it".to_owned());
            Err(VaultError::Closed { secret: secret.name.clone(), why, mend })
        })
    }
}

impl Vault for FakeVault {
    fn hand_out(&self, container: &ContainerName, secrets: &[SecretUse]) -> Result<HandedOut, VaultError> {
        self.check(secrets)?;
        let names = secrets.iter().map(|secret| secret.name.clone());
        lock(&self.out).entry(container.clone()).or_default().extend(names);
        let file = |secret: &SecretUse| {
            let source = format!("/memory/{container}/{}", secret.name).into();
            Some(SecretFile { source, path: secret.file.clone()? })
        };
        let variable = |secret: &SecretUse| Some((secret.env.clone()?, secret.sealed.armour().to_owned().into()));
        Ok(HandedOut {
            files: secrets.iter().filter_map(file).collect(),
            env: secrets.iter().filter_map(variable).collect(),
        })
    }

    fn take_back(&self, container: &ContainerName) -> io::Result<()> {
        lock(&self.out).remove(container);
        Ok(())
    }

    fn masks(&self, secrets: &[SecretUse]) -> Result<Masks, VaultError> {
        self.check(secrets)?;
        let lines = secrets.iter().flat_map(|secret| secret.sealed.armour().lines());
        Ok(Masks::of(lines.filter(|line| line.len() >= MASK_MIN).map(str::to_owned)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
