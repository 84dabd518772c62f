//! A branch of a git repository as a source.

use std::time::Duration;

use provost_controller::SourceError;
use provost_source::GitConfig;
use tokio::time::timeout;

use crate::shop::{Shop, refusal, texts};

#[tokio::test]
async fn a_commit_is_read_whole() {
    let shop = Shop::empty();
    shop.write("jobs/nightly.yml", "b: 2\n");
    shop.write("jobs-x.yaml", "c: 3\n");
    shop.write(".github/ci.yaml", "hidden\n");
    shop.write("README.md", "no manifest\n");
    let id = shop.commit("shop.yaml", "a: 1\n");

    let source = shop.source();
    let revision = source.fetch().await.unwrap();
    assert_eq!(source.describe(), format!("git {} branch main", shop.url()));
    assert_eq!(texts(&revision), [("jobs-x.yaml", "c: 3\n"), ("jobs/nightly.yml", "b: 2\n"), ("shop.yaml", "a: 1\n")]);
    assert_eq!(revision.id.as_str(), id);
    assert_eq!((&*revision.author, &*revision.subject), ("Ann Example", "Change the shop"));
    assert_eq!(revision.at.unwrap().as_second(), 1_763_600_000);
    assert_eq!(revision.signer, None);
}

#[tokio::test]
async fn new_commits_are_followed_and_rewritten_history_too() {
    let shop = Shop::new();
    let source = shop.source();
    source.fetch().await.unwrap();
    for number in 2..6 {
        let id = shop.commit("shop.yaml", format!("a: {number}\n"));
        let revision = source.fetch().await.unwrap();
        assert_eq!(revision.id.as_str(), id);
        assert_eq!(texts(&revision), [("shop.yaml", &*format!("a: {number}\n"))]);
    }
    shop.git(&["checkout", "--quiet", "--orphan", "other"]);
    let id = shop.commit("new.yaml", "n: 1\n");
    shop.git(&["branch", "--force", "main", "other"]);
    let revision = source.fetch().await.unwrap();
    assert_eq!((revision.id.as_str(), revision.files.len()), (&*id, 2));
}

#[tokio::test]
async fn another_branch_and_a_sub_folder() {
    let shop = Shop::new();
    shop.git(&["checkout", "--quiet", "-b", "release/1"]);
    shop.commit("deep/er/b.yaml", "b: 1\n");
    let read = |branch: &str, path: &str| {
        shop.source_with(GitConfig { branch: branch.to_owned(), path: path.to_owned(), ..shop.config() }, &[])
    };
    let source = read("release/1", "./deep/er/");
    assert_eq!(source.describe(), format!("git {} branch release/1 folder deep/er", shop.url()));
    assert_eq!(texts(&source.fetch().await.unwrap()), [("b.yaml", "b: 1\n")]);
    assert_eq!(texts(&read("release/1", "deep").fetch().await.unwrap()), [("er/b.yaml", "b: 1\n")]);
    assert_eq!(texts(&read("main", ".").fetch().await.unwrap()), [("shop.yaml", "a: 1\n")]);

    let why = refusal(&read("main", "deep")).await;
    assert!(why.contains("has no folder `deep`; correct `git.path`"), "{why}");
    let why = refusal(&read("main", "shop.yaml")).await;
    assert!(why.contains("is a file; name a folder"), "{why}");
    for pattern in ["deep/*", ":(top)deep"] {
        let why = refusal(&read("release/1", pattern)).await;
        assert!(why.contains(&format!("has no folder `{pattern}`")), "{why}");
    }
}

#[tokio::test]
async fn c2_an_empty_repository_or_a_missing_branch_is_refused() {
    let shop = Shop::empty();
    let why = refusal(&shop.source()).await;
    assert!(why.ends_with("is empty; push a commit to its branch `main`"), "{why}");

    shop.git(&["checkout", "--quiet", "-b", "trunk"]);
    shop.commit("shop.yaml", "a: 1\n");
    let why = refusal(&shop.source()).await;
    assert!(why.ends_with("has no branch `main`; push it, or name one that is there: trunk"), "{why}");

    // A name that only ends like the branch is another one.
    shop.git(&["update-ref", "refs/other/refs/heads/main", "HEAD"]);
    assert!(refusal(&shop.source()).await.contains("has no branch `main`"));
}

#[tokio::test]
async fn c2_a_repository_that_is_gone_is_an_error_and_comes_back() {
    let shop = Shop::new();
    let source = shop.source();
    let first = source.fetch().await.unwrap();
    let aside = shop.path().with_extension("aside");
    std::fs::rename(shop.path(), &aside).unwrap();
    assert!(refusal(&source).await.contains("check the address"));
    std::fs::rename(&aside, shop.path()).unwrap();
    assert_eq!(source.fetch().await.unwrap(), first);
}

#[tokio::test]
async fn a_commit_without_manifests_is_a_revision_without_files() {
    let shop = Shop::empty();
    shop.commit("README.md", "nothing yet\n");
    assert_eq!(shop.source().fetch().await.unwrap().files, []);
}

