//! Packages: files and images of a policy, an automation or a plugin, as one OCI artifact.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::{Value, json};

use crate::archive::{INDEX, MANIFEST, outer};
use crate::blob::{Blob, sorted};
use crate::layer::{self, Entry, check};
use crate::{Digest, PackError};

/// What the artifact is.
pub const PACKAGE: &str = "application/vnd.provost.package.v1";
/// Its files, as a tar file.
pub const FILES: &str = "application/vnd.provost.package.files.v1.tar";
/// An image that travels with it, as an image archive.
pub const IMAGE: &str = "application/vnd.provost.package.image.v1.tar";

const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const TITLE: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";
const DESCRIPTION: &str = "org.opencontainers.image.description";

/// The name of a package, and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// `warehouse`
    pub name: String,
    /// `1.2.0`
    pub version: String,
    /// One sentence for people.
    pub description: String,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedFile {
    /// Whether it may be executed.
    pub executable: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Files by their path, relative to the folder that they are installed in (`policies/shop.yaml`).
pub type Files = BTreeMap<String, PackedFile>;

/// A package: a manifest, and the blobs that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The manifest, byte for byte as registries keep it.
    pub manifest: Vec<u8>,
    /// Every blob that the manifest names, by digest.
    pub blobs: BTreeMap<String, Vec<u8>>,
}

