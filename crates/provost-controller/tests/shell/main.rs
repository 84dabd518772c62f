//! The real shell over fakes: from a commit to a recorded outcome, and through every trouble.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod life;
mod notices;
mod revisions;
mod secrets;
mod trouble;
mod world;
