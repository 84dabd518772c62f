//! A user namespace of a container's own, in which its root is nobody on the machine.
//!
//! The container's files keep their owners on the disk: where the machine's root owns one, the container's does, because
//! what is mounted into it is mounted with its users mapped. So images and volumes are the same for all containers, and
//! nothing is handed from one owner to the next. Only what it writes to its root has its own users on the disk, since the
//! upper folder of an overlay cannot be mapped; it goes with the container.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use libcontainer::syscall::linux::MountAttr;
use libcontainer::syscall::syscall::create_syscall;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use rustix::fs::{CWD, Gid, Uid};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use rustix::thread::{CapabilitySet, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::{MAKER, ShimError, again, powers};
use crate::place::Place;
use crate::users::OwnUsers;

/// That the users of a mount are mapped. Source: `linux/mount.h`, `MOUNT_ATTR_IDMAP`.
const IDMAP: u64 = 0x0010_0000;
/// Of the mount that is handed in, and of all below it. Source: `linux/fcntl.h`, `AT_EMPTY_PATH`, `AT_RECURSIVE`.
const ALL_OF_IT: u32 = 0x1000 | 0x8000;

/// A mount of its own, with all that is mounted below.
const WITH_ALL_BELOW: OpenTreeFlags =
    OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC).union(OpenTreeFlags::AT_RECURSIVE);

/// Makes the namespace, and all that the container gets of the machine with its users; returns the folders of its image,
/// and the way to them.
pub(super) fn prepare(place: &Place, own: &OwnUsers, layers: &[PathBuf]) -> Result<(Vec<PathBuf>, Way), ShimError> {
    let users = make(own.first).map_err(ShimError::around("make a user namespace for the container"))?;
    hold(&users, &place.users()).map_err(ShimError::around("hold the user namespace of the container"))?;
    let mapped = |source: &PathBuf, target: PathBuf| {
        map(source, &target, &users).map(|()| target).map_err(|error| {
            let source = source.display();
            ShimError::Container(format!(
                "{source} cannot be mounted with users of the container's own (`userNamespace`): {error}; it needs Linux \
                 5.19 or newer and a file system that can do it, as ext4, XFS and Btrfs can"
            ))
        })
    };
    for (index, source) in own.bound.iter().enumerate() {
        mapped(source, place.bound(index))?;
    }
    let layers = layers.iter().enumerate().map(|(index, layer)| mapped(layer, place.layer(index)));
    let layers = layers.collect::<Result<_, _>>()?;
    let way = Way::open(place.folder()).map_err(ShimError::around("let the container's root reach its files"))?;
    Ok((layers, way))
}

/// Who a program is to be that joins a container with users of its own.
pub(super) struct Joining {
    pub(super) namespace: File,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
    pub(super) capabilities: Vec<String>,
}

/// What a process must be able to do that joins so.
pub(super) const NEEDED: &str = "CAP_SYS_ADMIN";

impl Joining {
    /// Makes this process, which is in all other namespaces of the container, one of its users. The runtime leaves this
    /// namespace out.
    pub(super) fn join(&self) -> io::Result<()> {
        setns(&self.namespace, CloneFlags::CLONE_NEWUSER)?;
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        let (user, group) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let known = self.capabilities.iter().filter_map(|name| CapabilitySet::from_name(name.strip_prefix("CAP_")?));
        let bound = known.fold(CapabilitySet::empty(), CapabilitySet::union);
        powers::bound_by(bound)?;
        set_thread_groups(&groups)?;
        set_thread_res_gid(group, group, group)?;
        set_thread_res_uid(user, user, user)?;
        powers::hold(if user.is_root() { bound } else { CapabilitySet::empty() })
    }
}

/// A way to a folder for everybody in this process's mounts, as long as the runtime needs it. The engine's own folder is
/// closed to all but the machine's root, who the container's root is not; so what is closed is covered, and of what is in it
/// this folder alone is laid on top.
pub(super) struct Way {
    /// What is covered, if it has to be.
    covered: Option<PathBuf>,
    folder: PathBuf,
}

