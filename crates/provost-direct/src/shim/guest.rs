//! A program beside a container's own, with the same privileges: a health check, a call of a service.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use nix::sys::wait::{WaitStatus, waitpid};
use provost_engine::with_sources;
use rustix::fs::FileType;
use serde_json::Value;

use super::create::give;
use super::executor::Executor;
use super::groups::Groups;
use super::{ShimError, root, seccomp};
use crate::place::Place;
use crate::record::Made;

/// The exit code of a program that could not be run.
const NOT_RUN: u8 = 126;

/// Runs a program in the container whose folder this is, with this process's own streams, and ends as it ends.
pub(super) fn run(folder: &Path, command: impl Iterator<Item = OsString>) -> ExitCode {
    let command = command.map(|word| word.to_string_lossy().into_owned()).collect();
    match join(folder, command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(NOT_RUN)
        }
    }
}

fn join(folder: &Path, command: Vec<String>) -> Result<u8, ShimError> {
    let place = Place::new(PathBuf::from(folder));
    let made = place.made().map_err(ShimError::around("read what was asked for"))?.ok_or(ShimError::Usage)?;
    // Of pipes only: what the engine hands in otherwise is the host's, such as /dev/null.
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        if rustix::fs::fstat(stream).is_ok_and(|data| FileType::from_raw_mode(data.st_mode) == FileType::Fifo) {
            give(stream, made.uid)?;
        }
    }
    let worn = made.guise.is_some().then(|| namespace_of_first(&place, &made)).transpose()?;
    let executor = Executor::guest(worn, seccomp::programs(&made.capabilities)?);
    let process = Process::like_the_first(&place, command)?;
    root::leave_mounts()?;
    let groups = Groups::enter(&made)?;
    let builder = ContainerBuilder::new(made.id.clone(), SyscallType::default()).with_root_path(place.runtime());
    let joined = builder.and_then(|builder| {
        let tenant = builder.with_executor(executor).as_tenant().with_process(Some(&process.path));
        tenant.with_detach(true).build()
    });
    drop(process);
    groups.leave()?;
    let pid = joined.map_err(|error| ShimError::Container(with_sources(&error)))?;
    Ok(match waitpid(pid, None) {
        Ok(WaitStatus::Exited(_, code)) => u8::try_from(code).unwrap_or(u8::MAX),
        Ok(WaitStatus::Signaled(_, signal, _)) => 128_u8.saturating_add(signal as u8),
        _ => NOT_RUN,
    })
}

/// The user namespace of the container's first process.
fn namespace_of_first(place: &Place, made: &Made) -> Result<File, ShimError> {
    let container = Container::load(place.runtime().join(&made.id));
    let container = container.map_err(|error| ShimError::Container(with_sources(&error)))?;
    let pid = container.pid().ok_or_else(|| ShimError::Container("the container has ended".to_owned()))?;
    File::open(format!("/proc/{pid}/ns/user")).map_err(ShimError::around("look at the users of the container"))
}

/// A file that says how the program runs, for the runtime; it is gone when this is dropped.
struct Process {
    path: PathBuf,
}

impl Process {
    /// As the container's first program in everything but the command. Left to itself, the runtime would take root, and the
    /// folder `/`. It may hold secrets as variables.
    fn like_the_first(place: &Place, command: Vec<String>) -> Result<Self, ShimError> {
        let path = place.path(&format!("inside.{}", std::process::id()));
        let write = || {
            let config: Value = serde_json::from_slice(&fs::read(place.bundle().join("config.json"))?)?;
            let mut process = config["process"].clone();
            process["args"] = command.into();
            let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(&serde_json::to_vec(&process)?)
        };
        write().map_err(ShimError::around("write down what is to be run"))?;
        Ok(Self { path })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
