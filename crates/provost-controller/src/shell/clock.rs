//! The wall clock.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::Clock;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let left = instant.duration_since(self.now()).min(super::SLEEP_MAX);
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    }
}
