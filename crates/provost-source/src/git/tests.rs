//! The source against `git daemon`, whose protocol the configuration does not allow, and against addresses
//! that the configuration refuses, to see that git refuses them as well.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

/// Runs git and expects it to succeed; returns what it says.
fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository `shop.git` with one commit on `main`.
fn shop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch=main", "shop.git"]);
    commit(folder.path(), "a: 1\n");
    folder
}

/// Commits `shop.yaml` with `content`; returns the commit.
fn commit(folder: &Path, content: &str) -> String {
    let shop = folder.join("shop.git");
    std::fs::write(shop.join("shop.yaml"), content).unwrap();
    git(&shop, &["add", "."]);
    git(&shop, &["commit", "--quiet", "--message=Change the shop"]);
    git(&shop, &["rev-parse", "HEAD"])
}

/// A running `git daemon`.
struct Daemon(Child);

impl Daemon {
    fn start(folder: &Path, port: u16) -> Self {
        let program = Path::new(&git(folder, &["--exec-path"])).join("git-daemon");
        let mut child = Command::new(program)
            .args(["--listen=127.0.0.1", "--reuseaddr", "--export-all", &format!("--port={port}")])
            .arg(format!("--base-path={}", folder.display()))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "git daemon does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn source(address: Address, state: &Path) -> GitSource {
    let config = GitConfig { timeout: Duration::from_secs(30), ..GitConfig::new("") };
    GitSource::at(address, Branch::parse(&config.branch).unwrap(), &config, Signers::default(), state).unwrap()
}

#[tokio::test]
async fn c2_a_server_that_is_gone_is_an_error_and_comes_back() {
    let (folder, state) = (shop(), tempfile::tempdir().unwrap());
    let port = free_port();
    let source = source(Address::unchecked(&format!("git://127.0.0.1:{port}/shop.git"), "git"), state.path());

    let error = source.fetch().await.unwrap_err();
    assert!(matches!(&error, SourceError::Unreachable(why) if why.contains("Connection refused")), "{error}");

    let daemon = Daemon::start(folder.path(), port);
    let first = source.fetch().await.unwrap();
    assert_eq!(first.files[0].bytes, b"a: 1\n");
    drop(daemon);
    assert!(matches!(source.fetch().await.unwrap_err(), SourceError::Unreachable(_)));

    let id = commit(folder.path(), "a: 2\n");
    let _daemon = Daemon::start(folder.path(), port);
    let second = source.fetch().await.unwrap();
    assert_eq!((second.id.as_str(), &*second.files[0].bytes), (&*id, &b"a: 2\n"[..]));
}

#[tokio::test]
async fn a_repository_that_the_server_does_not_have_is_refused() {
    let (folder, state) = (shop(), tempfile::tempdir().unwrap());
    let port = free_port();
    let _daemon = Daemon::start(folder.path(), port);
    let source = source(Address::unchecked(&format!("git://127.0.0.1:{port}/other.git"), "git"), state.path());
    let error = source.fetch().await.unwrap_err();
    assert!(matches!(&error, SourceError::Refused(why) if why.contains("check the address")), "{error}");
}

#[tokio::test]
async fn git_itself_may_use_one_protocol_only() {
    let (folder, state) = (shop(), tempfile::tempdir().unwrap());
    let mark = state.path().join("mark");
    for (url, protocol) in [
        (format!("ext::touch {}", mark.display()), "https"),
        (format!("file://{}/shop.git", folder.path().display()), "https"),
        (format!("{}/shop.git", folder.path().display()), "ssh"),
        ("https://127.0.0.1:1/shop.git".to_owned(), "ssh"),
    ] {
        let error = source(Address::unchecked(&url, protocol), state.path()).fetch().await.unwrap_err();
        assert!(matches!(&error, SourceError::Refused(why) if why.contains("not allowed")), "{url}: {error}");
    }
    // An option stays an address, behind the `--`.
    let url = format!("--upload-pack=touch {}", mark.display());
    source(Address::unchecked(&url, "file"), state.path()).fetch().await.unwrap_err();
    assert!(!mark.exists(), "a command was run");
}
