//! A git that does not end.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use provost_controller::SourceError;
use provost_source::GitConfig;

use crate::shop::Shop;

/// An address where somebody listens and never answers.
fn silent() -> (TcpListener, GitConfig) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}/shop.git", listener.local_addr().unwrap());
    (listener, GitConfig { timeout: Duration::from_secs(1), ..GitConfig::new(url) })
}

/// How many processes work in `folder`.
fn working_in(folder: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter(|process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder)).count()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "not within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_git_that_takes_too_long_is_ended_with_all_it_started() {
    let shop = Shop::empty();
    let (_listener, config) = silent();
    let source = shop.source_with(config, &[]);
    let error = source.fetch().await.unwrap_err();
    assert!(matches!(&error, SourceError::Unreachable(why) if why.contains("did not finish within 1 s")), "{error}");
    until("git and its helper are gone", || working_in(&shop.home()) == 0).await;
}

#[tokio::test]
async fn a_fetch_that_is_dropped_leaves_no_process_behind() {
    let shop = Shop::empty();
    let (listener, config) = silent();
    let source = shop.source_with(GitConfig { timeout: Duration::from_secs(60), ..config }, &[]);
    let fetch = tokio::spawn(async move { source.fetch().await });
    listener.set_nonblocking(true).unwrap();
    let mut connection = None;
    until("git's helper waits for an answer", || {
        connection = listener.accept().ok();
        connection.is_some()
    })
    .await;
    assert!(working_in(&shop.home()) >= 2, "git and its helper run");
    fetch.abort();
    until("both are gone", || working_in(&shop.home()) == 0).await;
}
