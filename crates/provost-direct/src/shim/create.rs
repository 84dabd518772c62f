//! From a bundle to a container that waits for its start.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use provost_engine::with_sources;
use rustix::fs::{Mode, Uid, fchown};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, setsid, umask};

use super::executor::Executor;
use super::groups::Groups;
use super::network::Link;
use super::own_users::Way;
use super::{ShimError, network, root, seccomp};
use crate::cgroup;
use crate::place::{Place, SOCKET};
use crate::record::Made;

/// A container that waits for its start, with all that its shim holds of it.
pub(super) struct Waiting {
    pub(super) container: Container,
    pub(super) groups: Groups,
    /// The container's first process, a child of this one.
    pub(super) first: Pid,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// Where the first process says that the program runs, or why it does not.
    pub(super) word: OwnedFd,
    pub(super) socket: UnixListener,
    pub(super) link: Link,
    /// Held until the end: so the engine knows that this process lives.
    pub(super) _lock: OwnedFd,
}

/// Makes the container. `folder` is the absolute path of `place`, for the runtime.
pub(super) fn create(place: &Place, made: &Made, folder: &Path) -> Result<Waiting, ShimError> {
    // One that was started as the leader of its group already is fine.
    let _ = setsid();
    // The server's own may keep everybody out, and the top folder of the root would too.
    umask(Mode::from_raw_mode(0o022));
    let lock = hold().map_err(ShimError::around("hold the lock of the container"))?;
    cgroup::leave_group_of_server();
    root::leave(made)?;
    if made.network.is_none() && made.own_users.is_none() {
        network::prepare()?;
    }
    let way = root::mount_root(place, made, folder)?;
    clear(place)?;
    let groups = Groups::enter(made)?;
    let built = build(made, folder).and_then(|built| {
        way.map_or(Ok(()), Way::close)?;
        groups.leave()?;
        groups.limit(&made.limits)?;
        Ok(built)
    });
    let Built { container, first, stdout, stderr, word, link } = built.inspect_err(|_| {
        // Not before this process is out: what is in the groups is ended.
        if groups.leave().is_ok() {
            groups.cgroup().remove();
        }
    })?;
    let socket = UnixListener::bind(SOCKET).map_err(ShimError::around("listen for the engine"))?;
    place.set_ready().map_err(ShimError::around("write down that the container is ready"))?;
    Ok(Waiting { container, groups, first, stdout, stderr, word, socket, link, _lock: lock })
}

/// What comes of the runtime's work.
struct Built {
    container: Container,
    first: Pid,
    stdout: OwnedFd,
    stderr: OwnedFd,
    word: OwnedFd,
    link: Link,
}

/// Has the runtime make the container.
fn build(made: &Made, folder: &Path) -> Result<Built, ShimError> {
    let [out, err, word] = [pipe()?, pipe()?, pipe()?];
    give(&out.1, made.uid)?;
    give(&err.1, made.uid)?;
    let executor = Executor::first(made.guise, seccomp::program(&made.capabilities), word.1);
    let builder = ContainerBuilder::new(made.id.clone(), SyscallType::default())
        .with_root_path(folder.join("runtime"))
        .map(|builder| builder.with_executor(executor).with_stdout(out.1).with_stderr(err.1));
    let container = builder.and_then(|builder| builder.as_init(folder.join("bundle")).with_systemd(false).build());
    let container = container.map_err(|error| ShimError::Container(with_sources(&error)))?;
    let first = container.pid().and_then(|pid| Pid::from_raw(pid.as_raw()));
    let first = first.ok_or_else(|| ShimError::Container("the container ended before it began".to_owned()))?;
    let link = Link::open(made, first)?;
    Ok(Built { container, first, stdout: out.0, stderr: err.0, word: word.0, link })
}

/// The lock of the place, which the engine has taken and handed over as the standard input.
fn hold() -> io::Result<OwnedFd> {
    let lock = fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(lock)
}

/// Takes away what a shim has left that was ended before its container's start.
fn clear(place: &Place) -> Result<(), ShimError> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    gone(fs::remove_file(place.path(SOCKET)))
        .and_then(|()| gone(fs::remove_dir_all(place.runtime())))
        .and_then(|()| fs::create_dir(place.runtime()))
        .map_err(ShimError::around("clear the folder of the container"))
}

/// A pipe, its reading end first.
fn pipe() -> Result<(OwnedFd, OwnedFd), ShimError> {
    pipe_with(PipeFlags::CLOEXEC).map_err(ShimError::around("make a pipe"))
}

/// Lets a user open a stream by its name, `/dev/stdout`.
pub(super) fn give(stream: impl AsFd, uid: u32) -> Result<(), ShimError> {
    fchown(stream, Some(Uid::from_raw(uid)), None).map_err(ShimError::around("give the container its streams"))
}
