mod linear;
mod machine;

use libc::{CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS};
use machine::{Call, Ran, run};
use seccompiler::sock_filter;

use super::*;

/// Numbers of calls, and as many again that no kernel has.
const NUMBERS: std::ops::RangeInclusive<u32> = 0..=1100;
/// The bit of programs with short pointers on x86-64. Source: arch/x86/include/uapi/asm/unistd.h of the kernel.
const X32: u32 = 0x4000_0000;
/// Of the flags of `clone`, those that make namespaces, and one that only `clone3` has (`CLONE_NEWTIME`).
const FLAGS: [i32; 8] =
    [0x80, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS];

/// Nothing, one, the one that opens `clone`, and all that give anything.
fn sets_of_capabilities() -> [Vec<String>; 4] {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let all: Vec<&str> = table::BY_CAPABILITY.iter().map(|(name, _)| *name).collect();
    [owned(&[]), owned(&["CAP_SYS_CHROOT"]), owned(&["CAP_SYS_ADMIN"]), owned(&all)]
}

/// Values of a first argument that some rule could tell apart, with nothing and with something in their upper half.
fn arguments() -> Vec<u64> {
    let values = (0..=64).chain([0x2_0000, 0x2_0008, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF]);
    let flags = FLAGS.into_iter().flat_map(|flag| [flag as u64, flag as u64 | 0x11]);
    let lower: Vec<u64> = values.chain(flags).chain([CLONE_NAMESPACES.into(), (!CLONE_NAMESPACES).into()]).collect();
    [0, 1 << 32, 0xFFFF_FFFF << 32].into_iter().flat_map(|upper| lower.iter().map(move |lower| upper | lower)).collect()
}

/// Asserts that the filter and the lists agree on a call, whatever its argument is.
fn agree(filter: &[sock_filter], lists: &[BpfProgram; 2], call: Call, arguments: &[u64]) {
    for argument in arguments {
        let call = Call { argument: *argument, ..call };
        let (ran, expected) = (run(filter, call), linear::run(lists, call));
        assert_eq!(ran.answer, expected.answer, "{call:x?}");
        if !ran.looked && !expected.looked {
            return; // Neither would notice another argument.
        }
    }
}

#[test]
fn every_call_is_answered_as_by_the_lists() {
    let arguments = arguments();
    let numbers: Vec<u32> = NUMBERS.chain(X32 - 1..=X32 + 600).chain([u32::MAX - 1, u32::MAX]).collect();
    for capabilities in sets_of_capabilities() {
        let (filter, lists) = (program(&capabilities), linear::programs(&capabilities));
        for &number in &numbers {
            agree(&filter, &lists, Call { number, architecture: NATIVE, argument: 0 }, &arguments);
        }
    }
}

#[test]
fn programs_for_other_architectures_are_ended() {
    // x86, ARM, x86-64 or ARM64 (which this is not), RISC-V; none; this one with its bytes the other way round; all.
    let others = [0x4000_0003, 0x4000_0028, NATIVE ^ 0x3E ^ 0xB7, 0xC000_00F3, 0, NATIVE & !X32, u32::MAX];
    for capabilities in sets_of_capabilities() {
        let (filter, lists) = (program(&capabilities), linear::programs(&capabilities));
        for (architecture, number) in others.into_iter().flat_map(|other| NUMBERS.map(move |number| (other, number))) {
            let call = Call { number, architecture, argument: 0 };
            agree(&filter, &lists, call, &[0]);
            assert_eq!(run(&filter, call).answer, SECCOMP_RET_KILL_PROCESS);
        }
    }
}

#[test]
fn an_answer_takes_few_steps() {
    for capabilities in sets_of_capabilities() {
        let filter = program(&capabilities);
        assert!(filter.len() < 300, "{} instructions", filter.len());
        for number in NUMBERS.chain([X32, u32::MAX]) {
            let Ran { steps, looked, .. } = run(&filter, Call { number, architecture: NATIVE, argument: 45 });
            assert!(steps <= if looked { 20 } else { 13 }, "{steps} for {number}");
        }
    }
}

#[test]
fn more_privileges_more_calls() {
    let allowed = |capabilities: Vec<String>| {
        let filter = program(&capabilities);
        let call = |number| Call { number, architecture: NATIVE, argument: 0 };
        NUMBERS.filter(|number| run(&filter, call(*number)).answer == SECCOMP_RET_ALLOW).count()
    };
    let [none, chroot, admin, all] = sets_of_capabilities().map(allowed);
    assert!(none < chroot && chroot < admin && admin < all, "{none} {chroot} {admin} {all}");
}

#[test]
fn jumps_reach_all_of_a_large_tree() {
    let answers: Vec<BpfProgram> = (0..800).map(tree::answer).collect();
    let by_value =
        answers.iter().enumerate().map(|(value, answer)| (value as u32 * 2 + 1, answer.as_slice())).collect();
    let filter = tree::load(tree::NUMBER, tree::search(&by_value, &tree::answer(9999)));
    for number in (0..1700).chain([u32::MAX]) {
        let ran = run(&filter, Call { number, architecture: NATIVE, argument: 0 });
        assert_eq!(ran.answer, if number % 2 == 1 && number < 1600 { number / 2 } else { 9999 });
        assert!(ran.steps <= 20, "{} for {number}", ran.steps);
    }
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
