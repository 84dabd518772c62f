//! An engine in a folder of its own that has the toolbox's image.

use std::io::Cursor;
use std::path::PathBuf;

use provost_direct::{DirectEngine, ShimProgram};
use provost_model::Instance;
use provost_oci::ImageStore;
use provost_testkit::{toolbox_archive, unique};
use tempfile::TempDir;

pub struct Home {
    pub folder: TempDir,
    pub images: ImageStore,
    pub instance: Instance,
    pub engine: DirectEngine,
}

impl Home {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let images = ImageStore::open(folder.path().join("images")).unwrap();
        images.load(Cursor::new(&toolbox_archive().bytes)).unwrap();
        let shim = ShimProgram { program: PathBuf::from(env!("CARGO_BIN_EXE_provost-shim")), args: Vec::new() };
        let instance = Instance::parse(unique("bench")).unwrap();
        let engine = folder.path().join("engine");
        let engine = DirectEngine::open(&engine, images.clone(), shim, instance.clone()).unwrap();
        Self { folder, images, instance, engine }
    }
}
