//! What tests of whole parts of Provost need: a real container engine, the toolbox image, git repositories that change,
//! and the real server with its command line.
//!
//! Everything made here is gone when its owner is dropped, and also when the test process is killed: children hang on a
//! pipe whose end they see. Helpers panic with a sentence that says what went wrong, since there is nothing that a test
//! could do about it; timeouts are generous, because they are only reached when something is broken.

mod direct;
mod docker;
mod engine;
mod git;
mod http;
mod leash;
mod registry;
mod server;
mod toolbox;
mod view;
mod wait;

use std::path::{Path, PathBuf};

pub use direct::{Direct, direct};
pub use docker::{Docker, Finished};
pub use engine::{Engine, engine};
pub use git::{GitServer, TempShop};
pub use http::{Http, Reply};
pub use leash::Leash;
pub use registry::Registry;
pub use server::{Cli, ServerOptions, ServerUnderTest};
pub use toolbox::{TOOLBOX, load_toolbox, toolbox_archive, toolbox_like, toolbox_program};
pub use view::{ContainerView, EngineView};
pub use wait::{eventually, free_port, unique};

/// The folder of the workspace, where `scripts/`, `images/` and `manifests/` are.
///
/// # Panics
/// Never in a checkout: the crate lies two folders below it.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies in crates/ of the workspace").to_path_buf()
}
