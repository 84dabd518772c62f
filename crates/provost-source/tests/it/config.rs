//! The configuration of a source.

use std::path::{Path, PathBuf};
use std::time::Duration;

use provost_source::{FolderConfig, GitConfig, SourceConfig, open};
use serde_json::{Value, json};

const KEY: &str = include_str!("../fixtures/ed25519.pub");

fn read(text: Value) -> Result<SourceConfig, String> {
    serde_json::from_value(text).map_err(|error| error.to_string())
}

/// What `open` says against it.
fn problem(text: Value, signers: &[&str]) -> String {
    let signers: Vec<String> = signers.iter().map(|line| (*line).to_owned()).collect();
    open(&read(text).unwrap(), &signers, Path::new("/nowhere")).err().unwrap().to_string()
}

#[test]
fn every_key_is_read() {
    let all = json!({"git": {
        "url": "ssh://git@host/shop.git", "branch": "release", "path": "manifests", "poll": "5m", "timeout": "2m",
        "allowFile": true, "knownHosts": "/etc/provost/known_hosts",
    }});
    let git = GitConfig {
        url: "ssh://git@host/shop.git".to_owned(),
        branch: "release".to_owned(),
        path: "manifests".to_owned(),
        poll: Duration::from_secs(300),
        timeout: Duration::from_secs(120),
        allow_file: true,
        known_hosts: Some(PathBuf::from("/etc/provost/known_hosts")),
    };
    assert_eq!(read(all), Ok(SourceConfig { git: Some(git), folder: None }));

    let folder = FolderConfig { path: PathBuf::from("/srv/shop") };
    assert_eq!(read(json!({"folder": {"path": "/srv/shop"}})), Ok(SourceConfig { folder: Some(folder), git: None }));
}

#[test]
fn keys_have_defaults() {
    let git = read(json!({"git": {"url": "https://host/shop.git"}})).unwrap().git.unwrap();
    assert_eq!(git, GitConfig::new("https://host/shop.git"));
    assert_eq!((&*git.branch, &*git.path, git.poll.as_secs(), git.timeout.as_secs()), ("main", ".", 30, 60));
    assert!(!git.allow_file && git.known_hosts.is_none());
}

#[test]
fn what_is_not_understood_is_refused() {
    for (text, why) in [
        (json!({"git": {"url": "https://host/x", "brnach": "main"}}), "unknown field `brnach`"),
        (json!({"svn": {}}), "unknown field `svn`"),
        (json!({"git": {}}), "missing field `url`"),
        (json!({"folder": {}}), "missing field `path`"),
        (json!({"git": {"url": "https://host/x", "poll": "soon"}}), "\"soon\" is not a duration; write it like 30s"),
        (json!({"git": {"url": "https://host/x", "timeout": "0s"}}), "\"0s\" is not between 1s and 24h"),
        (json!({"git": {"url": "https://host/x", "poll": 30}}), "invalid type"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn exactly_one_source_is_given() {
    let both = json!({"folder": {"path": "/srv"}, "git": {"url": "https://host/x"}});
    assert_eq!(problem(both, &[]), "source: it names a folder and a git repository; keep one of `folder` and `git`");
    assert!(problem(json!({}), &[]).starts_with("source: it is empty; write `folder: "));
}

#[test]
fn problems_name_their_key() {
    let git = |key: &str, value: &str| {
        let mut git = json!({"git": {"url": "https://host/shop.git"}});
        git["git"][key] = json!(value);
        problem(git, &[])
    };
    assert!(git("url", "ext::sh -c id").starts_with("git.url: \"ext::sh -c id\" names a remote helper"));
    assert!(git("branch", "refs/heads/main").starts_with("git.branch: "));
    assert!(git("path", "../x").starts_with("git.path: \"../x\" leads out of the repository; "));
    assert!(git("knownHosts", "a b").starts_with("git.knownHosts: "));
    let ok = json!({"git": {"url": "https://host/shop.git"}});
    assert!(problem(ok, &[KEY, "nonsense"]).starts_with("signers[1]: it is not an SSH public key"));
    let ok = json!({"git": {"url": "https://host/shop.git"}});
    let revoked = include_str!("../fixtures/gpg-erik-revoked.asc");
    assert!(problem(ok, &[KEY, revoked]).starts_with("signers[1]: the OpenPGP key "));
}

#[test]
fn a_folder_cannot_be_signed() {
    let why = problem(json!({"folder": {"path": "/srv/shop"}}), &[KEY]);
    assert_eq!(
        why,
        "signers: a folder carries no signatures, so nothing in it could be accepted; use a git source, or list no signers"
    );
}
