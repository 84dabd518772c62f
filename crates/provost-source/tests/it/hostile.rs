//! What somebody who can commit, or who can name an address, might try.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use provost_source::{FILE_BYTES_MAX, GitConfig, SourceConfig, open};

use crate::shop::{Shop, refusal, texts};

#[test]
fn addresses_that_run_commands_are_refused() {
    let shop = Shop::new();
    for url in [
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=touch /tmp/x",
        "--config=core.sshCommand=touch /tmp/x",
        "-c core.sshCommand=touch /tmp/x",
        "-u touch /tmp/x",
        "-oProxyCommand=touch /tmp/x",
        "ssh://-oProxyCommand=touch/x",
        "fd::3",
        "http://127.0.0.1/shop.git",
        "file:///srv/shop.git",
        "/srv/shop.git",
    ] {
        let config = SourceConfig { git: Some(GitConfig::new(url)), folder: None };
        let problem = open(&config, &[], &shop.state()).err().unwrap();
        assert_eq!(problem.key, "git.url", "{url}");
    }
    assert!(!shop.state().exists(), "nothing was touched");
}

#[test]
fn branches_folders_and_files_of_keys_are_no_options() {
    let shop = Shop::new();
    let refused = |change: fn(&mut GitConfig)| {
        let mut git = shop.config();
        change(&mut git);
        open(&SourceConfig { git: Some(git), folder: None }, &[], &shop.state()).err().unwrap().key
    };
    assert_eq!(refused(|git| git.branch = "--upload-pack=touch /tmp/x".to_owned()), "git.branch");
    assert_eq!(refused(|git| git.branch = "main:refs/heads/other".to_owned()), "git.branch");
    assert_eq!(refused(|git| git.branch = "+main x".to_owned()), "git.branch");
    assert_eq!(refused(|git| git.path = "../../etc".to_owned()), "git.path");
    assert_eq!(refused(|git| git.known_hosts = Some("/x -oProxyCommand=touch".into())), "git.knownHosts");
}

#[tokio::test]
async fn a_commit_with_a_repository_in_it_is_refused() {
    for name in [".git", ".GIT", "git~1", ".g\u{200c}it"] {
        let shop = Shop::new();
        let config = shop.blob(b"[core]\n\tfsmonitor = touch /tmp/x\n");
        let inner = shop.tree(&format!("100644 blob {config}\tconfig\n"));
        let tree = shop.tree(&format!("040000 tree {inner}\t{name}\n"));
        shop.commit_tree(&tree);
        assert!(refusal(&shop.source()).await.contains("takes for an attack or damage"), "{name}");
    }
}

#[tokio::test]
async fn a_link_called_git_or_gitmodules_is_refused() {
    for name in [".git", ".gitmodules"] {
        let shop = Shop::new();
        let target = shop.blob(b"/etc");
        shop.commit_tree(&shop.tree(&format!("120000 blob {target}\t{name}\n")));
        assert!(refusal(&shop.source()).await.contains("takes for an attack or damage"), "{name}");
    }
}

#[tokio::test]
async fn objects_of_other_repositories_are_not_borrowed() {
    let (shop, lender) = (Shop::new(), Shop::new());
    // The shop borrows; what we have is whole all the same, and borrows from nobody.
    lender.commit("shop.yaml", "a: 2\n");
    let objects = lender.path().join(".git/objects");
    std::fs::write(shop.path().join(".git/objects/info/alternates"), format!("{}\n", objects.display())).unwrap();
    shop.git(&["reset", "--quiet", "--hard", &lender.head()]);
    let source = shop.source();
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
    assert!(!shop.home().join("repository.git/objects/info/alternates").exists());
    shop.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    source.fetch().await.unwrap();
    drop(lender);
    assert!(source.fetch().await.is_ok(), "the tip is here");
}

#[tokio::test]
async fn a_link_with_the_name_of_a_manifest_is_refused() {
    let shop = Shop::new();
    let target = shop.blob(b"/etc/passwd");
    shop.commit_entry("120000", &target, "README");
    assert_eq!(texts(&shop.source().fetch().await.unwrap()), [("shop.yaml", "a: 1\n")]);
    shop.commit_entry("120000", &target, "jobs/etc.yaml");
    let why = refusal(&shop.source()).await;
    assert_eq!(why, "`jobs/etc.yaml` is a link, and links in git are not followed; commit the file itself");
}

