//! The engine without a daemon: the suite that all engines pass, what containers find inside, and what outlives whom.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

#[path = "../../../provost-engine/tests/conformance/mod.rs"]
mod conformance;
mod images;
mod isolation;
#[path = "../../../provost-engine/tests/job/mod.rs"]
mod job;
mod network;
mod network_rig;
mod outliving;
mod own_users;
mod rig;
mod services;
mod volumes;
mod without_root;

use rig::rig;

suite!(async { rig() });
