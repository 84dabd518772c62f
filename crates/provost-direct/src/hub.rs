//! One place that hears of everything that changes in the containers' folders, and wakes who waits for it.
//!
//! One inotify instance for all, since the kernel gives a user few of them: of each container's folder it hears of the
//! start, the end and the output, and of the folder of folders that containers come and go. A shim that is killed writes
//! nothing; but the kernel then closes the file that it held its lock on.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use provost_model::ContainerName;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::{broadcast, watch};

use crate::ledger::LIFE;
use crate::place::{LOCK, Place};

/// How many wake-ups may wait for one who listens. Who is further behind has to look at everything anew.
const BEHIND_MAX: usize = 4096;

/// Something happened to a container.
#[derive(Clone, Debug)]
pub(crate) struct Wake {
    pub(crate) name: ContainerName,
    /// The instance whose it is.
    pub(crate) instance: Option<String>,
}

/// What hears, on a thread of its own. It goes away when the last who knows it does.
pub(crate) struct Hub {
    shared: Arc<Shared>,
    /// Closed with this; the thread hears that too.
    _leash: OwnedFd,
}

impl Hub {
    /// Begins to hear of the containers in `root`, whose folders are in `containers`.
    pub(crate) fn start(root: &Path, containers: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let going = WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
        let root = inotify::add_watch(&inotify, root, going)?;
        let coming = WatchFlags::CREATE | WatchFlags::MOVED_FROM | WatchFlags::DELETE;
        let list = inotify::add_watch(&inotify, containers, going | coming)?;
        let shared = Arc::new(Shared {
            inotify,
            root,
            list,
            containers: containers.to_path_buf(),
            known: Mutex::default(),
            wakes: broadcast::channel(BEHIND_MAX).0,
            gone: watch::Sender::new(false),
        });
        for entry in fs::read_dir(containers)? {
            shared.add(&entry?.file_name().to_string_lossy());
        }
        let (end, leash) = pipe_with(PipeFlags::CLOEXEC)?;
        let hearing = Arc::clone(&shared);
        thread::Builder::new().name("direct-hub".to_owned()).spawn(move || hear(&hearing, &end))?;
        Ok(Self { shared, _leash: leash })
    }

    /// Whether the folder was taken away; then nothing is heard any more.
    pub(crate) fn is_gone(&self) -> bool {
        *self.shared.gone.borrow()
    }

    /// Tells when the folder is taken away.
    pub(crate) fn gone(&self) -> watch::Receiver<bool> {
        self.shared.gone.subscribe()
    }

    /// Hears of a container from now on, whether or not it was told of its folder yet.
    pub(crate) fn add(&self, name: &ContainerName) {
        self.shared.add(name.as_str());
    }

    /// Starts, ends and removals of all containers, from now on.
    pub(crate) fn wakes(&self) -> broadcast::Receiver<Wake> {
        self.shared.wakes.subscribe()
    }

    /// Changes whenever something happens to this container, also to its output; nothing if there is none.
    pub(crate) fn pulse(&self, name: &ContainerName) -> Option<watch::Receiver<u64>> {
        self.shared.add(name.as_str());
        self.shared.known().by_name.get(name).map(|known| known.pulse.subscribe())
    }
}

struct Shared {
    inotify: OwnedFd,
    root: i32,
    list: i32,
    containers: PathBuf,
    known: Mutex<AllKnown>,
    wakes: broadcast::Sender<Wake>,
    gone: watch::Sender<bool>,
}

#[derive(Default)]
struct AllKnown {
    by_watch: HashMap<i32, ContainerName>,
    by_name: HashMap<ContainerName, Known>,
}

struct Known {
    watch: i32,
    instance: Option<String>,
    pulse: watch::Sender<u64>,
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, AllKnown> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: &str) {
        let Ok(name) = ContainerName::parse(name) else {
            return;
        };
        let mut known = self.known();
        if known.by_name.contains_key(&name) {
            return;
        }
        let heard = WatchFlags::MOVED_TO | WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE;
        let Ok(watch) = inotify::add_watch(&self.inotify, self.containers.join(name.as_str()), heard) else {
            return;
        };
        known.by_watch.insert(watch, name.clone());
        known.by_name.insert(name, Known { watch, instance: None, pulse: watch::Sender::new(0) });
    }

    /// Something happened in a container's folder.
    fn changed(&self, watch: i32, file: &str) {
        let mut known = self.known();
        let Some(name) = known.by_watch.get(&watch).cloned() else {
            return;
        };
        let Some(of_name) = known.by_name.get_mut(&name) else {
            return;
        };
        of_name.pulse.send_modify(|count| *count += 1);
        if [LIFE, LOCK].contains(&file) {
            // Remembered, since it can be read no more when the container is gone.
            if of_name.instance.is_none() {
                let made = Place::new(self.containers.join(name.as_str())).made();
                of_name.instance = made.ok().flatten().and_then(|made| made.instance().map(str::to_owned));
            }
            let _ = self.wakes.send(Wake { name, instance: of_name.instance.clone() });
        }
    }

    /// A container's folder is gone.
    fn removed(&self, name: &str) {
        let mut known = self.known();
        let Some((name, of_name)) = ContainerName::parse(name).ok().and_then(|name| known.by_name.remove_entry(&name))
        else {
            return;
        };
        known.by_watch.remove(&of_name.watch);
        let _ = inotify::remove_watch(&self.inotify, of_name.watch);
        let _ = self.wakes.send(Wake { name, instance: of_name.instance });
    }

    /// Takes one event; false if it was the last one.
    fn take(&self, event: &inotify::Event<'_>) -> bool {
        let (watch, what) = (event.wd(), event.events());
        let file = event.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let going = ReadFlags::MOVE_SELF | ReadFlags::DELETE_SELF | ReadFlags::UNMOUNT | ReadFlags::IGNORED;
        if watch == self.root || watch == self.list {
            if what.intersects(going) {
                return false;
            }
            match what.contains(ReadFlags::CREATE) {
                true => self.add(&file),
                false => self.removed(&file),
            }
        } else if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            return false; // What happened meanwhile is not known: who listens looks at everything anew.
        } else {
            self.changed(watch, &file);
        }
        true
    }
}

/// Hears until the folder is taken away, or the other end of the leash is closed.
fn hear(shared: &Shared, leash: &OwnedFd) {
    let mut buffer = [const { MaybeUninit::uninit() }; 16 << 10];
    'hearing: loop {
        let mut polled = [PollFd::new(&shared.inotify, PollFlags::IN), PollFd::new(leash, PollFlags::IN)];
        let waited = poll(&mut polled, None);
        if !polled[1].revents().is_empty() || waited.is_err_and(|error| error != Errno::INTR) {
            break;
        }
        let mut reader = Reader::new(&shared.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if shared.take(&event) => {}
                Err(Errno::WOULDBLOCK) => break,
                Ok(_) | Err(_) => break 'hearing,
            }
        }
    }
    shared.gone.send_replace(true);
}
