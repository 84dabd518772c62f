//! When to look again at a source that says nothing by itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// An interval that is counted from the last fetch.
///
/// The next instant is kept here and not in the future that waits for it, so that a caller who drops that
/// future to serve something else first does not start the wait anew.
pub(crate) struct Poll {
    every: Duration,
    next: Mutex<Instant>,
}

impl Poll {
    /// The first look is due `every` from now.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, next: Mutex::new(Instant::now() + every) }
    }

    /// The source was just looked at: the next look is due a whole interval from now.
    pub(crate) fn restart(&self) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + self.every;
    }

    /// The instant of the next look.
    pub(crate) fn next(&self) -> Instant {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the next look is due. Cancel-safe.
    pub(crate) async fn due(&self) {
        sleep_until(self.next()).await;
        self.restart();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_wait_goes_on_where_it_was() {
        let poll = Poll::new(Duration::from_millis(200));
        let began = Instant::now();
        while tokio::time::timeout(Duration::from_millis(20), poll.due()).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "never due");
        }
        assert!(began.elapsed() >= Duration::from_millis(200));
        assert!(poll.next() > Instant::now(), "the next interval has begun");
    }
}
