//! A deterministic simulator that tries to break the promises of Provost, and checkers that would see it.
//!
//! It plays the real core ([`provost_controller::Core`]), the real planner, the real fold of facts and real manifests
//! against a container engine of its own, the memory store and a seeded clock, days at a time. A seed decides everything:
//! the shop and how people edit it, how long containers run and how they end, and what goes wrong: actions that are
//! refused, done with the reply lost, done twice, late by minutes; the engine away for an hour, containers removed by
//! hand, a full disk, a kill at every effect boundary and a restart from what is durable alone, clock steps, a source that
//! cannot be read, is empty, rewritten, broken. Then follows a time without faults in which everything must come to its
//! end, and the [checkers](check) look at what is left: the manifests' history, the ledger, and what the containers
//! themselves did.
//!
//! ```console
//! $ cargo run -p provost-simulator -- --seeds 0..5000       # many, on all cores; prints figures
//! $ cargo run -p provost-simulator -- --seed 42 --trace     # one, with all that happened
//! ```
//!
//! A seed that fails prints the command that replays it. One that ever showed a fault of Provost's is kept in
//! `regressions.txt`, with a line that says which. The same seed twice gives the same trace.
//!
//! Where to look: `world/process.rs` follows the contract of the controller's shell; `world/work.rs` carries out actions
//! and lets them fail; `engine` models containers; `scenario.rs` says what may go wrong, `shop` what people write.

pub mod check;
mod dice;
mod engine;
mod errors;
mod figures;
mod many;
mod play;
mod program;
mod record;
mod scenario;
mod shop;
mod trace;
mod world;

pub use dice::Dice;
pub use figures::Figures;
pub use many::{Failure, play_many};
pub use play::{Played, play, play_scenario};
pub use program::program;
pub use record::*;
pub use scenario::{DAY, Fault, HOUR, MINUTE, SECOND, Scenario, Trouble, Weakness};
pub use shop::Shop;
pub use trace::{Time, Trace};
