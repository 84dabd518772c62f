//! Which system calls a container may make: those that Docker's default profile allows.
//!
//! Two filters one after the other, of which the kernel takes the stricter answer. The first says of calls that programs
//! probe for, that the kernel does not know them (`ENOSYS`): they then go the older way. The second is the list of what
//! is allowed; everything else is forbidden (`EPERM`). Programs for another architecture, 32-bit ones too, are ended.
//!
//! Source: the default seccomp profile of Docker Engine 28; system call numbers are the kernel's, by `libc`.

mod table;

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::ShimError;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Built<T> = Result<T, seccompiler::BackendError>;

/// Flags of `clone` that make namespaces.
const CLONE_NAMESPACES: u64 = 0x7E02_0000;
/// The personalities that programs may take on: Linux, Linux32, both without short inodes, and the question which it is.
const PERSONALITIES: [u64; 5] = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF];
/// Families of sockets beside the first twelve: not those that lead to a hypervisor or into the kernel's cryptography.
const FAMILIES: [u64; 25] =
    [13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45];

/// The filters of a container that has these capabilities (`CAP_SYS_CHROOT`), in the order in which they are installed.
pub(super) fn programs(capabilities: &[String]) -> Result<Vec<BpfProgram>, ShimError> {
    let built = unknown_calls(capabilities).and_then(|first| Ok(vec![first, allowed_calls(capabilities)?]));
    built.map_err(|error| ShimError::Container(format!("the list of system calls makes no sense: {error}")))
}

fn unknown_calls(capabilities: &[String]) -> Built<BpfProgram> {
    let mut rules: Rules = table::UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    if may_make_namespaces(capabilities) {
        rules.remove(&libc::SYS_clone3);
    }
    filter(rules, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32))
}

fn allowed_calls(capabilities: &[String]) -> Built<BpfProgram> {
    let given = table::BY_CAPABILITY.iter().filter(|(name, _)| capabilities.iter().any(|has| has == name));
    let given = given.flat_map(|(_, calls)| calls.iter());
    let mut rules: Rules =
        table::ALLOWED.iter().chain(table::UNKNOWN).chain(given).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_personality, any_of(&PERSONALITIES)?);
    let mut families = any_of(&FAMILIES)?;
    families.push(argument(SeccompCmpOp::Lt, 12)?);
    rules.insert(libc::SYS_socket, families);
    if !may_make_namespaces(capabilities) {
        rules.insert(libc::SYS_clone, vec![argument(SeccompCmpOp::MaskedEq(CLONE_NAMESPACES), 0)?]);
    }
    filter(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow)
}

fn may_make_namespaces(capabilities: &[String]) -> bool {
    capabilities.iter().any(|has| has == "CAP_SYS_ADMIN")
}

/// Rules for each of these values of the first argument.
fn any_of(values: &[u64]) -> Built<Vec<SeccompRule>> {
    values.iter().map(|value| argument(SeccompCmpOp::Eq, *value)).collect()
}

/// A rule for the first argument.
fn argument(comparison: SeccompCmpOp, value: u64) -> Built<SeccompRule> {
    SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, comparison, value)?])
}

fn filter(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Built<BpfProgram> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, matched, architecture)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_built_for_any_capabilities() {
        let length = |capabilities: &[&str]| {
            let names: Vec<String> = capabilities.iter().map(|name| (*name).to_owned()).collect();
            let programs = programs(&names).unwrap();
            programs.iter().map(Vec::len).collect::<Vec<_>>()
        };
        let (none, chroot, admin) = (length(&[]), length(&["CAP_SYS_CHROOT"]), length(&["CAP_SYS_ADMIN"]));
        assert!(
            none[1] < chroot[1] && chroot[1] < admin[1],
            "more privileges, more calls: {none:?} {chroot:?} {admin:?}"
        );
        assert!(none.iter().chain(&admin).all(|length| *length < 4096), "the kernel takes no longer ones");
    }

    #[test]
    fn no_call_is_given_twice_and_none_of_the_dangerous_to_all() {
        let mut all: Vec<i64> = table::ALLOWED.iter().chain(table::UNKNOWN).copied().collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
        let guarded = table::BY_CAPABILITY.iter().flat_map(|(_, calls)| calls.iter());
        for call in guarded.chain(&[libc::SYS_mount, libc::SYS_unshare, libc::SYS_keyctl, libc::SYS_io_uring_setup]) {
            assert!(!all.contains(call) || *call == libc::SYS_clone3, "{call} is not for everybody");
        }
    }
}
