//! A container's control groups on version 1: this process enters them while it makes the container, which inherits
//! them, and then leaves.
//!
//! A thread that moves itself makes nobody wait. A process that is moved as a whole, as the library would move it, waits
//! until all processors of the machine have passed a point of rest, for milliseconds. This process has one thread.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::fs::{Mode, OFlags, open};

use super::ShimError;
use crate::cgroup::{self, Cgroup, OURS, ROOT};
use crate::limits::{Limit, SWAP};
use crate::record::Made;

/// Those that limit, or count what is used.
const CONTROLLERS: &[&str] = &["cpu", "memory", "pids", "devices"];
/// What moves the thread that writes it.
const THIS: &[u8] = b"0";

/// The groups of one container.
pub(super) struct Groups {
    id: String,
    entered: Vec<Entered>,
    /// What the library takes for the group.
    decoy: Option<OwnedFd>,
}

struct Entered {
    controller: &'static str,
    /// The folder of our groups: its path leads this process elsewhere.
    ours: OwnedFd,
    /// Where this process came from.
    back: File,
}

impl Groups {
    /// Makes the groups and enters them, where it is not the runtime that does. This process must have mounts of its own.
    pub(super) fn enter(made: &Made) -> Result<Self, ShimError> {
        let mut groups = Self { id: made.id.clone(), entered: Vec::new(), decoy: None };
        if made.rootless && !cgroup::is_unified() {
            hide().map_err(ShimError::around("hide control groups from the runtime"))?;
        }
        if made.limits.is_empty() {
            return Ok(groups);
        }
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        for controller in CONTROLLERS.iter().filter(|name| Path::new(ROOT).join(name).join("tasks").exists()) {
            let entered = groups.enter_one(controller, group_of(&own, controller));
            entered.map_err(ShimError::around(format!("enter the control group of the container for {controller}")))?;
        }
        let decoy = lay_decoy(&groups.id).map_err(ShimError::around("hide control groups from the runtime"))?;
        groups.decoy = Some(decoy);
        Ok(groups)
    }

    fn enter_one(&mut self, controller: &'static str, own: &str) -> io::Result<()> {
        let root = Path::new(ROOT).join(controller);
        let ours = root.join(OURS);
        let group = ours.join(&self.id);
        fs::create_dir_all(&group)?;
        let back = overwritten(&root.join(own).join("tasks")).or_else(|_| overwritten(&root.join("tasks")))?;
        overwritten(&group.join("tasks"))?.write_all(THIS)?;
        self.entered.push(Entered { controller, ours: held(&ours)?, back });
        Ok(())
    }

    /// Goes back to where this process came from.
    pub(super) fn leave(&self) -> Result<(), ShimError> {
        let left = self.entered.iter().try_for_each(|entered| (&entered.back).write_all(THIS));
        left.map_err(ShimError::around("leave the control groups of the container"))
    }

    /// Sets the limits, which from then on are the container's alone.
    pub(super) fn limit(&self, limits: &[Limit]) -> Result<(), ShimError> {
        for Limit { controller, file, value } in limits {
            let group = self.entered.iter().find(|entered| entered.controller == controller);
            let opened = group.ok_or(io::ErrorKind::NotFound.into());
            let opened = opened.and_then(|group| overwritten(&self.folder(&group.ours).join(file)));
            // A kernel that does not count swap has nothing to limit it by.
            if file == SWAP && opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                continue;
            }
            let written = opened.and_then(|mut file| file.write_all(value.as_bytes()));
            written.map_err(|error| ShimError::Container(format!("cannot limit {file} to {value}: {error}")))?;
        }
        Ok(())
    }

    /// What there is to look at, and to take away.
    pub(super) fn cgroup(&self) -> Cgroup {
        if self.entered.is_empty() {
            return Cgroup::of(&self.id);
        }
        let folders = self.entered.iter().map(|entered| &entered.ours).chain(&self.decoy);
        Cgroup::in_folders(folders.map(|ours| self.folder(ours)).collect())
    }

    fn folder(&self, ours: &OwnedFd) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", ours.as_raw_fd())).join(&self.id)
    }
}

/// A file of a control group.
fn overwritten(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

fn held(folder: &Path) -> io::Result<OwnedFd> {
    Ok(open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Shows the library a tree of version 2 instead, in this process's mounts, with an empty group whose list takes what is
/// written and moves nothing. On version 1, it would look for each of twelve controllers in the list of all mounts.
fn lay_decoy(id: &str) -> io::Result<OwnedFd> {
    let none = None::<&str>;
    mount(Some("none"), ROOT, Some("cgroup2"), MsFlags::empty(), none)?;
    let ours = Path::new(ROOT).join(OURS);
    fs::create_dir_all(ours.join(id))?;
    mount(Some("/dev/null"), &ours.join(id).join("cgroup.procs"), none, MsFlags::MS_BIND, none)?;
    held(&ours)
}

/// Shows the library a tree of version 2 in which it may do nothing, which it takes as it is without root.
fn hide() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWCGROUP)?;
    Ok(mount(Some("none"), ROOT, Some("cgroup2"), MsFlags::empty(), None::<&str>)?)
}

/// The group that a process is in, by the list of its groups: a path below the root of the controller.
fn group_of<'a>(list: &'a str, controller: &str) -> &'a str {
    let groups = list.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let mut found = groups.filter(|(names, _)| names.split(',').any(|name| name == controller));
    found.next().map_or("", |(_, path)| path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_controller() {
        let list = "4:memory:/\n3:cpu,cpuacct:/system.slice/provost.service\n1:name=systemd:/x\n0::/y\n";
        assert_eq!(group_of(list, "cpu"), "system.slice/provost.service");
        assert_eq!((group_of(list, "memory"), group_of(list, "pids")), ("", ""));
    }
}
