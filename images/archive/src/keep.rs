//! Which older archives are too many.

use std::{
    fs,
    path::{Path, PathBuf},
};

use provost_hook::Problem;

/// The archives of `name` in `folder` beyond the newest `keep`, oldest first; none if there is no limit.
///
/// Only files called `NAME-SECONDS.tar.gz` count: whatever else lies there is not ours to remove.
pub fn surplus(folder: &Path, name: &str, keep: Option<usize>) -> Result<Vec<PathBuf>, Problem> {
    let Some(keep) = keep else {
        return Ok(Vec::new());
    };
    let entries = fs::read_dir(folder).map_err(|error| Problem::at("read", folder, &error))?;
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((made(path.file_name()?.to_str()?, name)?, path))
        })
        .collect();
    found.sort();
    let count = found.len().saturating_sub(keep);
    Ok(found.into_iter().take(count).map(|(_, path)| path).collect())
}

/// When the archive `file` of `name` was made; absent if it is none.
fn made(file: &str, name: &str) -> Option<u64> {
    file.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(".tar.gz")?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn the_oldest_of_the_same_name_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a-9.tar.gz", "a-10.tar.gz", "a-11.tar.gz", "a-b-1.tar.gz", "a-x.tar.gz", "a-1.zip"];
        for file in files {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let found = surplus(folder.path(), "a", Some(1)).unwrap();
        assert_eq!(found, ["a-9.tar.gz", "a-10.tar.gz"].map(|file| folder.path().join(file)));
        assert_eq!(surplus(folder.path(), "a", Some(3)).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(surplus(folder.path(), "a", None).unwrap(), Vec::<PathBuf>::new());
    }
}
