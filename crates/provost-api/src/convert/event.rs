//! What happened, as a line for people and programs.

use jiff::Timestamp;
use provost_model::{AcceptedEvent, EventFact, EventId, Fact, Name, Notice, Recorded, RevisionChange, RunId, Token};
use serde::Serialize;

use super::automation_of;
use super::run::missed_because;
use super::run_event::{accepted_run, run_line};
use super::spec::moment;
use super::step_event::step_line;
use crate::wire::{EventItem, JsonMap};

/// The line that tells of `recorded`; nothing where it is of no interest outside (an intent, a bookmark), or where
/// another fact tells of the same.
pub fn event_of(recorded: &Recorded) -> Option<EventItem> {
    let line = line_of(&recorded.fact)?;
    Some(EventItem {
        seq: recorded.seq,
        at: recorded.at,
        name: line.name,
        automation: line.automation,
        run: line.run,
        event: line.event,
        message: line.message,
        data: line.data,
    })
}

/// A line in the making.
pub(super) struct Line {
    name: String,
    message: String,
    automation: Option<String>,
    run: Option<String>,
    event: Option<String>,
    data: JsonMap,
}

impl Line {
    pub(super) fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
            automation: None,
            run: None,
            event: None,
            data: JsonMap::new(),
        }
    }

    /// The same line under the name that `rename` makes of its own.
    pub(super) fn renamed(mut self, rename: impl FnOnce(&str) -> String) -> Self {
        self.name = rename(&self.name);
        self
    }

    fn automation(mut self, name: Option<&Name>) -> Self {
        self.automation = name.map(ToString::to_string);
        self
    }

    pub(super) fn run(mut self, run: &RunId) -> Self {
        self.run = Some(run.to_string());
        let automation = automation_of(run);
        self.automation(automation.as_ref())
    }

    fn event(mut self, event: &EventId) -> Self {
        self.event = Some(event.to_string());
        self
    }

    /// Adds `key` to the data, if there is a value.
    pub(super) fn with(mut self, key: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::Null) | Err(_) => {}
            Ok(value) => drop(self.data.insert(key.to_owned(), value)),
        }
        self
    }
}

fn line_of(fact: &Fact) -> Option<Line> {
    Some(match fact {
        Fact::ServerStarted { version } => {
            Line::new("server.started", format!("Provost {version} started")).with("version", version)
        }
        Fact::ServerStopping => Line::new("server.stopping", "the server shuts down: nothing starts any more"),
        Fact::RevisionApplied { change } => applied(change),
        Fact::RevisionRejected { revision, errors, report } => {
            Line::new("revision.rejected", format!("revision {revision} was rejected: {}", errors_in_words(*errors)))
                .with("revision", revision)
                .with("errors", errors)
                .with("report", report)
        }
        Fact::Pinned { revision, by } => {
            Line::new("revision.pinned", format!("{by} pinned the server to revision {revision}"))
                .with("revision", revision)
                .with("by", by)
        }
        Fact::Unpinned { by } => {
            Line::new("revision.unpinned", format!("{by} let the server follow its source again")).with("by", by)
        }
        // A bookmark: due times count from here.
        Fact::Armed { .. } => return None,
        Fact::DueSkipped { automation, due, reason, detail } => {
            let why = if detail.is_empty() { reason.word() } else { detail };
            Line::new("run.skipped", format!("{automation} was skipped at {due}: {why}"))
                .automation(Some(automation))
                .with("due", due)
                .with("reason", reason.word())
        }
        Fact::TriggerSkipped { automation, event, reason, detail } => {
            let why = if detail.is_empty() { reason.word() } else { detail };
            Line::new("run.skipped", format!("{automation} was skipped, which {event} would have started: {why}"))
                .automation(Some(automation))
                .event(event)
                .with("reason", reason.word())
        }
        Fact::DueMissed { automation, first, last, count, reason } => {
            let what = missed_times(*first, *last, *count);
            Line::new("run.missed", format!("{automation} missed {what}: {}", missed_because(*reason)))
                .automation(Some(automation))
                .with("first", first)
                .with("last", last)
                .with("count", count)
                .with("reason", reason.word())
        }
        Fact::RunAccepted { accepted } => accepted_run(accepted),
        Fact::Run { run, change } => run_line(run, change)?.run(run),
        Fact::EventAccepted { event } => accepted_event(event)?,
        Fact::Event { id, change } => event_line(id, change)?.event(id),
        Fact::NoticeQueued { notice } => queued_notice(notice),
        Fact::NoticeDelivered { id } => {
            Line::new("notice.delivered", format!("notification {id} was delivered")).event(id)
        }
        Fact::NoticeFailed { id, why, until } => {
            Line::new("notice.failed", format!("notification {id} was not delivered: {why}; tried again at {until}"))
                .event(id)
                .with("why", why)
                .with("until", until)
        }
        Fact::NoticeGivenUp { id, why } => {
            Line::new("notice.givenUp", format!("notification {id} was given up: {why}")).event(id).with("why", why)
        }
        Fact::Paused { automation, until, reason, by } => {
            let until_when = until.map_or_else(String::new, |until| format!(" until {until}"));
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            Line::new("automation.paused", format!("{by} paused {automation}{until_when}{why}"))
                .automation(Some(automation))
                .with("until", until)
                .with("reason", reason)
                .with("by", by)
        }
        Fact::Resumed { automation, by } => {
            Line::new("automation.resumed", format!("{automation} was resumed by {by}"))
                .automation(Some(automation))
                .with("by", by)
        }
        Fact::ServiceStopped { service, by } => {
            Line::new("service.stopped", format!("{by} stopped {service}")).automation(Some(service)).with("by", by)
        }
        Fact::ServiceStarted { service, by } => {
            Line::new("service.startAsked", format!("{by} started {service}")).automation(Some(service)).with("by", by)
        }
        Fact::DriftFound { container, what } => Line::new("drift.found", format!("container {container}: {what}"))
            .with("container", container)
            .with("what", what),
        Fact::DriftCorrected { container, what } => {
            Line::new("drift.corrected", format!("container {container}: {what}"))
                .with("container", container)
                .with("what", what)
        }
        Fact::DocumentWritten { name, by, .. } => {
            Line::new("document.written", format!("{by} wrote document {name}")).with("document", name).with("by", by)
        }
        Fact::DocumentRemoved { name, by } => {
            Line::new("document.removed", format!("{by} removed document {name}")).with("document", name).with("by", by)
        }
        Fact::TokenMade { token } => made_token(token),
        Fact::TokenRevoked { name, by } => {
            Line::new("token.revoked", format!("{by} revoked token {name}")).with("token", name).with("by", by)
        }
    })
}

