//! Sources that manifests refer to: copied, looked at again, and never read where they come from.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use provost_controller::{Revision, Source as _, SourceFile};
use provost_model::{LOCK, Name, SourceFrom, SourceLock, SourceReference};
use provost_source::{FolderConfig, FolderSource, ReferringSource, SourcesConfig};
use tempfile::TempDir;

use crate::shop::Shop;

fn name() -> Name {
    Name::new("tools").unwrap()
}

/// A server whose own source is a folder, with one file, that refers to one source.
struct Server {
    folder: TempDir,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("shop")).unwrap();
        fs::create_dir_all(folder.path().join("plugins/tools")).unwrap();
        fs::write(folder.path().join("shop/own.yaml"), "own: 1\n").unwrap();
        Self { folder }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        fs::write(self.path(path), content).unwrap();
    }

    /// As it is after a start.
    fn source(&self, from: SourceFrom) -> ReferringSource {
        self.source_with(from, &[])
    }

    fn source_with(&self, from: SourceFrom, signers: &[String]) -> ReferringSource {
        let main = FolderSource::open(&FolderConfig { path: self.path("shop") }).unwrap();
        let references = move |_: &[SourceFile]| vec![SourceReference { name: name(), from: from.clone(), poll_s: 1 }];
        let config = SourcesConfig { folders: vec![self.path("plugins")], allow_file: true, known_hosts: None };
        let (timeout, state) = (Duration::from_secs(60), self.path("state"));
        ReferringSource::open(Arc::new(main), Arc::new(references), config, signers, timeout, state).unwrap()
    }

    fn tools(&self) -> SourceFrom {
        SourceFrom::Folder { path: self.path("plugins/tools").display().to_string() }
    }
}

fn git(shop: &Shop) -> SourceFrom {
    SourceFrom::Git { url: shop.url(), branch: None, path: None }
}

fn text(revision: &Revision, path: &str) -> Option<String> {
    let file = revision.files.iter().find(|file| file.path == path)?;
    Some(String::from_utf8(file.bytes.clone()).unwrap())
}

fn lock(revision: &Revision) -> SourceLock {
    serde_json::from_str(&text(revision, LOCK).unwrap()).unwrap()
}

fn trouble(source: &ReferringSource) -> Option<String> {
    source.copies()[0].trouble.clone()
}

/// Waits for the next look; everything else of these sources is silent.
async fn later(source: &ReferringSource) -> Revision {
    tokio::time::timeout(Duration::from_secs(60), source.changed()).await.expect("it is looked at again");
    source.fetch().await.unwrap()
}

#[tokio::test]
async fn d07_the_default_branch_is_cloned_at_first_use() {
    let (server, tools) = (Server::new(), Shop::new());
    tools.git(&["branch", "--move", "main", "trunk"]);
    let commit = tools.head();
    let source = server.source(git(&tools));
    let revision = source.fetch().await.unwrap();
    assert_eq!(text(&revision, "tools//shop.yaml").as_deref(), Some("a: 1\n"));
    assert_eq!(text(&revision, "own.yaml").as_deref(), Some("own: 1\n"));
    assert_eq!(lock(&revision)[&name()].revision.as_deref(), Some(&*commit));
    assert_eq!(source.copies()[0].revision.as_deref(), Some(&*commit));
    assert_eq!(source.fetch().await.unwrap().id, revision.id, "what did not change has the same id");
}

#[tokio::test]
async fn d08_a_fetch_that_fails_leaves_the_copy_in_use_also_after_a_restart() {
    let (server, tools) = (Server::new(), Shop::new());
    let source = server.source(git(&tools));
    let first = source.fetch().await.unwrap();
    let commit = tools.commit("shop.yaml", "a: 2\n");
    let second = later(&source).await;
    assert_eq!(text(&second, "tools//shop.yaml").as_deref(), Some("a: 2\n"), "fetched later");
    assert_ne!(first.id, second.id, "the revision's id names the commit");

    let aside = tools.path().with_extension("aside");
    fs::rename(tools.path(), &aside).unwrap();
    let third = later(&source).await;
    assert_eq!(third, second);
    assert!(trouble(&source).is_some());

    let restarted = server.source(git(&tools));
    assert_eq!(restarted.fetch().await.unwrap(), second, "the copy is on the disk");
    let copy = &restarted.copies()[0];
    assert_eq!(copy.revision.as_deref(), Some(&*commit));
    assert!(copy.fetched_at.is_some(), "its age is known");

    fs::rename(&aside, tools.path()).unwrap();
    later(&restarted).await;
    assert_eq!(trouble(&restarted), None);
}

