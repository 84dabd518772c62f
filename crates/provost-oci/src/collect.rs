//! Garbage collection.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use provost_image::Digest;

use crate::disk::Partial;
use crate::staging::clean;
use crate::{ImageStore, Listed, StoreError, disk};

/// What [`ImageStore::collect`] took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many names, and images without a name.
    pub images: usize,
    /// How many blobs.
    pub blobs: usize,
    /// How many unpacked layers.
    pub layers: usize,
    /// How many bytes of blobs.
    pub bytes: u64,
}

/// What kept images are made of, as names of files.
#[derive(Default)]
struct Needed {
    blobs: BTreeSet<String>,
    layers: BTreeSet<String>,
}

impl ImageStore {
    /// Takes away every image of which no digest is in `keep`, with its names, and whatever only those needed. What is
    /// being loaded or unpacked is waited for; what is being downloaded stays, and other beginnings of downloads go.
    ///
    /// Shape: the list first, then what it led to; a crash between leaves garbage for the next time, and nothing half.
    pub fn collect(&self, keep: &BTreeSet<Digest>) -> Result<Collected, StoreError> {
        self.collect_by(|_| keep.clone())
    }

    /// The same, with what stays decided from what is there: nothing comes in meanwhile.
    pub fn collect_by(&self, keep: impl FnOnce(&[Listed]) -> BTreeSet<Digest>) -> Result<Collected, StoreError> {
        let _lock = self.lock()?;
        clean(self)?;
        let mut collected = Collected::default();
        let mut index = self.index()?;
        let keep = keep(&index.listed());
        let before = index.manifests.len();
        index.manifests.retain(|entry| entry.digests().any(|digest| keep.contains(&digest)));
        collected.images = before - index.manifests.len();
        if collected.images > 0 {
            self.write_index(&index)?;
        }
        let mut needed = Needed::default();
        for entry in &index.manifests {
            self.mark(&entry.digest, &mut needed)?;
        }
        self.sweep(&needed, &mut collected)?;
        each(&self.partials(), &BTreeSet::new(), |path, _| {
            Partial::remove_idle(path).map_err(StoreError::disk("remove", path))
        })?;
        Ok(collected)
    }

    fn mark(&self, manifest: &Digest, needed: &mut Needed) -> Result<(), StoreError> {
        let Some((parsed, config)) = self.parts(manifest)? else { return Ok(()) };
        let blobs =
            [manifest, &parsed.config.digest].into_iter().chain(parsed.layers.iter().map(|layer| &layer.digest));
        needed.blobs.extend(blobs.map(|digest| digest.hex().to_owned()));
        needed.layers.extend(config.diff_ids().iter().map(|layer| layer.hex().to_owned()));
        Ok(())
    }

    fn sweep(&self, needed: &Needed, collected: &mut Collected) -> Result<(), StoreError> {
        each(&self.layers(), &needed.layers, |path, name| {
            // A folder that is half gone must not have a layer's name.
            let away = self.tmp(name);
            fs::rename(path, &away).map_err(StoreError::disk("remove", path))?;
            disk::remove_folder(&away)?;
            collected.layers += 1;
            Ok(())
        })?;
        each(&self.blobs(), &needed.blobs, |path, _| {
            let size = fs::metadata(path).map_err(StoreError::disk("read", path))?.len();
            fs::remove_file(path).map_err(StoreError::disk("remove", path))?;
            collected.blobs += 1;
            collected.bytes += size;
            Ok(())
        })
    }
}

/// Does something with everything in `folder` whose name is not among `needed`.
fn each(
    folder: &Path,
    needed: &BTreeSet<String>,
    mut act: impl FnMut(&Path, &OsStr) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(StoreError::disk("read", folder))? {
        let entry = entry.map_err(StoreError::disk("read", folder))?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| needed.contains(name)) {
            act(&entry.path(), &name)?;
        }
    }
    Ok(())
}
