//! Commands: checked by the core, durable before they are answered.

use provost_model::{ActionTerms, RunId, RunRecord, SKILL};
use tokio::sync::oneshot;

use super::Shell;
use super::revisions::Intent;
use crate::core::fired_event;
use crate::{Command, Done, FactQuery, Input, Refusal, RefusalKind, Store, StoreError};

type Answer = oneshot::Sender<Result<Done, Refusal>>;

impl Shell {
    pub(super) async fn on_command(&mut self, command: Command, answer: Answer) -> bool {
        match command {
            Command::Plan => self.fetch_for(Intent::Plan(answer)),
            Command::Apply { plan, by } => self.fetch_for(Intent::Apply { plan, by, answer }),
            Command::Rollback { revision, by } => self.roll_back(revision, by, answer),
            Command::Reset { source, by } => self.reset(source, by, answer),
            // Looked up here, where nothing comes in between: of two that ask with one request, the second finds the first.
            command => match known(self.ports.store.as_ref(), &command).await {
                Ok(Known::Done(done)) => drop(answer.send(Ok(done))),
                Ok(Known::Earlier(earlier)) => {
                    return self.on_order(command, earlier.as_deref(), answer).await;
                }
                Err(refusal) => drop(answer.send(Err(refusal))),
            },
        }
        false
    }

    async fn on_order(&mut self, command: Command, earlier: Option<&RunRecord>, answer: Answer) -> bool {
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

/// What the history knows of what is asked for.
enum Known {
    /// It was asked for before, with the same request: it is not done a second time (D2).
    Done(Done),
    /// It is new; with the run that is to be repeated, if it is a repetition.
    Earlier(Option<Box<RunRecord>>),
}

async fn known(store: &dyn Store, command: &Command) -> Result<Known, Refusal> {
    let unavailable = |error: StoreError| Refusal::new(RefusalKind::Unavailable, error.to_string());
    let (automation, request, earlier) = match command {
        Command::Run { automation, request, .. } => (automation.clone(), request.as_str(), None),
        Command::Call { application, action, job, .. } => {
            let Some(name) = ActionTerms::automation_name(application, action) else {
                return Ok(Known::Earlier(None));
            };
            (name, job.as_str(), None)
        }
        Command::Retry { run, request, .. } => match store.run(run).await.map_err(unavailable)? {
            Some(earlier) => (earlier.automation.clone(), request.as_str(), Some(Box::new(earlier))),
            None => return Ok(Known::Earlier(None)),
        },
        Command::Fire { .. } | Command::CallSkill { .. } => {
            let event = match command {
                Command::Fire { name, request, .. } => fired_event(name, request),
                Command::CallSkill { skill, request, .. } => fired_event(&format!("{SKILL}{skill}"), request),
                _ => return Ok(Known::Earlier(None)),
            };
            let query = FactQuery { event: Some(event.clone()), limit: 1, ..FactQuery::default() };
            let is_known = !store.facts(&query).await.map_err(unavailable)?.is_empty();
            return Ok(if is_known { Known::Done(Done::Fired { event }) } else { Known::Earlier(None) });
        }
        _ => return Ok(Known::Earlier(None)),
    };
    let run = RunId::caused(&automation, request);
    let is_known = store.run(&run).await.map_err(unavailable)?.is_some();
    Ok(if is_known { Known::Done(Done::Accepted { run }) } else { Known::Earlier(earlier) })
}
