use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use provost_model::ContainerName;

/// The files that a container may leave, in the order in which the bytes are dealt out to them.
const FILES: [&str; 4] = ["locals.json", "globals.json", "reply.json", "progress.jsonl"];

static WORK: LazyLock<(PathBuf, ContainerName)> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("provost-fuzz-{}", std::process::id()));
    let name = ContainerName::parse("provost-fuzz-a").unwrap();
    fs::create_dir_all(folder.join(name.as_str()).join("out")).unwrap();
    (folder, name)
});

/// What a hook leaves behind, its files separated by zero bytes: read, or a problem of the step (E1).
pub fn hook_output(bytes: &[u8]) {
    let (folder, name) = &*WORK;
    let out = folder.join(name.as_str()).join("out");
    let mut pieces = bytes.splitn(FILES.len(), |byte| *byte == 0);
    for file in FILES {
        match pieces.next().filter(|content| !content.is_empty()) {
            Some(content) => fs::write(out.join(file), content).unwrap(),
            None => drop(fs::remove_file(out.join(file))),
        }
    }
    let output = provost_controller::step_output(folder, name);
    assert!(output.progress.len() <= 1000);
    assert!(output.progress.iter().all(serde_json::Value::is_object));
    let stored = serde_json::to_string(&output).unwrap();
    assert_eq!(serde_json::from_str::<provost_model::StepOutput>(&stored).unwrap(), output, "it can be stored");
}
