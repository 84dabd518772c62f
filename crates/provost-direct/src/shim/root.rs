//! The container's root: the folders of its image laid over each other, and one to write into on top.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Component, Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Uid, chownat, mkdirat, openat2};
use rustix::io::Errno;
use rustix::thread::set_thread_groups;

use super::ShimError;
use super::own_users::{self, Way};
use crate::place::Place;
use crate::record::Made;

/// Gives this process mounts of its own, which end with it, and a network if the container is to have this process's.
pub(super) fn leave(made: &Made) -> Result<(), ShimError> {
    let network =
        if made.network.is_none() && made.own_users.is_none() { CloneFlags::CLONE_NEWNET } else { CloneFlags::empty() };
    leave_namespaces(CloneFlags::CLONE_NEWNS | network)
}

/// Gives this process mounts of its own.
pub(super) fn leave_mounts() -> Result<(), ShimError> {
    leave_namespaces(CloneFlags::CLONE_NEWNS)
}

fn leave_namespaces(flags: CloneFlags) -> Result<(), ShimError> {
    // What the server's user is in besides is not the container's. With one id alone, the kernel keeps them.
    let _ = set_thread_groups(&[]);
    unshare(flags)
        .map_err(ShimError::around("leave the namespaces of the host; the direct engine has to run as root"))?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_SLAVE | MsFlags::MS_REC, none)
        .map_err(ShimError::around("keep mounts to this process"))
}

/// Mounts the container's root into its bundle.
///
/// Devices in it are none: what a process makes there with `mknod` cannot be opened. The folder to write into is never
/// written back in time (`volatile`), since it goes with the container; to unmount it would else wait for the disk.
pub(super) fn mount_root(place: &Place, made: &Made, folder: &Path) -> Result<Option<Way>, ShimError> {
    let (layers, way) = match &made.own_users {
        Some(own) => {
            let (layers, way) = own_users::prepare(&Place::new(folder.to_path_buf()), own, &made.layers)?;
            (layers, Some(way))
        }
        None => (made.layers.clone(), None),
    };
    let owner = made.own_users.as_ref().map(|own| own.first);
    let [root, upper, work] = [place.bundle().join("rootfs"), place.path("upper"), place.path("work")];
    for part in [&root, &upper, &work] {
        fresh(part).map_err(ShimError::around(format!("make the folder {}", part.display())))?;
    }
    if owner.is_some() {
        chown(&upper, owner, owner).map_err(ShimError::around("give the container its root"))?;
    }
    let base = common_folder(&layers);
    let lower: Vec<String> =
        layers.iter().rev().map(|layer| escaped(layer.strip_prefix(&base).unwrap_or(layer))).collect();
    let here = |part: &str| escaped(&folder.join(part));
    let (upper, work) = (here("upper"), here("work"));
    let mut options = format!("lowerdir={},upperdir={upper},workdir={work},volatile", lower.join(":"));
    if made.user_xattrs {
        options.push_str(",userxattr");
    }
    // Short names, because all options together may have no more than a page.
    std::env::set_current_dir(&base).map_err(ShimError::around(format!("enter {}", base.display())))?;
    let target = folder.join("bundle/rootfs");
    let mounted = mount(Some("overlay"), &target, Some("overlay"), MsFlags::MS_NODEV, Some(options.as_str()));
    std::env::set_current_dir(folder).map_err(ShimError::around(format!("enter {}", folder.display())))?;
    mounted.map_err(ShimError::around(format!("lay the {} layers of the image over each other", layers.len())))?;
    let made = made.folders.iter().try_for_each(|folder| {
        make_folder(&target, folder, owner)
            .map_err(ShimError::around(format!("make the folder {folder} in the container")))
    });
    made.map(|()| way)
}

/// Makes a folder below `root`, where there is none. Links of the image's are followed as in the container: none leads
/// out.
fn make_folder(root: &Path, path: &str, owner: Option<u32>) -> rustix::io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = openat2(CWD, root, flags, Mode::empty(), ResolveFlags::empty())?;
    let top = folder.try_clone().map_err(|_| Errno::MFILE)?;
    let mut done = PathBuf::new();
    for name in Path::new(path).components().filter(|part| matches!(part, Component::Normal(_))) {
        done.push(name);
        folder = match openat2(&top, &done, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            Err(Errno::NOENT) => {
                mkdirat(&folder, name.as_os_str(), Mode::from_raw_mode(0o755))?;
                let (user, group) = (owner.map(Uid::from_raw), owner.map(Gid::from_raw));
                chownat(&folder, name.as_os_str(), user, group, AtFlags::SYMLINK_NOFOLLOW)?;
                openat2(&top, &done, flags, Mode::empty(), ResolveFlags::IN_ROOT)?
            }
            opened => opened?,
        };
    }
    Ok(())
}

/// An empty folder. A shim that was ended before its container's start may have left one.
fn fresh(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(path)
}

/// The folder that all paths have in common; of one path, the folder that it lies in.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let parent = |path: &PathBuf| path.parent().unwrap_or(path).to_path_buf();
    let mut common = paths.first().map(parent).unwrap_or_else(|| PathBuf::from("/"));
    for path in paths {
        while !path.starts_with(&common) && common.pop() {}
    }
    common
}

/// A path as an option of the overlay file system.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_by_what_they_differ_in() {
        let common = |paths: &[&str]| common_folder(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(common(&["/i/layers/a", "/i/layers/b"]), Path::new("/i/layers"));
        assert_eq!(common(&["/i/layers/a/fs", "/i/layers/b/fs"]), Path::new("/i/layers"));
        assert_eq!(common(&["/i/layers/a"]), Path::new("/i/layers"));
        assert_eq!(common(&["/a/x", "/b/x"]), Path::new("/"));
        assert_eq!(escaped(Path::new("/a:b,c")), "/a\\:b\\,c");
    }
}
