//! Firing events, and looking at what their hooks did.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::common::{Server, Shop, server};

/// An event that was fired and handled.
#[derive(Debug)]
pub struct Fired {
    /// Its id.
    pub id: String,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// When a step began and ended, as the server recorded it.
#[derive(Debug)]
pub struct Span {
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

/// Fires `event` and waits until its foreground hooks have ended.
#[track_caller]
pub fn fire(server: &Server, event: &str, data: &Value) -> Fired {
    let fired = server.json(&["fire", event, "--data", &data.to_string()]);
    let id = fired["event"].as_str().unwrap().to_owned();
    let failure = server.until(&format!("the end of {event}"), || {
        let about = |name: &str| server.events(name).into_iter().find(|one| one["event"] == id.as_str());
        let failed = about("event.failed").map(|one| one["data"]["why"].as_str().unwrap().to_owned());
        failed.map(Some).or_else(|| about("event.handled").map(|_| None))
    });
    Fired { id, failure }
}

/// What the hook `step` of `subject` printed for `hook --get PATH`: JSON, or null where it says `absent`.
#[track_caller]
pub fn said(server: &Server, subject: &str, step: &str, path: &str) -> Value {
    let lines = server.ok(&["logs", subject, "--step", step, "-o", "name"]);
    let start = format!("{path} = ");
    let line = lines.lines().find_map(|line| line.strip_prefix(&start));
    let line = line.unwrap_or_else(|| panic!("{step} of {subject} does not say {path}: {lines}"));
    serde_json::from_str(line).unwrap_or_default()
}

impl Fired {
    /// What one of its hooks printed for `hook --get PATH`.
    #[track_caller]
    pub fn said(&self, server: &Server, step: &str, path: &str) -> Value {
        said(server, &format!("event/{}", self.id), step, path)
    }

    /// When the hook `step` began and ended; nothing before it has.
    pub fn span(&self, server: &Server, step: &str) -> Option<Span> {
        let ended = self.ended(server, step)?;
        let time = |key: &str| ended["data"][key].as_str().and_then(|time| time.parse().ok());
        Some(Span { start: time("startedAt")?, end: time("finishedAt")? })
    }

    /// The record of the end of the hook `step`.
    pub fn ended(&self, server: &Server, step: &str) -> Option<Value> {
        let is_it = |one: &Value| one["event"] == self.id.as_str() && one["data"]["step"] == step;
        server.events("step.ended").into_iter().find(is_it)
    }

    /// Whether the hook `step` has started.
    pub fn has_started(&self, server: &Server, step: &str) -> bool {
        let is_it = |one: &Value| one["event"] == self.id.as_str() && one["data"]["step"] == step;
        server.events("step.started").iter().any(is_it)
    }
}

/// A hook with more keys.
pub fn with(mut hook: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        hook[key] = value.clone();
    }
    hook
}

/// Starts a server with one plugin, `till`, that has these hooks, and waits until they are in force.
pub fn till(shop: &Shop, hooks: &[Value]) -> Server {
    shop.plugin("till", json!({"hooks": hooks}));
    let server = server(shop);
    server.until("the plugin", || (!server.list(&["plugins"]).is_empty()).then_some(()));
    server
}
