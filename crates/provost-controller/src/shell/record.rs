//! Recording: nothing is done before the fact that calls for it is durable (R2). While the store cannot be written, the
//! batch is kept and tried again, and what comes in meanwhile waits.

use jiff::SignedDuration;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Shell;
use crate::{Answer, Batch, Compiled, Done, Input, Refusal, RefusalKind, Revision, StoreError};

/// A batch that could not be recorded is tried again after this long.
pub(super) const RECORD_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) type Reply = (oneshot::Sender<Result<Done, Refusal>>, Result<Done, Refusal>);

/// An answer whose batch could not be recorded yet, with those who wait for it.
pub(super) struct Unrecorded {
    pub(super) answer: Answer,
    pub(super) replies: Vec<Reply>,
    pub(super) why: String,
}

/// A revision that the source has brought while the store could not be written.
pub(super) struct Held {
    pub(super) fetched: Box<(Revision, Compiled)>,
    pub(super) why: String,
}

impl Shell {
    /// Lets the core take `inputs`, makes its batch durable, answers those who wait, and carries out the rest.
    ///
    /// Returns true once the shutdown is complete.
    pub(super) async fn feed(&mut self, inputs: Vec<Input>, replies: Vec<Reply>) -> bool {
        let answer = self.core.handle(self.ports.clock.now(), inputs);
        self.record(Unrecorded { answer, replies, why: String::new() }).await
    }

    /// Whether something waits for the store.
    pub(super) fn is_held_up(&self) -> bool {
        self.unrecorded.is_some() || self.held.is_some()
    }

    /// Tries again what the store did not take; then goes on with what came meanwhile.
    pub(super) async fn try_again(&mut self) -> bool {
        if let Some(unrecorded) = self.unrecorded.take()
            && self.record(unrecorded).await
        {
            return true;
        }
        if self.unrecorded.is_some() {
            return self.gives_up_at.is_some_and(|at| at <= self.ports.clock.now());
        }
        if self.gives_up_at.take().is_some() {
            return self.feed(vec![Input::Shutdown], Vec::new()).await;
        }
        match self.held.take() {
            Some(Held { fetched, .. }) => self.follow_to(fetched.0, fetched.1).await,
            None => false,
        }
    }

    pub(super) async fn on_shutdown(&mut self) -> bool {
        if self.unrecorded.is_none() {
            return self.feed(vec![Input::Shutdown], Vec::new()).await;
        }
        // The end is a fact too. If it cannot be recorded in time, the next start finds what a crash would leave.
        let grace = SignedDuration::from_secs(self.settings.shutdown_grace_s.cast_signed());
        self.gives_up_at = Some(self.ports.clock.now() + grace);
        false
    }

    async fn record(&mut self, mut unrecorded: Unrecorded) -> bool {
        let batch = &unrecorded.answer.batch;
        if !batch.facts.is_empty() || !batch.runs.is_empty() {
            if let Err(error) = self.ports.store.append(batch.clone()).await
                && !has_arrived(&error, batch)
            {
                if unrecorded.why.is_empty() {
                    tracing::error!(%error, "nothing is started until the state can be written again");
                }
                unrecorded.why = error.to_string();
                self.unrecorded = Some(unrecorded);
                self.again_at = Instant::now() + RECORD_AGAIN;
                return false;
            }
            if !unrecorded.why.is_empty() {
                tracing::info!("the state can be written again");
            }
        }
        for (waiting, reply) in unrecorded.replies {
            let _ = waiting.send(reply); // Whoever does not wait any more needs no answer.
        }
        self.carry_out(unrecorded.answer)
    }

    pub(super) fn refuse_while_unrecorded(&self) -> Option<Refusal> {
        let unrecorded = self.unrecorded.as_ref()?;
        Some(Refusal::new(RefusalKind::Unavailable, unrecorded.why.clone()).hint("free some space on the disk"))
    }
}

/// Whether `batch` was recorded in spite of an error that was answered before: a second one cannot follow on it.
fn has_arrived(error: &StoreError, batch: &Batch) -> bool {
    let end = batch.facts.last().map(|fact| fact.seq);
    matches!(error, StoreError::Gap { last, .. } if Some(*last) == end)
}
