//! The same answers from lists of rules, which `seccompiler` makes into two programs: what the tree is held against.

use std::collections::BTreeMap;

use libc::SECCOMP_RET_ACTION_FULL;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::super::{CLONE_NAMESPACES, FAMILIES, PERSONALITIES, table};
use super::machine::{self, Call, Ran};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The programs in the order in which they would be installed: what is unknown, and what is allowed.
pub(super) fn programs(capabilities: &[String]) -> [BpfProgram; 2] {
    [unknown_calls(capabilities), allowed_calls(capabilities)]
}

/// What the kernel makes of two answers: the one that was installed last goes first, and the stricter action counts.
/// Source: `seccomp_run_filters` of the kernel, which compares actions with their sign.
pub(super) fn run(programs: &[BpfProgram; 2], call: Call) -> Ran {
    let action = |ran: &Ran| (ran.answer & SECCOMP_RET_ACTION_FULL) as i32;
    let ran = programs.each_ref().map(|program| machine::run(program, call));
    let looked = ran.iter().any(|ran| ran.looked);
    let [first, last] = ran;
    let stricter = if action(&first) < action(&last) { first } else { last };
    Ran { looked, ..stricter }
}

fn unknown_calls(capabilities: &[String]) -> BpfProgram {
    let mut rules: Rules = table::UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    if may_make_namespaces(capabilities) {
        rules.remove(&libc::SYS_clone3);
    }
    filter(rules, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32))
}

fn allowed_calls(capabilities: &[String]) -> BpfProgram {
    let given = table::BY_CAPABILITY.iter().filter(|(name, _)| capabilities.iter().any(|has| has == name));
    let given = given.flat_map(|(_, calls)| calls.iter());
    let mut rules: Rules =
        table::ALLOWED.iter().chain(table::UNKNOWN).chain(given).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_personality, any_of(&PERSONALITIES));
    let mut families = any_of(&FAMILIES);
    families.push(argument(SeccompCmpOp::Lt, 12));
    rules.insert(libc::SYS_socket, families);
    if !may_make_namespaces(capabilities) {
        rules.insert(libc::SYS_clone, vec![argument(SeccompCmpOp::MaskedEq(CLONE_NAMESPACES.into()), 0)]);
    }
    filter(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow)
}

fn may_make_namespaces(capabilities: &[String]) -> bool {
    capabilities.iter().any(|has| has == "CAP_SYS_ADMIN")
}

/// Rules for each of these values of the first argument.
fn any_of(values: &[u32]) -> Vec<SeccompRule> {
    values.iter().map(|value| argument(SeccompCmpOp::Eq, (*value).into())).collect()
}

/// A rule for the first argument.
fn argument(comparison: SeccompCmpOp, value: u64) -> SeccompRule {
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, comparison, value).unwrap();
    SeccompRule::new(vec![condition]).unwrap()
}

fn filter(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> BpfProgram {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    SeccompFilter::new(rules, otherwise, matched, architecture).unwrap().try_into().unwrap()
}
