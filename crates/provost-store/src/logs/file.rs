//! The output of steps in files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use async_trait::async_trait;
use jiff::Timestamp;
use provost_controller::{LogLine, LogSink, Logs, StoreError};
use provost_model::{EventId, Owner, StepRef};
use tokio::sync::broadcast;

use crate::logs::FOLLOWED_MAX;
use crate::logs::appender::Appender;
use crate::logs::archive::archive;
use crate::logs::reader::{Reader, STEP_SUFFIX};
use crate::logs::recorder::{Keep, Recorder};
use crate::place::Place;

/// How many readers are kept where they stopped, so that whoever reads on does not begin again.
const STOPPED_MAX: usize = 8;

/// The longest id of a step: with its suffix it is a file's name.
const STEP_ID_MAX: usize = 200;

/// The output of steps in `<folder>/logs`. Its async methods want a tokio runtime around them.
pub struct FileLogs {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    live: broadcast::Sender<(Owner, LogLine)>,
    open: Mutex<BTreeMap<StepRef, Weak<Mutex<Appender>>>>,
    stopped: Mutex<VecDeque<Stopped>>,
    /// Held while files are archived or removed.
    moving: Mutex<()>,
}

/// A reader that has returned so many lines of an owner, and may be asked for more.
struct Stopped {
    owner: Owner,
    after: usize,
    reader: Reader,
}

impl FileLogs {
    /// Opens the logs in `folder`, the state folder.
    ///
    /// Errors: [`StoreError::Write`] if `<folder>/logs` cannot be made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref().join("logs");
        std::fs::create_dir_all(&folder).map_err(|e| Place::new(&folder).write(e))?;
        let (open, stopped, moving) = Default::default();
        let live = broadcast::Sender::new(FOLLOWED_MAX);
        Ok(Self { shared: Arc::new(Shared { folder, live, open, stopped, moving }) })
    }

    async fn block<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let task = tokio::task::spawn_blocking(move || work(&shared));
        task.await.map_err(|e| Place::new(&self.shared.folder).read(e))?
    }
}

#[async_trait]
impl Logs for FileLogs {
    fn open(&self, step: &StepRef, limit_bytes: u64, masked: &[String]) -> Result<Box<dyn LogSink>, StoreError> {
        let appender = Arc::new(Mutex::new(Appender::create(self.shared.path_of(step)?)?));
        lock(&self.shared.open).insert(step.clone(), Arc::downgrade(&appender));
        // A reader that stopped does not know of the new file.
        self.shared.forget_stopped(&step.owner);
        let keep = FileKeep { appender, step: step.clone(), shared: Arc::clone(&self.shared) };
        Ok(Box::new(Recorder::new(step.clone(), keep, limit_bytes, masked, self.shared.live.clone())))
    }

    async fn close(&self, owner: &Owner) -> Result<(), StoreError> {
        let owner = owner.clone();
        self.block(move |shared| shared.close(&owner)).await
    }

    async fn read(&self, owner: &Owner, skip: usize, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let owner = owner.clone();
        self.block(move |shared| shared.read(owner, skip, limit)).await
    }

    fn follow(&self) -> broadcast::Receiver<(Owner, LogLine)> {
        self.shared.live.subscribe()
    }

    async fn remove(&self, owner: &Owner) -> Result<(), StoreError> {
        let owner = owner.clone();
        self.block(move |shared| shared.remove(&owner)).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<(), StoreError> {
        self.block(move |shared| shared.forget_events(before.into())).await
    }
}

impl Shared {
    fn folder_of(&self, owner: &Owner) -> PathBuf {
        self.folder.join(owner.kind()).join(owner.id())
    }

    fn path_of(&self, step: &StepRef) -> Result<PathBuf, StoreError> {
        let (folder, id) = (self.folder_of(&step.owner), step.step.as_str());
        if is_file_name(id) {
            return Ok(folder.join(format!("{id}{STEP_SUFFIX}")));
        }
        let rule = format!("letters, digits, `_`, `-` and `.` (not first), at most {STEP_ID_MAX}");
        Err(Place::new(folder).write(format!("step {id:?} has an id that cannot name a file: {rule}")))
    }

    fn close(&self, owner: &Owner) -> Result<(), StoreError> {
        let _one = lock(&self.moving);
        let folder = self.folder_of(owner);
        archive(&folder, &self.live_steps(owner)).map_err(|e| Place::new(folder).write(e))?;
        self.forget_stopped(owner);
        Ok(())
    }

    fn read(&self, owner: Owner, skip: usize, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        self.flush(&owner)?;
        let folder = self.folder_of(&owner);
        let found = self.read_on(&owner, &folder, skip, limit);
        let (lines, reader) = found.map_err(|e| Place::new(folder).read(e))?;
        self.stop(Stopped { owner, after: skip + lines.len(), reader });
        Ok(lines)
    }