#[tokio::test]
async fn nothing_is_fetched_when_nothing_has_changed() {
    let shop = Shop::new();
    let source = shop.source();
    let first = source.fetch().await.unwrap();
    let copy = shop.home().join("repository.git");
    std::fs::remove_dir_all(&copy).unwrap();
    assert_eq!(source.fetch().await.unwrap(), first);
    assert!(!copy.exists(), "the copy was not needed");

    shop.commit("shop.yaml", "a: 2\n");
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
}

#[tokio::test]
async fn only_the_newest_commit_is_fetched_and_no_work_tree_is_made() {
    let shop = Shop::new();
    shop.commit("shop.yaml", "a: 2\n");
    shop.source().fetch().await.unwrap();
    let copy = shop.home().join("repository.git");
    let shallow = std::fs::read_to_string(copy.join("shallow")).unwrap();
    assert_eq!(shallow.trim(), shop.head());
    assert!(!copy.join("hooks").exists(), "no hooks");
    assert!(!shop.home().join("shop.yaml").exists());
}

#[tokio::test]
async fn a_damaged_copy_is_made_anew() {
    let shop = Shop::new();
    let first = shop.source().fetch().await.unwrap();
    let copy = shop.home().join("repository.git");
    for folder in std::fs::read_dir(copy.join("objects")).unwrap() {
        for object in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            std::fs::remove_file(object.unwrap().path()).unwrap();
        }
    }
    assert_eq!(shop.source().fetch().await.unwrap(), first);

    std::fs::write(copy.join("config"), "[core\nnonsense").unwrap();
    assert_eq!(shop.source().fetch().await.unwrap(), first);

    std::fs::write(copy.join("HEAD"), "").unwrap();
    assert_eq!(shop.source().fetch().await.unwrap(), first);
}

#[tokio::test]
async fn a_copy_that_git_cannot_write_is_made_anew() {
    let shop = Shop::new();
    let source = shop.source();
    source.fetch().await.unwrap();
    let obstacle = shop.home().join("repository.git/refs/provost/head.lock");
    std::fs::create_dir(&obstacle).unwrap();
    shop.commit("shop.yaml", "a: 2\n");
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
    assert!(!obstacle.exists());
}

#[tokio::test]
async fn the_copy_does_not_grow_without_end() {
    let shop = Shop::new();
    let source = shop.source();
    for number in 0..25 {
        shop.commit("shop.yaml", format!("a: {number}\n"));
        source.fetch().await.unwrap();
    }
    let packs = std::fs::read_dir(shop.home().join("repository.git/objects/pack")).unwrap();
    let packs = packs.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "pack"));
    assert!((1..=20).contains(&packs.count()));
}

#[tokio::test]
async fn a_repository_of_another_account_is_read() {
    let shop = Shop::new();
    // Only the administrator may give it away; for anyone else it stays an ordinary repository.
    let _ = std::os::unix::fs::chown(shop.path(), Some(1234), None);
    let _ = std::os::unix::fs::chown(shop.path().join(".git"), Some(1234), None);
    assert_eq!(texts(&shop.source().fetch().await.unwrap()), [("shop.yaml", "a: 1\n")]);
}

#[tokio::test]
async fn what_a_killed_git_leaves_behind_does_not_stop_the_next() {
    let shop = Shop::new();
    let source = shop.source();
    source.fetch().await.unwrap();
    let copy = shop.home().join("repository.git");
    for lock in ["shallow.lock", "packed-refs.lock", "HEAD.lock", "refs/provost/head.lock"] {
        std::fs::write(copy.join(lock), "").unwrap();
    }
    // As if it had been the very first fetch.
    std::fs::remove_file(copy.join("refs/provost/head")).unwrap();
    shop.commit("shop.yaml", "a: 2\n");
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
}

#[tokio::test]
async fn a_sha256_repository_is_read() {
    let shop = Shop::with(&["--object-format=sha256"]);
    let id = shop.commit("shop.yaml", "a: 1\n");
    let revision = shop.source().fetch().await.unwrap();
    assert_eq!((revision.id.as_str(), id.len()), (&*id, 64));
}

#[tokio::test]
async fn ten_thousand_files_are_read() {
    let shop = Shop::empty();
    for number in 0..9_999 {
        shop.write(format!("{}/{number:05}.yaml", number % 7), format!("n: {number}\n"));
    }
    shop.commit("last.yaml", "n: 1\n");
    let revision = shop.source().fetch().await.unwrap();
    assert_eq!(revision.files.len(), 10_000);
    assert!(revision.files.is_sorted_by(|a, b| a.path < b.path));
    assert!(revision.files.iter().all(|file| file.bytes.starts_with(b"n: ")));
}

#[tokio::test]
async fn the_next_look_is_due_after_the_poll_interval() {
    let shop = Shop::new();
    let source = shop.source_with(GitConfig { poll: Duration::from_secs(1), ..shop.config() }, &[]);
    source.fetch().await.unwrap();
    assert!(timeout(Duration::from_millis(200), source.changed()).await.is_err(), "too early");
    timeout(Duration::from_secs(10), source.changed()).await.unwrap();
}

#[tokio::test]
async fn c2_an_address_that_nobody_listens_at_is_unreachable() {
    let shop = Shop::new();
    let config = GitConfig::new("https://127.0.0.1:1/shop.git");
    let error = shop.source_with(config, &[]).fetch().await.unwrap_err();
    assert!(matches!(&error, SourceError::Unreachable(why) if why.contains("127.0.0.1:1")), "{error}");
}