#[tokio::test]
async fn a_folder_that_is_a_link_or_a_submodule_is_refused() {
    let shop = Shop::new();
    shop.commit_entry("120000", &shop.blob(b"/etc"), "etc");
    shop.commit_entry("160000", &shop.head(), "module");
    let read = |path: &str| shop.source_with(GitConfig { path: path.to_owned(), ..shop.config() }, &[]);
    assert!(refusal(&read("etc")).await.contains("is a link, and links are not followed"));
    assert!(refusal(&read("module")).await.contains("is a submodule, and submodules are not fetched"));
}

#[tokio::test]
async fn a_submodule_is_not_fetched() {
    let shop = Shop::new();
    shop.write(".gitmodules", "[submodule \"m\"]\n\tpath = m\n\turl = https://127.0.0.1:1/m.git\n");
    shop.git(&["add", ".gitmodules"]);
    shop.commit_entry("160000", &shop.head(), "m");
    assert_eq!(texts(&shop.source().fetch().await.unwrap()), [("shop.yaml", "a: 1\n")]);
}

#[tokio::test]
async fn a_submodule_whose_address_is_an_option_is_refused() {
    let shop = Shop::new();
    shop.write(".gitmodules", "[submodule \"m\"]\n\tpath = m\n\turl = -u./touch\n");
    shop.git(&["add", ".gitmodules"]);
    shop.commit_entry("160000", &shop.head(), "m");
    assert!(refusal(&shop.source()).await.contains("takes for an attack or damage"));
}

#[tokio::test]
async fn filters_and_attributes_have_no_effect() {
    let shop = Shop::new();
    shop.write(".gitattributes", "*.yaml filter=lfs text eol=crlf working-tree-encoding=UTF-16 ident\n");
    shop.commit_entry("100644", &shop.blob(b"version https://git-lfs.github.com/spec/v1\n$Id$\n"), "big.yaml");
    let revision = shop.source().fetch().await.unwrap();
    assert_eq!(
        texts(&revision),
        [("big.yaml", "version https://git-lfs.github.com/spec/v1\n$Id$\n"), ("shop.yaml", "a: 1\n")]
    );
}

#[tokio::test]
async fn a_huge_file_is_refused_before_it_is_read() {
    let shop = Shop::new();
    let size = usize::try_from(FILE_BYTES_MAX).unwrap();
    shop.commit("big.yaml", vec![b'#'; size]);
    assert_eq!(shop.source().fetch().await.unwrap().files[0].bytes.len(), size);
    shop.commit("big.yaml", vec![b'#'; size + 1]);
    let why = refusal(&shop.source()).await;
    assert!(why.starts_with("`big.yaml` has 4194305 bytes, and a file has at most 4194304; split it"), "{why}");
}

#[tokio::test]
async fn odd_paths_are_refused_when_they_are_manifests() {
    let shop = Shop::new();
    let blob = shop.blob(b"b: 1\n");
    shop.commit_entry("100644", &blob, OsStr::from_bytes(b"jobs/\xff.txt"));
    shop.commit_entry("100644", &blob, "with blank \"and\" more.yaml");
    assert_eq!(shop.source().fetch().await.unwrap().files.len(), 2);
    shop.commit_entry("100644", &blob, OsStr::from_bytes(b"jobs/\xff.yaml"));
    assert!(refusal(&shop.source()).await.contains("is not UTF-8; rename the file"));
}

#[tokio::test]
async fn a_path_with_a_line_end_is_refused() {
    let shop = Shop::new();
    shop.commit_entry("100644", &shop.blob(b"b: 1\n"), "a\nb.yaml");
    assert!(refusal(&shop.source()).await.contains("`a\\nb.yaml` has control characters"));
}

#[tokio::test]
async fn hooks_and_configuration_of_the_account_have_no_effect() {
    let shop = Shop::new();
    let mark = shop.path().join("mark");
    let source = shop.source();
    source.fetch().await.unwrap();
    // Even a hook that somehow came to lie in our copy is not run.
    let hooks = shop.home().join("repository.git/hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    let hook = hooks.join("reference-transaction");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    shop.commit("shop.yaml", "a: 2\n");
    assert_eq!(texts(&source.fetch().await.unwrap()), [("shop.yaml", "a: 2\n")]);
    assert!(!mark.exists(), "a hook was run");
}
