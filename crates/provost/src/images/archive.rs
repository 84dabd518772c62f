//! Which images the archives of a folder hold.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The largest index of an archive that is read, in bytes.
const INDEX_MAX: u64 = 1024 * 1024;

/// The images in the archives of `folder`, and which archive holds each.
pub fn archives(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the image folder cannot be read");
            return BTreeMap::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "tar"));
    paths.sort();
    let mut images = BTreeMap::new();
    for path in paths {
        match images_of(&path) {
            Ok(names) => images.extend(names.into_iter().map(|name| (with_tag(&name), path.clone()))),
            Err(error) => tracing::warn!(archive = %path.display(), %error, "not an image archive"),
        }
    }
    images
}

/// The images that the archive at `path` says it holds.
fn images_of(path: &Path) -> io::Result<Vec<String>> {
    let mut archive = tar::Archive::new(File::open(path)?);
    let mut names = Vec::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let inside = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        if inside != "manifest.json" && inside != "index.json" {
            continue;
        }
        let index: Value = serde_json::from_reader(entry.take(INDEX_MAX)).map_err(io::Error::other)?;
        names.extend(if inside == "manifest.json" { docker_names(&index) } else { oci_names(&index) });
    }
    names.sort();
    names.dedup();
    if names.is_empty() { Err(io::Error::other("it names no image")) } else { Ok(names) }
}

/// `[{"RepoTags": ["provost/toolbox:0.1.0"]}]`
fn docker_names(index: &Value) -> Vec<String> {
    let images = index.as_array().into_iter().flatten();
    let tags = images.filter_map(|image| image["RepoTags"].as_array()).flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The names that OCI tools write; a name that is a tag alone names no image.
fn oci_names(index: &Value) -> Vec<String> {
    let images = index["manifests"].as_array().into_iter().flatten();
    let key = |image: &Value, key: &str| image["annotations"][key].as_str().map(str::to_owned);
    let names = images.filter_map(|image| {
        key(image, "io.containerd.image.name").or_else(|| key(image, "org.opencontainers.image.ref.name"))
    });
    names.filter(|name| name.contains([':', '/'])).collect()
}

/// `image` in one way of writing: with its tag, and without the registry that Docker assumes.
pub fn with_tag(image: &str) -> String {
    let short = image.strip_prefix("docker.io/").unwrap_or(image);
    let short = short.strip_prefix("library/").unwrap_or(short);
    let last = short.rsplit('/').next().unwrap_or(short);
    if last.contains([':', '@']) { short.to_owned() } else { format!("{short}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(folder: &Path, file: &str, index: &str, json: &str) {
        let mut tar = tar::Builder::new(File::create(folder.join(file)).unwrap());
        for (name, content) in [("blobs/sha256/aa", "layer"), (index, json)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        tar.finish().unwrap();
    }

    #[test]
    fn the_archives_of_a_folder_are_known_by_their_images() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        archive(
            path,
            "a.tar",
            "manifest.json",
            r#"[{"RepoTags": ["provost/toolbox:0.1.0", "provost/toolbox:latest"]}]"#,
        );
        let oci = r#"{"manifests": [{"annotations": {"io.containerd.image.name": "docker.io/library/busybox:1.36", "org.opencontainers.image.ref.name": "1.36"}}]}"#;
        archive(path, "b.tar", "./index.json", oci);
        archive(path, "c.tar", "manifest.json", "[]");
        std::fs::write(path.join("d.tar"), "no archive").unwrap();
        std::fs::write(path.join("notes.txt"), "").unwrap();
        let images = archives(path);
        let found: Vec<(&str, &str)> =
            images.iter().map(|(image, path)| (image.as_str(), path.file_name().unwrap().to_str().unwrap())).collect();
        let expected =
            [("busybox:1.36", "b.tar"), ("provost/toolbox:0.1.0", "a.tar"), ("provost/toolbox:latest", "a.tar")];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_image_is_found_however_it_is_written() {
        for image in ["busybox", "busybox:latest", "library/busybox", "docker.io/library/busybox:latest"] {
            assert_eq!(with_tag(image), "busybox:latest");
        }
        assert_eq!(with_tag("registry:5000/a"), "registry:5000/a:latest");
        assert_eq!(with_tag("a@sha256:00"), "a@sha256:00");
    }
}
