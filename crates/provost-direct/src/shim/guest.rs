//! A program beside a container's own, with the same privileges: a health check, a call of a service.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use nix::sys::wait::{WaitStatus, waitpid};

use super::create::said;
use super::executor::Executor;
use super::{ShimError, seccomp};
use crate::place::Place;

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
    let executor = Executor::guest(seccomp::programs(&made.capabilities)?);
    let builder = ContainerBuilder::new(made.id.clone(), SyscallType::default()).with_root_path(place.runtime());
    let joined = builder.and_then(|builder| {
        builder.with_executor(executor).as_tenant().with_container_args(command).with_detach(true).build()
    });
    let pid = joined.map_err(|error| ShimError::Container(said(&error)))?;
    Ok(match waitpid(pid, None) {
        Ok(WaitStatus::Exited(_, code)) => u8::try_from(code).unwrap_or(u8::MAX),
        Ok(WaitStatus::Signaled(_, signal, _)) => 128_u8.saturating_add(signal as u8),
        _ => NOT_RUN,
    })
}
