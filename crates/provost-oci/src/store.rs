//! The store: what is where, and what is there.
//!
//! ```text
//! oci-layout, index.json      an OCI image layout: which images there are, and their names
//! blobs/sha256/HEX            manifests, configurations, layers as they came
//! layers/sha256/HEX/          layers unpacked, by their diff id
//! partial/                    downloads that are not at their end yet
//! tmp/                        what is being written
//! lock                        held by whoever changes anything
//! ```
//!
//! Everything is made in `tmp` and renamed to its place when it is durable: first what an image is made of, then the
//! list that leads to it. So a reader needs no lock, and after a crash there is the old list or the new one, and in `tmp`
//! what the next one to change anything throws away.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use provost_image::Digest;

use crate::archive::Archive;
use crate::disk::{self, Lock};
use crate::image::ConfigBlob;
use crate::manifest::{Index, Manifest};
use crate::name::{Name, Reference};
use crate::staging::Staging;
use crate::unpack::Powers;
use crate::{Image, Limits, StoreError};

/// Images in a folder.
#[derive(Clone, Debug)]
pub struct ImageStore {
    folder: PathBuf,
    pub(crate) limits: Limits,
    pub(crate) powers: Powers,
}

/// An image that a store has, and what it is called there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, `provost/toolbox:0.1.0`; an image with several names is listed with each.
    pub name: Option<String>,
    /// Its digest, as in [`Image::digest`].
    pub digest: Digest,
}

impl ImageStore {
    /// Opens the store in `folder`, and makes it where there is none. Many may have it open, in many processes.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        for inside in ["blobs/sha256", "layers/sha256", "partial", "tmp"] {
            disk::make_folder(&folder.join(inside))?;
        }
        let store = Self { powers: Powers::probe(&folder), limits: Limits::default(), folder };
        if !store.index_file().exists() {
            store.begin()?;
        }
        Ok(store)
    }

    /// Writes what makes the folder a layout; its list last, as that says that it is one.
    fn begin(&self) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        if self.index_file().exists() {
            return Ok(());
        }
        let layout = self.folder.join("oci-layout");
        disk::replace(&layout, &self.tmp("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        self.write_index(&Index::default())
    }

    /// The same store with other limits for what comes in.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Whether its layers carry `user.overlay.*` attributes, so that they are mounted with `userxattr`; as root they
    /// carry `trusted.overlay.*`.
    #[must_use]
    pub fn user_xattrs(&self) -> bool {
        !self.powers.trusted
    }

    /// Loads the images of an archive, of an OCI layout or of `docker save`, and returns their names as Docker says
    /// them: `provost/toolbox:0.1.0`, or `sha256:…` of one without a name. Either all of them are there afterwards, or
    /// nothing is.
    pub fn load<R: Read + Seek>(&self, archive: R) -> Result<Vec<String>, StoreError> {
        let mut staging = Staging::begin(self)?;
        let mut archive = Archive::open(archive, &staging)?;
        let names = archive.load(&mut staging)?;
        staging.commit()?;
        Ok(names)
    }

    /// The image of this name (`toolbox`, `registry.example.org/a/b:1`, `name@sha256:…`) or digest (`sha256:…`).
    ///
    /// A layer whose folder is gone is unpacked again.
    pub fn find(&self, reference: &str) -> Result<Option<Image>, StoreError> {
        let reference: Reference = reference.parse()?;
        let index = self.index()?;
        let Some(entry) = index.find(&reference) else { return Ok(None) };
        let Some((manifest, config)) = self.parts(&entry.digest)? else { return Ok(None) };
        if !config.diff_ids().iter().all(|layer| self.layer(layer).is_dir()) {
            let mut staging = Staging::begin(self)?;
            staging.unpack(&manifest, config.diff_ids())?;
            staging.commit()?;
        }
        Ok(Some(Image {
            digest: entry.recorded(),
            manifest_digest: entry.digest.clone(),
            layers: self.stack(config.diff_ids()),
            config: config.into_config(),
        }))
    }

    /// All images that there are.
    pub fn images(&self) -> Result<Vec<Listed>, StoreError> {
        Ok(self.index()?.listed())
    }

    /// Takes a name away; whether it was there. What it named stays until [`ImageStore::collect`].
    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let name: Name = name.parse()?;
        let _lock = self.lock()?;
        let mut index = self.index()?;
        let was_there = index.forget(&name);
        if was_there {
            self.write_index(&index)?;
        }
        Ok(was_there)
    }

    /// Manifest and configuration of an image; nothing if they are gone meanwhile.
    pub(crate) fn parts(&self, manifest: &Digest) -> Result<Option<(Manifest, ConfigBlob)>, StoreError> {
        let Some(bytes) = disk::read(&self.blob(manifest))? else { return Ok(None) };
        let manifest = Manifest::parse(&bytes, &format!("manifest {manifest}"))?;
        let digest = &manifest.config.digest;
        let Some(bytes) = disk::read(&self.blob(digest))? else { return Ok(None) };
        let config = ConfigBlob::parse(&bytes, &format!("configuration {digest}"))?;
        Ok(Some((manifest, config)))
    }

    /// The folders of these layers. Of a layer that comes twice, the upper one does all that the lower one does; the
    /// overlay file system takes no folder twice.
    fn stack(&self, diff_ids: &[Digest]) -> Vec<PathBuf> {
        let is_last = |(at, layer): &(usize, &Digest)| !diff_ids[at + 1..].contains(layer);
        diff_ids.iter().enumerate().filter(is_last).map(|(_, layer)| self.layer(layer)).collect()
    }

    pub(crate) fn lock(&self) -> Result<Lock, StoreError> {
        Lock::take(&self.folder.join("lock"))
    }

    pub(crate) fn index(&self) -> Result<Index, StoreError> {
        let path = self.index_file();
        let bytes = disk::read(&path)?.unwrap_or_default();
        serde_json::from_slice(&bytes).map_err(|error| StoreError::Damaged { path, problem: error.to_string() })
    }

    pub(crate) fn write_index(&self, index: &Index) -> Result<(), StoreError> {
        let path = self.index_file();
        let bytes = serde_json::to_vec(index)
            .map_err(|error| StoreError::Damaged { path: path.clone(), problem: error.to_string() })?;
        disk::replace(&path, &self.tmp("index.json"), &bytes)
    }

    fn index_file(&self) -> PathBuf {
        self.folder.join("index.json")
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    pub(crate) fn layer(&self, diff_id: &Digest) -> PathBuf {
        self.layers().join(diff_id.hex())
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.join("blobs/sha256")
    }

    pub(crate) fn layers(&self) -> PathBuf {
        self.folder.join("layers/sha256")
    }

    /// The folder of downloads that are not at their end.
    pub(crate) fn partials(&self) -> PathBuf {
        self.folder.join("partial")
    }

    pub(crate) fn tmp(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join("tmp").join(name)
    }
}
