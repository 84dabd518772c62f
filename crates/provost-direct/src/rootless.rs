//! Without root: a process enters a user namespace, in which it is root over what its user has, and nothing else.
//!
//! All that this engine does can be done there but two things, which are the machine's: limits by control groups, and
//! networks that lead somewhere. The namespace is the user's own id and, where `/etc/subuid` and `/etc/subgid` give it a
//! range and `newuidmap` is there to hand it out, those. With one id alone every file of an image is root's, and a program
//! that is to be somebody else takes itself for that one; see the module `users`.
//!
//! Containers outlive the engine, and only who is in their namespace can reach into them. So a process that finds shims at
//! work enters theirs.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use serde::{Deserialize, Serialize};

use crate::engine::ShimProgram;
use crate::users::{Users, map_alone};

/// Where users are given ranges of ids. Source: subuid(5).
const RANGES: [&str; 2] = ["/etc/subuid", "/etc/subgid"];
/// What hands them out, which is installed with the rights for it.
const HELPERS: [&str; 2] = ["newuidmap", "newgidmap"];

/// How long a thread that has ended may still be there.
const GOING_MS: u32 = 500;

/// Why this process cannot be root of its own.
#[derive(Debug, thiserror::Error)]
pub enum RootlessError {
    /// The kernel does not let this user.
    #[error(
        "the kernel lets this user make no user namespace ({0}): allow it (sysctl user.max_user_namespaces, \
         kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or start Provost as root"
    )]
    Forbidden(io::Error),
    /// The ids of its ranges were not handed out.
    #[error(
        "the ids of /etc/subuid and /etc/subgid are not handed out: {0}; correct those files, or install the package uidmap anew"
    )]
    Ranges(String),
    /// Shims are at work in a namespace that is not this user's.
    #[error("containers of {folder} run in a namespace that this user cannot enter: {source}; they are another user's")]
    Others {
        /// The engine's folder.
        folder: String,
        /// Why not.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot {what}: {source}")]
    Around {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// Makes this process root of a user namespace of its user; of one that is root already, nothing changes. It must have
/// one thread only. `folder` is the engine's.
///
/// Errors: see [`RootlessError`].
pub fn enter(folder: &Path, shim: &ShimProgram) -> Result<(), RootlessError> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    match namespace_of_shims(folder) {
        Some(namespace) => join(&namespace, folder),
        None => make(shim),
    }
}

/// What containers lack because this process is not root, and how to mend it; nothing for root.
#[must_use]
pub fn lacks() -> Vec<(String, String)> {
    let Some(users) = Users::here().ok().filter(|users| !users.are_all()) else {
        return Vec::new();
    };
    let of_machine = (
        "Provost is not root: limits of memory, processors and processes are not kept, and there is no network but `None` and \
         `Host`",
        "start it as root, or use Docker or Podman",
    );
    let of_users = (
        "Provost has one user to give to containers: every file of an image is that user's, and no program can become another",
        "give its user ranges of ids (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER) and install the \
         package uidmap",
    );
    let lacking = if users.are_one() { vec![of_machine, of_users] } else { vec![of_machine] };
    lacking.into_iter().map(|(what, mend)| (what.to_owned(), mend.to_owned())).collect()
}

fn join(namespace: &File, folder: &Path) -> Result<(), RootlessError> {
    alone(|| setns(namespace.as_fd(), CloneFlags::CLONE_NEWUSER))
        .map_err(|error| RootlessError::Others { folder: folder.display().to_string(), source: error.into() })
}

/// Enters a namespace, for which there may be no other thread. One that has been waited for can be there for a moment more.
fn alone(enter: impl Fn() -> nix::Result<()>) -> nix::Result<()> {
    for _ in 0..GOING_MS {
        match enter() {
            Err(Errno::EINVAL) => thread::sleep(Duration::from_millis(1)),
            entered => return entered,
        }
    }
    enter()
}

/// The user namespace of the shims that work for this engine, if it is not this process's.
fn namespace_of_shims(folder: &Path) -> Option<File> {
    let containers = folder.canonicalize().ok()?.join("containers");
    let own = fs::metadata("/proc/self/ns/user").ok()?.ino();
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let shims = processes.filter(|process| is_shim_of(&containers, process) && has_root(process));
    let namespaces = shims.filter_map(|process| File::open(process.join("ns/user")).ok());
    namespaces.into_iter().find(|namespace| namespace.metadata().is_ok_and(|data| data.ino() != own))
}

/// Whether a process was started as `… shim run FOLDER` for one of these containers.
fn is_shim_of(containers: &Path, process: &Path) -> bool {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    words.windows(2).any(|pair| {
        let place = Path::new(std::ffi::OsStr::from_bytes(pair[1]));
        pair[0] == b"run" && place.parent() == Some(containers)
    })
}

/// Whether there is a root where a process is. Where the first process of a container is, which was a shim's, there may be
/// none; see the module `users`.
fn has_root(process: &Path) -> bool {
    fs::read_to_string(process.join("uid_map")).is_ok_and(|map| map.trim_start().starts_with("0 "))
}

/// Makes a namespace of this user's and enters it.
fn make(shim: &ShimProgram) -> Result<(), RootlessError> {
    let around = |what| move |source: io::Error| RootlessError::Around { what, source };
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let ranges = ranges(uid).filter(|_| HELPERS.iter().all(|helper| is_installed(helper)));
    // Who maps for others has to stay outside.
    let mapper = ranges.is_some().then(|| Mapper::start(shim)).transpose().map_err(around("start a process"))?;
    alone(|| unshare(CloneFlags::CLONE_NEWUSER)).map_err(|error| RootlessError::Forbidden(error.into()))?;
    match (mapper, ranges) {
        (Some(mapper), Some(ranges)) => mapper.map(&Maps::new(uid, gid, &ranges)),
        _ => map_alone((0, 0), (uid, gid)).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => RootlessError::Forbidden(error),
            _ => around("map this user")(error),
        }),
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The ranges that a user was given, of users and of groups: the first and how many. Absent where it lacks one of them.
fn ranges(uid: u32) -> Option<[Vec<(u32, u32)>; 2]> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = RANGES.map(|file| ranges_in(&fs::read_to_string(file).unwrap_or_default(), uid, name_of(uid, &passwd)));
    found.iter().all(|ranges| !ranges.is_empty()).then_some(found)
}

