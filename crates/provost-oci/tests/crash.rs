//! Processes that are killed while they change the store.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use provost_oci::{Digest, ImageStore};
use rustix::fs::inotify::{self, WatchFlags};
use support::{Layer, archive, load, store};

/// Where the process that is to be killed finds the store.
const STORE: &str = "PROVOST_OCI_CRASH_STORE";
/// How many files each layer has.
const FILES: usize = 200;

/// Image `at`: a layer that all share, and one of its own.
fn image(at: usize) -> Vec<u8> {
    let layer =
        |name: &str| (0..FILES).fold(Layer::default(), |layer, file| layer.file(&format!("{name}/{file}"), name));
    archive(&format!("image:{at}"), vec![layer("shared"), layer(&format!("own{at}"))])
}

/// The process that is killed: loads, moves names, takes them away and collects without an end.
#[test]
fn child() {
    let Ok(folder) = std::env::var(STORE) else { return };
    let store = ImageStore::open(folder).unwrap();
    for at in (0..3).cycle() {
        load(&store, image(at)).unwrap();
        store.remove(&format!("image:{}", (at + 1) % 3)).unwrap();
        let keep = store.images().unwrap().into_iter().filter(|listed| listed.name.is_some());
        store.collect(&keep.map(|listed| listed.digest).collect()).unwrap();
    }
}

/// The process is killed right when a name appears or goes in the store, each time after another one: such instants are
/// those between which its folder is neither the old nor the new.
#[test]
fn a_store_is_whole_whenever_its_process_was_killed() {
    let (folder, _store) = store();
    let path = folder.path().join("store");
    for round in 0..16 {
        let names = watch(&path);
        let mut child = spawn("child", &path);
        wait_for_names(&names, round + 1);
        child.kill().unwrap();
        child.wait().unwrap();
        check(&ImageStore::open(&path).unwrap(), &path);
    }
}

/// A layer of so many files that it does not go at once.
#[test]
fn a_layer_is_never_half_collected() {
    let (folder, store) = store();
    let path = folder.path().join("store");
    let layer = (0..3000).fold(Layer::default(), |layer, file| layer.file(&format!("many/{file}"), ""));
    let root = support::loaded(&store, vec![layer]).layers.remove(0);
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, root.join("many"), WatchFlags::DELETE).unwrap();
    let mut child = spawn("collector", &path);
    wait_for_names(&watch, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let is_whole = root.exists().then(|| fs::read_dir(root.join("many")).map_or(0, Iterator::count) == 3000);
    assert_ne!(is_whole, Some(false), "half a layer has its name");
    assert_eq!(ImageStore::open(&path).unwrap().collect(&BTreeSet::new()).unwrap().images, 0);
    assert_eq!(fs::read_dir(path.join("tmp")).unwrap().count(), 0);
}

/// The process that is killed while it collects.
#[test]
fn collector() {
    let Ok(folder) = std::env::var(STORE) else { return };
    ImageStore::open(folder).unwrap().collect(&BTreeSet::new()).unwrap();
}

fn spawn(test: &str, store: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact"]).env(STORE, store);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Tells of names that appear and go where the store keeps its parts.
fn watch(store: &Path) -> OwnedFd {
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    for folder in ["", "blobs/sha256", "layers/sha256"] {
        let flags = WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE;
        inotify::add_watch(&watch, store.join(folder), flags).unwrap();
    }
    watch
}

fn wait_for_names(watch: &OwnedFd, count: usize) {
    // Room for one at a time, so that none is waited for that came long ago.
    let mut buffer = [MaybeUninit::uninit(); 512];
    let mut reader = inotify::Reader::new(watch, &mut buffer);
    for _ in 0..count {
        reader.next().unwrap();
    }
}

/// Everything that is listed is there, and everything is what its name says.
fn check(store: &ImageStore, folder: &Path) {
    for listed in store.images().unwrap() {
        let found = store.find(&listed.digest.to_string()).unwrap().unwrap();
        assert_eq!(found.layers.len(), 2);
    }
    for blob in fs::read_dir(folder.join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        assert_eq!(Digest::of(&fs::read(blob.path()).unwrap()).hex(), blob.file_name().to_str().unwrap());
    }
    for layer in fs::read_dir(folder.join("layers/sha256")).unwrap() {
        let content = fs::read_dir(layer.unwrap().path()).unwrap().next().unwrap().unwrap().path();
        assert_eq!(fs::read_dir(content).unwrap().count(), FILES, "a layer has all of its files");
    }
    store
        .clone()
        .collect(&store.images().unwrap().into_iter().map(|listed| listed.digest).collect::<BTreeSet<_>>())
        .unwrap();
    assert_eq!(fs::read_dir(folder.join("tmp")).unwrap().count(), 0, "what was begun is thrown away");
}
