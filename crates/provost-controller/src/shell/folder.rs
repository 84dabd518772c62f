//! The files of a step on the host: `event.json`, and `out/` with what the container leaves behind.
//!
//! What is in `out/` was written by a container and is not trusted: links are not followed, only regular files are read,
//! and never more than a limit.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use provost_model::{CallError, Caller, ContainerName, JsonMap, Reply, StepOutput};
use rustix::fs::OFlags;
use serde_json::{Value, json};

use crate::{HandedOut, StepFolder};

/// The most that is read of one file, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// The most progress entries that one step may leave.
const PROGRESS_MAX: usize = 1_000;

/// The most that is kept of a line that is no entry, in characters.
const TEXT_MAX: usize = 1_000;

/// Who asks through the socket of a folder, and what was told of its progress there. Containers do not see these files.
const CALLER: &str = "caller.json";
const PROGRESS: &str = "progress.jsonl";

/// The folder below `work_dir` for the step in the container `name`.
fn root_of(work_dir: &Path, name: &ContainerName) -> PathBuf {
    work_dir.join(name.as_str())
}

fn folder_of(work_dir: &Path, name: &ContainerName) -> StepFolder {
    let root = root_of(work_dir, name);
    StepFolder { event: root.join("event.json"), out: root.join("out"), run: None, secrets: HandedOut::default() }
}

/// Where the container `name` asks the server.
pub(super) fn socket_of(work_dir: &Path, name: &ContainerName) -> PathBuf {
    root_of(work_dir, name).join("run/api.sock")
}

/// Makes the folder for a container that is about to be made, empty but for its event and a place for its socket if it is a
/// `caller`.
pub(super) fn make(
    work_dir: &Path,
    name: &ContainerName,
    event: &Value,
    caller: Option<&Caller>,
) -> io::Result<StepFolder> {
    remove(work_dir, name)?;
    let mut folder = folder_of(work_dir, name);
    // Others on the server may pass through to what is mounted, and not list.
    DirBuilder::new().recursive(true).mode(0o711).create(root_of(work_dir, name))?;
    fs::write(&folder.event, serde_json::to_vec_pretty(event).unwrap_or_default())?;
    fs::set_permissions(&folder.event, Permissions::from_mode(0o644))?;
    DirBuilder::new().create(&folder.out)?;
    // Whatever user the image has, it may write here.
    fs::set_permissions(&folder.out, Permissions::from_mode(0o1777))?;
    if let Some(caller) = caller {
        let run = root_of(work_dir, name).join("run");
        DirBuilder::new().create(&run)?;
        fs::set_permissions(&run, Permissions::from_mode(0o755))?;
        fs::write(root_of(work_dir, name).join(CALLER), serde_json::to_vec(caller).unwrap_or_default())?;
        folder.run = Some(run);
    }
    Ok(folder)
}

/// Those who may ask the server through a socket in their folder, as far as that can be read.
pub(super) fn callers(work_dir: &Path) -> Vec<Caller> {
    let read = |name| serde_json::from_slice(&fs::read(root_of(work_dir, &name).join(CALLER)).ok()?).ok();
    names(work_dir).into_iter().filter_map(read).collect()
}

/// Adds what the container `name` tells of its progress through its socket. The file is out of the container's reach.
pub(super) fn note_progress(work_dir: &Path, name: &ContainerName, entry: &Value) -> io::Result<()> {
    let path = root_of(work_dir, name).join(PROGRESS);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let line = format!("{entry}\n");
    if file.metadata()?.len() + line.len() as u64 > FILE_MAX {
        return Err(io::Error::other(format!("all that is told of one step's progress has at most {FILE_MAX} bytes")));
    }
    file.write_all(line.as_bytes())
}

