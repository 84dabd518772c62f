//! A container to be, and what is said of it.

use std::path::Path;

use provost_controller::{EngineError, EngineErrorKind, HandedOut, OutputChunk, StepFolder};
use provost_model::{
    ContainerName, ContainerRequest, Instance, Name, Owner, PullPolicy, Resources, RunId, StepId, StepRef, Workload,
};
use provost_testkit::unique;
use tempfile::TempDir;

/// A container to be, and its folder.
pub struct Job {
    pub request: ContainerRequest,
    pub folder: StepFolder,
    _home: TempDir,
}

impl Job {
    /// A hardened job without a network, of a run that no other test has.
    pub fn of(instance: &Instance, image: &str, args: &[&str]) -> Self {
        let run = RunId::caused(&Name::new("job").unwrap(), &unique("cause"));
        let step = StepRef { owner: Owner::Run(run), step: StepId::main(1) };
        let workload = Workload {
            image: image.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            network: "None".to_owned(),
            drop_capabilities: vec!["ALL".to_owned()],
            read_only_root: true,
            resources: Resources { cpu_millis: 1000, memory_bytes: 128 << 20, pids: 64 },
            pull: PullPolicy::Never,
            ..Workload::default()
        };
        let request = ContainerRequest {
            name: ContainerName::of(instance, step.owner.id(), step.step.as_str()),
            instance: instance.clone(),
            step,
            workload,
            event: serde_json::json!({"name": "run.starting"}),
            grace_s: 2,
            log_bytes: 1 << 20,
        };
        let home = tempfile::tempdir().unwrap();
        let (event, out) = (home.path().join("event.json"), home.path().join("out"));
        let folder = StepFolder { event, out, run: None, secrets: HandedOut::default() };
        std::fs::write(&folder.event, request.event.to_string()).unwrap();
        std::fs::create_dir(&folder.out).unwrap();
        open_to_all(&folder.out);
        Self { request, folder, _home: home }
    }

    pub fn name(&self) -> &ContainerName {
        &self.request.name
    }
}

/// Lets any user of a container write there.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// What sort of failure it is.
pub fn kind<T: std::fmt::Debug>(result: Result<T, EngineError>) -> EngineErrorKind {
    result.unwrap_err().kind
}

/// Output as text.
pub fn text(chunks: &[OutputChunk]) -> String {
    chunks.iter().map(|chunk| String::from_utf8_lossy(&chunk.bytes).into_owned()).collect()
}