/// Why something is not a package.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is no archive, or a damaged one.
    #[error("this is not a package archive")]
    Archive(#[source] std::io::Error),
    /// It is an OCI artifact of another sort.
    #[error("this is no package of Provost: {0}")]
    Foreign(String),
    /// A blob is missing, or is not what its digest says.
    #[error("the package is damaged: {0}; fetch or build it again")]
    Damaged(String),
    /// A path in it would leave the folder that it is installed in.
    #[error(transparent)]
    Path(#[from] PackError),
}

impl Package {
    /// Packs `files`, and image archives by their file's name.
    ///
    /// Shape: an OCI image manifest with [`PACKAGE`] as its `artifactType`; one layer for the files, one for each image.
    /// The same arguments give the same digest. Errors: [`PackError`] for paths that do not stay inside.
    /// Source: OCI image specification 1.1, manifest.md, "Guidelines for Artifact Usage".
    pub fn pack(label: &Label, files: &Files, images: &BTreeMap<String, Vec<u8>>) -> Result<Self, PackError> {
        let mode = |file: &PackedFile| if file.executable { 0o755 } else { 0o644 };
        let entries: Vec<_> =
            files.iter().map(|(path, file)| Entry::file(path, mode(file), file.bytes.clone())).collect();
        let config = Blob::new(b"{}".to_vec());
        let mut layers = vec![(Blob::new(layer::layer(&entries)?), FILES, "files.tar".to_owned())];
        for (name, bytes) in images {
            check(name)?;
            layers.push((Blob::new(bytes.clone()), IMAGE, name.clone()));
        }
        let described = |(blob, media_type, title): &(Blob, &str, String)| {
            let mut descriptor = blob.descriptor(media_type);
            descriptor["annotations"] = json!({ TITLE: title });
            descriptor
        };
        let mut annotations = json!({ TITLE: label.name, VERSION: label.version });
        if !label.description.is_empty() {
            annotations[DESCRIPTION] = json!(label.description);
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": PACKAGE,
            "config": config.descriptor(EMPTY),
            "layers": layers.iter().map(described).collect::<Vec<_>>(),
            "annotations": annotations,
        });
        let blobs = layers.into_iter().map(|(blob, ..)| blob).chain([config]);
        let blobs = blobs.map(|blob| (blob.digest.to_string(), blob.bytes)).collect();
        Ok(Self { manifest: sorted(&manifest).into_bytes(), blobs })
    }

    /// The digest of the manifest: what registries and OCI tools call the package's digest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// One file: an OCI image layout in a tar file, the same bytes for the same package.
    pub fn archive(&self) -> Result<Vec<u8>, PackError> {
        let label = self.label();
        let mut entry = json!({ "mediaType": MANIFEST, "digest": self.digest(), "size": self.manifest.len() });
        entry["artifactType"] = json!(PACKAGE);
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": label.version });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
        let place = |digest: &str| format!("blobs/{}", digest.replace(':', "/"));
        let mut files = BTreeMap::from([
            ("oci-layout".to_owned(), sorted(&json!({ "imageLayoutVersion": "1.0.0" })).into_bytes()),
            ("index.json".to_owned(), sorted(&index).into_bytes()),
            (place(&self.digest().to_string()), self.manifest.clone()),
        ]);
        files.extend(self.blobs.iter().map(|(digest, bytes)| (place(digest), bytes.clone())));
        outer(&files)
    }

    /// Reads what [`Package::archive`] wrote, and checks every digest.
    pub fn read(archive: &[u8]) -> Result<Self, PackageError> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries().map_err(PackageError::Archive)? {
            let mut entry = entry.map_err(PackageError::Archive)?;
            let path = entry.path().map_err(PackageError::Archive)?.to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(PackageError::Archive)?;
            files.insert(path, bytes);
        }
        let index = files.get("index.json").ok_or_else(|| PackageError::Foreign("it has no index.json".to_owned()))?;
        let index: Value = serde_json::from_slice(index).unwrap_or_default();
        let mut blob = |digest: &str| files.remove(&format!("blobs/{}", digest.replace(':', "/")));
        let digest = index["manifests"][0]["digest"].as_str().unwrap_or_default().to_owned();
        let manifest = blob(&digest).ok_or_else(|| PackageError::Damaged(format!("manifest {digest} is missing")))?;
        let wanted = Self::blobs_of(&manifest)?;
        let blobs = wanted.into_iter().filter_map(|digest| blob(&digest).map(|bytes| (digest, bytes))).collect();
        Self::of_parts(manifest, blobs)
    }

    /// The blobs that a manifest names, by digest. Errors: [`PackageError::Foreign`] where it is no package's.
    pub fn blobs_of(manifest: &[u8]) -> Result<Vec<String>, PackageError> {
        let manifest: Value = serde_json::from_slice(manifest).unwrap_or_default();
        if manifest["artifactType"] != PACKAGE {
            let found = manifest["artifactType"].as_str().or(manifest["mediaType"].as_str()).unwrap_or("no manifest");
            return Err(PackageError::Foreign(format!("it is {found}")));
        }
        let layers = manifest["layers"].as_array().into_iter().flatten().chain([&manifest["config"]]);
        Ok(layers.filter_map(|layer| layer["digest"].as_str()).map(str::to_owned).collect())
    }

    /// The package of a manifest and its blobs, each checked against its digest.
    pub fn of_parts(manifest: Vec<u8>, blobs: BTreeMap<String, Vec<u8>>) -> Result<Self, PackageError> {
        for digest in Self::blobs_of(&manifest)? {
            match blobs.get(&digest) {
                Some(bytes) if Digest::of(bytes).to_string() == digest => {}
                Some(_) => return Err(PackageError::Damaged(format!("blob {digest} has another digest"))),
                None => return Err(PackageError::Damaged(format!("blob {digest} is missing"))),
            }
        }
        let package = Self { manifest, blobs };
        package.files()?;
        Ok(package)
    }

    /// Its name and version.
    pub fn label(&self) -> Label {
        let manifest: Value = serde_json::from_slice(&self.manifest).unwrap_or_default();
        let text = |key: &str| manifest["annotations"][key].as_str().unwrap_or_default().to_owned();
        Label { name: text(TITLE), version: text(VERSION), description: text(DESCRIPTION) }
    }

    /// Its files. Links and devices are refused, and paths that leave the folder.
    pub fn files(&self) -> Result<Files, PackageError> {
        let mut files = Files::new();
        for (_, layer) in self.layers(FILES) {
            for entry in tar::Archive::new(layer).entries().map_err(PackageError::Archive)? {
                let mut entry = entry.map_err(PackageError::Archive)?;
                let path = entry.path().map_err(PackageError::Archive)?.to_string_lossy().into_owned();
                check(&path)?;
                if !entry.header().entry_type().is_file() {
                    return Err(PackageError::Foreign(format!("`{path}` in it is no file")));
                }
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).map_err(PackageError::Archive)?;
                files.insert(path, PackedFile { executable, bytes });
            }
        }
        Ok(files)
    }

    /// The image archives that travel with it, by their file's name.
    pub fn images(&self) -> Vec<(String, &[u8])> {
        self.layers(IMAGE)
    }

    fn layers(&self, media_type: &str) -> Vec<(String, &[u8])> {
        let manifest: Value = serde_json::from_slice(&self.manifest).unwrap_or_default();
        let layers = manifest["layers"].as_array().into_iter().flatten();
        let of_type = layers.filter(|layer| layer["mediaType"] == media_type);
        let named = of_type.filter_map(|layer| {
            let title = layer["annotations"][TITLE].as_str().unwrap_or("image.tar").to_owned();
            Some((title, self.blobs.get(layer["digest"].as_str()?)?.as_slice()))
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn label() -> Label {
        Label { name: "warehouse".to_owned(), version: "1.2.0".to_owned(), description: "Counts.".to_owned() }
    }

    fn files() -> Files {
        let file = |text: &str| PackedFile { executable: text.starts_with("#!"), bytes: text.as_bytes().to_vec() };
        Files::from([("plugins/warehouse.yaml".to_owned(), file("kind: Plugin")), ("run".to_owned(), file("#!/run"))])
    }

    fn package() -> Package {
        Package::pack(&label(), &files(), &BTreeMap::from([("tool.tar".to_owned(), b"image".to_vec())])).unwrap()
    }

    #[test]
    fn a15_what_was_packed_comes_out_again() {
        let read = Package::read(&package().archive().unwrap()).unwrap();
        assert_eq!(read, package());
        assert_eq!((read.label(), read.files().unwrap()), (label(), files()));
        assert_eq!(read.images(), [("tool.tar".to_owned(), b"image".as_slice())]);
    }

    /// The digest is part of what is promised: if this test fails, every package changes its name.
    #[test]
    fn a15_same_input_same_digest_of_a_package() {
        let known = "sha256:0f335fee8a79f004c470fd5161e07812b7cd6caae6b036bf3db719422c12dad9";
        assert_eq!(package().digest().to_string(), known);
        assert_eq!(package().archive().unwrap(), package().archive().unwrap());
    }

    #[test]
    fn a_damaged_package_is_refused() {
        let whole = package();
        for digest in whole.blobs.keys() {
            let mut missing = whole.blobs.clone();
            missing.remove(digest);
            let mut changed = whole.blobs.clone();
            changed.get_mut(digest).unwrap().push(0);
            for blobs in [missing, changed] {
                let refused = Package::of_parts(whole.manifest.clone(), blobs).unwrap_err().to_string();
                assert!(refused.contains("damaged") && refused.contains(digest), "{refused}");
            }
        }
    }

    #[test]
    fn what_is_no_package_is_refused() {
        let image = crate::pack(&crate::ImageSpec::default(), &[]).unwrap();
        let refused = Package::read(&image.bytes).unwrap_err().to_string();
        assert!(refused.contains("no package of Provost"), "{refused}");
        assert!(Package::read(b"not an archive").is_err());
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        let files = Files::from([("../x".to_owned(), PackedFile { executable: false, bytes: Vec::new() })]);
        assert!(matches!(Package::pack(&label(), &files, &BTreeMap::new()), Err(PackError::Path { .. })));
    }
}
