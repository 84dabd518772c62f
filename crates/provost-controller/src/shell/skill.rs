//! Calls of skills. A call that makes a container is an event of its own, durable like all others; a call of a service
//! goes to its container, one of another server goes there, and a constant is at hand.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use provost_model::{
    CallError, CallWay, ContainerName, EventFact, EventId, Fact, Instance, JsonMap, Name, Provider, ServiceCall, Skill,
    Standing, State, call_answer,
};
use provost_planner::{OutputOf, Subject, output_of};
use serde_json::Value;
use tokio::sync::SemaphorePermit;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::core::{checked, skill};
use crate::{Command, Controller, Done, FactQuery, Refusal, RefusalKind};

/// How many calls go on at once. A further one is refused and does not wait: those that go on may be waiting for it.
pub(crate) const CALLS_MAX: usize = 64;

/// How many facts of one call are looked at.
const FACTS_MAX: usize = 1_000;

/// How long a container may take to come up and to be looked at, besides what the call itself may take.
const AROUND: Duration = Duration::from_secs(60);

/// The kind of error of what cannot be asked at present.
pub(super) const UNAVAILABLE: &str = "Unavailable";

/// A result, or why there is none.
pub type CallAnswer = Result<Value, CallError>;

/// A skill that is called, by whom, and with what.
#[derive(Clone, Debug)]
pub struct SkillAsked {
    /// The skill.
    pub skill: String,
    /// What is handed in.
    pub data: JsonMap,
    /// Calling twice with one id is one call, where a container is made for it.
    pub request: String,
    /// Who asks.
    pub by: String,
    /// Only if this server itself provides it. Another server asks so: then no call goes round in circles.
    pub own: bool,
}

/// Who is to answer a call.
enum Way {
    Now(Value),
    Event { most: Duration },
    Service { container: ContainerName, call: ServiceCall, output: Box<OutputOf> },
    Peers(BTreeSet<Name>),
}

impl Controller {
    /// Calls a skill and returns what came of it.
    ///
    /// Errors: there is no such skill, what is handed in is wrong, or nothing can be called at present. That the provider
    /// failed is an answer.
    pub async fn call_skill(&self, asked: SkillAsked) -> Result<CallAnswer, Refusal> {
        let _place = self.place()?;
        let (instance, wanted) = (self.instance.clone(), asked.clone());
        let way = self.view(move |view| way(view.state, &instance, wanted)).await??;
        match way {
            Ok(Way::Now(value)) => Ok(Ok(value)),
            Ok(Way::Event { most }) => self.call_container(asked, most).await,
            Ok(Way::Service { container, call, output }) => Ok(self.call_service(&container, &call, &output).await),
            Ok(Way::Peers(peers)) => Ok(self.call_peers(peers, asked).await),
            Err(error) => Ok(Err(error)),
        }
    }

