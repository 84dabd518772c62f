//! The fuzzer; `scripts/fuzz` has it compiled and runs it. `PROVOST_FUZZ_TARGET` says what is fuzzed: one program for all
//! is linked once.

#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("PROVOST_FUZZ_TARGET").unwrap_or_default();
    provost_fuzz::target(&name).unwrap_or_else(|| panic!("PROVOST_FUZZ_TARGET: there is no target {name:?}"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
