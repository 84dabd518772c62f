//! Spans of what is over, from what was recorded of it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::Timestamp;
use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use provost_model::{
    Cause, EventFact, EventId, Exit, Fact, Instance, Outcome, Owner, Recorded, RunRecord, StepFact, StepId, StepRecord,
    TraceContext,
};

/// A span that is being put together.
struct Draft {
    name: String,
    from: Timestamp,
    to: Timestamp,
    attributes: Vec<KeyValue>,
    /// Why it failed, if it did.
    failure: Option<String>,
    links: Vec<Link>,
}

/// The spans of a run that is over: itself, and each step that started.
pub(super) fn of_run(instance: &Instance, record: &RunRecord) -> Vec<SpanData> {
    let owner = Owner::Run(record.run.clone());
    let text = |key: &'static str, value: &dyn ToString| KeyValue::new(key, value.to_string());
    let mut attributes = vec![
        text("provost.automation", &record.automation),
        text("provost.run", &record.run),
        text("provost.due", &record.due),
        KeyValue::new("provost.attempts", i64::from(record.attempts)),
        KeyValue::new("provost.testing", record.testing),
    ];
    attributes.extend(record.revision.as_ref().map(|revision| text("provost.revision", revision)));
    attributes.extend(record.outcome.map(|outcome| KeyValue::new("provost.outcome", outcome.word())));
    let whole = Draft {
        name: format!("run {}", record.automation),
        from: record.accepted_at,
        to: record.ended_at.unwrap_or(record.accepted_at),
        attributes,
        failure: record.outcome.filter(|outcome| *outcome != Outcome::Succeeded).map(|_| record.detail.clone()),
        links: link(instance, &record.cause),
    };
    let steps = record.steps.iter().filter_map(of_step);
    spans(instance, &owner, whole, steps)
}

/// The spans of an event that was handled: itself, and each hook that started; none if there is no such hook.
pub(super) fn of_event(instance: &Instance, event: &EventId, facts: &[Recorded]) -> Vec<SpanData> {
    let mut accepted = None;
    let mut steps: BTreeMap<&StepId, Draft> = BTreeMap::new();
    for Recorded { at, fact, .. } in facts {
        match fact {
            Fact::EventAccepted { event } => accepted = Some((event.name.clone(), *at)),
            Fact::Event {
                change: EventFact::Step { id, fact: StepFact::Ended { result, started_at, finished_at, .. } },
                ..
            } => {
                let Some(from) = *started_at else { continue };
                steps.insert(id, step(id.as_str(), from, *finished_at, Some(result), result.failure()));
            }
            Fact::Event { change: EventFact::Handled { failure }, .. } if !steps.is_empty() => {
                let Some((name, from)) = accepted else { break };
                let attributes = vec![
                    KeyValue::new("provost.event", name.clone()),
                    KeyValue::new("provost.event.id", event.to_string()),
                ];
                let name = format!("event {name}");
                let whole = Draft { name, from, to: *at, attributes, failure: failure.clone(), links: Vec::new() };
                let steps = steps.into_iter().map(|(id, step)| (id.clone(), step));
                return spans(instance, &Owner::Event(event.clone()), whole, steps);
            }
            _ => {}
        }
    }
    Vec::new()
}

fn of_step(record: &StepRecord) -> Option<(StepId, Draft)> {
    let (from, to) = record.started_at.zip(record.finished_at)?;
    let draft = step(record.id.as_str(), from, to, record.exit.as_ref(), record.failure.clone());
    Some((StepId(record.id.as_str().into()), draft))
}

fn step(id: &str, from: Timestamp, to: Timestamp, exit: Option<&Exit>, failure: Option<String>) -> Draft {
    let mut attributes = vec![KeyValue::new("provost.step", id.to_owned())];
    if let Some(Exit::Code { code }) = exit {
        attributes.push(KeyValue::new("process.exit.code", *code));
    }
    Draft { name: id.to_owned(), from, to, attributes, failure, links: Vec::new() }
}

/// What a run came from, if that is a trace too.
fn link(instance: &Instance, cause: &Cause) -> Vec<Link> {
    let of = match cause {
        Cause::Trigger { id, .. } => Owner::Event(id.clone()),
        Cause::Retry { of, .. } => Owner::Run(of.clone()),
        _ => return Vec::new(),
    };
    vec![Link::new(context(TraceContext::of(instance, &of)), Vec::new(), 0)]
}

fn spans(
    instance: &Instance,
    owner: &Owner,
    whole: Draft,
    steps: impl Iterator<Item = (StepId, Draft)>,
) -> Vec<SpanData> {
    let root = TraceContext::of(instance, owner);
    let parent = SpanId::from(root.span);
    let below = steps.map(|(id, draft)| span(TraceContext::of_step(instance, owner, &id), parent, draft));
    std::iter::once(span(root, SpanId::INVALID, whole)).chain(below).collect()
}

fn span(place: TraceContext, parent_span_id: SpanId, draft: Draft) -> SpanData {
    let mut links = SpanLinks::default();
    links.links = draft.links;
    SpanData {
        span_context: context(place),
        parent_span_id,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: draft.name.into(),
        start_time: SystemTime::from(draft.from),
        // An engine's clock and ours may differ a little.
        end_time: SystemTime::from(draft.to.max(draft.from)),
        attributes: draft.attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links,
        status: draft.failure.map_or(Status::Ok, Status::error),
        instrumentation_scope: InstrumentationScope::builder("provost").with_version(env!("CARGO_PKG_VERSION")).build(),
    }
}

fn context(place: TraceContext) -> SpanContext {
    let (trace, span) = (TraceId::from(place.trace), SpanId::from(place.span));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}
