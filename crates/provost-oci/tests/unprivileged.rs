//! The store of somebody who is not root.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use provost_oci::ImageStore;
use support::scene::{Mounted, run};
use support::{Layer, archive, load};
use tar::EntryType;

/// Where the process without rights finds its folder.
const FOLDER: &str = "PROVOST_OCI_UNPRIVILEGED";
const NOBODY: u32 = 65534;

fn layers() -> Vec<Layer> {
    let lower = Layer::default().file("removed", "").file("emptied/old", "").file("kept", "");
    let upper = Layer::default().entry(EntryType::Directory, "closed", "", 0o500, b"").file("closed/file", "content");
    // One that cannot even be gone through has one in it.
    let upper =
        upper.entry(EntryType::Directory, "no-way", "", 0o000, b"").folder("no-way/inner").file("no-way/inner/x", "");
    let upper = upper.entry(EntryType::Regular, "secret", "", 0o000, b"content").file("emptied/new", "");
    vec![lower, upper.file(".wh.removed", "").file("emptied/.wh..wh..opq", "")]
}

/// The process without rights.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = ImageStore::open(Path::new(&folder).join("store")).unwrap();
    assert!(store.user_xattrs());
    load(&store, archive("kept:1", layers())).unwrap();
    // One that goes again, with a folder that forbids to write into it.
    let other = Layer::default().entry(EntryType::Directory, "closed", "", 0o500, b"").file("closed/x", "");
    load(&store, archive("other:1", vec![other])).unwrap();
    let kept = store.find("kept:1").unwrap().unwrap().digest;
    let collected = store.collect(&BTreeSet::from([kept])).unwrap();
    assert_eq!((collected.images, collected.layers), (1, 1));
}

#[test]
fn all_files_are_its_own_and_layers_are_mounted_with_userxattr() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // The test itself may lie where only root goes.
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    command.args(["child", "--exact"]).env(FOLDER, folder.path()).current_dir(folder.path());
    run(command.uid(NOBODY).gid(NOBODY));

    let store = ImageStore::open(folder.path().join("store")).unwrap();
    let image = store.find("kept:1").unwrap().unwrap();
    for path in ["closed/file", "secret", "closed", "no-way", "no-way/inner/x"] {
        let meta = fs::metadata(image.layers[1].join(path)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (NOBODY, NOBODY), "{path}");
    }
    assert_eq!(fs::metadata(image.layers[1].join("secret")).unwrap().permissions().mode() & 0o777, 0);
    let mounted = Mounted::new(&image, true);
    let seen = |path: &str| mounted.root().join(path).exists();
    assert_eq!((seen("removed"), seen("emptied/old"), seen("emptied/new"), seen("kept")), (false, false, true, true));
}
