//! What layers are unpacked to, and what the kernel makes of them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::FileType;
use support::scene::{CAPABILITY, Mounted};
use support::{Layer, MTIME, loaded, store};
use tar::EntryType;

fn kind(path: &Path) -> FileType {
    FileType::from_raw_mode(fs::symlink_metadata(path).unwrap().mode())
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

fn is_opaque(path: &Path) -> bool {
    attribute(path, "trusted.overlay.opaque").is_some_and(|value| value == b"y")
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_have_the_owner_mode_and_time_that_the_archive_says() {
    let (_folder, store) = store();
    let layer = Layer::default().entry(EntryType::Regular, "su", "", 0o6755, b"content").folder("folder");
    let layer = layer.file("folder/file", "").symlink("link", "su").entry(EntryType::Fifo, "pipe", "", 0o600, b"");
    let root = loaded(&store, vec![layer]).layers.remove(0);
    for (name, expected) in [("su", 0o106_755), ("folder", 0o040_755), ("link", 0o120_777), ("pipe", 0o010_600)] {
        let meta = fs::symlink_metadata(root.join(name)).unwrap();
        assert_eq!((meta.mode(), meta.uid(), meta.gid()), (expected, 1234, 5678), "{name}");
        assert_eq!(meta.mtime(), i64::try_from(MTIME).unwrap(), "{name}");
    }
    assert_eq!(fs::read_link(root.join("link")).unwrap(), Path::new("su"));
}

#[test]
fn attributes_and_exact_times_are_kept() {
    let (_folder, store) = store();
    let records = [
        ("SCHILY.xattr.security.capability", CAPABILITY),
        ("SCHILY.xattr.user.note", b"a=b\nc"),
        ("mtime", b"1500000000.123456789"),
        ("uid", b"4000000000"),
    ];
    let folder = [("SCHILY.xattr.user.note", &b"on a folder"[..])];
    let layer = Layer::default().pax(&records).file("ping", "content").pax(&folder).folder("folder");
    let root = loaded(&store, vec![layer]).layers.remove(0);
    let meta = fs::metadata(root.join("ping")).unwrap();
    assert_eq!((meta.mtime(), meta.mtime_nsec(), meta.uid()), (1_500_000_000, 123_456_789, 4_000_000_000));
    assert_eq!(attribute(&root.join("ping"), "security.capability").unwrap(), CAPABILITY);
    assert_eq!(attribute(&root.join("ping"), "user.note").unwrap(), b"a=b\nc");
    assert_eq!(attribute(&root.join("folder"), "user.note").unwrap(), b"on a folder");
}

#[test]
fn hard_links_are_one_file() {
    let (_folder, store) = store();
    let layer = Layer::default().file("folder/one", "content").link("two", "./folder/one").link("three", "/two");
    let layer = layer.symlink("link", "two").link("hard-link-to-a-link", "link").link("two", "two");
    let root = loaded(&store, vec![layer]).layers.remove(0);
    let inode = |name: &str| fs::symlink_metadata(root.join(name)).unwrap().ino();
    assert_eq!((inode("folder/one"), inode("folder/one")), (inode("two"), inode("three")));
    assert_eq!(inode("link"), inode("hard-link-to-a-link"));
    assert_eq!(fs::read_link(root.join("hard-link-to-a-link")).unwrap(), Path::new("two"));
}

#[test]
fn folders_without_an_entry_are_like_any_engine_makes_them() {
    let (_folder, store) = store();
    let image = loaded(&store, vec![Layer::default().file("a/b/file", "")]);
    for path in ["", "a", "a/b"] {
        let meta = fs::metadata(image.layers[0].join(path)).unwrap();
        assert_eq!((meta.permissions().mode(), meta.uid(), meta.mtime()), (0o040_755, 0, 0), "{path:?}");
    }
}

#[test]
fn the_root_is_what_its_entry_says() {
    let (_folder, store) = store();
    let layer = Layer::default().entry(EntryType::Directory, "./", "", 0o700, b"").file("./file", "");
    let root = loaded(&store, vec![layer]).layers.remove(0);
    let meta = fs::metadata(&root).unwrap();
    assert_eq!((meta.permissions().mode(), meta.uid()), (0o040_700, 1234));
}

#[test]
fn whiteouts_are_those_of_the_overlay_file_system() {
    let (_folder, store) = store();
    let lower = ["removed", "folder/removed", "folder/stays", "emptied/x", "whole/x"];
    let lower = lower.iter().fold(Layer::default(), |layer, path| layer.file(path, "lower"));
    let upper = Layer::default().file(".wh.removed", "").file("folder/.wh.removed", "").file(".wh.whole", "");
    let upper = upper.folder("emptied").file("emptied/.wh..wh..opq", "").file("emptied/new", "upper");
    let upper = upper.file(".wh..wh.plnk", "what aufs wrote").file(".wh..wh.aufs", "");
    let image = loaded(&store, vec![lower, upper]);
    let root = &image.layers[1];
    assert_eq!(names(root), ["emptied", "folder", "removed", "whole"]);
    for path in ["removed", "folder/removed", "whole"] {
        assert_eq!(kind(&root.join(path)), FileType::CharacterDevice, "{path}");
        assert_eq!(fs::symlink_metadata(root.join(path)).unwrap().rdev(), 0, "{path}");
    }
    assert!(is_opaque(&root.join("emptied")) && !is_opaque(&root.join("folder")));

    let mounted = Mounted::new(&image, store.user_xattrs());
    let root = mounted.root();
    assert_eq!(names(&root), ["emptied", "folder"]);
    assert_eq!(
        (names(&root.join("folder")), names(&root.join("emptied"))),
        (vec!["stays".to_owned()], vec!["new".to_owned()])
    );
}

/// A whiteout is about what lies below. In which order it comes is for tools to choose.
#[test]
fn a_whiteout_does_not_take_away_what_its_own_layer_has() {
    let lower = || Layer::default().file("file", "lower").file("folder/lower", "").file("implied/lower", "");
    let before = Layer::default().file(".wh.file", "").file(".wh.folder", "").file(".wh.implied", "");
    let before = before.file("file", "upper").folder("folder").file("folder/upper", "").file("implied/upper", "");
    let after =
        Layer::default().file("file", "upper").folder("folder").file("folder/upper", "").file("implied/upper", "");
    let after = after.file(".wh.file", "").file(".wh.folder", "").file(".wh.implied", "");
    for upper in [before, after] {
        let (_folder, store) = store();
        let image = loaded(&store, vec![lower(), upper]);
        let mounted = Mounted::new(&image, store.user_xattrs());
        let root = mounted.root();
        assert_eq!(fs::read(root.join("file")).unwrap(), b"upper");
        assert_eq!(
            (names(&root.join("folder")), names(&root.join("implied"))),
            (vec!["upper".to_owned()], vec!["upper".to_owned()])
        );
    }
}

/// umoci says of everything in a folder that is no more that it is no more.
#[test]
fn what_is_in_a_folder_that_is_no_more_needs_no_whiteout() {
    let lower = || Layer::default().file("gone/deep/file", "").file("file-now/x", "").file("stays", "");
    let whiteouts = [".wh.gone", "gone/.wh.deep", "gone/deep/.wh.file", "file-now/.wh.x", "gone/.wh..wh..opq"];
    let upper = whiteouts.iter().fold(Layer::default().file("file-now", ""), |layer, path| layer.file(path, ""));
    let reversed = whiteouts.iter().rev().fold(Layer::default(), |layer, path| layer.file(path, ""));
    for upper in [upper, reversed.file("file-now", "")] {
        let (_folder, store) = store();
        let image = loaded(&store, vec![lower(), upper]);
        let mounted = Mounted::new(&image, store.user_xattrs());
        assert_eq!(names(&mounted.root()), ["file-now", "stays"]);
    }
}

#[test]
fn a_folder_that_hides_everything_has_no_whiteouts_in_it() {
    let (_folder, store) = store();
    let lower = Layer::default().file("emptied/old", "").file("emptied/sub/old", "");
    let upper = Layer::default().file("emptied/new", "").file("emptied/sub/new", "").file("emptied/.wh.old", "");
    let image = loaded(&store, vec![lower, upper.file("emptied/sub/.wh.old", "").file("emptied/.wh..wh..opq", "")]);
    let mounted = Mounted::new(&image, store.user_xattrs());
    let root = mounted.root();
    assert_eq!(
        (names(&root.join("emptied")), names(&root.join("emptied/sub"))),
        (vec!["new".to_owned(), "sub".to_owned()], vec!["new".to_owned()])
    );
}

#[test]
fn a_later_entry_takes_the_place_of_an_earlier_one() {
    let (_folder, store) = store();
    let layer = Layer::default().file("file", "one").file("file", "two").folder("folder").file("folder/x", "");
    let layer =
        layer.folder("folder").file("tree/a/b", "").file("tree", "a file").symlink("link", "file").file("link", "x");
    let layer = layer.file("file-to-folder", "").folder("file-to-folder");
    let root = loaded(&store, vec![layer]).layers.remove(0);
    assert_eq!(fs::read(root.join("file")).unwrap(), b"two");
    assert_eq!(names(&root.join("folder")), ["x"]);
    assert_eq!(fs::read(root.join("tree")).unwrap(), b"a file");
    assert_eq!(kind(&root.join("link")), FileType::RegularFile);
    assert_eq!(kind(&root.join("file-to-folder")), FileType::Directory);
}

/// Images of systems whose `/lib` is a link hold files under both names.
#[test]
fn links_within_the_image_are_followed_on_the_way() {
    let (_folder, store) = store();
    let layer = Layer::default().folder("usr/lib").symlink("lib", "usr/lib").file("lib/relative", "");
    let layer = layer.symlink("usr/lib64", "/usr/lib").file("usr/lib64/absolute", "").symlink("var/run", "../run");
    let root = loaded(&store, vec![layer.file("var/run/up-and-down", "")]).layers.remove(0);
    assert_eq!(names(&root.join("usr/lib")), ["absolute", "relative"]);
    assert_eq!(names(&root.join("run")), ["up-and-down"]);
}
