//! Waiting, and names and ports that nobody else has.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Asks until the answer is `Some`, every 20 ms; returns it, or `None` if the time is over.
pub fn eventually<T>(timeout: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + timeout;
    loop {
        match ask() {
            Some(answer) => return Some(answer),
            None if Instant::now() >= until => return None,
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// A TCP port of 127.0.0.1 that was free a moment ago; another process may take it, so callers try again.
///
/// # Panics
/// If no port is free.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port of 127.0.0.1 should be free")
        .port()
}

/// A DNS label that starts with `prefix` and is used by no other test, process or run.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{prefix}-{:x}-{:x}-{count:x}", since.as_secs() & 0xff_ffff, std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_until_there_is_an_answer() {
        let mut asked = 0;
        let answer = eventually(Duration::from_secs(10), || {
            asked += 1;
            (asked == 3).then_some("yes")
        });
        assert_eq!((answer, asked), (Some("yes"), 3));
    }

    #[test]
    fn it_gives_up_when_the_time_is_over() {
        assert_eq!(eventually(Duration::from_millis(50), || None::<()>), None);
    }

    #[test]
    fn names_differ() {
        assert_ne!(unique("a"), unique("a"));
    }
}
