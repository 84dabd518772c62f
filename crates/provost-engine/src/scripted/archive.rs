//! The names of the images in an archive.

use std::io::Read as _;

use provost_controller::{EngineError, EngineErrorKind};
use serde_json::Value;

/// Returns the tags that the archive's `manifest.json` gives, as `docker save` writes it.
///
/// Errors: [`EngineErrorKind::Refused`] if it is no tar, or has no such file.
pub(super) fn image_names(archive: &[u8]) -> Result<Vec<String>, EngineError> {
    let refuse = |why: &str| EngineError::new(EngineErrorKind::Refused, format!("cannot load the archive: {why}"));
    let manifest = read_manifest(archive).map_err(|error| refuse(&error.to_string()))?;
    let images: Vec<Value> = manifest.ok_or_else(|| refuse("it has no manifest.json"))?;
    let tags = images.iter().flat_map(|image| image["RepoTags"].as_array().cloned().unwrap_or_default());
    Ok(tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect())
}

fn read_manifest(archive: &[u8]) -> std::io::Result<Option<Vec<Value>>> {
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if entry.path()?.as_os_str() == "manifest.json" {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return Ok(Some(serde_json::from_str(&text)?));
        }
    }
    Ok(None)
}
