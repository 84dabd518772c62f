//! Commands: checked by the core, durable before they are answered.

use std::sync::Arc;

use provost_model::{RunId, RunRecord};
use tokio::sync::oneshot;

use super::Shell;
use super::revisions::Intent;
use crate::handle::Message;
use crate::{Command, Done, Input, Refusal, RefusalKind, Store};

type Answer = oneshot::Sender<Result<Done, Refusal>>;

impl Shell {
    pub(super) async fn on_command(&mut self, command: Command, answer: Answer) -> bool {
        match command {
            Command::Plan => self.fetch_for(Intent::Plan(answer)),
            Command::Apply { plan, by } => self.fetch_for(Intent::Apply { plan, by, answer }),
            Command::Rollback { revision, by } => self.roll_back(revision, by, answer),
            Command::Retry { ref run, .. } => {
                let (store, messages, run) = (Arc::clone(&self.ports.store), self.messages.clone(), run.clone());
                tokio::spawn(async move {
                    let message = match earlier_run(store.as_ref(), &run).await {
                        Ok(earlier) => Message::Order { command, earlier: earlier.map(Box::new), answer },
                        Err(refusal) => return drop(answer.send(Err(refusal))),
                    };
                    let _ = messages.send(message); // The controller is gone, and the asker is told by the closed channel.
                });
            }
            command => return self.on_order(command, None, answer).await,
        }
        false
    }

    pub(super) async fn on_order(&mut self, command: Command, earlier: Option<&RunRecord>, answer: Answer) -> bool {
        if let Some(refusal) = self.refuse_while_unrecorded() {
            let _ = answer.send(Err(refusal));
            return false;
        }
        match self.core.order(self.ports.clock.now(), command, earlier) {
            Ok((facts, done)) => self.feed(vec![Input::Ordered { facts }], vec![(answer, Ok(done))]).await,
            Err(refusal) => {
                let _ = answer.send(Err(refusal));
                false
            }
        }
    }
}

async fn earlier_run(store: &dyn Store, run: &RunId) -> Result<Option<RunRecord>, Refusal> {
    store.run(run).await.map_err(|error| Refusal::new(RefusalKind::Unavailable, error.to_string()))
}
