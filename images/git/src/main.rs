//! `provost-git`: a repository in a volume, kept in step with another one. Its commands are in the README beside it.

mod git;

use std::path::PathBuf;

use provost_hook::{Problem, Words, program, say};

use git::Repository;

const USAGE: &str = "pull URL FOLDER [--branch NAME] | commit FOLDER MESSAGE | push FOLDER";

fn main() -> std::process::ExitCode {
    program("provost-git", USAGE, |words| {
        let line = match Command::read(words)? {
            Command::Pull { url, folder, branch } => Repository::at(folder).pull(&url, branch.as_deref()),
            Command::Commit { folder, message } => Repository::at(folder).commit(&message),
            Command::Push { folder } => Repository::at(folder).push(),
        }?;
        say(&line)
    })
}

/// What the arguments say.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Pull { url: String, folder: PathBuf, branch: Option<String> },
    Commit { folder: PathBuf, message: String },
    Push { folder: PathBuf },
}

impl Command {
    fn read(mut words: Words) -> Result<Self, Problem> {
        let name = words.text("a command")?;
        let command = match name.as_str() {
            "pull" => {
                let (url, folder) = (words.text("URL")?, words.text("FOLDER")?.into());
                let branch = match words.next() {
                    Some(option) if option == "--branch" => Some(words.text("NAME")?),
                    Some(other) => return Err(words.unknown(&other)),
                    None => None,
                };
                Self::Pull { url, folder, branch }
            }
            "commit" => Self::Commit { folder: words.text("FOLDER")?.into(), message: words.text("MESSAGE")? },
            "push" => Self::Push { folder: words.text("FOLDER")?.into() },
            other => return Err(words.wrong(&format!("there is no command `{other}`"))),
        };
        words.end()?;
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn command(line: &[&str]) -> Result<Command, Problem> {
        Command::read(Words::new("provost-git", USAGE, line.iter().map(|word| (*word).to_owned())))
    }

    #[test]
    fn commands_are_read() {
        let pull = command(&["pull", "u", "f", "--branch", "b"]).unwrap();
        assert_eq!(pull, Command::Pull { url: "u".to_owned(), folder: "f".into(), branch: Some("b".to_owned()) });
        assert_eq!(command(&["push", "f"]).unwrap(), Command::Push { folder: "f".into() });
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in
            [&[][..], &["clone"], &["pull", "u"], &["pull", "u", "f", "-b"], &["commit", "f"], &["push", "f", "x"]]
        {
            let problem = command(line).unwrap_err();
            assert_eq!(problem.code, 2, "{line:?}: {}", problem.message);
        }
    }
}
