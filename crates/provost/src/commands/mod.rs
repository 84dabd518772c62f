//! One file a command, or a family of them: the arguments, and what is done.

pub mod control;
pub mod describe;
pub mod dev;
pub mod doctor;
pub mod engine;
pub mod events;
pub mod explain;
pub mod get;
pub mod help;
pub mod logs;
pub mod new;
mod offline;
pub mod pack;
pub mod package;
mod remote;
pub mod revision;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod secret;
pub mod shell;
pub mod simulate;
pub mod status;
pub mod token;
pub mod validate;
pub mod version;
mod wait;
