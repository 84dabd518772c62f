//! `provost-archive`: packs a folder into a dated archive. Its arguments are in the README beside it.

mod keep;
mod pack;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use provost_hook::{Event, HOME, Problem, Words, program, say, set_local};
use serde_json::json;

const USAGE: &str = "[--from FOLDER] [--to FOLDER] [--name NAME] [--keep N]";

fn main() -> std::process::ExitCode {
    program("provost-archive", USAGE, |words| Options::read(words)?.run(Path::new(HOME)))
}

/// What the arguments say.
#[derive(Debug)]
struct Options {
    from: PathBuf,
    to: PathBuf,
    name: Option<String>,
    keep: Option<usize>,
}

impl Options {
    fn read(mut words: Words) -> Result<Self, Problem> {
        let mut options = Self { from: "/data".into(), to: "/archives".into(), name: None, keep: None };
        while let Some(option) = words.next() {
            match option.as_str() {
                "--from" => options.from = words.text("FOLDER")?.into(),
                "--to" => options.to = words.text("FOLDER")?.into(),
                "--name" => options.name = Some(words.text("NAME")?),
                "--keep" => options.keep = Some(words.number::<std::num::NonZeroUsize>("N")?.get()),
                other => return Err(words.unknown(other)),
            }
        }
        match &options.name {
            Some(name) if !is_file_name(name) => Err(words.wrong(&format!("`{name}` is no name for a file"))),
            _ => Ok(options),
        }
    }

    /// Packs; says what was made; sets the local `archive` for the steps that follow.
    fn run(&self, home: &Path) -> Result<(), Problem> {
        let event = Event::read(home)?;
        let known = event.as_ref().map(Event::subject).filter(|subject| is_file_name(subject));
        let name = self.name.as_deref().or(known).unwrap_or("archive");
        let path = self.to.join(format!("{name}-{}.tar.gz", seconds()));
        let packed = pack::pack(&self.from, &path)?;
        say(&format!("{}: {} files, {} bytes, sha256 {}", path.display(), packed.files, packed.bytes, packed.sha256))?;
        for old in keep::surplus(&self.to, name, self.keep)? {
            fs::remove_file(&old).map_err(|error| Problem::at("remove", &old, &error))?;
            say(&format!("{}: removed, {} are kept", old.display(), self.keep.unwrap_or_default()))?;
        }
        if event.is_some() {
            let archive = json!({"path": path, "bytes": packed.bytes, "sha256": packed.sha256});
            set_local(home, "archive", archive)?;
        }
        Ok(())
    }
}

/// Whether it names a file in a folder, and not the way out of it.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

/// Now, in seconds since 1970: archives sort by age.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn options(line: &[&str]) -> Result<Options, Problem> {
        Options::read(Words::new("provost-archive", USAGE, line.iter().map(|word| (*word).to_owned())))
    }

    #[test]
    fn an_archive_is_made_and_its_place_is_told_to_later_steps() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["data", "archive", "home/out"] {
            fs::create_dir_all(place(name)).unwrap();
        }
        fs::write(place("home/event.json"), r#"{"event": "run.finished", "subject": "nightly"}"#).unwrap();
        fs::write(place("data/a"), "content").unwrap();
        fs::write(place("archive/nightly-1.tar.gz"), "old").unwrap();
        let line =
            ["--from", place("data").to_str().unwrap(), "--to", place("archive").to_str().unwrap(), "--keep", "1"]
                .map(str::to_owned);
        options(&line.each_ref().map(String::as_str)).unwrap().run(&place("home")).unwrap();

        let made: Vec<_> = fs::read_dir(place("archive")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(made.len(), 1, "{made:?}");
        let locals: serde_json::Value =
            serde_json::from_slice(&fs::read(place("home/out/locals.json")).unwrap()).unwrap();
        assert_eq!(locals["archive"]["path"], made[0].to_str().unwrap());
        assert_eq!(locals["archive"]["bytes"], fs::metadata(&made[0]).unwrap().len());
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in [&["--name", "../x"][..], &["--name", ""], &["--keep", "0"], &["--from"], &["folder"]] {
            let problem = options(line).unwrap_err();
            assert_eq!(problem.code, 2, "{line:?}: {}", problem.message);
        }
    }
}
