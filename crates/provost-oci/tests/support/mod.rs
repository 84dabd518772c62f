//! Images made by hand, also such as no tool makes.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses some of it")]

pub mod registry;
pub mod scene;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use provost_oci::{Digest, Image, ImageStore, StoreError};
use serde_json::{Value, json};
use tar::{EntryType, Header};

pub const MTIME: u64 = 1_700_000_000;

/// A layer in the making.
#[derive(Default)]
pub struct Layer(Vec<u8>);

impl Layer {
    /// Any entry, whatever its path.
    pub fn entry(mut self, kind: EntryType, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(1234);
        header.set_gid(5678);
        header.set_mtime(MTIME);
        header.set_size(content.len() as u64);
        if matches!(kind, EntryType::Char | EntryType::Block) {
            header.set_device_major(1).unwrap();
            header.set_device_minor(3).unwrap();
        }
        let fields = header.as_old_mut();
        fields.name[..path.len()].copy_from_slice(path.as_bytes());
        fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, path: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, path, "", 0o644, content.as_bytes())
    }

    pub fn folder(self, path: &str) -> Self {
        self.entry(EntryType::Directory, path, "", 0o755, b"")
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, path, target, 0o777, b"")
    }

    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Link, path, target, 0o644, b"")
    }

    /// Records for the entry that follows.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let record = |(key, value): &(&str, &[u8])| {
            let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
            let digits = (1..9).find(|digits| (rest.len() + digits).to_string().len() == *digits).unwrap();
            [(rest.len() + digits).to_string().as_bytes(), &rest].concat()
        };
        let content = records.iter().map(record).collect::<Vec<_>>().concat();
        self.entry(EntryType::XHeader, "x", "", 0o644, &content)
    }

    pub fn tar(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// An archive of these files.
pub fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

pub fn blob(bytes: &[u8]) -> (String, Vec<u8>) {
    (format!("blobs/sha256/{}", Digest::of(bytes).hex()), bytes.to_vec())
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()})
}

pub fn config(layers: &[Vec<u8>]) -> Value {
    let diff_ids: Vec<_> = layers.iter().map(|layer| Digest::of(layer)).collect();
    json!({"architecture": provost_image::architecture(), "os": "linux", "config": {"Cmd": ["/run"]},
           "rootfs": {"type": "layers", "diff_ids": diff_ids}})
}

/// The blobs of an image, the manifest's first. `pack` compresses its layers.
pub fn image(layers: &[Vec<u8>], pack: fn(&[u8]) -> Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let config = config(layers).to_string().into_bytes();
    let packed: Vec<_> = layers.iter().map(|layer| pack(layer)).collect();
    let described = packed.iter().map(|layer| descriptor("application/vnd.oci.image.layer.v1.tar", layer));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": described.collect::<Vec<_>>(),
    });
    let blobs = [manifest.to_string().into_bytes(), config].into_iter().chain(packed);
    blobs.map(|bytes| blob(&bytes)).collect()
}

/// An archive of an OCI layout with one image.
pub fn layout(name: &str, blobs: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let hex = blobs[0].0.rsplit('/').next().unwrap();
    let mut entry = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": blobs[0].1.len()});
    entry["digest"] = json!(format!("sha256:{hex}"));
    entry["annotations"] = json!({"io.containerd.image.name": name});
    let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string().into_bytes();
    tar(&[vec![("index.json".to_owned(), index)], blobs].concat())
}

/// An archive with an image of these layers.
pub fn archive(name: &str, layers: Vec<Layer>) -> Vec<u8> {
    let layers: Vec<_> = layers.into_iter().map(Layer::tar).collect();
    layout(name, image(&layers, <[u8]>::to_vec))
}

pub fn load(store: &ImageStore, archive: Vec<u8>) -> Result<Vec<String>, StoreError> {
    store.load(Cursor::new(archive))
}

/// The image of these layers, in the store.
pub fn loaded(store: &ImageStore, layers: Vec<Layer>) -> Image {
    load(store, archive("test:1", layers)).unwrap();
    store.find("test:1").unwrap().unwrap()
}

/// A store, gone with the test.
pub fn store() -> (tempfile::TempDir, ImageStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = ImageStore::open(folder.path().join("store")).unwrap();
    (folder, store)
}

/// Everything below `folder`: path, and the kind and mode of what is there.
pub fn tree(folder: &Path) -> BTreeSet<(PathBuf, u32)> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let meta = fs::symlink_metadata(entry.path()).unwrap();
            found.insert((entry.path().strip_prefix(folder).unwrap().to_path_buf(), meta.mode()));
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}
