//! The archive: blobs, and the two indexes that lead to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tar::EntryType;

use crate::{
    Digest, Entry, ImageSpec, PackError,
    blob::{Blob, sorted},
    layer,
};

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A packed image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The tar file, as `docker load` and `POST /images/load` take it.
    pub bytes: Vec<u8>,
    /// The digest of the image manifest: what registries and OCI tools call the image's digest.
    pub manifest_digest: Digest,
    /// The digest of the configuration: the image's id in Docker and Podman.
    pub config_digest: Digest,
    /// Repository and tag that the image gets when it is loaded.
    pub reference: String,
}

/// Packs these files and folders into an image.
///
/// Shape: an uncompressed tar file with `blobs/sha256/*`, `index.json`, `manifest.json` (Docker's) and `oci-layout`,
/// sorted by path. The same arguments give the same bytes, in whatever order the entries come.
/// Errors: [`PackError`] for paths that do not stay inside of the image, that are given twice, or that do not fit.
pub fn pack(spec: &ImageSpec, entries: &[Entry]) -> Result<Archive, PackError> {
    let layer = Blob::new(layer::layer(entries)?);
    let config = Blob::json(&spec.config(&layer.digest));
    let manifest = Blob::json(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(CONFIG),
        "layers": [layer.descriptor(LAYER)],
    }));
    let files = BTreeMap::from([
        ("oci-layout".to_owned(), sorted(&json!({"imageLayoutVersion": "1.0.0"})).into_bytes()),
        ("index.json".to_owned(), sorted(&index(spec, &manifest)).into_bytes()),
        ("manifest.json".to_owned(), sorted(&docker_manifest(spec, &config, &layer)).into_bytes()),
        (config.path(), config.bytes),
        (layer.path(), layer.bytes),
        (manifest.path(), manifest.bytes),
    ]);
    Ok(Archive {
        bytes: outer(&files)?,
        manifest_digest: manifest.digest,
        config_digest: config.digest,
        reference: spec.reference.clone(),
    })
}

/// The entry point of an OCI image layout.
/// Source: OCI image specification 1.1, annotations.md; `io.containerd.image.name` is the full name that containerd's
/// image stores give to the image on import.
fn index(spec: &ImageSpec, manifest: &Blob) -> Value {
    let mut entry = manifest.descriptor(MANIFEST);
    entry["platform"] = json!({"architecture": spec.architecture, "os": "linux"});
    entry["annotations"] = json!({
        "org.opencontainers.image.ref.name": spec.tag(),
        "io.containerd.image.name": full_name(&spec.reference),
    });
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
}

/// Docker's list of images in an archive.
/// Source: Moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format".
fn docker_manifest(spec: &ImageSpec, config: &Blob, layer: &Blob) -> Value {
    json!([{"Config": config.path(), "RepoTags": [spec.reference], "Layers": [layer.path()]}])
}

/// The reference with the registry and the folder that Docker adds to short names.
/// Source: github.com/distribution/reference, `ParseNormalizedNamed`.
fn full_name(reference: &str) -> String {
    match reference.split_once('/') {
        None => format!("docker.io/library/{reference}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => reference.to_owned(),
        Some(_) => format!("docker.io/{reference}"),
    }
}

pub(crate) fn outer(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, PackError> {
    let entries = files.iter().map(|(path, bytes)| {
        (path.as_str(), layer::header(EntryType::Regular, bytes.len() as u64, 0o644, (0, 0)), bytes.as_slice())
    });
    layer::archive(entries).map_err(|(path, source)| PackError::Tar { path, source })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Read as _;

    use super::*;

    fn tiny() -> ImageSpec {
        ImageSpec {
            reference: "example/tiny:1".to_owned(),
            architecture: "amd64".to_owned(),
            entrypoint: vec!["/tool".to_owned()],
            user: "65532:65532".to_owned(),
            labels: BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]),
            ..ImageSpec::default()
        }
    }

    fn entries() -> [Entry; 2] {
        [Entry::file("tool", 0o755, b"#!/bin/sh\n".to_vec()), Entry::directory("data", 0o755).owned_by(65532, 65532)]
    }

    fn files(archive: &Archive) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(archive.bytes.as_slice());
        let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        };
        archive.entries().unwrap().map(read).collect()
    }

    fn parse(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    /// The digests are part of what is promised: if this test fails, every image changes its name.
    #[test]
    fn a15_same_input_same_digest() {
        let archive = pack(&tiny(), &entries()).unwrap();
        let digests = [
            archive.manifest_digest.to_string(),
            archive.config_digest.to_string(),
            Digest::of(&archive.bytes).to_string(),
        ];
        assert_eq!(
            digests,
            [
                "sha256:24dfd97487db07c7546a4f9738a3718a492c25a83084c2231ffefc2eef36d913",
                "sha256:a54273e2b95d837acd0c39fd97a2234c02686f15ba9a19a8034fa6016a37fbb2",
                "sha256:5dbefa5e7df9fa09d100f59c87557d036c66709f771bbd4fd5f33dd97afab446"
            ]
        );
    }

    #[test]
    fn the_order_of_the_entries_does_not_matter() {
        let mut reversed = entries();
        reversed.reverse();
        assert_eq!(pack(&tiny(), &entries()).unwrap(), pack(&tiny(), &reversed).unwrap());
    }

    #[test]
    fn other_input_other_digest() {
        let mut other = tiny();
        other.user = "0:0".to_owned();
        let (one, two) = (pack(&tiny(), &entries()).unwrap(), pack(&other, &entries()).unwrap());
        assert_ne!(one.config_digest, two.config_digest);
        assert_ne!(one.manifest_digest, two.manifest_digest);
        let three = pack(&tiny(), &entries()[..1]).unwrap();
        assert_ne!(one.config_digest, three.config_digest);
    }

    #[test]
    fn both_indexes_lead_to_the_same_blobs() {
        let archive = pack(&tiny(), &entries()).unwrap();
        let files = files(&archive);
        let blob = |digest: &Value| {
            let bytes = &files[&digest.as_str().unwrap().replace("sha256:", "blobs/sha256/")];
            assert_eq!(digest, &json!(Digest::of(bytes)));
            bytes
        };

        let manifest = parse(blob(&parse(&files["index.json"])["manifests"][0]["digest"]));
        let config = parse(blob(&manifest["config"]["digest"]));
        let layer = blob(&manifest["layers"][0]["digest"]);
        assert_eq!(manifest["layers"][0]["size"], json!(layer.len()));
        assert_eq!(config["rootfs"]["diff_ids"], json!([manifest["layers"][0]["digest"]]));
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["created"], "1970-01-01T00:00:00Z");

        let docker = &parse(&files["manifest.json"])[0];
        assert_eq!(docker["RepoTags"], json!(["example/tiny:1"]));
        assert_eq!(docker["Config"], format!("blobs/sha256/{}", archive.config_digest.hex()));
        assert_eq!(files[docker["Layers"][0].as_str().unwrap()], *layer);
        assert_eq!(manifest["config"]["digest"], json!(archive.config_digest));
    }

    #[test]
    fn short_names_are_completed_as_docker_does() {
        for (short, full) in [
            ("toolbox:1", "docker.io/library/toolbox:1"),
            ("provost/toolbox:1", "docker.io/provost/toolbox:1"),
            ("localhost/toolbox:1", "localhost/toolbox:1"),
            ("registry.example.org/a/b:1", "registry.example.org/a/b:1"),
        ] {
            assert_eq!(full_name(short), full);
        }
    }
}
