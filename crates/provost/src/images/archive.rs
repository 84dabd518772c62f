//! Which images the archives of a folder hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

/// The largest index of an archive that is read, in bytes.
const INDEX_MAX: u64 = 1024 * 1024;

/// What an archive says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The names of its images, each with its tag.
    pub names: BTreeSet<String>,
    /// The ids that an engine may give them: digests of configurations (Docker, Podman) and of manifests (containerd).
    pub ids: BTreeSet<String>,
}

/// The archives of a folder. One that has not changed since it was read is not read again.
#[derive(Debug, Default)]
pub struct Shelf {
    known: BTreeMap<PathBuf, (Stamp, Contents)>,
}

/// When a file was changed, and its size: another stamp is another file.
type Stamp = (Option<SystemTime>, u64);

impl Shelf {
    /// The archive in `folder` that holds `image`, if there is one: the last by name, if there are several.
    pub fn find(&mut self, folder: &Path, image: &str) -> Option<(PathBuf, Contents)> {
        self.look(folder);
        let wanted = with_tag(image);
        let found = self.known.iter().rev().find(|(_, (_, contents))| contents.names.contains(&wanted))?;
        Some((found.0.clone(), found.1.1.clone()))
    }

    /// Remembers the id that an engine gave to the image of this archive, where that is none that the archive says.
    pub fn learn(&mut self, archive: &Path, id: &str) {
        if let Some((_, contents)) = self.known.get_mut(archive) {
            contents.ids.insert(id.to_owned());
        }
    }

    /// Looks at the folder anew.
    fn look(&mut self, folder: &Path) {
        let paths = match paths(folder) {
            Ok(paths) => paths,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "the image folder cannot be read");
                return self.known.clear();
            }
        };
        self.known.retain(|path, _| paths.contains_key(path));
        for (path, stamp) in paths {
            if self.known.get(&path).is_some_and(|(known, _)| *known == stamp) {
                continue;
            }
            let contents = contents(&path).unwrap_or_else(|error| {
                tracing::warn!(archive = %path.display(), %error, "not an image archive");
                Contents::default()
            });
            self.known.insert(path, (stamp, contents));
        }
    }
}

fn paths(folder: &Path) -> io::Result<BTreeMap<PathBuf, Stamp>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Links are followed: what a store of packages holds is linked into the folder.
        let meta = path.extension().is_some_and(|extension| extension == "tar").then(|| std::fs::metadata(&path));
        if let Some(Ok(meta)) = meta {
            found.insert(path, (meta.modified().ok(), meta.len()));
        }
    }
    Ok(found)
}

/// What the archive at `path` says of itself.
fn contents(path: &Path) -> io::Result<Contents> {
    let mut archive = tar::Archive::new(File::open(path)?);
    let mut contents = Contents::default();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let inside = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        if inside != "manifest.json" && inside != "index.json" {
            continue;
        }
        let index: Value = serde_json::from_reader(entry.take(INDEX_MAX)).map_err(io::Error::other)?;
        let is_docker = inside == "manifest.json";
        let names = if is_docker { docker_names(&index) } else { oci_names(&index) };
        contents.names.extend(names.iter().map(|name| with_tag(name)));
        contents.ids.extend(if is_docker { docker_ids(&index) } else { oci_ids(&index) });
    }
    if contents.names.is_empty() { Err(io::Error::other("it names no image")) } else { Ok(contents) }
}

/// `[{"Config": "blobs/sha256/HEX"}]`, or `HEX.json` in older archives.
fn docker_ids(index: &Value) -> Vec<String> {
    let configs = index.as_array().into_iter().flatten().filter_map(|image| image["Config"].as_str());
    let hex = |config: &str| config.rsplit('/').next().unwrap_or(config).trim_end_matches(".json").to_owned();
    configs.map(|config| format!("sha256:{}", hex(config))).collect()
}

fn oci_ids(index: &Value) -> Vec<String> {
    let images = index["manifests"].as_array().into_iter().flatten();
    images.filter_map(|image| image["digest"].as_str()).map(str::to_owned).collect()
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
            r#"[{"Config": "blobs/sha256/aa", "RepoTags": ["provost/toolbox:0.1.0", "provost/toolbox:latest"]}]"#,
        );
        let oci = r#"{"manifests": [{"digest": "sha256:bb", "annotations": {"io.containerd.image.name": "docker.io/library/busybox:1.36", "org.opencontainers.image.ref.name": "1.36"}}]}"#;
        archive(path, "b.tar", "./index.json", oci);
        archive(path, "c.tar", "manifest.json", "[]");
        std::fs::write(path.join("d.tar"), "no archive").unwrap();
        std::fs::write(path.join("notes.txt"), "").unwrap();
        let mut shelf = Shelf::default();
        let mut find = |image: &str| {
            let (path, contents) = shelf.find(path, image)?;
            Some((path.file_name().unwrap().to_str().unwrap().to_owned(), Vec::from_iter(contents.ids)))
        };
        let ids = |id: &str| vec![format!("sha256:{id}")];
        assert_eq!(find("busybox:1.36"), Some(("b.tar".to_owned(), ids("bb"))));
        assert_eq!(find("provost/toolbox:0.1.0"), Some(("a.tar".to_owned(), ids("aa"))));
        assert_eq!(find("provost/toolbox"), Some(("a.tar".to_owned(), ids("aa"))));
        assert_eq!(find("busybox"), None);
    }

    #[test]
    fn an_archive_that_was_exchanged_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::default();
        let index = |id: &str| format!(r#"[{{"Config": "{id}.json", "RepoTags": ["job:latest"]}}]"#);
        for id in ["aa", "cccc"] {
            archive(folder.path(), "job.tar", "manifest.json", &index(id));
            let (_, contents) = shelf.find(folder.path(), "job").unwrap();
            assert_eq!(Vec::from_iter(contents.ids), [format!("sha256:{id}")]);
        }
        std::fs::remove_file(folder.path().join("job.tar")).unwrap();
        assert_eq!(shelf.find(folder.path(), "job"), None);
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
