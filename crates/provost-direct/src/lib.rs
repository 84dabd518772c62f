//! An engine without a daemon: [`DirectEngine`] runs governed containers on the kernel alone.
//!
//! # How
//! Each container has a folder and a shim. The folder holds what was asked for, an OCI bundle, the output, and how it
//! started and ended. The [`shim`] is this same program, executed anew: it makes the container with youki's
//! `libcontainer`, waits for the word to start it, writes its output and its end down, and goes. The engine holds
//! nothing that the folders do not say: when it is killed, containers go on, and the next one finds them by their folders.
//! That a shim lives is known by a lock that the kernel lets go of when it does not; a container whose shim is gone
//! without having written its end is ended and shown with exit code 255 and an error, since nobody knows how it ended (R9).
//!
//! # Why so
//! A shim of our own around a library, and not a runtime that is installed beside: the first command of Provost has to work
//! on a machine that has nothing. The library needs a process with one thread, which the shim is. It is built without the C
//! libraries for systemd and seccomp: the filter of system calls is our own too, and installed by `seccompiler` where the
//! library calls us back right before the program.
//!
//! # What it waits for
//! For the disk once at the start and once at the end, each a write over what is there: that a container exists is made
//! durable while its shim makes it. For no cleaning up: what is removed is out of sight at once, and emptied by a thread, or
//! by the next engine. On control groups of version 1, for no move between them, since the shim enters the groups itself
//! and its container inherits them; on version 2, the library moves one process.
//!
//! # Isolation
//! The request is the one that Docker is sent, checked by the same function. Each container has its own processes,
//! mounts, network, IPC, host name and view of control groups; no new privileges; Docker's default list of system calls, masked
//! and read-only paths; limits of memory, processors and processes by control groups of version 1 or 2. Nothing on
//! its disks works as a device. Tighter than Docker: no container may make devices unless policy says so, and nothing
//! but `/dev` can hold them.
//!
//! Where manifest or policy asks, a container has a user namespace of its own: its root is nobody on the machine, and no other
//! container's.
//!
//! # Images
//! They are kept in the store of `provost-oci`, below a folder that instances may have in common. What nobody has needed for 30
//! days, and no container has, goes. See `keep`.
//!
//! # Networks
//! `None`, the host's where policy gives it, one that the engine's containers share, and those that the machine names: made by
//! the plugins of CNI, which have to be installed for the latter two. A container is connected when it is started, by
//! its shim, and everything is given back before its end is told; where the shim was killed, by the engine. Services of
//! one instance find each other by name. See `network`.
//!
//! # Without root
//! A process of another user enters a user namespace first, in which it is root: [`rootless::enter`]. Limits and networks
//! are not kept there.
//!
//! Limits today: the network `Shared` has addresses of version 4 only; of a named network whose own list
//! lets the plugin `bridge` translate addresses (`ipMasq`), that plugin's rules stay when a shim is killed; no profiles of
//! AppArmor and SELinux; 32-bit programs are ended by the filter; containers do not see their control groups on version 1;
//! volumes begin empty, with the owner of the image's folder at their place but without its files.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod cgroup;
mod container;
mod control;
mod create;
mod engine;
mod frame;
mod hub;
mod image;
mod inside;
mod keep;
mod ledger;
mod limits;
mod network;
mod output;
mod place;
mod record;
pub mod rootless;
pub mod shim;
mod spec;
mod trash;
mod trouble;
mod user;
mod users;
mod volume;
mod watch;

pub use engine::{DirectEngine, ShimProgram};
pub use network::NetworkFolders;
