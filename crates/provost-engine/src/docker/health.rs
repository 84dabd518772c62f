//! Whether a service does its work: asked by HTTP, or by a program in its container.

use std::time::Duration;

use provost_controller::EngineError;
use provost_model::{ContainerName, HealthCheck, Probe};
use tokio::time::timeout;

use super::DockerEngine;
use crate::http;
use crate::program::{Ran, Verdict, WORDS_MAX};

impl DockerEngine {
    pub(super) async fn ask_health(&self, name: &ContainerName, check: &HealthCheck) -> Result<Verdict, EngineError> {
        let seen = self.running(name).await?;
        let limit = Duration::from_secs(check.timeout_s);
        let answer = match &check.probe {
            Probe::Http { port, path } => {
                let places = self.places(&seen, *port).await?;
                timeout(limit, http::health(&places, path)).await.map(Ok)
            }
            Probe::Command { command } => {
                timeout(limit, self.run_inside(&seen, command, None, WORDS_MAX)).await.map(|ran| ran.map(Ran::verdict))
            }
        };
        answer.unwrap_or_else(|_| Ok(Err(format!("no answer within {} s", check.timeout_s))))
    }
}
