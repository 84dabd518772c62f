//! Calls of what a service provides: by HTTP, or by a program in its container.

use std::time::Duration;

use provost_controller::EngineError;
use provost_model::{CallError, CallWay, ContainerName, ServiceCall};
use tokio::time::timeout;

use super::DockerEngine;
use crate::http;
use crate::program::{ANSWER_MAX, CallAnswer, Ran};

impl DockerEngine {
    pub(super) async fn ask_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<CallAnswer, EngineError> {
        let seen = self.running(name).await?;
        let data = call.data.to_string();
        let limit = Duration::try_from(call.timeout).unwrap_or(Duration::ZERO);
        let answer = match &call.way {
            CallWay::Http { port, path } => {
                let places = self.places(&seen, *port).await?;
                timeout(limit, http::call(&places, path, data)).await
            }
            CallWay::Program { command } => {
                let ran = timeout(limit, self.run_inside(&seen, command, Some(data.as_bytes()), ANSWER_MAX)).await;
                ran.map(|ran| ran.map(Ran::answer))
                    .map_or_else(Err, |ran| Ok(ran.unwrap_or_else(|error| unavailable(&error.message))))
            }
        };
        Ok(answer.unwrap_or_else(|_| Err(CallError::new("Timeout", format!("no answer within {} s", limit.as_secs())))))
    }
}

fn unavailable(why: &str) -> CallAnswer {
    Err(CallError::new("Unavailable", why))
}
