//! What is said about manifests: diagnostics, their codes and how they look.

mod code;
mod diagnostic;
mod explain;
mod render;

pub use code::Code;
pub use diagnostic::{Diagnostic, Place, Related, Severity, count};
pub(crate) use diagnostic::{TOLD_MAX, did_you_mean};
pub use explain::explain;
pub use render::{Style, render, render_all, summary};