/// Removes the folder, if it is there.
pub(super) fn remove(work_dir: &Path, name: &ContainerName) -> io::Result<()> {
    match fs::remove_dir_all(root_of(work_dir, name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The containers that have a folder, as far as it can be read.
pub(super) fn names(work_dir: &Path) -> Vec<ContainerName> {
    let entries = fs::read_dir(work_dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| ContainerName::parse(entry.file_name().into_string().ok()?).ok()).collect()
}

/// Reads what a container left behind. What does not parse becomes a problem of the step (E1).
pub(super) fn read(work_dir: &Path, name: &ContainerName) -> StepOutput {
    let out = folder_of(work_dir, name).out;
    let mut output = StepOutput::default();
    let mut problems = Vec::new();
    if let Some(text) = read_file(&out, "locals.json", &mut problems) {
        output.locals = parse("locals.json", &text, &mut problems).unwrap_or_default();
    }
    if let Some(text) = read_file(&out, "globals.json", &mut problems) {
        output.globals = parse::<JsonMap>("globals.json", &text, &mut problems).unwrap_or_default();
    }
    if let Some(text) = read_file(&out, "reply.json", &mut problems) {
        output.reply = parse::<Reply>("reply.json", &text, &mut problems);
    }
    if let Some(text) = read_file(&out, "result.json", &mut problems) {
        output.result = parse("result.json", &text, &mut problems);
    }
    if let Some(text) = read_file(&out, "error.json", &mut problems) {
        output.error = parse::<CallError>("error.json", &text, &mut problems);
    }
    if let Some(text) = read_file(&out, PROGRESS, &mut problems) {
        output.progress = progress(&text, &mut problems);
    }
    if let Some(text) = read_file(&root_of(work_dir, name), PROGRESS, &mut problems) {
        output.progress.extend(progress(&text, &mut problems));
    }
    output.problems = problems;
    output
}

/// Reads what a container has said of its progress so far. A line that it has not ended is left for the next time.
pub(super) fn read_progress(work_dir: &Path, name: &ContainerName) -> Vec<Value> {
    let root = root_of(work_dir, name);
    let of = |folder: &Path| {
        let text = read_file(folder, PROGRESS, &mut Vec::new()).unwrap_or_default();
        let ended = text.rfind('\n').map_or(0, |end| end + 1);
        progress(&text[..ended], &mut Vec::new())
    };
    let mut entries = of(&root.join("out"));
    entries.extend(of(&root));
    entries
}

/// The entries, in order. In place of a line that is none stands an entry that says so.
fn progress(text: &str, problems: &mut Vec<String>) -> Vec<Value> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if entries.len() == PROGRESS_MAX {
            problems.push(format!("progress.jsonl: only the first {PROGRESS_MAX} entries are kept"));
            break;
        }
        match serde_json::from_str::<JsonMap>(line) {
            Ok(entry) => entries.push(Value::Object(entry)),
            Err(error) => {
                let problem = format!("progress.jsonl, line {}: {error}", index + 1);
                entries.push(json!({ "error": problem, "text": line.chars().take(TEXT_MAX).collect::<String>() }));
                problems.push(problem);
            }
        }
    }
    entries
}

fn parse<T: serde::de::DeserializeOwned>(name: &str, text: &str, problems: &mut Vec<String>) -> Option<T> {
    serde_json::from_str(text).map_err(|error| problems.push(format!("{name}: {error}"))).ok()
}

fn read_file(out: &Path, name: &str, problems: &mut Vec<String>) -> Option<String> {
    match read_regular(&out.join(name)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            problems.push(format!("{name}: {error}"));
            None
        }
    }
}

fn read_regular(path: &Path) -> io::Result<String> {
    // A link would lead out of the folder, and a pipe would wait for ever.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if facts.len() > FILE_MAX {
        return Err(io::Error::other(format!("it has {} bytes; at most {FILE_MAX} are read", facts.len())));
    }
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (tempfile::TempDir, ContainerName, PathBuf) {
        let work = tempfile::tempdir().unwrap();
        let name = ContainerName::parse("provost-test-a").unwrap();
        let folder = make(work.path(), &name, &Value::Null, None).unwrap();
        (work, name, folder.out)
    }

    #[test]
    fn e1_what_a_container_leaves_is_read() {
        let (work, name, out) = made();
        fs::write(out.join("locals.json"), r#"{"a": 1}"#).unwrap();
        fs::write(out.join("reply.json"), r#"{"allow": false, "reason": "no"}"#).unwrap();
        fs::write(out.join("progress.jsonl"), "{\"p\": 1}\n\n{\"p\": 2}\n").unwrap();
        let output = read(work.path(), &name);
        assert_eq!(output.locals["a"], 1);
        assert_eq!(output.reply, Some(Reply { allow: false, reason: "no".to_owned() }));
        assert_eq!(output.progress.len(), 2);
        assert_eq!(output.problems, Vec::<String>::new());
    }

    #[test]
    fn e1_what_does_not_parse_is_a_problem_and_not_dropped() {
        let (work, name, out) = made();
        fs::write(out.join("globals.json"), "[1]").unwrap();
        fs::write(out.join("progress.jsonl"), "{\"p\": 1}\nnot json\n").unwrap();
        let output = read(work.path(), &name);
        assert_eq!(output.progress.len(), 2);
        assert_eq!(output.progress[1]["text"], "not json");
        assert_eq!(output.problems.len(), 2, "{:?}", output.problems);
    }

    #[test]
    fn b28_progress_is_read_while_it_is_written() {
        let (work, name, out) = made();
        assert_eq!(read_progress(work.path(), &name), Vec::<Value>::new());
        fs::write(out.join("progress.jsonl"), "{\"p\": 1}\n[2]\n{\"p\":").unwrap();
        let entries = read_progress(work.path(), &name);
        assert_eq!(entries.len(), 2, "the last line has not ended: {entries:?}");
        assert_eq!((&entries[0]["p"], &entries[1]["text"]), (&json!(1), &json!("[2]")));
    }

    #[test]
    fn a_link_leads_nowhere_and_a_pipe_does_not_wait() {
        let (work, name, out) = made();
        std::os::unix::fs::symlink("/etc/passwd", out.join("locals.json")).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, out.join("reply.json"), fifo, mode, 0).unwrap();
        let output = read(work.path(), &name);
        assert!(output.locals.is_empty() && output.reply.is_none());
        assert_eq!(output.problems.len(), 2, "{:?}", output.problems);
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let (work, name, out) = made();
        File::create(out.join("locals.json")).unwrap().set_len(FILE_MAX + 1).unwrap();
        let output = read(work.path(), &name);
        assert!(output.problems[0].contains("at most"), "{:?}", output.problems);
    }
}
