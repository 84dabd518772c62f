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
use serde_json::{Value, json};

use super::create::give;
use super::executor::{Entry, Executor};
use super::groups::Groups;
use super::own_users::Joining;
use super::{ShimError, own_users, root, seccomp};
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
    let config = fs::read(place.bundle().join("config.json")).map(|text| serde_json::from_slice::<Value>(&text));
    let config = config.and_then(|read| Ok(read?)).map_err(ShimError::around("read how the container is made"))?;
    // As the container's first program in everything but the command.
    let mut process = config["process"].clone();
    process["args"] = command.into();
    let entry = entry(&place, &made, &mut process)?;
    let executor = Executor::guest(entry, seccomp::program(&made.capabilities));
    let process = Process::write(&place, &process)?;
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

/// How the program comes to the container's users, and who it is until then.
fn entry(place: &Place, made: &Made, process: &mut Value) -> Result<Entry, ShimError> {
    if made.own_users.is_some() {
        let id = |value: &Value| u32::try_from(value.as_u64().unwrap_or_default()).unwrap_or_default();
        let user = process["user"].take();
        let groups = user["additionalGids"].as_array().map(|groups| groups.iter().map(id).collect());
        process["user"] = json!({"uid": 0, "gid": 0});
        let needed = json!([own_users::NEEDED]);
        process["capabilities"] = json!({"bounding": needed, "effective": needed, "permitted": needed});
        return Ok(Entry::Own(Joining {
            namespace: namespace_of_first(place, made)?,
            uid: id(&user["uid"]),
            gid: id(&user["gid"]),
            groups: groups.unwrap_or_default(),
            capabilities: made.capabilities.clone(),
        }));
    }
    Ok(if made.guise.is_some() { Entry::Guise(namespace_of_first(place, made)?) } else { Entry::None })
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
    /// Left to itself, the runtime would take root, and the folder `/`. It may hold secrets as variables.
    fn write(place: &Place, process: &Value) -> Result<Self, ShimError> {
        let path = place.path(&format!("inside.{}", std::process::id()));
        let write = || {
            let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(&serde_json::to_vec(process)?)
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
