//! Another user without root: where a namespace has one user, a program that is to be somebody else takes itself for that.

use std::fs::File;
use std::io;

use nix::sched::{CloneFlags, setns, unshare};
use rustix::thread::CapabilitySet;

use super::powers;
use crate::users::{Guise, map_alone};

/// What a process must be able to do that puts a guise on. Source: user_namespaces(7), "Defining user and group ID
/// mappings", since Linux 5.12.
pub(crate) const NEEDED: &str = "CAP_SETFCAP";

/// Puts it on: a user namespace in which this process, which is root of the one around it, is that user.
pub(super) fn wear(Guise { uid, gid }: Guise) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWUSER)?;
    map_alone((uid, gid), (0, 0))?;
    give_away()
}

/// Puts on what somebody else wears, whose user namespace this is.
pub(super) fn wear_that_of(namespace: &File) -> io::Result<()> {
    setns(namespace, CloneFlags::CLONE_NEWUSER)?;
    give_away()
}

/// Gives all away that this process could do in its namespace.
fn give_away() -> io::Result<()> {
    powers::bound_by(CapabilitySet::empty())?;
    powers::hold(CapabilitySet::empty())
}
