//! What clients ask for: fire an event, ask how its task goes, forget the task.
//!
//! A task is an event, its `tid` the event's id. How it goes is read from the history, so it is known after a restart too.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Mutex;

use hyper::StatusCode;
use provost_controller::{Command, Controller, Done, FactQuery, Refusal, RefusalKind};
use provost_model::{EventFact, EventId, Fact, JsonMap, StepFact, deep_merge};
use serde_json::{Value, json};

/// How many forgotten tasks are remembered as such; of more, the oldest are known again.
const FORGOTTEN_MAX: usize = 10_000;

/// How many facts of one event are looked at: an event with more has more than a thousand hooks.
const FACTS_MAX: usize = 10_000;

/// Where clients are answered.
pub(super) struct Desk {
    controller: Controller,
    forgotten: Mutex<Forgotten>,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Fire an event.
    Fire,
    /// Say how a task goes.
    Check,
    /// Forget a task.
    Delete,
    /// Say that the server is there.
    Ping,
}

/// An answer: an object with `message`, and what HTTP says of it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Said {
    fn yes(mut body: Value) -> Self {
        body["message"] = Value::from("OK");
        Self { status: StatusCode::OK, body }
    }

    /// What came is wrong.
    pub(super) fn bad_request(why: impl Into<String>) -> Self {
        let body = json!({ "message": "BAD REQUEST", "error": why.into() });
        Self { status: StatusCode::BAD_REQUEST, body }
    }

    fn not_found(tid: &str) -> Self {
        let body = json!({ "message": "NOT FOUND", "error": format!("there is no task {tid}"), "tid": tid });
        Self { status: StatusCode::NOT_FOUND, body }
    }

    /// Whether the client got what it asked for. That there is no such task is an answer too.
    pub(super) fn is_yes(&self) -> bool {
        self.status == StatusCode::OK || self.status == StatusCode::NOT_FOUND
    }
}

impl From<Refusal> for Said {
    fn from(refusal: Refusal) -> Self {
        match refusal.kind {
            RefusalKind::Unavailable => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                body: json!({ "message": "UNAVAILABLE", "error": refusal.message }),
            },
            _ => Self::bad_request(match refusal.hint {
                Some(hint) => format!("{}; {hint}", refusal.message),
                None => refusal.message,
            }),
        }
    }
}

impl Desk {
    pub(super) fn new(controller: Controller) -> Self {
        Self { controller, forgotten: Mutex::default() }
    }

    /// Answers an object that says itself what is asked for, in `event_name`; without that, an event is fired.
    pub(super) async fn answer(&self, object: &[u8], peer: SocketAddr) -> Said {
        let object = match read(object) {
            Ok(object) => object,
            Err(said) => return said,
        };
        let ask = match object.get("event_name").map(Value::as_str) {
            None | Some(Some("fire_hook")) => Ask::Fire,
            Some(Some("task_check")) => Ask::Check,
            Some(Some("task_delete")) => Ask::Delete,
            Some(Some("ping")) => Ask::Ping,
            Some(other) => {
                return Said::bad_request(format!("event_name cannot be {:?}", other.unwrap_or("what is no text")));
            }
        };
        self.carry_out(ask, object, peer).await
    }

    /// Answers an object of which it is known what is asked for.
    pub(super) async fn answer_as(&self, ask: Ask, object: &[u8], peer: SocketAddr) -> Said {
        if ask == Ask::Ping {
            return pong();
        }
        match read(object) {
            Ok(object) => self.carry_out(ask, object, peer).await,
            Err(said) => said,
        }
    }

    async fn carry_out(&self, ask: Ask, object: JsonMap, peer: SocketAddr) -> Said {
        let done = match ask {
            Ask::Ping => return pong(),
            Ask::Fire => self.fire(object, peer).await,
            Ask::Check => self.check(&object).await,
            Ask::Delete => self.delete(&object),
        };
        done.unwrap_or_else(|said| said)
    }

    async fn fire(&self, mut object: JsonMap, peer: SocketAddr) -> Result<Said, Said> {
        let name = text(&object, "hook_name")?.to_owned();
        let data = match object.remove("data") {
            None | Some(Value::Null) => JsonMap::new(),
            Some(Value::Object(data)) => data,
            Some(_) => return Err(Said::bad_request("data has to be an object")),
        };
        let (request, by) = (uuid::Uuid::now_v7().to_string(), format!("a client at {}", peer.ip()));
        match self.controller.command(Command::Fire { name, data, request, by }).await? {
            Done::Fired { event } => Ok(Said::yes(json!({ "tid": event }))),
            other => {
                tracing::error!(?other, "the controller answered another question than it was asked");
                Err(Said::bad_request("the server answered another question than it was asked; please report this"))
            }
        }
    }

