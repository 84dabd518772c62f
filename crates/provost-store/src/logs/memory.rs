//! The output of steps in memory, for simulation and tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use provost_controller::{LogLine, LogSink, Logs, StoreError};
use provost_model::{Owner, StepRef};
use tokio::sync::broadcast;

use crate::logs::FOLLOWED_MAX;
use crate::logs::merge::earliest;
use crate::logs::recorder::{Keep, Recorder};

type Kept = Arc<Mutex<BTreeMap<Owner, BTreeMap<String, Vec<LogLine>>>>>;

/// The output of steps in memory: it treats output as the files do, and forgets it with itself.
pub struct MemoryLogs {
    kept: Kept,
    live: broadcast::Sender<(Owner, LogLine)>,
}

impl MemoryLogs {
    /// No output.
    pub fn new() -> Self {
        Self { kept: Kept::default(), live: broadcast::Sender::new(FOLLOWED_MAX) }
    }
}

impl Default for MemoryLogs {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Logs for MemoryLogs {
    fn open(&self, step: &StepRef, limit_bytes: u64, masked: &[String]) -> Result<Box<dyn LogSink>, StoreError> {
        lock(&self.kept).entry(step.owner.clone()).or_default().insert(step.step.to_string(), Vec::new());
        let keep = MemoryKeep { kept: Arc::clone(&self.kept), owner: step.owner.clone() };
        Ok(Box::new(Recorder::new(step.clone(), keep, limit_bytes, masked, self.live.clone())))
    }

    async fn close(&self, _owner: &Owner) -> Result<(), StoreError> {
        Ok(())
    }

    async fn read(&self, owner: &Owner, skip: usize, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let kept = lock(&self.kept);
        let mut steps: Vec<_> =
            kept.get(owner).into_iter().flatten().map(|(_, lines)| lines.iter().peekable()).collect();
        let in_order = std::iter::from_fn(|| {
            let first = earliest(steps.iter_mut().map(|lines| lines.peek().copied()))?;
            steps[first].next()
        });
        Ok(in_order.skip(skip).take(limit).cloned().collect())
    }

    fn follow(&self) -> broadcast::Receiver<(Owner, LogLine)> {
        self.live.subscribe()
    }

    async fn remove(&self, owner: &Owner) -> Result<(), StoreError> {
        lock(&self.kept).remove(owner);
        Ok(())
    }

    async fn forget_events(&self, before: Timestamp) -> Result<(), StoreError> {
        let is_young = |steps: &BTreeMap<String, Vec<LogLine>>| steps.values().flatten().any(|line| line.at >= before);
        lock(&self.kept).retain(|owner, steps| matches!(owner, Owner::Run(_)) || is_young(steps));
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct MemoryKeep {
    kept: Kept,
    owner: Owner,
}

impl Keep for MemoryKeep {
    fn keep(&mut self, line: &LogLine) -> Result<(), StoreError> {
        // What was removed while its step goes on stays removed.
        if let Some(lines) = lock(&self.kept).get_mut(&self.owner).and_then(|steps| steps.get_mut(&line.step)) {
            lines.push(line.clone());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
