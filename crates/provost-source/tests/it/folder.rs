//! A folder as a source.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provost_controller::Source;
use provost_source::{FILE_BYTES_MAX, FolderConfig, SourceConfig, open};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::shop::{refusal, texts};

/// A folder `shop` with `shop.yaml`, in a folder of its own.
fn shop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "shop/shop.yaml", "a: 1\n");
    folder
}

fn write(folder: &TempDir, path: &str, content: impl AsRef<[u8]>) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn source(folder: &TempDir) -> Arc<dyn Source> {
    at(&folder.path().join("shop"))
}

fn at(path: &Path) -> Arc<dyn Source> {
    let config = SourceConfig { folder: Some(FolderConfig { path: path.to_owned() }), git: None };
    open(&config, &[], Path::new("/nowhere")).unwrap()
}

/// The change is told within the two seconds that `provost dev` promises.
async fn told(source: &Arc<dyn Source>, what: &str) {
    assert!(timeout(Duration::from_secs(2), source.changed()).await.is_ok(), "not within 2 s: {what}");
}

async fn silent(source: &Arc<dyn Source>, what: &str) {
    assert!(timeout(Duration::from_millis(600), source.changed()).await.is_err(), "woken by {what}");
}

#[tokio::test]
async fn a_folder_is_read_whole() {
    let folder = shop();
    write(&folder, "shop/jobs/nightly.yml", "b: 2\n");
    write(&folder, "shop/jobs-x.yaml", "c: 3\n");
    for other in ["shop/README.md", "shop/.hidden.yaml", "shop/.git/x.yaml", "shop/shop.yaml~", "beside.yaml"] {
        write(&folder, other, "not a manifest");
    }
    let source = source(&folder);
    let revision = source.fetch().await.unwrap();
    assert_eq!(source.describe(), format!("folder {}", folder.path().join("shop").display()));
    assert_eq!(texts(&revision), [("jobs-x.yaml", "c: 3\n"), ("jobs/nightly.yml", "b: 2\n"), ("shop.yaml", "a: 1\n")]);
    assert_eq!((&*revision.author, &*revision.subject, revision.at), ("", "", None));
}

#[tokio::test]
async fn the_id_is_that_of_the_content() {
    let folder = shop();
    let source = source(&folder);
    let first = source.fetch().await.unwrap().id;
    assert!(first.as_str().starts_with("folder-") && first.as_str().len() == 19, "{first}");
    write(&folder, "shop/shop.yaml", "a: 2\n");
    assert_ne!(source.fetch().await.unwrap().id, first);
    write(&folder, "shop/shop.yaml", "a: 1\n");
    write(&folder, "shop/README.md", "no manifest");
    assert_eq!(source.fetch().await.unwrap().id, first);
    fs::rename(folder.path().join("shop/shop.yaml"), folder.path().join("shop/shop.yml")).unwrap();
    assert_ne!(source.fetch().await.unwrap().id, first);
}

#[tokio::test]
async fn c2_a_folder_that_cannot_be_read_is_an_error() {
    let folder = shop();
    let source = source(&folder);
    fs::remove_dir_all(folder.path().join("shop")).unwrap();
    assert!(refusal(&source).await.starts_with("there is no folder `"));
    fs::write(folder.path().join("shop"), "a file").unwrap();
    assert!(refusal(&source).await.contains("is not a folder; name the folder"));
    fs::remove_file(folder.path().join("shop")).unwrap();
    fs::create_dir(folder.path().join("shop")).unwrap();
    assert_eq!(source.fetch().await.unwrap().files, [], "a folder that is there and empty is a revision");
}

#[tokio::test]
async fn links_within_the_folder_are_followed_to_files() {
    let folder = shop();
    // As a ConfigMap is mounted: the files are links through a hidden link.
    write(&folder, "shop/..2026/config.yaml", "c: 1\n");
    let link = |target: &str, name: &str| symlink(target, folder.path().join("shop").join(name)).unwrap();
    link("..2026", "..data");
    link("..data/config.yaml", "config.yaml");
    link("jobs", "again");
    link(".", "loop");
    link("/etc/hostname", "hostname");
    write(&folder, "shop/jobs/b.yaml", "b: 1\n");
    let revision = source(&folder).fetch().await.unwrap();
    assert_eq!(texts(&revision), [("config.yaml", "c: 1\n"), ("jobs/b.yaml", "b: 1\n"), ("shop.yaml", "a: 1\n")]);
}

#[tokio::test]
async fn links_out_of_the_folder_are_refused() {
    for (target, name, why) in [
        ("../beside.yaml", "x.yaml", "the link `x.yaml` leads out of the folder, to `"),
        ("/etc/passwd", "x.yml", "to `/etc/passwd`; copy what it stands for into the folder"),
        ("..", "jobs", "the link `jobs` leads out of the folder"),
        ("missing", "x.yaml", "the link `x.yaml` leads nowhere"),
        ("x.yaml", "x.yaml", "the link `x.yaml` leads nowhere"),
    ] {
        let folder = shop();
        write(&folder, "beside.yaml", "b: 1\n");
        symlink(target, folder.path().join("shop").join(name)).unwrap();
        let told = refusal(&source(&folder)).await;
        assert!(told.contains(why), "{target}: {told}");
    }
}

#[tokio::test]
async fn a_repository_in_the_folder_is_not_read_and_its_link_not_followed() {
    let (folder, elsewhere) = (shop(), tempfile::tempdir().unwrap());
    let before = source(&folder).fetch().await.unwrap();
    write(&elsewhere, "hooks/evil.yaml", "evil: 1\n");
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("shop/.git")).unwrap();
    assert_eq!(source(&folder).fetch().await.unwrap().files, before.files);
}

