//! What is to come into the store, until it is whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use provost_image::Digest;

use crate::disk::{self, Lock, Partial};
use crate::image::ConfigBlob;
use crate::limits::Budget;
use crate::manifest::{Descriptor, MANIFEST, Manifest, Platform};
use crate::name::Name;
use crate::stream::{Meter, unpacked};
use crate::unpack::unpack;
use crate::{ImageStore, Refusal, StoreError};

/// How many bytes a manifest or a configuration may have.
pub(crate) const DOCUMENT_MAX: u64 = 8 << 20;

/// New blobs, layers and names, beside the store's own. [`Staging::commit`] makes them the store's; if it is dropped
/// before that, nothing of them is left.
pub(crate) struct Staging<'s> {
    store: &'s ImageStore,
    folder: PathBuf,
    budget: Budget,
    blobs: BTreeSet<Digest>,
    layers: BTreeSet<Digest>,
    entries: Vec<Descriptor>,
    _lock: Lock,
}

impl<'s> Staging<'s> {
    /// Waits for the store's lock, and throws away what a crash left.
    pub fn begin(store: &'s ImageStore) -> Result<Self, StoreError> {
        let lock = store.lock()?;
        clean(store)?;
        let folder = store.tmp("new");
        disk::make_folder(&folder.join("blobs"))?;
        disk::make_folder(&folder.join("layers"))?;
        let (blobs, layers, entries) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        Ok(Self { store, folder, budget: Budget::new(store.limits), blobs, layers, entries, _lock: lock })
    }

    /// A place for a file that goes with the rest.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Where a blob is, if it is there.
    pub fn blob(&self, digest: &Digest) -> Option<PathBuf> {
        let (staged, stored) = (self.folder.join("blobs").join(digest.hex()), self.store.blob(digest));
        if self.blobs.contains(digest) { Some(staged) } else { stored.is_file().then_some(stored) }
    }

    /// Takes in a blob, and returns its digest and its size.
    pub fn add(&mut self, content: impl Read, what: &str) -> Result<(Digest, u64), StoreError> {
        let draft = self.folder.join("draft");
        let mut file = File::create(&draft).map_err(StoreError::disk("write", &draft))?;
        let mut meter = Meter::up_to(content, self.store.limits.bytes);
        copy(&mut meter, &mut file).map_err(|refusal| match refusal {
            Refusal::Disk(source) => StoreError::Disk { what: "write", path: draft.clone(), source },
            other => StoreError::Archive(format!("{what} of it: {other}")),
        })?;
        let (digest, size) = meter.finish();
        let place = self.folder.join("blobs").join(digest.hex());
        rename(&draft, &place)?;
        self.blobs.insert(digest.clone());
        Ok((digest, size))
    }

    /// Takes in a blob whose digest is known.
    pub fn add_known(&mut self, content: impl Read, expected: &Digest, what: &str) -> Result<(), StoreError> {
        let (found, _) = self.add(content, what)?;
        if found == *expected {
            return Ok(());
        }
        Err(StoreError::Digest { what: what.to_owned(), expected: expected.clone(), found })
    }

    /// Takes in a download whose digest was checked. Where another process has taken it in, that is as good.
    pub fn adopt(&mut self, partial: &Partial, digest: &Digest) -> Result<(), StoreError> {
        if partial.is_there()? {
            rename(&partial.path, &self.folder.join("blobs").join(digest.hex()))?;
            self.blobs.insert(digest.clone());
            return Ok(());
        }
        let is_there = self.blob(digest).is_some();
        if is_there { Ok(()) } else { Err(StoreError::Missing(format!("blob {digest}"))) }
    }

