//! `secret`: sealing and opening values in a project, without a server.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use provost_secret::Key;

use crate::support::{Ran, command, provost_in, run};

/// A project whose list has one key, and the file with that key.
struct Project {
    folder: tempfile::TempDir,
    key: PathBuf,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("me.key");
        let made = Key::open_or_make(&key).unwrap();
        fs::write(folder.path().join("recipients.txt"), format!("# me\n{}\n", made.recipient())).unwrap();
        Self { folder, key }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn secret(&self, args: &[&str]) -> Ran {
        provost_in(self.path(), &[&["secret"], args].concat())
    }

    fn set(&self, name: &str, value: &str) -> Ran {
        self.typed(&["secret", "set", name], value)
    }

    /// Runs a command with `text` on its standard input.
    fn typed(&self, args: &[&str], text: &str) -> Ran {
        let mut command = command(args);
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(text.as_bytes()).unwrap();
        std::io::Seek::rewind(&mut &file).unwrap();
        command.current_dir(self.path()).stdin(Stdio::from(file));
        run(command)
    }

    fn edited(&self, name: &str, editor: &str) -> Ran {
        let mut command = command(&["secret", "edit", name]);
        command.current_dir(self.path()).env("EDITOR", editor).env("PROVOST_IDENTITY", &self.key);
        run(command)
    }

    /// What the editor of [`Project::edited`] finds.
    fn value(&self, name: &str) -> String {
        self.edited(name, "cat").exits(0).out
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(format!("secrets/{name}.yaml"))).unwrap()
    }
}

#[test]
fn a35_a_value_is_sealed_and_can_be_edited_by_who_has_the_key() {
    let project = Project::new();
    let ran = project.set("db-password", "hunter2\n").exits(0);
    assert_eq!(ran.out, "./secrets/db-password.yaml\n");
    assert!(!project.text("db-password").contains("hunter2") && !ran.text().contains("hunter2"));
    provost_in(project.path(), &["validate", "."]).exits(0);
    assert_eq!(project.value("db-password"), "hunter2", "the line's end does not count");
    let before = project.text("db-password");
    assert!(project.edited("db-password", "true").exits(0).err.contains("Nothing was changed"));
    assert_eq!(project.text("db-password"), before);
    project.edited("db-password", "sed -i s/hunter2/correct-horse/").exits(0);
    assert_eq!(project.value("db-password"), "correct-horse");
    let failed = project.edited("db-password", "false").exits(1);
    assert!(failed.err.contains("nothing was changed") && failed.err.contains("EDITOR"), "{}", failed.err);
    project.secret(&["edit", "db-password"]).exits(2);
    project.edited("nothing", "true").exits(5);
}

#[test]
fn a_value_is_set_anew_in_place_and_from_a_file_as_it_is() {
    let project = Project::new();
    project.set("pw", "first value").exits(0);
    let text = project.text("pw").replace("{name: pw}", "{name: pw, labels: {team: a}} # theirs");
    fs::write(project.path().join("secrets/pw.yaml"), &text).unwrap();
    fs::write(project.path().join("value"), "second\n\n").unwrap();
    project.secret(&["set", "pw", "--file", "value"]).exits(0);
    assert!(project.text("pw").contains("labels: {team: a}} # theirs"));
    assert_eq!(project.value("pw"), "second\n\n");
    assert!(project.set("short", "abc").exits(0).err.contains("too short to be masked"));
}

#[test]
fn what_cannot_be_sealed_is_told_and_nothing_is_written() {
    let project = Project::new();
    project.set("Bad_Name", "x").exits(2);
    assert!(project.set("empty", "\n").exits(2).err.contains("empty"));
    assert!(project.set("long", &"x".repeat(70_000)).exits(2).err.contains("at most 65536"));
    let args = ["secret", "set", "pw", "--recipient", "ssh-ed25519 AAAA"];
    assert!(project.typed(&args, "value").exits(2).err.contains("ssh"));
    fs::write(project.path().join("recipients.txt"), "# nobody\n").unwrap();
    let nobody = project.set("pw", "value").exits(2);
    assert!(nobody.err.contains("recipients.txt") && nobody.err.contains("provost secret key"), "{}", nobody.err);
    fs::write(project.path().join("recipients.txt"), "\nAGE-SECRET-KEY-1XYZ\n").unwrap();
    let private = project.set("pw", "value").exits(2);
    assert!(private.err.contains("line 2") && !private.err.contains("1XYZ"), "{}", private.err);
    assert!(!project.path().join("secrets").exists());
}

#[test]
fn rekey_seals_all_for_those_who_are_listed_now_or_none() {
    let project = Project::new();
    project.set("one", "value one").exits(0);
    project.set("two", "value two").exits(0);
    let job = "apiVersion: provost/v1\nkind: Automation\nmetadata: {name: job}\nspec: {image: \"a:1\", secrets: [{name: one}]}\n";
    fs::write(project.path().join("job.yaml"), job).unwrap();
    let new = project.path().join("new.key");
    let added = Key::open_or_make(&new).unwrap().recipient().to_string();
    let with = |identity: &Path, args: &[&str]| {
        let mut command = command(&[&["secret"], args].concat());
        command.current_dir(project.path()).env("PROVOST_IDENTITY", identity);
        run(command)
    };
    let opens = |key: &Path| {
        let listing = with(key, &["ls", "-o", "json"]).exits(0).json();
        listing["items"].as_array().unwrap().iter().map(|item| item["opens"].as_bool().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((opens(&project.key), opens(&new)), (vec![true, true], vec![false, false]));
    let before = project.text("one");
    with(&new, &["rekey"]).exits(4);
    assert_eq!(project.text("one"), before, "who cannot open it changes nothing");
    with(&project.key, &["rekey", "--recipient", &added]).exits(0);
    assert_eq!((opens(&project.key), opens(&new)), (vec![true, true], vec![true, true]));
    let table = project.secret(&["ls"]).exits(0).out;
    assert!(table.contains("Automation/job") && table.contains("nobody"), "{table}");
}

#[test]
fn the_key_of_a_server_is_printed_once_it_is_there() {
    let project = Project::new();
    fs::write(project.path().join("server.yaml.in"), "source: {folder: {path: .}}\nstate: state\n").unwrap();
    let ran = project.secret(&["key", "--config", "server.yaml.in"]).exits(5);
    assert!(ran.err.contains("first start"), "{}", ran.err);
    fs::create_dir(project.path().join("state")).unwrap();
    let key = Key::open_or_make(&project.path().join("state/server.key")).unwrap();
    let ran = project.secret(&["key", "--config", "server.yaml.in"]).exits(0);
    assert_eq!(ran.out.trim(), key.recipient().to_string());
}
