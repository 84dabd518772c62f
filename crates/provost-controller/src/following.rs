//! Facts as they are recorded, for those who may not miss one.

use std::collections::VecDeque;
use std::sync::Arc;

use provost_model::Recorded;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::{Controller, FactQuery};

/// How many facts are read from the store at once.
const PAGE: usize = 500;

/// Everything that is recorded, in order. What a slow reader misses is read from the store.
pub struct Following {
    controller: Controller,
    facts: Receiver<Arc<Recorded>>,
    missed: VecDeque<Arc<Recorded>>,
    seen: u64,
}

impl Controller {
    /// Everything that is recorded from now on, but for what is known: the facts up to and with `seen`, as
    /// [`Following::after`] is told.
    pub fn following(&self) -> Following {
        Following { controller: self.clone(), facts: self.facts(), missed: VecDeque::new(), seen: 0 }
    }
}

impl Following {
    /// Leaves out the facts up to and with `seen`.
    #[must_use]
    pub fn after(self, seen: u64) -> Self {
        Self { seen, ..self }
    }

    /// The next fact; nothing once the server has ended.
    pub async fn next(&mut self) -> Option<Arc<Recorded>> {
        loop {
            if let Some(fact) = self.missed.pop_front() {
                self.seen = fact.seq;
                return Some(fact);
            }
            match self.facts.recv().await {
                Ok(fact) if fact.seq <= self.seen => {}
                Ok(fact) if fact.seq == self.seen + 1 || self.seen == 0 => {
                    self.seen = fact.seq;
                    return Some(fact);
                }
                Ok(fact) => self.fill(fact).await,
                // The next one that is there shows how many were lost.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Reads what lies between the last one and `fact`. What the store does not give is left out.
    async fn fill(&mut self, fact: Arc<Recorded>) {
        let mut at = self.seen;
        while at + 1 < fact.seq {
            let limit = PAGE.min(usize::try_from(fact.seq - at - 1).unwrap_or(PAGE));
            let query = FactQuery { after_seq: at, limit, ..FactQuery::default() };
            let page = self.controller.store().facts(&query).await.unwrap_or_default();
            let Some(last) = page.last() else { break };
            at = last.seq;
            self.missed.extend(page.into_iter().map(Arc::new));
        }
        self.missed.push_back(fact);
    }
}
