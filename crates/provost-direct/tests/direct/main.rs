//! The engine without a daemon: the suite that all engines pass.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

#[path = "../../provost-engine/tests/conformance/mod.rs"]
mod conformance;
#[path = "../../provost-engine/tests/job/mod.rs"]
mod job;
mod rig;

use rig::rig;

suite!(async { rig() });
