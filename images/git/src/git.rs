//! The repository: what is asked of the real `git`.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use provost_hook::Problem;

/// What holds for every call: the volume may belong to another user, nothing is asked at a terminal, and what a
/// repository brings along is not executed.
const SETTINGS: [&str; 5] = [
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "protocol.ext.allow=never",
    "advice.detachedHead=false",
    "init.defaultBranch=main",
];

/// A repository in a folder.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// The one in `folder`, which need not be there yet.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes the folder what the branch of `url` is: cloned if it is not there, else fetched and reset. Changes of the
    /// folder that were not pushed are lost; what git does not track stays.
    ///
    /// Errors: what git says.
    pub fn pull(&self, url: &str, branch: Option<&str>) -> Result<String, Problem> {
        if url.starts_with('-') || branch.is_some_and(|branch| branch.starts_with('-')) {
            return Err(Problem::usage("a URL or a branch does not begin with `-`"));
        }
        if !self.folder.join(".git").exists() {
            self.git(&["init", "--quiet"])?;
            self.git(&["remote", "add", "origin", url])?;
        }
        self.git(&["remote", "set-url", "origin", url])?;
        self.git(&["fetch", "--quiet", "--depth=1", "origin", branch.unwrap_or("HEAD")])?;
        let name = match branch {
            Some(branch) => branch.to_owned(),
            None => self.default_branch()?,
        };
        self.git(&["checkout", "--quiet", "--force", "-B", &name, "FETCH_HEAD"])?;
        Ok(format!("{} is at {}", self.folder.display(), self.head()?))
    }

    /// Commits all that changed; nothing is done if nothing did.
    ///
    /// Errors: what git says, such as that nobody is named as the author.
    pub fn commit(&self, message: &str) -> Result<String, Problem> {
        self.git(&["add", "--all"])?;
        if self.git(&["status", "--porcelain"])?.is_empty() {
            return Ok(format!("{}: nothing changed", self.folder.display()));
        }
        self.git(&["commit", "--quiet", "--message", message])?;
        Ok(format!("{}: committed {}", self.folder.display(), self.head()?))
    }

    /// Pushes the branch to where it was pulled from. Nobody's commits are overwritten.
    ///
    /// Errors: what git says.
    pub fn push(&self) -> Result<String, Problem> {
        let branch = self.git(&["symbolic-ref", "--short", "HEAD"])?;
        self.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")])?;
        Ok(format!("{}: pushed {} to {branch}", self.folder.display(), self.head()?))
    }

    fn head(&self) -> Result<String, Problem> {
        self.git(&["rev-parse", "--short", "HEAD"])
    }

    /// The branch that the other side's `HEAD` points at: `ref: refs/heads/NAME`, a tab, `HEAD`.
    fn default_branch(&self) -> Result<String, Problem> {
        let listing = self.git(&["ls-remote", "--symref", "origin", "HEAD"])?;
        let name = listing.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.split('\t').next());
        name.map(str::to_owned).ok_or_else(|| Problem::work("the other side has no default branch; give --branch"))
    }

    /// Calls git; returns what it prints, without the last line end.
    fn git(&self, args: &[&str]) -> Result<String, Problem> {
        std::fs::create_dir_all(&self.folder).map_err(|error| Problem::at("make", &self.folder, &error))?;
        let mut command = Command::new("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let output = command
            .args(args)
            .current_dir(&self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Problem::work(format!("git cannot be started: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Problem::work(format!("git {} failed: {}", args[0], said.trim_end())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::{fs, path::Path};

    use super::*;

    /// A folder with a bare repository `origin` that has one commit on `trunk`.
    fn origin() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("origin");
        let bare = Repository::at(path.clone());
        bare.git(&["init", "--quiet", "--bare", "--initial-branch=trunk"]).unwrap();
        let first = named(&folder.path().join("first"));
        first.git(&["checkout", "--quiet", "-b", "trunk"]).unwrap();
        fs::write(first.folder.join("a"), "1").unwrap();
        first.commit("one").unwrap();
        let url = format!("file://{}", path.display());
        first.git(&["remote", "add", "origin", &url]).unwrap();
        first.push().unwrap();
        (folder, url)
    }

    /// A repository whose commits have an author.
    fn named(folder: &Path) -> Repository {
        let repository = Repository::at(folder.to_owned());
        repository.git(&["init", "--quiet"]).unwrap();
        repository.git(&["config", "user.name", "Ada"]).unwrap();
        repository.git(&["config", "user.email", "ada@example.org"]).unwrap();
        repository
    }

    #[test]
    fn pull_commit_and_push_go_round() {
        let (folder, url) = origin();
        let ours = named(&folder.path().join("ours"));
        ours.git(&["remote", "add", "origin", "elsewhere"]).unwrap();
        ours.pull(&url, None).unwrap();
        assert_eq!(fs::read_to_string(ours.folder.join("a")).unwrap(), "1");
        assert!(ours.commit("nothing").unwrap().ends_with("nothing changed"));
        fs::write(ours.folder.join("a"), "2").unwrap();
        ours.commit("two").unwrap();
        assert!(ours.push().unwrap().ends_with("to trunk"));

        let theirs = Repository::at(folder.path().join("theirs"));
        theirs.pull(&url, Some("trunk")).unwrap();
        assert_eq!(fs::read_to_string(theirs.folder.join("a")).unwrap(), "2");
        fs::write(theirs.folder.join("a"), "lost").unwrap();
        fs::write(theirs.folder.join("untracked"), "stays").unwrap();
        theirs.pull(&url, Some("trunk")).unwrap();
        assert_eq!(fs::read_to_string(theirs.folder.join("a")).unwrap(), "2");
        assert!(theirs.folder.join("untracked").exists());
    }

    #[test]
    fn nobodys_commits_are_overwritten() {
        let (folder, url) = origin();
        let (one, two) = (named(&folder.path().join("one")), named(&folder.path().join("two")));
        for repository in [&one, &two] {
            repository.git(&["remote", "add", "origin", &url]).unwrap();
            repository.pull(&url, None).unwrap();
            fs::write(repository.folder.join("a"), repository.folder.display().to_string()).unwrap();
            repository.commit("mine").unwrap();
        }
        one.push().unwrap();
        assert!(two.push().unwrap_err().message.starts_with("git push failed"));
    }

    #[test]
    fn what_looks_like_an_option_is_refused() {
        let repository = Repository::at("/nowhere".into());
        assert_eq!(repository.pull("--upload-pack=x", None).unwrap_err().code, 2);
        assert_eq!(repository.pull("u", Some("--x")).unwrap_err().code, 2);
    }
}