    async fn check(&self, object: &JsonMap) -> Result<Said, Said> {
        let tid = text(object, "tid")?;
        let event = self.known(tid).ok_or_else(|| Said::not_found(tid))?;
        let query = FactQuery { event: Some(event), limit: FACTS_MAX, ..FactQuery::default() };
        let facts = self.controller.store().facts(&query).await.map_err(|error| {
            tracing::error!(%error, "a task could not be looked up in the store");
            Said::from(Refusal::new(RefusalKind::Unavailable, error.to_string()))
        })?;
        let task = Task::of(facts.iter().map(|recorded| &recorded.fact)).ok_or_else(|| Said::not_found(tid))?;
        let wants_output = object.get("grab_result").is_none_or(|wanted| wanted.as_bool().unwrap_or(true));
        Ok(Said::yes(task.shown(tid, wants_output)))
    }

    fn delete(&self, object: &JsonMap) -> Result<Said, Said> {
        let tid = text(object, "tid")?;
        if let (Some(event), Ok(mut forgotten)) = (self.known(tid), self.forgotten.lock()) {
            forgotten.add(event);
        }
        Ok(Said::yes(json!({ "tid": tid })))
    }

    /// The event that `tid` names, unless it was forgotten.
    fn known(&self, tid: &str) -> Option<EventId> {
        let event = EventId::parse(tid).ok()?;
        let forgotten = self.forgotten.lock().ok()?;
        (!forgotten.events.contains(&event)).then_some(event)
    }
}

/// Tasks that clients want to hear no more of. Their events are handled and recorded like all others.
#[derive(Default)]
struct Forgotten {
    events: BTreeSet<EventId>,
    order: VecDeque<EventId>,
}

impl Forgotten {
    fn add(&mut self, event: EventId) {
        if self.events.insert(event.clone()) {
            self.order.push_back(event);
        }
        while self.order.len() > FORGOTTEN_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.events.remove(&oldest);
            }
        }
    }
}

/// How far an event is, as the framework counts: the word, and its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Queued,
    Running,
    Finished,
}

/// What history knows of an event.
#[derive(Debug)]
struct Task {
    status: Status,
    /// Its data, and over them what its hooks have set.
    output: JsonMap,
    failure: Option<String>,
}

impl Task {
    /// Absent if nothing says that the event was accepted.
    fn of<'a>(facts: impl Iterator<Item = &'a Fact>) -> Option<Self> {
        let mut task: Option<Self> = None;
        for fact in facts {
            match (fact, &mut task) {
                (Fact::EventAccepted { event }, none @ None) => {
                    *none = Some(Self { status: Status::Queued, output: event.data.clone(), failure: None });
                }
                (Fact::Event { change, .. }, Some(task)) => task.note(change),
                _ => {}
            }
        }
        task
    }

    fn note(&mut self, change: &EventFact) {
        match change {
            EventFact::Began => self.status = Status::Running,
            EventFact::Step { fact: StepFact::Ended { output, .. }, .. } => {
                deep_merge(&mut self.output, &output.globals);
                deep_merge(&mut self.output, &output.locals);
            }
            EventFact::Step { .. } => {}
            EventFact::Handled { failure } => {
                self.status = Status::Finished;
                self.failure.clone_from(failure);
            }
        }
    }

    fn shown(self, tid: &str, wants_output: bool) -> Value {
        let (number, word) = match self.status {
            Status::Queued => (0, "QUEUED"),
            Status::Running => (1, "RUNNING"),
            Status::Finished => (2, "FINISHED"),
        };
        let mut shown = json!({ "tid": tid, "status": number, "state": word });
        if wants_output {
            shown["output"] = Value::Object(self.output);
        }
        if let Some(failure) = self.failure {
            shown["failure"] = Value::from(failure);
        }
        shown
    }
}

fn pong() -> Said {
    Said { status: StatusCode::OK, body: json!({ "message": "PONG" }) }
}

/// Reads an object.
fn read(bytes: &[u8]) -> Result<JsonMap, Said> {
    serde_json::from_slice(bytes).map_err(|error| {
        let form = r#"send an object such as {"hook_name": "orders.arrived", "data": {}}"#;
        Said::bad_request(format!("this is no JSON object: {error}; {form}"))
    })
}

fn text<'a>(object: &'a JsonMap, key: &str) -> Result<&'a str, Said> {
    object.get(key).and_then(Value::as_str).ok_or_else(|| Said::bad_request(format!("{key} has to be a text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_is_refused() {
        for bad in ["", "hello", "[1]", "\"x\"", "{\"hook_name\": "] {
            assert!(!read(bad.as_bytes()).unwrap_err().is_yes(), "{bad:?}");
        }
        assert!(read(br#"{"hook_name": "x", "more": 1}"#).is_ok());
    }

    #[test]
    fn forgotten_tasks_are_not_remembered_for_ever() {
        let event = |n: usize| EventId::parse(format!("e{n}")).unwrap();
        let mut forgotten = Forgotten::default();
        (0..FORGOTTEN_MAX + 5).for_each(|n| forgotten.add(event(n)));
        forgotten.add(event(FORGOTTEN_MAX));
        assert_eq!((forgotten.events.len(), forgotten.order.len()), (FORGOTTEN_MAX, FORGOTTEN_MAX));
        assert!(!forgotten.events.contains(&event(4)) && forgotten.events.contains(&event(5)));
    }
}
