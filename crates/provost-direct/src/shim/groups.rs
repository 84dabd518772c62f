//! A container's control groups on version 1: this process enters them while it makes the container, which inherits
//! them, and then leaves.
//!
//! A thread that moves itself makes nobody wait. A process that is moved as a whole, as the library would move it, waits
//! until all processors of the machine have passed a point of rest, for milliseconds. This process has one thread.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rustix::fs::{Mode, OFlags, open};

use super::ShimError;
use crate::cgroup::{Cgroup, OURS, ROOT};
use crate::limits::Limit;
use crate::record::Made;

/// Those that limit, or count what is used.
const CONTROLLERS: &[&str] = &["cpu", "memory", "pids", "devices"];

/// The groups of one container.
pub(super) struct Groups {
    id: String,
    entered: Vec<Entered>,
}

struct Entered {
    controller: &'static str,
    /// The folder of our groups: the path to it is hidden from this process.
    ours: OwnedFd,
    /// Where this process came from.
    back: File,
}

impl Groups {
    /// Makes the groups and enters them, where it is not the runtime that does.
    pub(super) fn enter(made: &Made) -> Result<Self, ShimError> {
        let mut groups = Self { id: made.id.clone(), entered: Vec::new() };
        if made.limits.is_empty() {
            return Ok(groups);
        }
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        for controller in CONTROLLERS.iter().filter(|name| Path::new(ROOT).join(name).join("tasks").exists()) {
            let around = || format!("enter the control group of the container for {controller}");
            groups.enter_one(controller, &own).map_err(ShimError::around(around()))?;
        }
        hide().map_err(ShimError::around("hide control groups"))?;
        Ok(groups)
    }

    fn enter_one(&mut self, controller: &'static str, own: &str) -> io::Result<()> {
        let root = Path::new(ROOT).join(controller);
        let ours = root.join(OURS);
        let group = ours.join(&self.id);
        fs::create_dir_all(&group)?;
        let before = [root.join(group_of(own, controller)), root].map(|group| group.join("tasks"));
        let before = before.iter().find(|tasks| tasks.exists()).ok_or(io::ErrorKind::NotFound)?;
        let back = File::options().write(true).open(before)?;
        let ours = open(ours, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        enter(&group.join("tasks"))?;
        self.entered.push(Entered { controller, ours, back });
        Ok(())
    }

    /// Goes back to where this process came from.
    pub(super) fn leave(&self) -> Result<(), ShimError> {
        let left = self.entered.iter().try_for_each(|entered| (&entered.back).write_all(b"0"));
        left.map_err(ShimError::around("leave the control groups of the container"))
    }

    /// Sets the limits, which from then on are the container's alone.
    pub(super) fn limit(&self, limits: &[Limit]) -> Result<(), ShimError> {
        for Limit { controller, file, value } in limits {
            let group = self.entered.iter().find(|entered| entered.controller == controller);
            let path = group.map(|entered| self.folder(entered).join(file)).ok_or(io::ErrorKind::NotFound);
            let written = path.map_err(io::Error::from).and_then(|path| overwrite(&path, value));
            written.map_err(|error| ShimError::Container(format!("cannot limit {file} to {value}: {error}")))?;
        }
        Ok(())
    }

    /// What there is to look at, and to take away.
    pub(super) fn cgroup(&self) -> Cgroup {
        if self.entered.is_empty() {
            return Cgroup::of(&self.id);
        }
        Cgroup::in_folders(self.entered.iter().map(|entered| self.folder(entered)).collect())
    }

    fn folder(&self, entered: &Entered) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", entered.ours.as_raw_fd())).join(&self.id)
    }
}

/// Moves this thread.
fn enter(tasks: &Path) -> io::Result<()> {
    overwrite(tasks, "0")
}

fn overwrite(path: &Path, value: &str) -> io::Result<()> {
    File::options().write(true).open(path)?.write_all(value.as_bytes())
}

/// Takes the control groups out of this process's mounts: what the library does not find, it leaves alone.
fn hide() -> nix::Result<()> {
    umount2(ROOT, MntFlags::MNT_DETACH)?;
    mount(Some("none"), ROOT, Some("tmpfs"), MsFlags::MS_RDONLY, None::<&str>)
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
