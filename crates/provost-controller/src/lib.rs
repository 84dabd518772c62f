//! The controller: a core that turns inputs into effects, and a thin shell that carries them out.
//!
//! [`Core::handle`] is a function of (what is known, what came in, what time it is); it does no IO and has no clock. The
//! shell, [`start`], feeds it and carries out its effects through the ports. What the controller does not know: which
//! engine, which database, which file format, and HTTP.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod command;
mod core;
mod following;
mod handle;
mod input;
mod ports;
mod shell;
mod simulate;

pub use command::*;
pub use core::*;
pub use following::Following;
pub use handle::*;
pub use input::*;
pub use ports::*;
#[cfg(fuzzing)]
pub use shell::step_output;
pub use shell::{ApplyMode, CallAnswer, Ports, Settings, SkillAsked, SystemClock, start};
pub use simulate::*;