impl Way {
    fn open(folder: &Path) -> io::Result<Self> {
        let is_closed = |path: &&Path| path.metadata().is_ok_and(|data| data.mode() & 0o001 == 0);
        let covered = folder.ancestors().skip(1).filter(is_closed).last().map(Path::to_path_buf);
        if let Some(covered) = &covered {
            let tree = open_tree(CWD, folder, WITH_ALL_BELOW)?;
            mount(Some("none"), covered, Some("tmpfs"), MsFlags::empty(), Some("mode=755,size=64k"))?;
            fs::create_dir_all(folder)?;
            move_mount(tree, "", CWD, folder, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        }
        Ok(Self { covered, folder: folder.to_path_buf() })
    }

    /// Uncovers all again. The container has mounts of its own by now.
    pub(super) fn close(self) -> Result<(), ShimError> {
        let Some(covered) = self.covered else { return Ok(()) };
        let uncovered = umount2(&covered, MntFlags::MNT_DETACH).map_err(io::Error::from);
        let entered = uncovered.and_then(|()| std::env::set_current_dir(&self.folder));
        entered.map_err(ShimError::around("come back to the folder of the container"))
    }
}

/// A namespace whose root is `first`. A process makes it that is gone when it is held here: this one cannot be in it.
fn make(first: u32) -> io::Result<File> {
    let mut maker = again(MAKER).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let begun = maker.stdout.take().map_or(Ok(()), |mut begun| begun.read_exact(&mut [0]));
    let namespace = begun.and_then(|()| map_ids(&format!("/proc/{}", maker.id()), first));
    drop(maker.stdin.take());
    maker.wait()?;
    namespace
}

/// What that process does. Whether it has made one.
pub(super) fn enter_and_wait() -> bool {
    let entered = unshare(CloneFlags::CLONE_NEWUSER).map_err(io::Error::from);
    let told = entered.and_then(|()| io::stdout().write_all(b"+")).and_then(|()| io::stdout().flush());
    told.and_then(|()| io::stdin().read_to_end(&mut Vec::new())).is_ok()
}

/// Says who is in the namespace of a process, and returns it. Source: user_namespaces(7).
fn map_ids(process: &str, first: u32) -> io::Result<File> {
    let map = format!("0 {first} {}\n", OwnUsers::COUNT);
    fs::write(format!("{process}/uid_map"), &map)?;
    fs::write(format!("{process}/gid_map"), &map)?;
    File::open(format!("{process}/ns/user"))
}

/// Lets a namespace be found at a path, in this process's mounts.
fn hold(namespace: &File, at: &Path) -> io::Result<()> {
    File::create(at)?;
    let source = PathBuf::from(format!("/proc/self/fd/{}", namespace.as_raw_fd()));
    Ok(mount(Some(&source), at, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
}

/// Mounts `source` at `target`, a new folder or file, with its users mapped.
fn map(source: &Path, target: &Path, users: &File) -> io::Result<()> {
    make_place(source, target)?;
    let tree = open_tree(CWD, source, WITH_ALL_BELOW)?;
    let userns_fd = u64::try_from(users.as_raw_fd()).unwrap_or_default();
    let change = MountAttr { attr_set: IDMAP, attr_clr: 0, propagation: 0, userns_fd };
    let changed =
        create_syscall().mount_setattr(tree.as_fd(), Path::new(""), ALL_OF_IT, &change, size_of::<MountAttr>());
    changed.map_err(io::Error::other)?;
    Ok(move_mount(tree, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

/// A folder or file to mount on. A shim that was ended before its container's start may have left one.
fn make_place(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_dir() {
        return fs::create_dir_all(target);
    }
    target.parent().map_or(Ok(()), fs::create_dir_all)?;
    File::create(target).map(drop)
}