fn name_of(uid: u32, passwd: &str) -> Option<&str> {
    let mut fields = passwd.lines().map(|line| line.split(':'));
    fields.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

fn ranges_in(text: &str, uid: u32, name: Option<&str>) -> Vec<(u32, u32)> {
    let lines = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.trim().split(':').collect();
        let [owner, first, count] = fields[..] else { return None };
        let is_own = Some(owner) == name || owner.parse() == Ok(uid);
        Some((first.parse().ok()?, count.parse().ok()?)).filter(|_| is_own)
    });
    lines.collect()
}

/// What `newuidmap` and `newgidmap` are to be told of a process.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Maps {
    pid: u32,
    /// Each: the first id inside, the first outside, how many.
    maps: [Vec<[u32; 3]>; 2],
}

impl Maps {
    fn new(uid: u32, gid: u32, [users, groups]: &[Vec<(u32, u32)>; 2]) -> Self {
        Self { pid: std::process::id(), maps: [laid_out(uid, users), laid_out(gid, groups)] }
    }
}

/// Root is the user itself; the ranges follow, one after the other.
fn laid_out(own: u32, ranges: &[(u32, u32)]) -> Vec<[u32; 3]> {
    let mut map = vec![[0, own, 1]];
    let mut next = 1_u32;
    for (first, count) in ranges {
        map.push([next, *first, *count]);
        next = next.saturating_add(*count);
    }
    map
}

/// A process that stays outside, and has ids handed out to this one.
struct Mapper(Child);

impl Mapper {
    fn start(shim: &ShimProgram) -> io::Result<Self> {
        let mut command = Command::new(&shim.program);
        let command = command.args(&shim.args).arg("map").stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map(Self)
    }

    fn map(mut self, maps: &Maps) -> Result<(), RootlessError> {
        let around = |source: io::Error| RootlessError::Around { what: "have ids handed out", source };
        let text = serde_json::to_vec(maps).map_err(|error| around(error.into()))?;
        // Closed when it is written.
        if let Some(mut order) = self.0.stdin.take() {
            order.write_all(&text).map_err(around)?;
        }
        let output = self.0.wait_with_output().map_err(around)?;
        if output.status.success() {
            return Ok(());
        }
        Err(RootlessError::Ranges(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// What the process does that stays outside: it is told on its standard input, and has ids handed out. Whether they were;
/// what hands them out says why not.
pub(crate) fn map() -> bool {
    let mut text = Vec::new();
    let read = io::stdin().read_to_end(&mut text).map(|_| serde_json::from_slice::<Maps>(&text));
    let Ok(Ok(Maps { pid, maps })) = read else { return false };
    HELPERS.iter().zip(maps).all(|(helper, map)| {
        let numbers = map.iter().flatten().map(u32::to_string);
        Command::new(helper).arg(pid.to_string()).args(numbers).status().is_ok_and(|status| status.success())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_a_users_by_name_or_id() {
        let passwd = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!((name_of(1000, passwd), name_of(7, passwd)), (Some("ada"), None));
        let text = "ada:100000:65536\nbob:200000:65536\n1000:300000:10\nada:broken\n";
        assert_eq!(ranges_in(text, 1000, Some("ada")), [(100_000, 65_536), (300_000, 10)]);
        assert_eq!(ranges_in(text, 1001, None), []);
    }

    #[test]
    fn the_user_is_root_and_its_ranges_follow() {
        let map = laid_out(1000, &[(100_000, 65_536), (300_000, 10)]);
        assert_eq!(map, [[0, 1000, 1], [1, 100_000, 65_536], [65_537, 300_000, 10]]);
    }

    #[test]
    fn shims_are_known_by_what_they_were_started_with() {
        let process = tempfile::tempdir().unwrap();
        let is_shim = |line: &str| {
            fs::write(process.path().join("cmdline"), line).unwrap();
            is_shim_of(Path::new("/var/engine/containers"), process.path())
        };
        assert!(is_shim("/proc/self/exe\0shim\0run\0/var/engine/containers/one\0"));
        assert!(!is_shim("/proc/self/exe\0shim\0run\0/other/containers/one\0"));
        assert!(!is_shim("/proc/self/exe\0shim\0inside\0/var/engine/containers/one\0"));
        assert!(!is_shim(""));
        let has_root = |map: &str| {
            fs::write(process.path().join("uid_map"), map).unwrap();
            has_root(process.path())
        };
        assert!(has_root("         0       1000          1\n") && !has_root("     65532       1000          1\n"));
    }
}
