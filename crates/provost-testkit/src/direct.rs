//! A folder for the direct engine, and what its files say: read here, independently of the engine itself.

use std::{
    fs, io,
    ops::Range,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use provost_image::Archive;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{ContainerView, eventually};

/// How long the processes of a container may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a container's file `life` says that it was started, and that it has ended.
const STARTED: Range<usize> = 0..512;
const TOLD: Range<usize> = 3584..4096;

/// Ends what runs in the folder `$1` and removes it, when its own input ends: with the process of the tests.
const TIDY: &str = r#"cat
for process in /proc/[0-9]*; do
    grep -qsF "$1/" "$process/cmdline" && [ "$process" != "/proc/$$" ] && kill -KILL "${process#/proc/}" 2>&-
done
sleep 0.2
find "$1" -name container.json -exec sed -n 's/.*"id":"\([0-9a-f]\{32\}\)".*/\1/p' {} + |
    while read -r id; do rmdir "/sys/fs/cgroup/provost/$id" /sys/fs/cgroup/*/"provost/$id" 2>&-; done
rm -rf --one-file-system "$1""#;

/// The folder of the direct engine that the tests of this process share. It is gone when the process is.
///
/// # Panics
/// If it cannot be made.
pub fn direct() -> &'static Direct {
    static SHARED: OnceLock<(Direct, Child)> = OnceLock::new();
    let (direct, _) = SHARED.get_or_init(|| Direct::make().unwrap_or_else(|error| panic!("cannot make it: {error}")));
    direct
}

/// The folder of a direct engine, and a folder with archives of images for it.
#[derive(Clone, Debug)]
pub struct Direct {
    folder: PathBuf,
}

impl Direct {
    fn make() -> io::Result<(Self, Child)> {
        let folder = tempfile::Builder::new().prefix("pv-direct-").tempdir()?.keep();
        let tidy = Command::new("sh")
            .args(["-c", TIDY, "tidy"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        fs::create_dir(folder.join("images"))?;
        Ok((Self { folder }, tidy))
    }

    /// What `engine.direct.folder` of the server's configuration says.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.join("engine")
    }

    /// What `images` of the server's configuration says.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.folder.join("images")
    }

    /// A folder within this one whose engine nobody else uses, with the same images.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    #[track_caller]
    pub fn apart(&self) -> Self {
        let folder = self.folder.join(crate::unique("apart"));
        let made = fs::create_dir(&folder).and_then(|()| symlink(self.images(), folder.join("images")));
        made.unwrap_or_else(|error| panic!("cannot make a folder: {error}"));
        Self { folder }
    }

    /// Lets servers find an image. One of that name is replaced, in one step for whoever reads it.
    ///
    /// # Panics
    /// If it cannot be written.
    #[track_caller]
    pub fn offer(&self, name: &str, archive: &Archive) {
        let new = self.folder.join(crate::unique(name));
        let written = fs::write(&new, &archive.bytes).and_then(|()| fs::rename(&new, self.images().join(name)));
        written.unwrap_or_else(|error| panic!("cannot write the image: {error}"));
    }

    /// The containers of an instance that are complete.
    pub(crate) fn containers(&self, instance: &str) -> Vec<ContainerView> {
        let all = names(&self.folder().join("containers")).into_iter().filter_map(|name| self.container(&name));
        all.filter(|container| container.label("instance") == instance).collect()
    }

    fn container(&self, name: &str) -> Option<ContainerView> {
        let place = self.place(name);
        let made: Value = serde_json::from_slice(&fs::read(place.join("container.json")).ok()?).ok()?;
        let labels = made["labels"].as_object()?.iter();
        place.join("ready").exists().then(|| ContainerView {
            id: made["id"].as_str().unwrap_or_default().to_owned(),
            name: name.to_owned(),
            labels: labels.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
            is_running: happened(&place, STARTED) && !happened(&place, TOLD),
        })
    }

    /// Copies what was asked for of a container of the instance to another one, with these labels.
    #[track_caller]
    pub(crate) fn litter(&self, instance: &str, labels: Value) {
        let name = crate::unique("litter");
        let copied = || {
            let like = self.containers(instance).pop().expect("the instance has a container");
            let mut made: Value = serde_json::from_slice(&fs::read(self.place(&like.name).join("container.json"))?)?;
            for (key, value) in [("name", json!(name)), ("id", json!(name)), ("labels", labels.clone())] {
                made[key] = value;
            }
            let place = self.place(&name);
            fs::create_dir(&place)?;
            fs::write(place.join("container.json"), made.to_string())?;
            fs::write(place.join("life"), [b' '; TOLD.end])?;
            fs::write(place.join("ready"), "")
        };
        copied().unwrap_or_else(|error: io::Error| panic!("cannot leave a container: {error}"));
    }

    /// What was asked for, and the bundle that was made of it.
    pub(crate) fn inspected(&self, container: &ContainerView) -> Vec<u8> {
        let place = self.place(&container.name);
        let files = ["container.json", "bundle/config.json"];
        files.iter().flat_map(|file| fs::read(place.join(file)).unwrap_or_default()).collect()
    }

    /// Takes the folder of a container away, so that it is gone for the engine, and kills the process beside it. Nobody else
    /// takes its control groups away then.
    #[track_caller]
    pub(crate) fn remove(&self, container: &ContainerView) {
        let (place, away) = (self.place(&container.name), self.folder.join(&container.id));
        fs::rename(&place, &away).unwrap_or_else(|error| panic!("cannot remove the container: {error}"));
        for process in of_folder(&place) {
            let _ = kill_process(process, Signal::KILL);
        }
        let gone = eventually(PATIENCE, || of_folder(&place).is_empty().then_some(()));
        assert!(gone.is_some(), "the processes of {} do not end", container.name);
        for group in groups_of(&container.id) {
            eventually(PATIENCE, || fs::remove_dir(&group).is_ok().then_some(()));
        }
        let _ = fs::remove_dir_all(away);
    }

    pub(crate) fn volumes(&self) -> Vec<String> {
        names(&self.folder().join("volumes"))
    }

    pub(crate) fn file(&self, volume: &str, file: &str) -> String {
        let path = self.folder().join("volumes").join(volume).join("data").join(file);
        fs::read_to_string(path).unwrap_or_default()
    }

    /// Ends and removes the containers of an instance, and its volumes.
    pub(crate) fn sweep(&self, instance: &str) {
        for container in self.containers(instance) {
            self.remove(&container);
        }
        let head = format!("provost-{instance}-");
        for volume in self.volumes().iter().filter(|name| name.starts_with(&head)) {
            let _ = fs::remove_dir_all(self.folder().join("volumes").join(volume));
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder().join("containers").join(name)
    }
}

/// Whether something is said in a part of the file that says how far a container's life has come.
fn happened(place: &Path, part: Range<usize>) -> bool {
    let life = fs::read(place.join("life")).unwrap_or_default();
    life.get(part).is_some_and(|part| !part.trim_ascii().is_empty())
}

/// The control groups of a container, of version 1 or 2.
fn groups_of(id: &str) -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let roots = names(root).into_iter().map(|name| root.join(name)).chain([root.to_path_buf()]);
    roots.map(|root| root.join("provost").join(id)).filter(|group| group.is_dir()).collect()
}

/// The processes that were started with this folder as an argument.
fn of_folder(folder: &Path) -> Vec<Pid> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let is_its = |process: &String| {
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).any(|arg| arg == folder)
    };
    let processes = names(Path::new("/proc")).into_iter().filter(is_its);
    processes.filter_map(|process| Pid::from_raw(process.parse().ok()?)).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