    /// The content of a small blob.
    pub fn document(&self, digest: &Digest, what: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.blob(digest).ok_or_else(|| StoreError::Missing(format!("{what} {digest}")))?;
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(DOCUMENT_MAX + 1).read_to_end(&mut bytes));
        let read = read.map_err(StoreError::disk("read", &path))?;
        if read as u64 > DOCUMENT_MAX {
            let problem = format!("it has more than {DOCUMENT_MAX} bytes");
            return Err(StoreError::Foreign { what: format!("{what} {digest}"), problem });
        }
        Ok(bytes)
    }

    /// Makes an image of blobs that are there, with its names; the digest of its configuration is returned.
    /// `registry` is the digest that a registry gave it.
    pub fn image(
        &mut self,
        manifest: &Digest,
        names: &BTreeSet<Name>,
        registry: Option<&Digest>,
    ) -> Result<Digest, StoreError> {
        let bytes = self.document(manifest, "manifest")?;
        let parsed = Manifest::parse(&bytes, &format!("manifest {manifest}"))?;
        let digest = parsed.config.digest.clone();
        let config = ConfigBlob::parse(&self.document(&digest, "configuration")?, &format!("configuration {digest}"))?;
        let here = Platform::here();
        if !config.platform.runs_on(&here) {
            return Err(StoreError::Platform { wanted: here.to_string(), found: config.platform.to_string() });
        }
        self.unpack(&parsed, config.diff_ids())?;
        let listed = |name| {
            let descriptor = Descriptor::new(MANIFEST, manifest.clone(), bytes.len() as u64);
            descriptor.listed(name, &digest, registry)
        };
        let names: Vec<_> = if names.is_empty() { vec![None] } else { names.iter().map(Some).collect() };
        self.entries.extend(names.into_iter().map(listed));
        Ok(digest)
    }

    /// Unpacks the layers of an image that are not unpacked yet.
    pub fn unpack(&mut self, manifest: &Manifest, diff_ids: &[Digest]) -> Result<(), StoreError> {
        let (layers, most) = (manifest.layers.len(), self.store.limits.layers);
        let foreign =
            |problem| StoreError::Foreign { what: format!("configuration {}", manifest.config.digest), problem };
        if layers != diff_ids.len() {
            return Err(foreign(format!("it knows of {} layers, and the manifest of {layers}", diff_ids.len())));
        }
        if layers > most {
            return Err(foreign(format!("it has {layers} layers, and may have {most}")));
        }
        for (layer, diff_id) in manifest.layers.iter().zip(diff_ids) {
            if !self.layers.contains(diff_id) && !self.store.layer(diff_id).is_dir() {
                self.layer(&layer.digest, diff_id)?;
            } else if self.blobs.contains(&layer.digest) {
                // Unpacked already, but from another blob maybe.
                self.check(&layer.digest, diff_id)?;
            }
        }
        Ok(())
    }

    fn layer(&mut self, digest: &Digest, diff_id: &Digest) -> Result<(), StoreError> {
        let blob = self.open(digest)?;
        let folder = self.folder.join("layers").join(diff_id.hex());
        disk::make_folder(&folder)?;
        let found = unpack(blob, &folder, self.store.powers, &mut self.budget)
            .map_err(|(entry, source)| StoreError::Layer { layer: digest.clone(), entry, source })?;
        same(digest, diff_id, found)?;
        self.layers.insert(diff_id.clone());
        Ok(())
    }

    /// Whether a layer's blob is what the configuration says, without unpacking it to a folder.
    fn check(&self, digest: &Digest, diff_id: &Digest) -> Result<(), StoreError> {
        let refused = |source| StoreError::Layer { layer: digest.clone(), entry: ".".to_owned(), source };
        let blob = self.open(digest)?;
        let read = || -> io::Result<Digest> {
            let size = blob.metadata()?.len();
            let (compression, stream) = unpacked(blob)?;
            let mut meter = Meter::new(stream, compression, size, &self.budget);
            io::copy(&mut meter, &mut io::sink())?;
            Ok(meter.finish().0)
        };
        same(digest, diff_id, read().map_err(|error| refused(error.into()))?)
    }

    fn open(&self, layer: &Digest) -> Result<File, StoreError> {
        let path = self.blob(layer).ok_or_else(|| StoreError::Missing(format!("layer {layer}")))?;
        File::open(&path).map_err(StoreError::disk("read", &path))
    }

    /// Makes it all the store's own: what images are made of first, then the list that leads to them.
    pub fn commit(self) -> Result<(), StoreError> {
        disk::sync_all(&self.folder)?;
        for digest in &self.blobs {
            rename(&self.folder.join("blobs").join(digest.hex()), &self.store.blob(digest))?;
        }
        for diff_id in &self.layers {
            rename(&self.folder.join("layers").join(diff_id.hex()), &self.store.layer(diff_id))?;
        }
        disk::sync_folder(&self.store.blobs())?;
        disk::sync_folder(&self.store.layers())?;
        if self.entries.is_empty() {
            return Ok(());
        }
        let mut index = self.store.index()?;
        self.entries.iter().for_each(|entry| index.add(entry.clone()));
        self.store.write_index(&index)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // What cannot be taken away now is taken away by the next one.
        let _ = disk::remove_folder(&self.folder);
    }
}

/// Takes away what is in `tmp`; the store's lock says that nobody is at it.
pub(crate) fn clean(store: &ImageStore) -> Result<(), StoreError> {
    let tmp = store.tmp("");
    disk::remove_folder(&tmp)?;
    disk::make_folder(&tmp)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::disk("write", to))
}

fn same(layer: &Digest, expected: &Digest, found: Digest) -> Result<(), StoreError> {
    if found == *expected {
        return Ok(());
    }
    Err(StoreError::Digest { what: format!("layer {layer}, unpacked,"), expected: expected.clone(), found })
}

/// Copies, and tells the disk's errors from the stream's.
pub(crate) fn copy(from: &mut impl Read, to: &mut File) -> Result<(), Refusal> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        io::Write::write_all(to, &buffer[..read]).map_err(Refusal::Disk)?;
    }
}
