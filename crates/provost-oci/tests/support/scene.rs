//! File systems to make images of, and what they look like.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_oci::Digest;
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

/// `cap_net_bind_service+ep`, as the kernel stores it; there is a newline in it.
pub const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\n\0\0\0\0\0\0";

/// What is to be seen of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Kind and permissions.
    mode: u32,
    owner: (u32, u32),
    mtime: i64,
    /// Digest of a file, target of a link.
    content: String,
    /// The first path of the same file, if it has several.
    same_as: Option<PathBuf>,
    capability: Option<Vec<u8>>,
}

/// Everything in `root`, by its path; but for times of folders in which an engine puts something.
pub fn look(root: &Path) -> BTreeMap<PathBuf, Facts> {
    let (mut seen, mut first) = (BTreeMap::new(), BTreeMap::new());
    let mut paths = vec![PathBuf::new()];
    while let Some(path) = paths.pop() {
        let place = root.join(&path);
        let meta = fs::symlink_metadata(&place).unwrap();
        if meta.is_dir() {
            paths.extend(fs::read_dir(&place).unwrap().map(|entry| path.join(entry.unwrap().file_name())));
        }
        let content = match FileType::from_raw_mode(meta.mode()) {
            FileType::RegularFile => digest(&place),
            FileType::Symlink => fs::read_link(&place).unwrap().display().to_string(),
            _ => String::new(),
        };
        let is_engines = ["", "etc", "dev"].contains(&path.to_str().unwrap_or("?"));
        let mut capability = [0; 64];
        let length = rustix::fs::lgetxattr(&place, "security.capability", &mut capability[..]).ok();
        let facts = Facts {
            mode: meta.mode(),
            owner: (meta.uid(), meta.gid()),
            mtime: if is_engines { 0 } else { meta.mtime() },
            content,
            same_as: None,
            capability: length.map(|length| capability[..length].to_vec()),
        };
        if meta.nlink() > 1 && !meta.is_dir() {
            first.entry((meta.dev(), meta.ino())).or_insert_with(Vec::new).push(path.clone());
        }
        seen.insert(path, facts);
    }
    for mut names in first.into_values().filter(|names| names.len() > 1) {
        names.sort();
        names.iter().for_each(|name| seen.get_mut(name).unwrap().same_as = Some(names[0].clone()));
    }
    seen
}

fn digest(path: &Path) -> String {
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    Digest::of(&bytes).to_string()
}

/// Fails with the paths at which two file systems differ.
#[track_caller]
pub fn assert_same(what: &str, found: &BTreeMap<PathBuf, Facts>, expected: &BTreeMap<PathBuf, Facts>) {
    let paths: std::collections::BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differ: Vec<_> = paths.into_iter().filter(|path| found.get(*path) != expected.get(*path)).collect();
    let shown: Vec<_> = differ
        .iter()
        .take(10)
        .map(|path| format!("{path:?}\n  {:?}\n  {:?}", found.get(*path), expected.get(*path)))
        .collect();
    assert!(differ.is_empty(), "{what}: {} of {} paths differ:\n{}", differ.len(), expected.len(), shown.join("\n"));
    assert!(expected.len() > 20, "{what}: there is something to compare");
}

struct Scene<'a>(&'a Path);

impl Scene<'_> {
    fn file(&self, path: &str, content: &[u8], mode: u32, owner: (u32, u32)) {
        let place = self.0.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, content).unwrap();
        chown(&place, Some(owner.0), Some(owner.1)).unwrap();
        fs::set_permissions(place, Permissions::from_mode(mode)).unwrap();
    }

    fn folder(&self, path: &str, mode: u32, owner: (u32, u32)) {
        let place = self.0.join(path);
        fs::create_dir_all(&place).unwrap();
        chown(&place, Some(owner.0), Some(owner.1)).unwrap();
        fs::set_permissions(place, Permissions::from_mode(mode)).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        symlink(target, self.0.join(path)).unwrap();
        lchown(self.0.join(path), Some(7), Some(8)).unwrap();
    }

    /// Whole seconds, since tools round what is between them in different ways.
    fn time(&self, path: &str, seconds: i64) {
        let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, self.0.join(path), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}

