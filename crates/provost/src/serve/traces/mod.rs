//! Runs and events, told as traces to a collector of OpenTelemetry (OTLP over HTTP, protobuf).
//!
//! Off unless the environment names a collector: `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. The
//! other variables of that specification hold too: headers, timeout, compression, queue and batch sizes, service name and
//! resource attributes. A run is a trace, and so is an event that containers handle; their steps are its spans. They are
//! told once they are over, from what was recorded: a collector that is away delays nothing, and what does not fit into the
//! queue meanwhile is not told.

mod post;
mod span;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanProcessor as _};
use provost_controller::{Controller, FactQuery};
use provost_model::{EventFact, EventId, Fact, Instance, RunFact, RunId};
use tokio_util::sync::CancellationToken;

use crate::config::host_name;
use crate::exit::Failure;
use post::Post;

/// Either of them names a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// How long the last spans may take to be told when the server ends.
const FLUSH: Duration = Duration::from_secs(5);

/// The most facts of an event that are looked at.
const FACTS_MAX: usize = 10_000;

/// Tells traces.
pub struct Traces {
    instance: Instance,
    processor: Arc<BatchSpanProcessor>,
}

impl Traces {
    /// Whether the environment asks for them.
    pub fn are_wanted() -> bool {
        let text = |name: &str| std::env::var(name).unwrap_or_default().trim().to_owned();
        let is_off = text("OTEL_SDK_DISABLED").eq_ignore_ascii_case("true") || text("OTEL_TRACES_EXPORTER") == "none";
        !is_off && ENDPOINTS.iter().any(|name| !text(name).is_empty())
    }

    /// As the environment says.
    ///
    /// Errors: what is wrong with the environment.
    pub fn from_environment(instance: Instance) -> Result<Self, Failure> {
        let exporter = SpanExporter::builder().with_http().with_http_client(Post::from_environment()).build();
        let exporter = exporter.map_err(|error| {
            Failure::usage(format!("traces: {error}")).help(format!("look at {} and the like", ENDPOINTS.join(", ")))
        })?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let mut resource = Resource::builder().with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_string()),
            KeyValue::new("host.name", host_name()),
        ]);
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("provost");
        }
        processor.set_resource(&resource.build());
        Ok(Self { instance, processor: Arc::new(processor) })
    }

    /// Tells what ends from now on, until `stop`; then what is left is told.
    pub async fn tell(self, controller: Controller, stop: CancellationToken) {
        let mut facts = controller.following();
        loop {
            let recorded = tokio::select! {
                biased; // What was recorded before the end is told.
                recorded = facts.next() => recorded,
                () = stop.cancelled() => None,
            };
            let Some(recorded) = recorded else { break };
            let spans = match &recorded.fact {
                Fact::Run { run, change: RunFact::Finished { .. } } => self.of_run(&controller, run).await,
                Fact::Event { id, change: EventFact::Handled { .. } } => self.of_event(&controller, id).await,
                _ => Vec::new(),
            };
            spans.into_iter().for_each(|span| self.processor.on_end(span));
        }
        let told = tokio::task::spawn_blocking(move || self.processor.shutdown_with_timeout(FLUSH)).await;
        if let Ok(Err(error)) = told {
            tracing::warn!(%error, "the last traces were not told");
        }
    }

    async fn of_run(&self, controller: &Controller, run: &RunId) -> Vec<SpanData> {
        let record = controller.store().run(run).await.ok().flatten();
        record.map(|record| span::of_run(&self.instance, &record)).unwrap_or_default()
    }

    async fn of_event(&self, controller: &Controller, event: &EventId) -> Vec<SpanData> {
        let query = FactQuery { event: Some(event.clone()), limit: FACTS_MAX, ..FactQuery::default() };
        let facts = controller.store().facts(&query).await.unwrap_or_default();
        span::of_event(&self.instance, event, &facts)
    }
}
