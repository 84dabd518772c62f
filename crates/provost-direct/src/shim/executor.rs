//! What the runtime calls inside of a container that is complete, right before the program.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{ExecutorError, ExecutorValidationError};
use rustix::process::{Signal, set_parent_process_death_signal};
use seccompiler::{BpfProgram, apply_filter};

use super::own_users::Joining;
use super::{first, guise};
use crate::users::Guise;

/// What the process is to become.
#[derive(Clone)]
enum Role {
    /// The first process of a container, which says on the pipe how it went; it puts the guise on.
    First(Rc<OwnedFd>, Option<Guise>),
    /// A program beside it.
    Guest(Rc<Entry>),
}

/// How a program beside the first comes to the users of the container, where the runtime does not lead it there.
pub(super) enum Entry {
    /// They are those of this process.
    None,
    /// It puts on what the first process wears, whose user namespace this is.
    Guise(File),
    /// It joins those of the container's own.
    Own(Joining),
}

/// Closes the last doors and becomes the program.
#[derive(Clone)]
pub(super) struct Executor {
    role: Role,
    seccomp: Rc<BpfProgram>,
}

impl Executor {
    /// For the first process of a container; `word` is where it says how it went.
    pub(super) fn first(guise: Option<Guise>, seccomp: BpfProgram, word: OwnedFd) -> Self {
        Self { role: Role::First(Rc::new(word), guise), seccomp: Rc::new(seccomp) }
    }

    /// For a program in a container that runs.
    pub(super) fn guest(entry: Entry, seccomp: BpfProgram) -> Self {
        Self { role: Role::Guest(Rc::new(entry)), seccomp: Rc::new(seccomp) }
    }
}

impl Role {
    fn become_user(&self) -> io::Result<()> {
        match self {
            Self::First(_, guise) => guise.map_or(Ok(()), guise::wear),
            Self::Guest(entry) => match entry.as_ref() {
                Entry::None => Ok(()),
                Entry::Guise(namespace) => guise::wear_that_of(namespace),
                Entry::Own(joining) => joining.join(),
            },
        }
    }
}

impl libcontainer::workload::Executor for Executor {
    /// Called before the start: what is wrong with the program is said while the container is made. System calls are
    /// closed here too, since the kernel has work with a new filter; the little that is left needs no other ones.
    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        let refuse = |why: String| Err(ExecutorValidationError::ArgValidationError(why));
        if let Err(error) = self.role.become_user() {
            return refuse(format!("cannot run as the container's user: {error}"));
        }
        // From here on nothing changes this process's privileges, which would take the wish back.
        if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
            return refuse(format!("cannot tie the container to its shim: {error}"));
        }
        if let Err(why) = find(command(spec), search_path(spec)) {
            return refuse(why);
        }
        apply_filter(&self.seccomp).or_else(|error| refuse(format!("cannot close system calls: {error}")))
    }

    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let command = command(spec);
        let program = find(command, search_path(spec)).map_err(ExecutorError::Other)?;
        let mut calling = Command::new(program);
        calling.args(command.get(1..).unwrap_or_default());
        match &self.role {
            Role::First(word, _) => first::live(calling, word),
            Role::Guest(_) => {
                use std::os::unix::process::CommandExt as _;
                Err(ExecutorError::Other(calling.exec().to_string()))
            }
        }
    }
}

fn command(spec: &Spec) -> &[String] {
    spec.process().as_ref().and_then(|process| process.args().as_deref()).unwrap_or_default()
}

fn search_path(spec: &Spec) -> &str {
    let env = spec.process().as_ref().and_then(|process| process.env().as_deref()).unwrap_or_default();
    env.iter().find_map(|variable| variable.strip_prefix("PATH=")).unwrap_or_default()
}

/// The file that a command means, as `execvp` looks for it.
fn find(command: &[String], search_path: &str) -> Result<PathBuf, String> {
    let name = command.first().filter(|name| !name.is_empty()).ok_or("no program is named, by image or manifest")?;
    if name.contains('/') {
        let path = PathBuf::from(name);
        return match (path.is_file(), is_executable(&path)) {
            (true, true) => Ok(path),
            (true, false) => Err(format!("the file `{name}` of the image cannot be executed")),
            (false, _) => Err(format!("the image has no program `{name}`")),
        };
    }
    let candidates = search_path.split(':').map(|folder| Path::new(folder).join(name));
    let mut found = candidates.filter(|path| path.is_file() && is_executable(path));
    found.next().ok_or_else(|| format!("the image has no program `{name}` in {search_path}"))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_execvp_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("data"), "").unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("tool")).unwrap();
        let find = |name: &str| find(&[name.to_owned()], path);
        assert_eq!(find("tool"), Ok(folder.path().join("tool")));
        assert_eq!(find(&format!("{path}/tool")), Ok(folder.path().join("tool")));
        for (name, part) in
            [("nope", "no program"), ("/no/such", "no program"), ("data", "no program"), ("", "no program")]
        {
            assert!(find(name).unwrap_err().contains(part), "{name}");
        }
        assert!(find(&format!("{path}/data")).unwrap_err().contains("cannot be executed"));
    }
}
