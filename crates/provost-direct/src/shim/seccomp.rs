//! Which system calls a container may make: those that Docker's default profile allows.
//!
//! One program in the kernel answers each call: what is listed is allowed, everything else is forbidden (`EPERM`). Of
//! calls that programs probe for, it says that the kernel does not know them (`ENOSYS`): they then go the older way.
//! Programs for another architecture, 32-bit ones too, are ended.
//!
//! It finds a call by searching a [`tree`] of ranges of numbers. The kernel runs a new program for every number that there
//! is, to remember what is always allowed (`seccomp_cache_prepare` in its kernel/seccomp.c), and translates it. What
//! `seccompiler` makes of rules is a list that is read from its start: that cost each container a millisecond and more.
//!
//! Source: the default seccomp profile of Docker Engine 28; system call numbers are the kernel's, by `libc`.

mod table;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;

use libc::{
    BPF_JEQ, BPF_JSET, ENOSYS, EPERM, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, SYS_clone,
    SYS_personality, SYS_socket,
};
use seccompiler::BpfProgram;

/// Flags of `clone` that make namespaces.
const CLONE_NAMESPACES: u32 = 0x7E02_0000;
/// The personalities that programs may take on: Linux, Linux32, both without short inodes, and the question which it is.
const PERSONALITIES: [u32; 5] = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF];
/// Families of sockets beside the first twelve: not those that lead to a hypervisor or into the kernel's cryptography.
const FAMILIES: [u32; 25] =
    [13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45];

/// What the kernel calls this processor, `AUDIT_ARCH_*`. Source: include/uapi/linux/audit.h of the kernel.
#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xC000_00B7;

/// The filter of a container that has these capabilities (`CAP_SYS_CHROOT`).
pub(super) fn program(capabilities: &[String]) -> BpfProgram {
    let calls = tree::load(tree::NUMBER, of_calls(capabilities));
    let others = tree::answer(SECCOMP_RET_KILL_PROCESS);
    tree::load(tree::ARCHITECTURE, tree::branch(BPF_JEQ, NATIVE, calls, others))
}

/// What is said last counts: `clone3` is unknown, but not to those who have the capability for it.
fn of_calls(capabilities: &[String]) -> BpfProgram {
    let has = |name: &str| capabilities.iter().any(|has| has == name);
    let (allowed, unknown) = (tree::answer(SECCOMP_RET_ALLOW), error(ENOSYS));
    let (socket, personality) = (with_any_of((0..12).chain(FAMILIES)), with_any_of(PERSONALITIES));
    let clone = if has("CAP_SYS_ADMIN") { allowed.clone() } else { without(CLONE_NAMESPACES) };
    let mut programs = BTreeMap::new();
    let mut answer = |calls: &[i64], with| programs.extend(calls.iter().map(|call| (*call as u32, with)));
    answer(table::ALLOWED, allowed.as_slice());
    answer(table::UNKNOWN, &unknown);
    for (_, calls) in table::BY_CAPABILITY.iter().filter(|(name, _)| has(name)) {
        answer(calls, &allowed);
    }
    answer(&[SYS_socket], &socket);
    answer(&[SYS_personality], &personality);
    answer(&[SYS_clone], &clone);
    tree::search(&programs, &error(EPERM))
}

fn error(number: i32) -> BpfProgram {
    tree::answer(SECCOMP_RET_ERRNO | number as u32)
}

/// Allowed if the first argument is one of these.
fn with_any_of(values: impl IntoIterator<Item = u32>) -> BpfProgram {
    let allowed = tree::answer(SECCOMP_RET_ALLOW);
    let values = values.into_iter().map(|value| (value, allowed.as_slice())).collect();
    tree::load(tree::ARGUMENT, tree::search(&values, &error(EPERM)))
}

/// Allowed if the first argument has none of these bits.
fn without(bits: u32) -> BpfProgram {
    tree::load(tree::ARGUMENT, tree::branch(BPF_JSET, bits, error(EPERM), tree::answer(SECCOMP_RET_ALLOW)))
}
