//! The output of steps, kept in files beside the store.

use async_trait::async_trait;
use jiff::Timestamp;
use provost_model::{Owner, StepRef};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::{OutputStream, StoreError};

/// The kept output of all steps (R8).
#[async_trait]
pub trait Logs: Send + Sync {
    /// Begins the log of `step`, from nothing: after a restart it is written anew from the engine's own copy.
    ///
    /// `limit_bytes` is the most text that is kept; what is cut is said in the log. `masked` are texts that are replaced
    /// by `***`.
    fn open(&self, step: &StepRef, limit_bytes: u64, masked: &[String]) -> Result<Box<dyn LogSink>, StoreError>;

    /// Compresses the logs of `owner`, which is over. Reading goes on as before.
    async fn close(&self, owner: &Owner) -> Result<(), StoreError>;

    /// Returns the lines of all steps of `owner`, in the order of time, after the first `skip`, at most `limit`.
    async fn read(&self, owner: &Owner, skip: usize, limit: usize) -> Result<Vec<LogLine>, StoreError>;

    /// Returns lines of every step as they are written. Whoever lags reads what was lost from [`Logs::read`].
    fn follow(&self) -> broadcast::Receiver<(Owner, LogLine)>;

    /// Forgets the logs of `owner`.
    async fn remove(&self, owner: &Owner) -> Result<(), StoreError>;

    /// Forgets the logs of events and notifications that were last written to before this instant. Those of runs go with
    /// the runs.
    async fn forget_events(&self, before: Timestamp) -> Result<(), StoreError>;
}

/// Where the output of one step goes.
pub trait LogSink: Send {
    /// Takes a piece of output as the engine gave it: any bytes, lines cut anywhere.
    fn write(&mut self, stream: OutputStream, at: Timestamp, bytes: &[u8]) -> Result<(), StoreError>;

    /// Ends the log and returns its last lines: at most 4 KiB, control codes stripped, masked.
    fn finish(self: Box<Self>) -> Result<String, StoreError>;
}

/// A line of output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When the engine got it.
    pub at: Timestamp,
    /// Which step wrote it.
    pub step: String,
    /// Which stream.
    pub stream: OutputStream,
    /// The text, without its line's end, control codes stripped.
    pub text: String,
    /// True: it goes on from this stream's line before, which was cut for its length.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continued: bool,
}
