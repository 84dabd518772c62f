//! Noticing that something in a folder was saved.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// Silence after which a burst of saves counts as over.
const QUIET: Duration = Duration::from_millis(150);
/// The longest burst: a file that is written without end must not hold everything up.
const BURST_MAX: Duration = Duration::from_secs(1);
/// How often it is checked that the folder is still the same one. The operating system watches an inode,
/// so it says nothing about a folder that was created anew or put in the place of another.
const LOOK: Duration = Duration::from_secs(1);
/// How often a folder is read that cannot be watched.
const UNWATCHED_POLL: Duration = Duration::from_secs(2);

/// A watch on a folder that may be removed and created again.
pub(super) struct Watch {
    path: PathBuf,
    watched: Mutex<Watched>,
    /// Counts what was noticed.
    noticed: watch::Sender<u64>,
    /// The count up to which [`Watch::changed`] has told its caller.
    told: AtomicU64,
}

/// What is being watched at the moment.
#[derive(Default)]
struct Watched {
    /// Which folder the path was when it was last looked at; the outer `None` before the first look.
    folder: Option<Option<Identity>>,
    /// Ends the watch when dropped; absent while the folder is missing or cannot be watched.
    watcher: Option<RecommendedWatcher>,
}

/// What tells one folder from another at the same path. Inode numbers are soon used again; together with
/// the time of creation they are not.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    created: Option<SystemTime>,
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
        Some(Self { device: data.dev(), inode: data.ino(), created: data.created().ok() })
    }
}

impl Watch {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, watched: Mutex::default(), noticed: watch::Sender::new(0), told: AtomicU64::new(0) }
    }

    /// Watches the folder that is at the path now; returns whether it is another one than before.
    pub(super) fn follow(&self) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = Identity::of(&self.path);
        if watched.folder.as_ref() == Some(&folder) {
            return false;
        }
        watched.watcher = folder.as_ref().and_then(|_| self.watcher());
        watched.folder.replace(folder).is_some()
    }

    fn watcher(&self) -> Option<RecommendedWatcher> {
        let root = self.path.canonicalize().ok()?;
        let (noticed, within) = (self.noticed.clone(), root.clone());
        let handler = move |event: notify::Result<Event>| {
            if event.map_or(true, |event| matters(&event, &within)) {
                noticed.send_modify(|count| *count += 1);
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(handler, config).and_then(|mut watcher| {
            watcher.watch(&root, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        watcher
            .inspect_err(|error| {
                tracing::warn!(folder = %root.display(), %error, "the folder cannot be watched; it is read every 2 s instead");
            })
            .ok()
    }

    /// Returns when something was saved and has come to rest, when the folder is another one, or at
    /// `latest`. Cancel-safe: what was noticed stays noticed until this returns.
    pub(super) async fn changed(self: &Arc<Self>, latest: Instant) {
        let mut noticed = self.noticed.subscribe();
        let began = Instant::now();
        loop {
            if self.followed_another().await {
                break;
            }
            let latest = if self.is_blind() { latest.min(began + UNWATCHED_POLL) } else { latest };
            let told = self.told.load(Ordering::Acquire);
            tokio::select! {
                _ = noticed.wait_for(|count| *count != told) => break,
                () = sleep_until(latest) => return,
                () = sleep(LOOK) => {}
            }
        }
        let seen = settle(&mut noticed).await;
        self.told.store(seen, Ordering::Release);
    }

    /// Watching walks through the folder, so it is kept off the threads that serve everyone.
    async fn followed_another(self: &Arc<Self>) -> bool {
        let watch = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let another = watch.follow();
            if another {
                // Counted, so that it is told even when this wait is dropped right now.
                watch.noticed.send_modify(|count| *count += 1);
            }
            another
        })
        .await
        .unwrap_or(false)
    }

    /// Whether there is a folder that cannot be watched.
    fn is_blind(&self) -> bool {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(watched.folder, Some(Some(_))) && watched.watcher.is_none()
    }
}

/// Waits until nothing has happened for [`QUIET`]; returns the count then.
async fn settle(noticed: &mut watch::Receiver<u64>) -> u64 {
    let end = Instant::now() + BURST_MAX;
    loop {
        let seen = *noticed.borrow_and_update();
        tokio::select! {
            _ = noticed.changed() => {}
            () = sleep_until(end.min(Instant::now() + QUIET)) => return seen,
        }
        if Instant::now() >= end {
            return *noticed.borrow_and_update();
        }
    }
}

/// Whether an event may have changed a manifest: not mere reading, which our own reading would cause, and
/// not what happens in hidden folders such as `.git`.
fn matters(event: &Event, root: &Path) -> bool {
    let saved = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    let is_hidden = |part: Component| part.as_os_str().as_encoded_bytes().starts_with(b".");
    let in_hidden = |path: &PathBuf| path.strip_prefix(root).is_ok_and(|below| below.components().any(is_hidden));
    saved && (event.paths.is_empty() || !event.paths.iter().all(in_hidden))
}
