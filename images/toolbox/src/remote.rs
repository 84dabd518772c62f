//! What is done on servers by calls of skills: a program, and a folder's removal.

use std::fs;
use std::path::{Component, Path};
use std::process::Command;

use serde_json::{Value, json};

use crate::{Outcome, args::Args, ask, failure::Failure, output};

/// `run`: runs the program that the call's `argv` names; its exit code and output are the result.
pub fn run(args: Args) -> Outcome {
    args.end()?;
    let data = ask::data()?;
    let argv: Vec<&str> = data["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let [program, rest @ ..] = argv.as_slice() else {
        return refuse("BadCall", "`argv` has to be a list of words");
    };
    let done = match Command::new(program).args(rest).output() {
        Ok(done) => done,
        Err(error) => return refuse("NoSuchProgram", &format!("{program}: {error}")),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    output::line(&format!("{argv:?} ended with {}", done.status))?;
    // A signal's exit code is what shells make of it.
    let code = done.status.code().unwrap_or(128);
    ask::result(&json!({"exitCode": code, "stdout": text(&done.stdout), "stderr": text(&done.stderr)}))
}

/// `delete-directory ROOT`: removes the folder that the call's `path` names, below ROOT.
pub fn delete_directory(mut args: Args) -> Outcome {
    let root = args.text("the folder that all others are in")?;
    args.end()?;
    let data = ask::data()?;
    let path = Path::new(data["path"].as_str().unwrap_or_default());
    if path.components().next().is_none() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return refuse("BadCall", "`path` has to be the path of a folder, without `..`");
    }
    let folder = Path::new(&root).join(path);
    match fs::remove_dir_all(&folder) {
        Ok(()) => ask::result(&json!({"deleted": path, "os": std::env::consts::OS})),
        Err(error) => refuse("NotDeleted", &format!("{}: {error}", path.display())),
    }
}

fn refuse(kind: &str, message: &str) -> Outcome {
    Err(Failure::work(ask::error(kind, message)?))
}