#[tokio::test]
async fn what_is_no_file_or_too_large_is_refused() {
    let folder = shop();
    let socket = folder.path().join("shop/x.yaml");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(refusal(&source(&folder)).await.contains("`x.yaml` is not a file"));
    drop(listener);
    fs::remove_file(socket).unwrap();
    write(&folder, "shop/big.yaml", vec![b'#'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]);
    assert!(refusal(&source(&folder)).await.starts_with("`big.yaml` has 4194305 bytes"));
}

#[tokio::test]
async fn too_deep_a_folder_is_refused() {
    let folder = shop();
    write(&folder, &format!("shop/{}b.yaml", "d/".repeat(64)), "b: 1\n");
    assert_eq!(source(&folder).fetch().await.unwrap().files.len(), 2);
    write(&folder, &format!("shop/{}b.yaml", "d/".repeat(65)), "b: 1\n");
    assert!(refusal(&source(&folder)).await.contains("is deeper than 64 folders"));
}

#[tokio::test]
async fn ten_thousand_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..10_000 {
        write(&folder, &format!("shop/{}/{number}.yaml", number % 7), format!("n: {number}\n"));
    }
    assert_eq!(source(&folder).fetch().await.unwrap().files.len(), 10_000);
}

#[tokio::test]
async fn a_save_is_told_within_two_seconds() {
    let folder = shop();
    let source = source(&folder);
    source.fetch().await.unwrap();
    silent(&source, "its own reading").await;

    write(&folder, "shop/shop.yaml", "a: 2\n");
    told(&source, "a save").await;
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
    silent(&source, "what was already told").await;

    // As most editors save: a new file is put in the place of the old one.
    write(&folder, "shop/.shop.yaml.swp", "a: 3\n");
    fs::rename(folder.path().join("shop/.shop.yaml.swp"), folder.path().join("shop/shop.yaml")).unwrap();
    told(&source, "a replacement").await;

    fs::rename(folder.path().join("shop/shop.yaml"), folder.path().join("shop/other.yaml")).unwrap();
    told(&source, "a new name").await;
    fs::remove_file(folder.path().join("shop/other.yaml")).unwrap();
    told(&source, "a removal").await;
    assert_eq!(source.fetch().await.unwrap().files, []);
}

#[tokio::test]
async fn a_save_between_fetching_and_waiting_is_told() {
    let folder = shop();
    let source = source(&folder);
    source.fetch().await.unwrap();
    write(&folder, "shop/shop.yaml", "a: 2\n");
    tokio::time::sleep(Duration::from_millis(500)).await;
    told(&source, "a save before the wait").await;
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let folder = shop();
    let source = source(&folder);
    source.fetch().await.unwrap();
    write(&folder, "shop/shop.yaml", "a: 2\n");
    for _ in 0..5 {
        // Dropped while it waits for the burst to end.
        assert!(timeout(Duration::from_millis(50), source.changed()).await.is_err());
    }
    told(&source, "a save that an earlier wait had noticed").await;
}

#[tokio::test]
async fn new_folders_are_watched_too() {
    let folder = shop();
    let source = source(&folder);
    source.fetch().await.unwrap();
    write(&folder, "shop/deep/er/b.yaml", "b: 1\n");
    told(&source, "new folders").await;
    assert_eq!(source.fetch().await.unwrap().files.len(), 2);
    write(&folder, "shop/deep/er/b.yaml", "b: 2\n");
    told(&source, "a save in a new folder").await;

    fs::remove_dir_all(folder.path().join("shop/deep")).unwrap();
    told(&source, "the removal of a folder").await;
    write(&folder, "shop/deep/er/b.yaml", "b: 3\n");
    told(&source, "a folder that is back").await;
    source.fetch().await.unwrap();
    write(&folder, "shop/deep/er/b.yaml", "b: 4\n");
    told(&source, "a save in a folder that is back").await;
}

#[tokio::test]
async fn hidden_files_do_not_wake() {
    let folder = shop();
    write(&folder, "shop/.git/index", "1");
    let source = source(&folder);
    source.fetch().await.unwrap();
    write(&folder, "shop/.git/index", "2");
    write(&folder, "shop/.shop.yaml.swp", "2");
    silent(&source, "hidden files").await;
}

#[tokio::test]
async fn a_folder_that_is_created_anew_is_watched_again() {
    let folder = shop();
    let source = source(&folder);
    source.fetch().await.unwrap();
    for number in 2..5 {
        fs::remove_dir_all(folder.path().join("shop")).unwrap();
        told(&source, "the removal of the folder").await;
        refusal(&source).await;
        write(&folder, "shop/shop.yaml", "a: 0\n");
        told(&source, "the new folder").await;
        source.fetch().await.unwrap();
        let content = format!("a: {number}\n");
        write(&folder, "shop/shop.yaml", &content);
        told(&source, "a save in the new folder").await;
        assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", &*content)]);
    }
}

#[tokio::test]
async fn a_folder_that_is_a_link_may_be_switched() {
    let folder = shop();
    write(&folder, "next/shop.yaml", "a: 2\n");
    let current = folder.path().join("current");
    symlink("shop", &current).unwrap();
    let source = at(&current);
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 1\n")]);
    symlink("next", folder.path().join("new")).unwrap();
    fs::rename(folder.path().join("new"), &current).unwrap();
    told(&source, "the switch").await;
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
    write(&folder, "next/shop.yaml", "a: 3\n");
    told(&source, "a save behind the switched link").await;
}
