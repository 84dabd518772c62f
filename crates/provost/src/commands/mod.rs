//! One file a command, or a family of them: the arguments, and what is done.

pub mod control;
pub mod describe;
pub mod events;
pub mod get;
pub mod logs;
mod remote;
pub mod revision;
pub mod run;
pub mod schedule;
pub mod status;
mod wait;
