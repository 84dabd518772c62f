//! File channels: one line of JSON a notification.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use provost_controller::DeliveryError;

/// Appends `body` as one line to the file `path` below `folder`. Two writers never write into one line.
pub fn append(folder: &Path, path: &str, body: &serde_json::Value) -> Result<(), DeliveryError> {
    let file = below(folder, path)?;
    write(&file, &format!("{body}\n"))
        .map_err(|error| DeliveryError(format!("{} cannot be written: {error}", file.display())))
}

/// Whether [`append`] would succeed, as far as it can be seen without writing.
pub fn can_append(folder: &Path, path: &str) -> Result<(), DeliveryError> {
    let file = below(folder, path)?;
    let Some(there) = file.ancestors().find(|place| place.symlink_metadata().is_ok()) else {
        return Ok(());
    };
    let is_right = there == file && there.is_file() && !there.is_symlink() || there != file && there.is_dir();
    let may_write = rustix::fs::access(there, rustix::fs::Access::WRITE_OK);
    match may_write {
        _ if !is_right => Err(DeliveryError(format!("{} is in the way", there.display()))),
        Err(error) => Err(DeliveryError(format!("{} cannot be written: {error}", there.display()))),
        Ok(()) => Ok(()),
    }
}

fn write(path: &Path, line: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let no_links = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(no_links).open(path)?;
    file.lock()?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// The file `path` below `folder`; refuses a path that leaves it.
pub fn below(folder: &Path, path: &str) -> Result<PathBuf, DeliveryError> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !inside {
        return Err(DeliveryError(format!(
            "{path:?} leaves {}: write a path below it, without `..`",
            folder.display()
        )));
    }
    Ok(folder.join(path))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_notification_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), "ops/log.jsonl", &json!({"text": "a\nb"})).unwrap();
        append(folder.path(), "ops/log.jsonl", &json!({"n": 2})).unwrap();
        let text = fs::read_to_string(folder.path().join("ops/log.jsonl")).unwrap();
        assert_eq!(text, "{\"text\":\"a\\nb\"}\n{\"n\":2}\n");
    }

    #[test]
    fn a31_writers_at_once_never_share_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |n: usize| append(folder.path(), "log", &json!({"n": n, "fill": "x".repeat(20_000)})).unwrap();
        std::thread::scope(|scope| (0..8).for_each(|n| drop(scope.spawn(move || write(n)))));
        let text = fs::read_to_string(folder.path().join("log")).unwrap();
        let mut seen: Vec<u64> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_u64().unwrap())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_path_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for bad in ["", "..", "../x", "a/../../x", "/etc/passwd", "./x"] {
            assert!(append(folder.path(), bad, &json!({})).unwrap_err().0.contains("leaves"), "{bad:?}");
        }
        std::os::unix::fs::symlink("/dev/null", folder.path().join("link")).unwrap();
        assert!(append(folder.path(), "link", &json!({})).is_err());
    }

    #[test]
    fn whether_it_can_be_written_is_seen_without_writing() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("channels");
        can_append(&new, "ops.jsonl").unwrap();
        assert!(!new.exists());
        append(&new, "ops.jsonl", &json!({})).unwrap();
        can_append(&new, "ops.jsonl").unwrap();
        assert!(can_append(&new, "ops.jsonl/x").unwrap_err().0.contains("in the way"));
        std::os::unix::fs::symlink("/etc/passwd", new.join("link")).unwrap();
        assert!(can_append(&new, "link").unwrap_err().0.contains("in the way"));
        assert!(can_append(&new, "../x").unwrap_err().0.contains("leaves"));
    }
}
