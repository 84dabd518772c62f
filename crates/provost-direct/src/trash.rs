//! What was taken away: out of everybody's sight at once, and gone soon after.
//!
//! One thread does the work that nobody has to wait for but the end of the engine: without root, what was a container's
//! cannot simply be removed by its user. What an engine that was killed did not get to, the next one finds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::cgroup::Cgroup;
use crate::place::Place;

/// How long a shim may need to go, when its container has ended or was taken away.
const GOING: Duration = Duration::from_secs(5);

/// A folder of folders that are to go.
pub(crate) struct Trash {
    folder: PathBuf,
    /// Closed at the end.
    queue: Option<Sender<PathBuf>>,
    thread: Option<JoinHandle<()>>,
}

impl Trash {
    /// Begins with what an engine left in `folder` that was ended before it was done.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        let left = fs::read_dir(&folder)?;
        let (queue, waiting) = channel();
        for entry in left.filter_map(Result::ok) {
            let _ = queue.send(entry.path());
        }
        let thread = thread::Builder::new().name("direct-trash".to_owned()).spawn(move || empty(&waiting))?;
        Ok(Self { folder, queue: Some(queue), thread: Some(thread) })
    }

    /// Takes a folder away; one that is not there is fine.
    pub(crate) fn take(&self, folder: &Path) -> io::Result<()> {
        let trash = self.folder.join(uuid::Uuid::now_v7().simple().to_string());
        match fs::rename(folder, &trash) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                let _ = self.queue.as_ref().map(|queue| queue.send(trash));
                Ok(())
            }
        }
    }
}

impl Drop for Trash {
    fn drop(&mut self) {
        self.queue = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Empties the trash until nobody can put anything into it.
fn empty(waiting: &Receiver<PathBuf>) {
    while let Ok(folder) = waiting.recv() {
        let place = Place::new(folder);
        if let Ok(Some(made)) = place.made() {
            // It has the root mounted as long as it lives.
            for _ in 0..GOING.as_millis() {
                if !place.has_shim() {
                    break;
                }
                thread::sleep(Duration::from_millis(1));
            }
            Cgroup::of(&made.id).remove();
        }
        let _ = fs::remove_dir_all(place.folder());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn becomes_empty(folder: &Path) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while fs::read_dir(folder).unwrap().next().is_some() {
            if Instant::now() > until {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    #[test]
    fn what_is_taken_is_out_of_sight_at_once_and_what_was_left_goes_too() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("trash");
        fs::create_dir_all(folder.join("left/deep")).unwrap();
        let trash = Trash::open(folder.clone()).unwrap();
        for _ in 0..2 {
            let taken = home.path().join("volume");
            fs::create_dir(&taken).unwrap();
            fs::write(taken.join("file"), "text").unwrap();
            trash.take(&taken).unwrap();
            assert!(!taken.exists());
        }
        trash.take(&home.path().join("nothing")).unwrap();
        assert!(becomes_empty(&folder));
    }

    #[test]
    fn who_ends_leaves_nothing_in_it() {
        let home = tempfile::tempdir().unwrap();
        let (folder, taken) = (home.path().join("trash"), home.path().join("container"));
        fs::create_dir(&folder).unwrap();
        for index in 0..1000 {
            fs::create_dir_all(taken.join(format!("{index}/deep"))).unwrap();
        }
        let trash = Trash::open(folder.clone()).unwrap();
        trash.take(&taken).unwrap();
        drop(trash);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}
