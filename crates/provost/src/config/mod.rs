//! Configuration: the server's file, the user's file, and the words that both use.

mod client;
mod duration;
mod file;
mod keys;
mod peers;
mod server;
mod yaml;

pub use client::{DEV_FOLDER, SOCKET, ServerArgs, ServerPlace};
pub use duration::{Direction, parse_duration, parse_moment};
pub use file::{Apply, Drift, host_name};
pub use keys::keys;
pub use peers::{Peer, Peers};
pub use server::{EngineChoice, Listen, ServerConfig};
pub use yaml::closest;
