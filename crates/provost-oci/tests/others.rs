//! Images that others made: what the store unpacks is what their makers see.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_oci::ImageStore;
use provost_testkit::{engine, unique};
use serde_json::Value;
use support::scene::{Facts, Mounted, assert_same, first, look, run, second};
use support::store;

type Seen = BTreeMap<PathBuf, Facts>;

/// buildah with a storage of its own.
struct Buildah {
    folder: tempfile::TempDir,
}

impl Buildah {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn run(&self, args: &[&str]) -> String {
        let (root, state) = (self.folder.path().join("root"), self.folder.path().join("run"));
        let mut command = Command::new("buildah");
        command.arg("--root").arg(root).arg("--runroot").arg(state).args(["--storage-driver", "overlay"]);
        run(command.args(args))
    }

    /// Makes an image of two layers, and returns what is in it; `image` is its name.
    fn image(&self, image: &str) -> Seen {
        let base = self.layer("scratch", "base", first);
        self.layer("base", image, second);
        let seen = self.layer(image, "looked-at", |_| {});
        assert_ne!(seen, base);
        seen
    }

    fn layer(&self, from: &str, to: &str, change: fn(&Path)) -> Seen {
        let container = self.run(&["from", "--pull-never", from]);
        let root = self.run(&["mount", &container]);
        change(Path::new(&root));
        let seen = look(Path::new(&root));
        self.run(&["commit", "--rm", &container, to]);
        seen
    }

    /// Writes the image to a file and returns that.
    fn push(&self, image: &str, to: &str, options: &[&str]) -> PathBuf {
        let file = self.folder.path().join(unique("archive"));
        let place = format!("{to}:{}:example/others:1", file.display());
        self.run(&[&["push"][..], options, &[image, &place]].concat());
        file
    }
}

impl Drop for Buildah {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--recursive").arg(self.folder.path().join("root/overlay")).output();
    }
}

/// What a container of the image sees.
fn unpacked(store: &ImageStore, name: &str) -> Seen {
    let image = store.find(name).unwrap().unwrap();
    look(&Mounted::new(&image, store.user_xattrs()).root())
}

#[track_caller]
fn assert_loads(archive: &Path, expected: &Seen, what: &str) {
    let (_folder, store) = store();
    let names = store.load(File::open(archive).unwrap()).unwrap();
    // buildah adds the name that it has itself for an image.
    assert_eq!(names[0], "example/others:1", "{what}");
    // It shows a root of its own, with another mode, and has none in the image.
    let mut found = unpacked(&store, &names[0]);
    found.insert(PathBuf::new(), expected[Path::new("")].clone());
    assert_same(what, &found, expected);
}

#[test]
fn archives_of_buildah_and_skopeo() {
    let buildah = Buildah::new();
    let expected = buildah.image("image");
    let oci = buildah.push("image", "oci-archive", &[]);
    assert_loads(&oci, &expected, "buildah's oci-archive");
    assert_loads(&buildah.push("image", "docker-archive", &[]), &expected, "buildah's docker-archive");
    let zstd = buildah.push("image", "oci-archive", &["--compression-format", "zstd"]);
    assert_loads(&zstd, &expected, "buildah's oci-archive with zstd");

    let copied = buildah.folder.path().join("copied");
    let (from, to) =
        (format!("oci-archive:{}", oci.display()), format!("docker-archive:{}:example/others:1", copied.display()));
    run(Command::new("skopeo").args(["copy", &from, &to]));
    assert_loads(&copied, &expected, "skopeo's docker-archive");
}

