//! An engine in a folder of its own, which leaves nothing behind.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use provost_controller::Engine;
use provost_direct::{DirectEngine, NetworkFolders, ShimProgram};
use provost_model::{ContainerName, ContainerRequest, Instance, Life, VolumeMount, VolumeScope, Workload};
use provost_oci::ImageStore;
use provost_testkit::{TOOLBOX, toolbox_archive, unique};
use tempfile::TempDir;

use crate::conformance::{Rig, code, read};
use crate::job::Job;

/// The engine under test.
pub struct Direct {
    pub engine: DirectEngine,
    pub instances: [Instance; 2],
    pub home: TempDir,
    planted: Instance,
}

/// Images, unpacked once for all tests.
pub fn images() -> ImageStore {
    static STORE: OnceLock<ImageStore> = OnceLock::new();
    let store = STORE.get_or_init(|| {
        let kept = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("direct-images");
        let store = ImageStore::open(std::env::var_os("PROVOST_TEST_IMAGES").map_or_else(kept, PathBuf::from)).unwrap();
        assert_eq!(store.load(Cursor::new(&toolbox_archive().bytes)).unwrap(), [TOOLBOX]);
        store
    });
    store.clone()
}

pub fn shim() -> ShimProgram {
    let built = || PathBuf::from(env!("CARGO_BIN_EXE_provost-shim"));
    let program = std::env::var_os("PROVOST_TEST_SHIM").map_or_else(built, PathBuf::from);
    ShimProgram { program, args: Vec::new() }
}

pub fn open(folder: &Path, instance: &Instance) -> DirectEngine {
    DirectEngine::open(folder, images(), shim(), instance.clone()).unwrap()
}

/// The same with other folders for networks.
pub fn open_with(folder: &Path, instance: &Instance, networks: NetworkFolders) -> DirectEngine {
    DirectEngine::open_with(folder, images(), shim(), instance.clone(), networks).unwrap()
}

pub fn rig() -> Direct {
    let home = tempfile::Builder::new().prefix("direct").tempdir().unwrap();
    let [a, b, planted] = ["a", "b", "planted"].map(|head| Instance::parse(unique(head)).unwrap());
    let engine = open(&home.path().join("engine"), &a);
    Direct { engine, instances: [a, b], home, planted }
}

impl Direct {
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("engine")
    }

    pub fn place(&self, name: &ContainerName) -> PathBuf {
        self.folder().join("containers").join(name.as_str())
    }

    /// Waits until what was removed is gone.
    pub async fn trash_is_empty(&self) {
        while std::fs::read_dir(self.folder().join("trash")).is_ok_and(|mut entries| entries.next().is_some()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Removes every container, whatever its labels say by now, and so every process, mount and control group.
impl Drop for Direct {
    fn drop(&mut self) {
        let owner = serde_json::json!({"provost.instance": self.planted.as_str()});
        let entries = std::fs::read_dir(self.folder().join("containers")).into_iter().flatten().flatten();
        let names: Vec<_> =
            entries.filter_map(|entry| ContainerName::parse(entry.file_name().to_str()?).ok()).collect();
        for name in &names {
            self.relabel(name, &owner);
        }
        let engine = self.engine.for_instance(self.planted.clone());
        let sweep = async move {
            for name in names {
                engine.remove(&name).await.unwrap();
            }
        };
        let sweep = async {
            sweep.await;
            self.trash_is_empty().await;
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::scope(|scope| scope.spawn(|| runtime().block_on(sweep)).join()).unwrap();
    }
}

#[async_trait]
impl Rig for Direct {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.engine.clone())
    }

    fn other(&self) -> Arc<dyn Engine> {
        Arc::new(self.engine.for_instance(self.instances[1].clone()))
    }

    fn instances(&self) -> &[Instance; 2] {
        &self.instances
    }

    fn image(&self) -> &str {
        TOOLBOX
    }

    async fn tick(&self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    /// A container of nobody's: one of a third instance, whose labels are then changed by hand.
    async fn plant(&self, name: &ContainerName, labels: BTreeMap<String, String>) {
        let engine = self.engine.for_instance(self.planted.clone());
        let job = Job::of(&self.planted, TOOLBOX, &["sleep", "600"]);
        let request = ContainerRequest { name: name.clone(), ..job.request.clone() };
        engine.create(&request, &job.folder).await.unwrap();
        engine.start(name).await.unwrap();
        self.relabel(name, &serde_json::to_value(labels).unwrap());
    }

    async fn planted_runs(&self, name: &ContainerName) -> bool {
        let labels = self.relabel(name, &serde_json::json!({"provost.instance": self.planted.as_str()}));
        let seen = self.engine.for_instance(self.planted.clone()).inspect(name).await.unwrap();
        self.relabel(name, &labels);
        seen.is_some_and(|seen| matches!(seen.life, Life::Running { .. }))
    }

    async fn go_down(&self) {
        std::fs::rename(self.folder(), self.home.path().join("away")).unwrap();
    }

    async fn come_back(&self) {
        std::fs::rename(self.home.path().join("away"), self.folder()).unwrap();
    }
}

impl Direct {
    /// Replaces the labels of a container; returns those that it had.
    fn relabel(&self, name: &ContainerName, labels: &serde_json::Value) -> serde_json::Value {
        let path = self.place(name).join("container.json");
        let mut made: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let before = std::mem::replace(&mut made["labels"], labels.clone());
        std::fs::write(path, made.to_string()).unwrap();
        before
    }
}

/// What a job prints, and its exit code.
pub async fn run(rig: &Direct, job: &Job) -> (i64, String) {
    let life = job.run(rig).await;
    (code(&life), read(rig, job.name(), false).await.trim().to_owned())
}

pub async fn prints(rig: &Direct, args: &[&str], change: impl FnOnce(&mut Workload)) -> (i64, String) {
    let mut job = Job::new(rig, args);
    change(&mut job.request.workload);
    run(rig, &job).await
}

/// A named volume.
pub fn volume(name: &str, path: &str) -> VolumeMount {
    let (name, path) = (name.to_owned(), path.to_owned());
    VolumeMount { name, path, host_path: None, read_only: false, scope: VolumeScope::Server }
}

/// Lets a workload run a script of the host's own shell and tools.
pub fn with_host_tools(workload: &mut Workload) {
    let host = |path: &str, place: &str| {
        let host_path = Some(path.to_owned());
        VolumeMount { host_path, read_only: true, ..volume("host", place) }
    };
    workload.command = vec!["/usr/bin/sh".to_owned()];
    workload.volumes = vec![host("/usr", "/usr"), host("/usr/lib", "/lib"), host("/usr/lib64", "/lib64")];
}
