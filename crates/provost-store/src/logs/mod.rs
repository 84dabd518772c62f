//! The output of steps (R8): kept in order, as text without control codes and secrets, up to a limit that is said.

mod appender;
mod archive;
mod file;
mod limit;
mod lines;
mod mask;
mod memory;
mod merge;
mod reader;
mod recorder;
mod text;

pub use file::FileLogs;
pub use memory::MemoryLogs;

/// How many lines wait for somebody who follows too slowly; what is beyond is read from the log. At 64 KiB a line this
/// bounds the memory too.
const FOLLOWED_MAX: usize = 512;
