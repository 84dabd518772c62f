//! Archives: tar files of an OCI layout, or of `docker save` in any of its forms.
//!
//! Nothing is unpacked by the archive's own names. They are read into a table of contents, and what an image refers to is
//! looked up there, so that a name like `../../etc/passwd` is a key that nobody asks for.

mod contents;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use provost_image::Digest;
use serde::Deserialize;

use crate::manifest::{Descriptor, Index, Manifest, Platform, parse};
use crate::name::Name;
use crate::staging::{DOCUMENT_MAX, Staging, copy};
use crate::stream::{Compression, Meter, unpacked};
use crate::{Refusal, StoreError};
use contents::{Contents, Window};

/// How deep indexes may refer to indexes.
const DEPTH_MAX: usize = 4;

/// An archive whose contents are known.
pub(crate) struct Archive<R> {
    file: Source<R>,
    contents: Contents,
}

/// The archive itself, or what it was unpacked to.
enum Source<R> {
    Given(R),
    Unpacked(File),
}

/// An image of `manifest.json`.
/// Source: Moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format".
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the table of contents. An archive that is compressed as a whole is unpacked beside the store first.
    pub fn open(mut archive: R, staging: &Staging<'_>) -> Result<Self, StoreError> {
        let mut file = match compression(&mut archive)? {
            Compression::None => Source::Given(archive),
            Compression::Gzip | Compression::Zstd => Source::Unpacked(plain(archive, staging)?),
        };
        let contents = Contents::read(&mut file)?;
        Ok(Self { file, contents })
    }

    /// Takes all images for this machine in, and returns their names.
    pub fn load(&mut self, staging: &mut Staging<'_>) -> Result<Vec<String>, StoreError> {
        let docker: Vec<DockerImage> = match self.document("manifest.json")? {
            Some(bytes) => parse(&bytes, "manifest.json")?,
            None => Vec::new(),
        };
        match self.document("index.json")? {
            Some(bytes) => self.load_layout(&Index::parse(&bytes, "index.json")?, &docker, staging),
            None if docker.is_empty() => {
                Err(StoreError::Archive("it has neither an index.json nor a manifest.json with an image".to_owned()))
            }
            None => self.load_docker(&docker, staging),
        }
    }

    fn load_layout(
        &mut self,
        index: &Index,
        docker: &[DockerImage],
        staging: &mut Staging<'_>,
    ) -> Result<Vec<String>, StoreError> {
        let mut names: BTreeMap<Digest, BTreeSet<Name>> = BTreeMap::new();
        let mut others = BTreeSet::new();
        for entry in &index.manifests {
            if let Some(manifest) = self.choose(entry, 0, &mut others, staging)? {
                names.entry(manifest).or_default().extend(entry.name());
            }
        }
        if names.is_empty() {
            return Err(nothing(&others));
        }
        let mut said = Vec::new();
        for (manifest, mut names) in names {
            self.fetch_parts(&manifest, staging)?;
            let parsed = Manifest::parse(&staging.document(&manifest, "manifest")?, "the manifest")?;
            let own = docker.iter().filter(|image| is_config(&image.config, &parsed.config.digest));
            for tag in own.flat_map(|image| image.repo_tags.iter().flatten()) {
                names.insert(tag.parse()?);
            }
            let config = staging.image(&manifest, &names, None)?;
            said.extend(says(&names, &config));
        }
        Ok(said)
    }

    /// The manifest that an entry leads to and that is for this machine. What is for others is noted.
    fn choose(
        &mut self,
        entry: &Descriptor,
        depth: usize,
        others: &mut BTreeSet<String>,
        staging: &mut Staging<'_>,
    ) -> Result<Option<Digest>, StoreError> {
        if let Some(platform) = entry.platform.as_ref().filter(|platform| !platform.runs_on(&Platform::here())) {
            others.insert(platform.to_string());
            return Ok(None);
        }
        if !entry.is_index() {
            return Ok(Some(entry.digest.clone()));
        }
        if depth >= DEPTH_MAX {
            return Err(StoreError::Archive(format!("its indexes are more than {DEPTH_MAX} deep")));
        }
        self.fetch(&entry.digest, "index", staging)?;
        let index = Index::parse(&staging.document(&entry.digest, "index")?, &format!("index {}", entry.digest))?;
        for inner in &index.manifests {
            if let Some(found) = self.choose(inner, depth + 1, others, staging)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn fetch_parts(&mut self, manifest: &Digest, staging: &mut Staging<'_>) -> Result<(), StoreError> {
        self.fetch(manifest, "manifest", staging)?;
        let bytes = staging.document(manifest, "manifest")?;
        let parsed = Manifest::parse(&bytes, &format!("manifest {manifest}"))?;
        self.fetch(&parsed.config.digest, "configuration", staging)?;
        parsed.layers.iter().try_for_each(|layer| self.fetch(&layer.digest, "layer", staging))
    }

    /// Takes a blob in, unless it is there.
    fn fetch(&mut self, digest: &Digest, what: &str, staging: &mut Staging<'_>) -> Result<(), StoreError> {
        if staging.blob(digest).is_some() {
            return Ok(());
        }
        let what = format!("{what} {digest}");
        let content = self.content(&format!("blobs/sha256/{}", digest.hex()), &what)?;
        staging.add_known(content, digest, &what)
    }

    /// Archives from before Docker wrote layouts: an image has a configuration and layers, and gets its manifest here.
    fn load_docker(&mut self, images: &[DockerImage], staging: &mut Staging<'_>) -> Result<Vec<String>, StoreError> {
        let mut said = Vec::new();
        for image in images {
            let tags = image.repo_tags.iter().flatten();
            let names: BTreeSet<Name> = tags.map(|tag| tag.parse()).collect::<Result<_, _>>()?;
            let what = format!("configuration {}", image.config);
            let (config, size) = staging.add(self.content(&image.config, &what)?, &what)?;
            // Its name says what it is, where it is a digest.
            if let Some(expected) = named_digest(&image.config).filter(|expected| *expected != config) {
                return Err(StoreError::Digest { what, expected, found: config });
            }
            let mut layers = Vec::new();
            for layer in image.layers.iter().flatten() {
                let what = format!("layer {layer}");
                let compression = compression(&mut self.content(layer, &what)?)?;
                let (digest, size) = staging.add(self.content(layer, &what)?, &what)?;
                layers.push(Descriptor::new(media_type(compression), digest, size));
            }
            let manifest = serde_json::to_vec(&Manifest::new((config, size), layers))
                .map_err(|error| StoreError::Archive(error.to_string()))?;
            let (manifest, _) = staging.add(manifest.as_slice(), "manifest")?;
            let config = staging.image(&manifest, &names, None)?;
            said.extend(says(&names, &config));
        }
        Ok(said)
    }

    /// A small file of the archive, if it has it.
    fn document(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((_, size)) = self.contents.find(name) else { return Ok(None) };
        if size > DOCUMENT_MAX {
            return Err(StoreError::Archive(format!("its {name} has more than {DOCUMENT_MAX} bytes")));
        }
        let mut bytes = Vec::new();
        self.content(name, name)?.read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(Some(bytes))
    }

    fn content(&mut self, name: &str, what: &str) -> Result<impl Read + Seek + '_, StoreError> {
        let (at, size) = self.contents.find(name).ok_or_else(|| StoreError::Missing(what.to_owned()))?;
        Window::open(&mut self.file, at, size).map_err(unreadable)
    }
}

