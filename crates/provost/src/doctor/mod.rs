//! What is wrong on a server, and how to mend it.
//!
//! [`gather`] looks and asks, and changes nothing; [`examine`] is a function of what was found, and says what follows.

mod checks;
mod evidence;
mod finding;
mod gather;

pub use checks::examine;
pub use finding::{Finding, Level};
pub use gather::gather;
