//! What the controller needs of the world. Each port is owned here, by its consumer; whoever implements one decides
//! nothing: everything that it is told was decided in the plan.

mod clock;
mod compiler;
mod engine;
mod gate;
mod logs;
mod masks;
mod messenger;
mod peers;
mod source;
mod store;
mod vault;

pub use clock::*;
pub use compiler::*;
pub use engine::*;
pub use gate::*;
pub use logs::*;
pub use masks::*;
pub use messenger::*;
pub use peers::*;
pub use source::*;
pub use store::*;
pub use vault::*;