#[tokio::test]
async fn a_source_that_cannot_be_had_at_first_use_is_part_of_what_is_read() {
    let (server, tools) = (Server::new(), Shop::new());
    let aside = tools.path().with_extension("aside");
    fs::rename(tools.path(), &aside).unwrap();
    let source = server.source(git(&tools));
    let revision = source.fetch().await.unwrap();
    let locked = &lock(&revision)[&name()];
    assert_eq!(locked.revision, None);
    assert!(locked.trouble.is_some());
    fs::rename(&aside, tools.path()).unwrap();
    let mended = later(&source).await;
    assert!(text(&mended, "tools//shop.yaml").is_some());
    assert_ne!(mended.id, revision.id);
}

#[tokio::test]
async fn d09_a_folder_is_copied_with_modes_and_links_and_the_original_is_not_read_again() {
    let server = Server::new();
    server.write("plugins/tools/a.yaml", "a: 1\n");
    server.write("plugins/tools/run.sh", "#!/bin/sh\n");
    server.write("plugins/common.yaml", "c: 1\n");
    fs::set_permissions(server.path("plugins/tools/run.sh"), Permissions::from_mode(0o4755)).unwrap();
    fs::set_permissions(server.path("plugins/tools/a.yaml"), Permissions::from_mode(0o640)).unwrap();
    symlink("../common.yaml", server.path("plugins/tools/linked.yaml")).unwrap();
    fs::create_dir(server.path("plugins/shared")).unwrap();
    server.write("plugins/shared/s.yaml", "s: 1\n");
    symlink("../shared", server.path("plugins/tools/shared")).unwrap();

    let source = server.source(server.tools());
    let revision = source.fetch().await.unwrap();
    for (path, content) in [("a.yaml", "a: 1\n"), ("linked.yaml", "c: 1\n"), ("shared/s.yaml", "s: 1\n")] {
        assert_eq!(text(&revision, &format!("tools//{path}")).as_deref(), Some(content), "{path}");
    }
    let copy = server.path("state/sources/tools/copy");
    let mode = |path: &str| fs::symlink_metadata(copy.join(path)).unwrap().permissions().mode();
    assert_eq!(mode("run.sh"), 0o100_755, "the mode is kept, what would give rights away is not");
    assert_eq!(mode("a.yaml"), 0o100_640);
    assert_eq!(mode("linked.yaml") & 0o170_000, 0o100_000, "a file, no link");

    fs::remove_dir_all(server.path("plugins/tools")).unwrap();
    let restarted = server.source(server.tools());
    assert_eq!(restarted.fetch().await.unwrap(), revision);
    assert_eq!(trouble(&restarted), None, "nothing is read there any more, so nothing is missing");
}

#[tokio::test]
async fn d09_what_may_not_be_copied_is_refused() {
    let refused = async |server: &Server, from: SourceFrom| {
        let source = server.source(from);
        lock(&source.fetch().await.unwrap())[&name()].trouble.clone().unwrap()
    };
    let server = Server::new();
    server.write("secret.yaml", "s: 1\n");
    let outside = SourceFrom::Folder { path: server.path("shop").display().to_string() };
    assert!(refused(&server, outside).await.contains("list it under `sources.folders`"));
    let around = SourceFrom::Folder { path: server.path("plugins/../shop").display().to_string() };
    assert!(refused(&server, around).await.contains("list it under `sources.folders`"));
    symlink("../../secret.yaml", server.path("plugins/tools/s.yaml")).unwrap();
    assert!(refused(&server, server.tools()).await.contains("leads out of what may be copied"));
    assert!(!server.path("state/sources/tools/copy").exists(), "nothing is half copied");
}