    /// A place among the calls that go on.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let busy = || Refusal::new(RefusalKind::Unavailable, format!("{CALLS_MAX} calls of skills go on already"));
        self.calls.try_acquire().map_err(|_| busy())
    }

    /// Calls a service. Its secrets are taken out of what it answers, as out of everything that containers leave (R8).
    async fn call_service(&self, container: &ContainerName, call: &ServiceCall, output: &OutputOf) -> CallAnswer {
        let unavailable = |why: String| CallError::new(UNAVAILABLE, why);
        let masks = self.progress.masks(output);
        let masks = masks.map_err(|error| unavailable(format!("its answers cannot be masked: {error}")))?;
        let answer = self.engine.call_service(container, call).await.map_err(|error| unavailable(error.message))?;
        match answer {
            Ok(mut value) => {
                masks.hide_in(&mut value);
                Ok(value)
            }
            Err(error) => Err(CallError { kind: masks.hide(&error.kind), message: masks.hide(&error.message) }),
        }
    }

    async fn call_container(&self, asked: SkillAsked, most: Duration) -> Result<CallAnswer, Refusal> {
        let SkillAsked { skill, data, request, by, .. } = asked;
        let until = Instant::now() + most;
        // Listened to before the call begins, so that an end between the two is not missed.
        let mut facts = self.facts();
        let event = match self.command(Command::CallSkill { skill, data, request, by }).await? {
            Done::Fired { event } => event,
            other => return Err(Refusal::new(RefusalKind::Conflict, format!("a call came to {other:?}"))),
        };
        loop {
            if let Some(answer) = self.answer(&event).await? {
                return Ok(answer);
            }
            let end = async {
                loop {
                    match facts.recv().await {
                        Ok(recorded) if is_end_of(&recorded.fact, &event) => return,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                    }
                }
            };
            if tokio::time::timeout_at(until, end).await.is_err() {
                return Ok(Err(CallError::new("Timeout", format!("no answer yet; the call goes on as event {event}"))));
            }
        }
    }

    /// What came of the call that is `event`, once it is known.
    async fn answer(&self, event: &EventId) -> Result<Option<CallAnswer>, Refusal> {
        let query = FactQuery { event: Some(event.clone()), limit: FACTS_MAX, ..FactQuery::default() };
        let facts = self.store.facts(&query).await;
        let facts = facts.map_err(|error| Refusal::new(RefusalKind::Unavailable, error.to_string()))?;
        Ok(call_answer(facts.iter().map(|recorded| &recorded.fact)))
    }
}

fn is_end_of(fact: &Fact, event: &EventId) -> bool {
    matches!(fact, Fact::Event { id, change: EventFact::Handled { .. } } if id == event)
}

/// Who answers what is asked; or, that nobody can at present.
///
/// Errors: there is no such skill here, or what is handed in is wrong.
fn way(state: &State, instance: &Instance, asked: SkillAsked) -> Result<Result<Way, CallError>, Refusal> {
    let skill = skill(state, &asked.skill)?;
    let data = checked(skill, &asked.data)?;
    Ok(match &skill.provider {
        Provider::Constant { value, .. } => Ok(Way::Now(value.clone())),
        Provider::Container { .. } => Ok(Way::Event { most: Duration::from_secs(skill.timeout_s) + AROUND }),
        Provider::Http { service, port, path } => {
            let way = CallWay::Http { port: *port, path: path.clone() };
            of_service(state, instance, service, skill, way, data)
        }
        Provider::Program { service, command } => {
            let way = CallWay::Program { command: command.clone() };
            of_service(state, instance, service, skill, way, data)
        }
        Provider::Peers { peers } if asked.own => {
            let names = peers.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("the skill {} is not this server's own: {names} provides it", asked.skill);
            return Err(Refusal::new(RefusalKind::NotFound, message).hint(format!("ask {names}")));
        }
        Provider::Peers { peers } => Ok(Way::Peers(peers.clone())),
    })
}

/// The call of a service, if that is up.
fn of_service(
    state: &State,
    instance: &Instance,
    service: &Name,
    skill: &Skill,
    way: CallWay,
    data: JsonMap,
) -> Result<Way, CallError> {
    let down = |why: &str| CallError::new(UNAVAILABLE, format!("service {service} is {why}"));
    let view = state.service(service).ok_or_else(|| down("not there"))?;
    let run = view.run.filter(|_| view.standing == Standing::Up).ok_or_else(|| down(view.standing.word()))?;
    let step = run.attempts.last().filter(|step| step.is_going_on()).ok_or_else(|| down("about to start"))?;
    let container = ContainerName::of(instance, run.id.as_str(), step.id.as_str());
    let timeout = SignedDuration::from_secs(i64::try_from(skill.timeout_s).unwrap_or(i64::MAX));
    let output = Box::new(output_of(&Subject::Run(run), step));
    Ok(Way::Service { container, call: ServiceCall { way, data: Value::Object(data), timeout }, output })
}
