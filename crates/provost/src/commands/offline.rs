//! Manifests from the disk, without a server.

use std::path::{Path, PathBuf};

use provost_manifest::{Compiled, ServerFacts, SourceFile, compile};
use provost_model::RevisionId;
use provost_source::{FolderConfig, FolderSource};

use crate::app::App;
use crate::exit::{Exit, Failure};
use crate::serve::files;

/// The files at `path`: those of a folder, or one file.
pub fn read(path: &Path) -> Result<Vec<SourceFile>, Failure> {
    let found = std::fs::metadata(path);
    let found = found.map_err(|error| Failure::not_found(format!("{} cannot be read: {error}", path.display())))?;
    if found.is_dir() { read_folder(path) } else { read_file(path) }
}

fn read_folder(path: &Path) -> Result<Vec<SourceFile>, Failure> {
    use provost_controller::Source as _;
    let path = std::path::absolute(path)?;
    let source =
        FolderSource::open(&FolderConfig { path }).map_err(|problem| Failure::no(&problem.what).help(&problem.mend))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let revision = runtime.block_on(source.fetch()).map_err(Failure::no)?;
    Ok(files(&revision))
}

fn read_file(path: &Path) -> Result<Vec<SourceFile>, Failure> {
    use std::io::Read as _;
    // A byte more than is allowed, so that the compiler refuses a larger file and nobody reads it whole.
    let limit = provost_manifest::FILE_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| Failure::not_found(format!("{} cannot be read: {error}", path.display())))?;
    Ok(vec![SourceFile { path: path.display().to_string(), bytes }])
}

/// Compiles the files at `path` as a server without a configuration of its own would.
pub fn compiled(path: &Path, facts: &ServerFacts, app: &App) -> Result<Compiled, Failure> {
    let files = read(path)?;
    if files.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("there is no manifest in {}", path.display()))
            .help("manifests end in .yaml or .yml; provost init makes a shop"));
    }
    let revision = RevisionId::parse("local").map_err(Failure::no)?;
    Ok(compile(&files, facts, revision, app.times.now))
}

/// Where manifests are, for commands that read them from the disk.
#[derive(Clone, Debug, clap::Args)]
pub struct PathArgs {
    /// A folder of manifests, or one file
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
}

/// What a server's own configuration would say, for commands that have none.
#[derive(Clone, Debug, clap::Args)]
pub struct FactsArgs {
    /// As on the server with this configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl FactsArgs {
    /// What the server's configuration says about manifests; nothing if none is given.
    pub fn read(&self) -> Result<ServerFacts, Failure> {
        match &self.config {
            Some(path) => {
                let facts = crate::serve::facts(&crate::config::ServerConfig::read(path)?);
                // The configuration is that server's, this machine probably not.
                Ok(ServerFacts { machine: None, ..facts })
            }
            None => Ok(ServerFacts::default()),
        }
    }
}
