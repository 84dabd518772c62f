//! The toolbox image.

use std::{env, fs, io, path::PathBuf, process::Command, sync::OnceLock};

use provost_image::{Archive, Recipe};

use crate::{Docker, workspace};

/// The reference of the toolbox image.
pub const TOOLBOX: &str = concat!("provost/toolbox:", env!("CARGO_PKG_VERSION"));

/// How the image is packed.
const RECIPE: &str = include_str!("../../../images/toolbox/image.json");

/// The static program of the toolbox image, built if it is not there: `PROVOST_TOOLBOX` or what
/// `scripts/build-toolbox` says.
///
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn toolbox_program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| env::var_os("PROVOST_TOOLBOX").map_or_else(build, PathBuf::from)).clone()
}

fn build() -> PathBuf {
    let script = workspace().join("scripts/build-toolbox");
    let output = Command::new(script).output().unwrap_or_else(|error| panic!("cannot run build-toolbox: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cannot build the toolbox: {complaint}");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// The toolbox image, packed.
///
/// # Panics
/// If it cannot be built or packed.
#[must_use]
pub fn toolbox_archive() -> &'static Archive {
    static ARCHIVE: OnceLock<Archive> = OnceLock::new();
    ARCHIVE.get_or_init(|| toolbox_like(|_| ()))
}

/// An image with the toolbox's program that is otherwise as `change` makes it. Its tag is that of the toolbox.
///
/// # Panics
/// As [`toolbox_archive`].
#[must_use]
pub fn toolbox_like(change: impl FnOnce(&mut Recipe)) -> Archive {
    pack(change).unwrap_or_else(|error| panic!("cannot pack the toolbox: {error}"))
}

fn pack(change: impl FnOnce(&mut Recipe)) -> Result<Archive, Box<dyn std::error::Error>> {
    let mut recipe = Recipe::parse(RECIPE)?;
    change(&mut recipe);
    let read = |from: &str| match from {
        "provost-toolbox" => fs::read(toolbox_program()),
        other => Err(io::Error::new(io::ErrorKind::NotFound, format!("the toolbox is not made from {other}"))),
    };
    Ok(recipe.pack(env!("CARGO_PKG_VERSION"), read)?)
}

/// Loads the toolbox image into the engine at this host, if it does not have it; returns its reference, [`TOOLBOX`].
///
/// # Panics
/// If it cannot be built, packed or loaded.
#[track_caller]
pub fn load_toolbox(docker_host: &str) -> &'static str {
    let (docker, archive) = (Docker::at(docker_host), toolbox_archive());
    let has = docker.image(TOOLBOX).is_some_and(|image| image["Id"] == archive.config_digest.to_string());
    if !has {
        docker.load(archive);
    }
    TOOLBOX
}
