//! Delivering notifications and questions: over the messenger, or in a container.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use provost_model::{
    Channel, ContainerName, ContainerRequest, EventId, Instance, Life, Name, Notice, Owner, Reply, StepId, StepRef,
    Target, Workload,
};
use provost_planner::OutputOf;
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::safe::Safe;
use super::{Ports, Settings, folder};
use crate::{DeliveryError, EngineError, Masks};

/// The most output that is kept of a delivering container, in bytes.
const LOG_BYTES: u64 = 1 << 20;

/// From SIGTERM to SIGKILL for a delivering container, in seconds.
const GRACE_S: u64 = 5;

#[derive(Clone)]
pub(super) struct Courier {
    ports: Ports,
    instance: Instance,
    work_dir: PathBuf,
    safe: Safe,
    turns: Arc<Mutex<BTreeMap<Name, Turn>>>,
}

/// Held while a container of one channel runs.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl Courier {
    pub(super) fn new(settings: &Settings, ports: &Ports) -> Self {
        Self {
            ports: ports.clone(),
            instance: settings.instance.clone(),
            work_dir: settings.work_dir.clone(),
            safe: Safe::new(ports),
            turns: Arc::default(),
        }
    }

    /// Delivers `notice`.
    pub(super) async fn deliver(&self, notice: &Notice, body: &Value) -> Result<(), DeliveryError> {
        let _turn = self.turn(&notice.channel).await;
        let limit = Duration::from_secs(notice.channel.timeout_s);
        self.send(&notice.id, &notice.channel, body, limit).await.map(drop)
    }

    /// Asks `channel`; silence for as long as its rule allows is no answer, and no error.
    pub(super) async fn ask(
        &self,
        id: &EventId,
        channel: &Channel,
        body: &Value,
    ) -> Result<Option<Reply>, DeliveryError> {
        let _turn = self.turn(channel).await;
        let limit = channel.reply.map_or(channel.timeout_s, |rule| rule.timeout_s);
        // What silence is, is decided here: the messenger waits for longer.
        let patient = Channel { timeout_s: limit.saturating_add(1), ..channel.clone() };
        match tokio::time::timeout(Duration::from_secs(limit), self.send(id, &patient, body, Duration::MAX)).await {
            Ok(answer) => answer,
            Err(_) => Ok(None),
        }
    }

    /// Containers of one channel run one after the other: what they write to may not bear two at once (A31).
    ///
    /// Webhooks have no turns, since a receiver takes several at once; files have a lock of their own.
    async fn turn(&self, channel: &Channel) -> Option<OwnedMutexGuard<()>> {
        let Target::Command { .. } = channel.target else {
            return None;
        };
        let turn = Arc::clone(
            self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(channel.name.clone()).or_default(),
        );
        Some(turn.lock_owned().await)
    }

    async fn send(
        &self,
        id: &EventId,
        channel: &Channel,
        body: &Value,
        limit: Duration,
    ) -> Result<Option<Reply>, DeliveryError> {
        let sending = async {
            match &channel.target {
                Target::Webhook { .. } | Target::File { .. } => self.ports.messenger.deliver(channel, body).await,
                Target::Command { workload } => self.run(id, workload, body).await,
            }
        };
        let too_late =
            |_| DeliveryError(format!("channel {} did not take it within {} s", channel.name, limit.as_secs()));
        tokio::time::timeout(limit, sending).await.map_err(too_late)?
    }

    /// Runs the container of a command channel to its end. Delivery is at least once: after a crash it is done again.
    async fn run(&self, id: &EventId, workload: &Workload, body: &Value) -> Result<Option<Reply>, DeliveryError> {
        let name = ContainerName::of(&self.instance, id.as_str(), "deliver");
        let request = ContainerRequest {
            name: name.clone(),
            instance: self.instance.clone(),
            step: StepRef { owner: Owner::Notice(id.clone()), step: StepId("deliver".into()) },
            workload: Workload { env: variables(workload, body), ..workload.clone() },
            event: body.clone(),
            grace_s: GRACE_S,
            log_bytes: LOG_BYTES,
        };
        // One that an earlier try left behind is in the way; this also ends one whose time was up.
        self.clear(&name).await.map_err(failed)?;
        let outcome = self.run_to_end(&request).await;
        let _ = self.clear(&name).await; // What stays is swept up.
        outcome
    }

    async fn run_to_end(&self, request: &ContainerRequest) -> Result<Option<Reply>, DeliveryError> {
        let (engine, name) = (&self.ports.engine, &request.name);
        engine.ensure_image(&request.workload.image, request.workload.pull, &|_| {}).await.map_err(failed)?;
        let folder = folder::make(&self.work_dir, name, &request.event, None);
        let mut folder = folder.map_err(|error| DeliveryError(format!("its folder cannot be made: {error}")))?;
        folder.secrets = self.safe.hand_out(name, &request.workload.secrets).await.map_err(failed)?;
        engine.create(request, &folder).await.map_err(failed)?;
        engine.start(name).await.map_err(failed)?;
        let output = OutputOf {
            step: request.step.clone(),
            limit_bytes: request.log_bytes,
            masked: provost_planner::masked_values(None, &request.workload),
            secrets: request.workload.secrets.clone(),
        };
        let masks = self.safe.masks(&output).map_err(|error| DeliveryError(error.to_string()))?;
        self.keep_output(&output, name, &masks).await.map_err(failed)?;
        // The output has ended, so the container has, or is just about to.
        for _ in 0..100 {
            match engine.inspect(name).await.map_err(failed)?.map(|seen| seen.life) {
                Some(Life::Exited { code: 0, .. }) => return self.reply(name, &masks),
                Some(Life::Exited { code, .. }) => {
                    return Err(DeliveryError(format!("container {name}: exit {code}")));
                }
                Some(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                None => {
                    return Err(DeliveryError(format!("container {name} was removed by somebody else")));
                }
            }
        }
        Err(DeliveryError(format!("container {name} closed its output and did not end")))
    }

    async fn keep_output(&self, output: &OutputOf, name: &ContainerName, masks: &Masks) -> Result<(), EngineError> {
        let mut chunks = self.ports.engine.output(name, true).await?;
        let mut sink = self.ports.logs.open(&output.step, output.limit_bytes, masks.texts()).ok();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let written = sink.as_mut().map(|sink| sink.write(chunk.stream, chunk.at, &chunk.bytes));
            if matches!(written, Some(Err(_))) {
                sink = None; // A notification is worth more than its log.
            }
        }
        drop(sink.map(crate::LogSink::finish));
        Ok(())
    }

    fn reply(&self, name: &ContainerName, masks: &Masks) -> Result<Option<Reply>, DeliveryError> {
        let mut left = folder::read(&self.work_dir, name);
        masks.hide_in_output(&mut left);
        match left.problems.into_iter().next() {
            Some(problem) => Err(DeliveryError(format!("container {name}: {problem}"))),
            None => Ok(left.reply),
        }
    }

    async fn clear(&self, name: &ContainerName) -> Result<(), EngineError> {
        self.ports.engine.remove(name).await?;
        self.safe.take_back(name).await;
        if let Err(error) = folder::remove(&self.work_dir, name) {
            tracing::warn!(container = %name, %error, "the folder of a delivery stays");
        }
        Ok(())
    }
}

/// The variables that a delivering container gets.
fn variables(workload: &Workload, body: &Value) -> std::collections::BTreeMap<String, String> {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let own =
        [("EVENT", text("event")), ("MOMENT", text("moment")), ("AUTOMATION", text("subject")), ("RUN", text("run"))];
    let own = own.into_iter().map(|(key, value)| (format!("PROVOST_{key}"), value));
    workload.env.clone().into_iter().chain(own).collect()
}

fn failed(error: EngineError) -> DeliveryError {
    DeliveryError(error.message)
}