/// Fills an empty folder with everything that a file system can hold and an image may.
pub fn first(root: &Path) {
    let scene = Scene(root);
    scene.folder("", 0o755, (0, 0));
    scene.file("bin/su", b"set user id", 0o4755, (0, 0));
    scene.file("bin/wall", b"set group id", 0o2755, (0, 5));
    scene.file("bin/ping", b"capable", 0o755, (0, 0));
    rustix::fs::setxattr(root.join("bin/ping"), "security.capability", CAPABILITY, XattrFlags::empty()).unwrap();
    scene.folder("tmp", 0o1777, (0, 0));
    scene.folder("srv/team", 0o2770, (1000, 1001));
    scene.folder("srv/closed", 0o500, (0, 0));
    scene.file("srv/closed/file", b"in a folder that forbids to write", 0o400, (0, 0));
    scene.file("srv/empty", b"", 0o600, (4_000_000_000, 3_000_000_000));
    scene.file(
        "srv/large",
        &(0..3_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
        0o644,
        (1, 2),
    );
    scene.file(&format!("{}/{}", "deep/folder".repeat(12), "n".repeat(200)), b"long", 0o644, (0, 0));
    scene.file("srv/ä ö\nü", b"odd", 0o644, (0, 0));
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"srv/latin-\xe4")), b"not UTF-8").unwrap();
    scene.file("srv/hard", b"one of three", 0o644, (9, 9));
    fs::hard_link(root.join("srv/hard"), root.join("srv/harder")).unwrap();
    fs::hard_link(root.join("srv/hard"), root.join("bin/hardest")).unwrap();
    scene.link("relative", "srv/hard");
    scene.link("srv/absolute", "/srv/hard");
    scene.link("srv/dangling", "../../../nowhere");
    let mode = Mode::from_raw_mode(0o640);
    rustix::fs::mknodat(CWD, root.join("srv/pipe"), FileType::Fifo, mode, 0).unwrap();
    for gone in ["gone/deep/file", "removed", "replaced/old", "replaced/sub/old", "kept/removed", "kept/stays"] {
        scene.file(gone, gone.as_bytes(), 0o644, (0, 0));
    }
    scene.file("file-to-folder", b"", 0o644, (0, 0));
    scene.file("folder-to-file/x", b"", 0o644, (0, 0));
    scene.file("link-to-folder-target/x", b"", 0o644, (0, 0));
    scene.link("link-to-folder", "link-to-folder-target");
    for path in look(root).into_keys() {
        let time = Timespec { tv_sec: 1_600_000_000, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, root.join(path), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}

/// Changes what [`first`] made in all ways in which a layer can differ from what lies below.
pub fn second(root: &Path) {
    let scene = Scene(root);
    fs::remove_dir_all(root.join("gone")).unwrap();
    fs::remove_file(root.join("removed")).unwrap();
    fs::remove_dir_all(root.join("replaced")).unwrap();
    scene.file("replaced/new", b"new", 0o644, (0, 0));
    scene.folder("replaced/sub", 0o700, (3, 3));
    fs::remove_file(root.join("kept/removed")).unwrap();
    scene.file("kept/added", b"added", 0o644, (0, 0));
    fs::remove_file(root.join("file-to-folder")).unwrap();
    scene.file("file-to-folder/inside", b"", 0o644, (0, 0));
    fs::remove_dir_all(root.join("folder-to-file")).unwrap();
    scene.file("folder-to-file", b"a file now", 0o644, (0, 0));
    fs::remove_file(root.join("link-to-folder")).unwrap();
    scene.file("link-to-folder/y", b"", 0o644, (0, 0));
    fs::set_permissions(root.join("bin/su"), Permissions::from_mode(0o755)).unwrap();
    scene.folder("srv/team", 0o755, (0, 0));
    for path in [
        "replaced/new",
        "replaced/sub",
        "replaced",
        "kept/added",
        "kept",
        "file-to-folder/inside",
        "file-to-folder",
        "folder-to-file",
        "link-to-folder/y",
        "link-to-folder",
        "srv/team",
        "bin",
        "srv",
        "bin/su",
    ] {
        scene.time(path, 1_650_000_000);
    }
}

/// The layers of an image, put together by the kernel; read-only, until it is dropped.
pub struct Mounted {
    folder: tempfile::TempDir,
}

impl Mounted {
    pub fn new(image: &provost_oci::Image, user_xattrs: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (root, empty) = (folder.path().join("root"), folder.path().join("empty"));
        fs::create_dir(&root).unwrap();
        // Without an upper folder there are two lower ones at least.
        fs::create_dir(&empty).unwrap();
        let layers = image.layers.iter().rev().chain([&empty]).map(|layer| layer.display().to_string());
        let mut options = format!("ro,lowerdir={}", layers.collect::<Vec<_>>().join(":"));
        if user_xattrs {
            options.push_str(",userxattr");
        }
        run(Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(&root));
        Self { folder }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run(Command::new("umount").arg(self.root()));
    }
}

/// Runs a program to its end; returns what it printed.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().unwrap_or_else(|error| panic!("cannot run {program} ({error}); apt-get install {program}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.trim().to_owned()
}
