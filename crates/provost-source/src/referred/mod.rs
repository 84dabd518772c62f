//! A source together with the sources that its manifests refer to.
//!
//! Of each there is a copy below the state folder, and what is read is always the copy (D9): a fetch that fails leaves it
//! as it is (D8), and one that was thrown away is made anew by the next look (D11). The files of all of them are one
//! revision, whose id names the commits of all of them.

mod copied;
mod folder;
mod tree;

use std::collections::BTreeMap;
use std::future::pending;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use provost_controller::{Revision, Source, SourceCopy, SourceError, SourceFile};
use provost_model::{LOCK, Name, RevisionId, SourceLock, SourceReference, path_in_source};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep_until};

use crate::config::{ConfigProblem, SourcesConfig};
use crate::git::Signers;
use crate::limits::{Tally, refused, unreachable};
use copied::Copied;

/// Which sources a revision's own files refer to: whoever knows what a manifest means hands it in.
pub type References = Arc<dyn Fn(&[SourceFile]) -> Vec<SourceReference> + Send + Sync>;

/// What every source that is referred to is opened with.
struct Terms {
    config: SourcesConfig,
    signers: Vec<String>,
    timeout: Duration,
    /// Holds a folder for each of them, by name.
    home: PathBuf,
}

/// A source whose revisions hold what its manifests refer to.
pub struct ReferringSource {
    main: Arc<dyn Source>,
    references: References,
    terms: Terms,
    /// Also keeps two fetches from working on one copy.
    referred: Mutex<Referred>,
    /// How the copies were when they were looked at last.
    copies: std::sync::Mutex<Vec<SourceCopy>>,
    /// When one of them is to be looked at; absent while `main` cannot be read, since nothing is looked at then.
    next: std::sync::Mutex<Option<Instant>>,
    reset: Notify,
}

/// What the last revision refers to.
#[derive(Default)]
struct Referred {
    /// The revision that said so.
    by: Option<RevisionId>,
    copies: BTreeMap<Name, Copied>,
}

impl ReferringSource {
    /// Puts what `main`'s manifests refer to around it. A git command takes at most `timeout`; `signers` are as for
    /// [`open`](crate::open), and copies are kept below `state_dir`.
    pub fn open(
        main: Arc<dyn Source>,
        references: References,
        config: SourcesConfig,
        signers: &[String],
        timeout: Duration,
        state_dir: PathBuf,
    ) -> Result<Self, ConfigProblem> {
        Signers::parse(signers)?;
        let terms = Terms { config, signers: signers.to_vec(), timeout, home: state_dir.join("sources") };
        let (copies, next) = (std::sync::Mutex::default(), std::sync::Mutex::default());
        Ok(Self { main, references, terms, referred: Mutex::default(), copies, next, reset: Notify::new() })
    }

    /// Keeps the copies that are referred to as before, and opens those that are not open yet.
    fn refer(&self, referred: &mut Referred, revision: &Revision) {
        if referred.by.as_ref() == Some(&revision.id) {
            return;
        }
        let mut before = std::mem::take(&mut referred.copies);
        for reference in (self.references)(&revision.files) {
            let same = before.remove(&reference.name).filter(|copied| *copied.reference() == reference);
            let copied = same.unwrap_or_else(|| Copied::open(reference.clone(), &self.terms));
            referred.copies.insert(reference.name, copied);
        }
    }

    fn set_next(&self, next: Option<Instant>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    async fn due(&self) {
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        match next {
            Some(next) => sleep_until(next).await,
            None => pending().await,
        }
    }
}

#[async_trait]
impl Source for ReferringSource {
    fn describe(&self) -> String {
        self.main.describe()
    }

    async fn fetch(&self) -> Result<Revision, SourceError> {
        let mut referred = self.referred.lock().await;
        self.set_next(None);
        let revision = self.main.fetch().await?;
        self.refer(&mut referred, &revision);
        // Whoever drops this future in the middle leaves nothing that looks whole.
        referred.by = None;
        look_at_those_due(&mut referred.copies).await?;
        referred.by = Some(revision.id.clone());
        let status = referred.copies.values().map(Copied::status).collect();
        *self.copies.lock().unwrap_or_else(PoisonError::into_inner) = status;
        self.set_next(referred.copies.values().map(Copied::next_look).min());
        whole(revision, &referred.copies)
    }

    async fn changed(&self) {
        tokio::select! {
            () = self.main.changed() => {}
            () = self.due() => {}
            () = self.reset.notified() => {}
        }
    }

    fn copies(&self) -> Vec<SourceCopy> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn reset(&self, name: &Name) -> Result<bool, SourceError> {
        let mut referred = self.referred.lock().await;
        let Some(copied) = referred.copies.get_mut(name) else { return Ok(false) };
        copied.discard().await?;
        self.reset.notify_one();
        Ok(true)
    }
}

/// Looks at all that are due at once, so that a dead one holds up none of the others.
///
/// Errors: one was lost on the way; without it the revision would seem to refer to less than it does.
async fn look_at_those_due(copies: &mut BTreeMap<Name, Copied>) -> Result<(), SourceError> {
    let mut looking = tokio::task::JoinSet::new();
    for (name, mut copied) in std::mem::take(copies) {
        looking.spawn(async move {
            if copied.is_due() {
                copied.look().await;
            }
            (name, copied)
        });
    }
    while let Some(looked) = looking.join_next().await {
        let (name, copied) = looked.map_err(|error| unreachable(format!("reading a source broke down: {error}")))?;
        copies.insert(name, copied);
    }
    Ok(())
}

/// How much of its own id stands before the dot of a revision that refers to others: all of a folder's.
const OWN_ID: usize = 19;

/// The revision with the files of all copies, and the lock that says which they are. Its id names both: the beginning of
/// its own, and a digest of that id and the lock.
fn whole(mut revision: Revision, copies: &BTreeMap<Name, Copied>) -> Result<Revision, SourceError> {
    if copies.is_empty() {
        return Ok(revision);
    }
    let mut tally = Tally::default();
    revision.files.iter().try_for_each(|file| tally.add(&file.path, file.bytes.len() as u64))?;
    let mut lock = SourceLock::new();
    for (name, copied) in copies {
        lock.insert(name.clone(), copied.locked());
        for file in copied.files() {
            let path = path_in_source(name, &file.path);
            tally.add(&path, file.bytes.len() as u64)?;
            revision.files.push(SourceFile { path, bytes: file.bytes.clone() });
        }
    }
    let lock = serde_json::to_vec(&lock).map_err(|error| refused(error.to_string()))?;
    let digest = hex::encode(Sha256::new().chain_update(revision.id.as_str()).chain_update(&lock).finalize());
    let own = revision.id.as_str();
    let id = format!("{}.{}", own.get(..OWN_ID).unwrap_or(own), &digest[..12]);
    revision.id = RevisionId::parse(id).map_err(|error| refused(error.to_string()))?;
    revision.files.push(SourceFile { path: LOCK.to_owned(), bytes: lock });
    Ok(revision)
}
