//! As much of the kernel's machine for filters as filters of system calls need.
//!
//! Source: `___bpf_prog_run` and `seccomp_check_filter` of the kernel, and its struct `seccomp_data`.

use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_LD, BPF_RET, BPF_W};
use seccompiler::sock_filter;

const LOAD: u32 = BPF_LD | BPF_W | BPF_ABS;
const AND: u32 = BPF_ALU | BPF_AND;
const JUMP: u32 = BPF_JMP | BPF_JA;
const IF_EQUAL: u32 = BPF_JMP | BPF_JEQ;
const IF_GREATER: u32 = BPF_JMP | BPF_JGT;
const IF_NOT_LESS: u32 = BPF_JMP | BPF_JGE;
const IF_ANY_BIT: u32 = BPF_JMP | BPF_JSET;

/// A call as a program sees it; the other arguments are all ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) architecture: u32,
    pub(super) argument: u64,
}

/// How a program went.
pub(super) struct Ran {
    pub(super) answer: u32,
    /// How many instructions it took.
    pub(super) steps: usize,
    /// Whether it looked at more than the number and the architecture.
    pub(super) looked: bool,
}

/// Runs a program for a call; panics on what the kernel would not take.
pub(super) fn run(program: &[sock_filter], call: Call) -> Ran {
    let data = words(call);
    assert!(program.len() <= 4096);
    let (mut at, mut held, mut looked) = (0, 0, false);
    for steps in 1.. {
        let sock_filter { code, jt, jf, k } = program[at];
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        at += 1;
        match u32::from(code) {
            LOAD => {
                assert_eq!(k % 4, 0);
                held = data[k as usize / 4];
                looked |= k >= 8;
            }
            AND => held &= k,
            JUMP => at += k as usize,
            IF_EQUAL => at += jump(held == k),
            IF_GREATER => at += jump(held > k),
            IF_NOT_LESS => at += jump(held >= k),
            IF_ANY_BIT => at += jump(held & k != 0),
            BPF_RET => return Ran { answer: k, steps, looked },
            other => panic!("unknown instruction {other:#x}"),
        }
    }
    unreachable!("a program only goes forward")
}

/// `seccomp_data` on a processor whose lower half comes first.
fn words(Call { number, architecture, argument }: Call) -> [u32; 16] {
    let mut words = [u32::MAX; 16];
    words[..2].copy_from_slice(&[number, architecture]);
    words[4..6].copy_from_slice(&[argument as u32, (argument >> 32) as u32]);
    words
}
