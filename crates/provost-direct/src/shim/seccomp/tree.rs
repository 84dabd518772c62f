//! Programs that answer system calls, in the kernel's language for filters (classic BPF), put together of smaller ones.
//!
//! Each of them ends with an answer, whichever way it goes. Its jumps say how far and not where to, so it may stand
//! anywhere within another.
//!
//! Sources, of the kernel: Documentation/userspace-api/seccomp_filter.rst; bpf_common.h, filter.h and seccomp.h in
//! include/uapi/linux.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::offset_of;

use libc::{BPF_ABS, BPF_JA, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, seccomp_data};
use seccompiler::{BpfProgram, sock_filter};

/// What there is to know of a call: where it stands in the kernel's `seccomp_data`.
pub(super) const NUMBER: usize = offset_of!(seccomp_data, nr);
pub(super) const ARCHITECTURE: usize = offset_of!(seccomp_data, arch);
/// The first argument: its lower half, all that the kernel takes of it in the calls of which it matters here. It comes
/// first on the processors that there is a table for.
pub(super) const ARGUMENT: usize = offset_of!(seccomp_data, args);

/// Gives this answer, one of `SECCOMP_RET_*`.
pub(super) fn answer(action: u32) -> BpfProgram {
    vec![instruction(BPF_RET | BPF_K, action)]
}

/// Takes up what stands here of the call, and goes on.
pub(super) fn load(from: usize, then: BpfProgram) -> BpfProgram {
    let mut program = vec![instruction(BPF_LD | BPF_W | BPF_ABS, from as u32)];
    program.extend(then);
    program
}

/// Compares what was taken up: `BPF_JEQ`, `BPF_JGE`, or `BPF_JSET` for any of these bits.
pub(super) fn branch(comparison: u32, value: u32, yes: BpfProgram, no: BpfProgram) -> BpfProgram {
    let compare = |jt, jf| sock_filter { jt, jf, ..instruction(BPF_JMP | comparison | BPF_K, value) };
    let mut program = match u8::try_from(no.len()) {
        Ok(past) => vec![compare(past, 0)],
        // A comparison reaches 255 instructions far.
        Err(_) => vec![compare(0, 1), instruction(BPF_JMP | BPF_JA, no.len() as u32)],
    };
    program.extend(no);
    program.extend(yes);
    program
}

/// Finds the program of the value that was taken up, in a balanced tree: each comparison leaves half of the ranges.
pub(super) fn search(programs: &BTreeMap<u32, &[sock_filter]>, otherwise: &[sock_filter]) -> BpfProgram {
    let edges = programs.keys().flat_map(|value| [Some(*value), value.checked_add(1)]).flatten();
    let edges: BTreeSet<u32> = edges.chain([0]).collect();
    let program_of = |value| programs.get(&value).copied().unwrap_or(otherwise);
    let mut ranges: Vec<Range> = edges.into_iter().map(|start| (start, program_of(start))).collect();
    ranges.dedup_by_key(|(_, program)| *program);
    halve(&ranges)
}

/// Where it starts, and what is to be done in it; it goes on until the next one.
type Range<'a> = (u32, &'a [sock_filter]);

fn halve(ranges: &[Range]) -> BpfProgram {
    if let [(_, program)] = ranges {
        return program.to_vec();
    }
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    branch(BPF_JGE, upper[0].0, halve(upper), halve(lower))
}

fn instruction(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}