    fn read_on(&self, owner: &Owner, folder: &Path, skip: usize, limit: usize) -> io::Result<(Vec<LogLine>, Reader)> {
        let mut reader = match self.stopped_at(owner, skip) {
            Some(reader) => reader,
            None => {
                let mut reader = Reader::open(folder, &BTreeSet::new())?;
                reader.skip(skip)?;
                reader
            }
        };
        Ok((reader.read(limit)?, reader))
    }

    fn remove(&self, owner: &Owner) -> Result<(), StoreError> {
        let _one = lock(&self.moving);
        self.forget_stopped(owner);
        let folder = self.folder_of(owner);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Place::new(folder).write(error)),
            _ => Ok(()),
        }
    }

    fn forget_events(&self, before: SystemTime) -> Result<(), StoreError> {
        for owner in self.owners_of_events()? {
            let folder = self.folder_of(&owner);
            // What is being written is young; what cannot be read is looked at again the next time.
            if last_written(&folder).is_ok_and(|written| written < before) {
                self.remove(&owner)?;
            }
        }
        Ok(())
    }

    /// The events and notifications that have output.
    fn owners_of_events(&self) -> Result<Vec<Owner>, StoreError> {
        let mut owners = Vec::new();
        for (kind, owner) in [("event", Owner::Event as fn(EventId) -> Owner), ("notice", Owner::Notice)] {
            let folder = self.folder.join(kind);
            let names = match std::fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                names => names.map_err(|e| Place::new(&folder).read(e))?,
            };
            let ids = names.filter_map(|entry| EventId::parse(entry.ok()?.file_name().into_string().ok()?).ok());
            owners.extend(ids.map(owner));
        }
        Ok(owners)
    }

    /// The files of `owner` that are being written.
    fn appenders(&self, owner: &Owner) -> Vec<(StepRef, Arc<Mutex<Appender>>)> {
        let open = lock(&self.open);
        let of_owner = open.iter().filter(|(step, _)| step.owner == *owner);
        of_owner.filter_map(|(step, appender)| Some((step.clone(), appender.upgrade()?))).collect()
    }

    fn live_steps(&self, owner: &Owner) -> BTreeSet<String> {
        self.appenders(owner).into_iter().map(|(step, _)| step.step.as_str().to_owned()).collect()
    }

    /// Lets what the steps of `owner` wrote up to now be read.
    fn flush(&self, owner: &Owner) -> Result<(), StoreError> {
        self.appenders(owner).iter().try_for_each(|(_, appender)| lock(appender).flush())
    }

    fn stop(&self, reader: Stopped) {
        let mut stopped = lock(&self.stopped);
        stopped.push_back(reader);
        while stopped.len() > STOPPED_MAX {
            stopped.pop_front();
        }
    }

    fn stopped_at(&self, owner: &Owner, after: usize) -> Option<Reader> {
        let mut stopped = lock(&self.stopped);
        let index = stopped.iter().position(|one| one.owner == *owner && one.after == after)?;
        stopped.remove(index).map(|one| one.reader)
    }

    fn forget_stopped(&self, owner: &Owner) {
        lock(&self.stopped).retain(|one| one.owner != *owner);
    }
}

/// When a file of the folder was last written to, or the folder itself.
fn last_written(folder: &Path) -> io::Result<SystemTime> {
    let mut last = folder.metadata()?.modified()?;
    for entry in std::fs::read_dir(folder)? {
        last = last.max(entry?.metadata()?.modified()?);
    }
    Ok(last)
}

fn is_file_name(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !id.is_empty() && id.len() <= STEP_ID_MAX && !id.starts_with('.') && id.chars().all(is_plain)
}

/// Whatever panicked while it held the lock left nothing half done that the next one would stumble over.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps lines in the file of one step.
struct FileKeep {
    appender: Arc<Mutex<Appender>>,
    step: StepRef,
    shared: Arc<Shared>,
}

impl Keep for FileKeep {
    fn keep(&mut self, line: &LogLine) -> Result<(), StoreError> {
        lock(&self.appender).push(line)
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        lock(&self.appender).sync()
    }
}

impl Drop for FileKeep {
    fn drop(&mut self) {
        // A sink that is let go without its end still leaves its lines; nobody is there to hear of an error.
        let _ = lock(&self.appender).flush();
        let mut open = lock(&self.shared.open);
        let is_own = open.get(&self.step).is_some_and(|open| open.as_ptr() == Arc::as_ptr(&self.appender));
        if is_own {
            open.remove(&self.step);
        }
    }
}