/// What an archive without an image for this machine says.
fn nothing(others: &BTreeSet<String>) -> StoreError {
    if others.is_empty() {
        return StoreError::Archive("its index.json lists no image".to_owned());
    }
    let found = others.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    StoreError::Platform { wanted: Platform::here().to_string(), found }
}

/// The names that an image was loaded by, or its digest where it has none.
fn says(names: &BTreeSet<Name>, config: &Digest) -> Vec<String> {
    if names.is_empty() { vec![config.to_string()] } else { names.iter().map(Name::to_string).collect() }
}

/// `blobs/sha256/HEX` and `HEX.json`
fn named_digest(path: &str) -> Option<Digest> {
    let name = path.rsplit('/').next().unwrap_or(path);
    format!("sha256:{}", name.strip_suffix(".json").unwrap_or(name)).parse().ok()
}

fn is_config(path: &str, digest: &Digest) -> bool {
    named_digest(path).as_ref() == Some(digest)
}

fn media_type(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "application/vnd.oci.image.layer.v1.tar",
        Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
    }
}

/// How a file is compressed; it is read from its start again afterwards.
fn compression(file: &mut (impl Read + Seek)) -> Result<Compression, StoreError> {
    let mut start = Vec::new();
    file.by_ref().take(4).read_to_end(&mut start).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    Ok(Compression::of(&start))
}

/// The archive without its compression, in a file that goes with the staging.
fn plain(archive: impl Read + Seek, staging: &Staging<'_>) -> Result<File, StoreError> {
    let path = staging.scratch("archive");
    let mut archive = archive;
    let size = archive.seek(SeekFrom::End(0)).map_err(unreadable)?;
    archive.rewind().map_err(unreadable)?;
    let open = || File::options().create(true).truncate(true).read(true).write(true).open(&path);
    let mut file = open().map_err(StoreError::disk("write", &path))?;
    let (compression, stream) = unpacked(archive).map_err(unreadable)?;
    let mut meter = Meter::new(stream, compression, size, staging.budget());
    copy(&mut meter, &mut file).map_err(|refusal| match refusal {
        Refusal::Disk(source) => StoreError::Disk { what: "write", path: path.clone(), source },
        other => StoreError::Archive(other.to_string()),
    })?;
    file.rewind().map_err(unreadable)?;
    Ok(file)
}

fn unreadable(error: std::io::Error) -> StoreError {
    StoreError::Archive(Refusal::from(error).to_string())
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Given(archive) => archive.read(buffer),
            Self::Unpacked(file) => file.read(buffer),
        }
    }
}

impl<R: Seek> Seek for Source<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        match self {
            Self::Given(archive) => archive.seek(to),
            Self::Unpacked(file) => file.seek(to),
        }
    }
}