fn applied(change: &RevisionChange) -> Line {
    let what = match change.summary.len() {
        0 => "nothing changed".to_owned(),
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    let message = format!("revision {} is in force, applied by {}: {what}", change.revision, change.by);
    Line::new("revision.applied", message)
        .with("revision", &change.revision)
        .with("by", &change.by)
        .with("about", &change.about)
        .with("summary", &change.summary)
}

fn errors_in_words(errors: u32) -> String {
    match errors {
        1 => "1 error; the revision before stays in force".to_owned(),
        many => format!("{many} errors; the revision before stays in force"),
    }
}

fn missed_times(first: Timestamp, last: Timestamp, count: u64) -> String {
    match count {
        0 | 1 => format!("its due time {first}"),
        many => format!("{many} due times from {first} to {last}"),
    }
}

/// Events that are accepted because of a fact that has a line of its own.
const TOLD_BY_FACTS: [&str; 8] = [
    "run.skipped",
    "run.missed",
    "revision.applied",
    "revision.rejected",
    "drift.found",
    "drift.corrected",
    "service.healthy",
    "service.unhealthy",
];

fn accepted_event(event: &AcceptedEvent) -> Option<Line> {
    if TOLD_BY_FACTS.contains(&event.name.as_str()) {
        return None;
    }
    let about = match (&event.run, &event.subject) {
        (Some(run), _) => format!(" of run {run}"),
        (None, Some(subject)) => format!(" of {subject}"),
        (None, None) => String::new(),
    };
    let by = if event.by.is_empty() { String::new() } else { format!(", from {}", event.by) };
    let line = Line::new(&event.name, format!("event {}{about}{by}", event.name));
    let line = match &event.run {
        Some(run) => line.run(run),
        None => line,
    };
    let line = match &event.subject {
        Some(subject) => line.automation(Some(subject)),
        None => line,
    };
    Some(line.event(&event.id).with("by", &event.by).with("data", &event.data))
}

fn event_line(id: &EventId, change: &EventFact) -> Option<Line> {
    match change {
        // Its hooks tell of themselves.
        EventFact::Began => None,
        EventFact::Step { id: step, fact } => step_line(&format!("event {id}"), step, fact),
        EventFact::Handled { failure: None } => Some(Line::new("event.handled", format!("event {id} was handled"))),
        EventFact::Handled { failure: Some(why) } => {
            Some(Line::new("event.failed", format!("event {id} was not handled: {why}")).with("why", why))
        }
    }
}

fn made_token(token: &Token) -> Line {
    let message = format!("{} made token {}, which may {}", token.by, token.name, token.scope);
    Line::new("token.made", message)
        .with("token", &token.name)
        .with("scope", token.scope)
        .with("automations", &token.automations)
        .with("events", &token.events)
        .with("until", token.until)
        .with("by", &token.by)
}

fn queued_notice(notice: &Notice) -> Line {
    let instead = notice.instead_of.as_ref().map_or_else(String::new, |name| format!(", instead of {name}"));
    let (channel, moment) = (&notice.channel.name, moment(notice.moment));
    let message = format!("{channel} is told of {} ({moment}){instead}", notice.automation);
    let line = Line::new("notice.queued", message);
    let line = match &notice.run {
        Some(run) => line.run(run),
        None => line,
    };
    line.automation(Some(&notice.automation))
        .event(&notice.id)
        .with("channel", channel)
        .with("moment", moment)
        .with("insteadOf", &notice.instead_of)
}