/// The store's folder is a layout that other tools read.
#[test]
fn skopeo_reads_the_store() {
    let (folder, store) = store();
    let layer = support::Layer::default().file("file", "content").tar();
    support::load(&store, support::layout("example/others:1", support::image(&[layer], support::gzip))).unwrap();
    let image = store.find("example/others:1").unwrap().unwrap();
    let place = format!("oci:{}:docker.io/example/others:1", folder.path().join("store").display());
    let inspected: Value = serde_json::from_str(&run(Command::new("skopeo").args(["inspect", &place]))).unwrap();
    assert_eq!(inspected["Digest"], image.manifest_digest.to_string());
    let copied = folder.path().join("copied");
    let to = format!("oci-archive:{}:example/others:1", copied.display());
    run(Command::new("skopeo").args(["copy", &place, &to]));
    let (_folder, other) = support::store();
    other.load(File::open(&copied).unwrap()).unwrap();
    let found = other.find("example/others:1").unwrap().unwrap();
    assert_eq!((found.digest, found.manifest_digest), (image.digest, image.manifest_digest));
}

#[test]
fn layouts_of_umoci() {
    let folder = tempfile::tempdir().unwrap();
    let umoci = |args: &[&str]| run(Command::new("umoci").args(args).current_dir(folder.path()));
    umoci(&["init", "--layout", "layout"]);
    umoci(&["new", "--image", "layout:latest"]);
    umoci(&["unpack", "--image", "layout:latest", "bundle"]);
    let root = folder.path().join("bundle/rootfs");
    first(&root);
    umoci(&["repack", "--refresh-bundle", "--image", "layout:latest", "bundle"]);
    second(&root);
    umoci(&["repack", "--image", "layout:latest", "bundle"]);
    run(Command::new("tar").args(["-cf", "archive", "-C", "layout", "."]).current_dir(folder.path()));
    let (_folder, store) = store();
    let names = store.load(File::open(folder.path().join("archive")).unwrap()).unwrap();
    assert!(names[0].starts_with("sha256:"), "a tag alone is no name: {names:?}");
    assert_same("umoci's layout", &unpacked(&store, &names[0]), &look(&root));
}

/// Docker loads an image of buildah's, saves it again, and shows what a container sees.
#[test]
fn docker_sees_the_same() {
    let docker = engine().docker();
    let buildah = Buildah::new();
    buildah.image("image");
    let archive = fs::read(buildah.push("image", "docker-archive", &[])).unwrap();
    let reply = docker.http().send("POST", "/images/load?quiet=1", "application/x-tar", &archive).unwrap();
    assert!(reply.is_success() && !reply.text().contains("\"error\""), "{}", reply.text());
    let request = serde_json::json!({"Image": "example/others:1", "Cmd": ["/nothing"]});
    let created = docker.http().post(&format!("/containers/create?name={}", unique("oci")), &request).unwrap();
    let id = created.json()["Id"].as_str().unwrap().to_owned();
    let exported = docker.http().get(&format!("/containers/{id}/export")).unwrap().body;
    docker.remove(&id);
    let folder = tempfile::tempdir().unwrap();
    let (tar, root) = (folder.path().join("tar"), folder.path().join("root"));
    fs::write(&tar, exported).unwrap();
    fs::create_dir(&root).unwrap();
    let options = ["--numeric-owner", "--same-owner", "--xattrs", "--xattrs-include=*", "-xpf"];
    run(Command::new("tar").arg("-C").arg(&root).args(options).arg(&tar));
    let expected = without_docker(look(&root));

    let saved = docker.http().get("/images/example/others:1/get").unwrap().body;
    let known = docker.image("example/others:1").unwrap();
    for (bytes, what) in [(archive, "what Docker loaded"), (saved, "what Docker saved")] {
        let (_folder, store) = store();
        support::load(&store, bytes).unwrap();
        assert_same(what, &without_docker(unpacked(&store, "example/others:1")), &expected);
        let image = store.find("example/others:1").unwrap().unwrap();
        let ids = [image.digest.to_string(), image.manifest_digest.to_string()];
        assert!(ids.contains(&known["Id"].as_str().unwrap().to_owned()), "{what}: {ids:?}, {}", known["Id"]);
    }
}

/// Without what Docker puts into every container.
fn without_docker(mut seen: Seen) -> Seen {
    let own = ["dev", "etc", "proc", "sys", ".dockerenv"];
    seen.retain(|path, _| !own.iter().any(|own| path.starts_with(own)));
    seen
}
