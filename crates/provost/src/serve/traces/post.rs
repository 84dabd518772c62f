//! How spans get to the collector.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};

/// How long one request may take where the environment says nothing, as OpenTelemetry has it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most of an answer that is read, in bytes.
const ANSWER_MAX: u64 = 64 * 1024;

/// Posts spans. The batch processor asks it on a thread of its own, which may wait.
#[derive(Debug)]
pub(super) struct Post {
    agent: ureq::Agent,
    is_failing: AtomicBool,
}

impl Post {
    pub(super) fn from_environment() -> Self {
        let said = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
        let said = said.iter().find_map(|name| std::env::var(name).ok()?.trim().parse().ok());
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(said.map_or(TIMEOUT, Duration::from_millis)))
            .http_status_as_error(false)
            .user_agent(concat!("provost/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: agent.into(), is_failing: AtomicBool::new(false) }
    }

    fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (head, body) = request.into_parts();
        let answer = self.agent.run(Request::from_parts(head, body.to_vec()))?;
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(ANSWER_MAX).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }

    /// Tells when it begins to fail, and when it goes again; not each time.
    fn note(&self, trouble: Option<String>) {
        let was_failing = self.is_failing.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(why) if !was_failing => {
                tracing::warn!(why, "traces do not reach the collector; they are left out meanwhile")
            }
            None if was_failing => tracing::info!("traces reach the collector again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.post(request);
        self.note(match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        });
        Ok(answer?)
    }
}
