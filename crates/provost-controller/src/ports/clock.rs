//! What time it is.

use async_trait::async_trait;
use jiff::Timestamp;

/// The wall clock. Only the shell has one; the core is told the time with every input.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The instant that it is now.
    fn now(&self) -> Timestamp;

    /// Returns at `instant`, or earlier: sleeps are clamped to 30 s, so that a clock step or a suspend is noticed (T5).
    async fn sleep_until(&self, instant: Timestamp);
}