#[tokio::test]
async fn d10_a_copy_that_is_there_is_not_overwritten_and_that_is_told() {
    let server = Server::new();
    server.write("plugins/tools/a.yaml", "a: 1\n");
    let source = server.source(server.tools());
    let first = source.fetch().await.unwrap();
    server.write("plugins/tools/a.yaml", "a: 2\n");
    assert_eq!(later(&source).await, first);
    for source in [source, server.source(server.tools())] {
        assert_eq!(source.fetch().await.unwrap(), first);
        let why = trouble(&source).unwrap();
        assert!(why.contains("has changed since it was copied; `provost reset tools` takes"), "{why}");
    }
    server.write("plugins/tools/a.yaml", "a: 1\n");
    let source = server.source(server.tools());
    source.fetch().await.unwrap();
    assert_eq!(trouble(&source), None, "it is as it was copied");
}

#[tokio::test]
async fn d11_a_copy_that_was_reset_or_removed_is_made_anew() {
    let server = Server::new();
    server.write("plugins/tools/a.yaml", "a: 1\n");
    let source = server.source(server.tools());
    source.fetch().await.unwrap();
    server.write("plugins/tools/a.yaml", "a: 2\n");
    assert!(source.reset(&name()).await.unwrap());
    assert!(!source.reset(&Name::new("other").unwrap()).await.unwrap());
    let anew = later(&source).await;
    assert_eq!(text(&anew, "tools//a.yaml").as_deref(), Some("a: 2\n"));

    server.write("plugins/tools/a.yaml", "a: 3\n");
    fs::remove_dir_all(server.path("state/sources/tools")).unwrap();
    let anew = source.fetch().await.unwrap();
    assert_eq!(text(&anew, "tools//a.yaml").as_deref(), Some("a: 3\n"), "the next pass makes it");
    assert!(Path::new(&server.path("state/sources/tools/copy/a.yaml")).exists());
}

#[tokio::test]
async fn d11_a_clone_that_was_removed_is_made_anew() {
    let (server, tools) = (Server::new(), Shop::new());
    let source = server.source(git(&tools));
    let first = source.fetch().await.unwrap();
    fs::remove_dir_all(server.path("state/sources/tools")).unwrap();
    assert_eq!(source.fetch().await.unwrap(), first);
    assert!(server.path("state/sources/tools").exists());
    // While it cannot be had, what was read before is still used.
    source.reset(&name()).await.unwrap();
    fs::rename(tools.path(), tools.path().with_extension("aside")).unwrap();
    assert_eq!(source.fetch().await.unwrap(), first);
}

#[tokio::test]
async fn signers_vouch_for_sources_too() {
    let signer = include_str!("../fixtures/ed25519.pub").to_owned();
    let (server, tools) = (Server::new(), Shop::new());
    let source = server.source_with(git(&tools), std::slice::from_ref(&signer));
    let why = lock(&source.fetch().await.unwrap())[&name()].trouble.clone().unwrap();
    assert!(why.contains("it is not signed"), "{why}");
    server.write("plugins/tools/a.yaml", "a: 1\n");
    let source = server.source_with(server.tools(), &[signer]);
    let why = lock(&source.fetch().await.unwrap())[&name()].trouble.clone().unwrap();
    assert!(why.contains("a folder carries no signatures"), "{why}");
}

#[tokio::test]
async fn the_hardening_of_the_servers_own_source_holds() {
    let (server, tools) = (Server::new(), Shop::new());
    let why = async |source: &ReferringSource| lock(&source.fetch().await.unwrap())[&name()].trouble.clone().unwrap();
    for url in ["ext::sh -c id", "--upload-pack=id", "http://git.example.org/t.git", "/srv/t.git"] {
        let from = SourceFrom::Git { url: url.to_owned(), branch: None, path: None };
        assert!(why(&server.source(from)).await.contains("git.url"), "{url}");
    }
    let large = tools.blob(&vec![b'#'; 5 * 1024 * 1024]);
    tools.commit_entry("100644", &large, "large.yaml");
    assert!(why(&server.source(git(&tools))).await.contains("`large.yaml` has 5242880 bytes"));
}
