//! Calls of skills. A call that makes a container is an event of its own, durable like all others; a call of a service
//! goes to its container, one of another server goes there, and a constant is at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use provost_model::{
    CallError, CallWay, ContainerName, EventFact, EventId, Fact, Instance, JsonMap, Name, Provider, ServiceCall, Skill,
    Standing, State, call_answer,
};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::core::{checked, skill, unknown};
use crate::{Command, Controller, Done, EngineError, FactQuery, PeerCall, Refusal, RefusalKind, View};

/// How many calls go on at once. A further one is refused and does not wait: those that go on may be waiting for it.
pub(crate) const CALLS_MAX: usize = 64;

/// How many facts of one call are looked at.
const FACTS_MAX: usize = 1_000;

/// How long a container may take to come up and to be looked at, besides what the call itself may take.
const AROUND: Duration = Duration::from_secs(60);

/// How long another server may take where each is asked; before that, its own limit ends the call.
const PEER_TIMEOUT: Duration = Duration::from_secs(3600);

/// The kind of error of what cannot be asked at present.
const UNAVAILABLE: &str = "Unavailable";

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
    Service { container: ContainerName, call: ServiceCall },
    Peers { peers: BTreeSet<Name>, timeout: Duration },
}

impl Controller {
    /// Calls a skill and returns what came of it.
    ///
    /// Errors: there is no such skill, what is handed in is wrong, or nothing can be called at present. That the provider
    /// failed is an answer.
    pub async fn call_skill(&self, asked: SkillAsked) -> Result<CallAnswer, Refusal> {
        let busy = || Refusal::new(RefusalKind::Unavailable, format!("{CALLS_MAX} calls of skills go on already"));
        let _place = self.calls.try_acquire().map_err(|_| busy())?;
        let (instance, wanted) = (self.instance.clone(), asked.clone());
        let way = self.view(move |view| way(view.state, &instance, wanted)).await??;
        match way {
            Ok(Way::Now(value)) => Ok(Ok(value)),
            Ok(Way::Event { most }) => self.call_container(asked, most).await,
            Ok(Way::Service { container, call }) => Ok(self.call_service(&container, &call).await),
            Ok(Way::Peers { peers, timeout }) => Ok(self.call_peers(peers, asked, timeout).await),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Asks the first of `peers` that answers.
    async fn call_peers(&self, peers: BTreeSet<Name>, asked: SkillAsked, timeout: Duration) -> CallAnswer {
        let mut answer = Err(CallError::new(UNAVAILABLE, "no other server provides it"));
        for peer in peers {
            answer = self.call_peer(peer, &asked, timeout).await;
            if !answer.as_ref().is_err_and(|error| error.kind == UNAVAILABLE) {
                break;
            }
        }
        answer
    }

    async fn call_peer(&self, peer: Name, asked: &SkillAsked, timeout: Duration) -> CallAnswer {
        let SkillAsked { skill, data, request, .. } = asked.clone();
        self.peers.call_skill(&PeerCall { peer, skill, data, request, timeout }).await
    }

    /// Calls a skill on each of `servers`, side by side, and returns what each has answered. None: on all that provide it.
    ///
    /// Errors: nobody provides it, or one of `servers` is not known to.
    pub async fn call_skill_on(
        &self,
        asked: SkillAsked,
        servers: BTreeSet<String>,
    ) -> Result<BTreeMap<String, CallAnswer>, Refusal> {
        let (wanted, name) = (asked.skill.clone(), asked.skill.clone());
        let is_own = move |view: &View<'_>| match view.state.desired.skills.get(&wanted).map(|skill| &skill.provider) {
            None | Some(Provider::Peers { .. }) => false,
            Some(_) => true,
        };
        let own = self.view(is_own).await?.then(|| self.instance.to_string());
        let peers = self.peers.providers(&name).into_iter().map(|peer| peer.to_string());
        let known: BTreeSet<String> = own.into_iter().chain(peers).collect();
        let said = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(unknown) = servers.difference(&known).next() {
            let refusal = Refusal::new(RefusalKind::Invalid, format!("{unknown} is not known to provide {name}"));
            return Err(if said.is_empty() { refusal } else { refusal.hint(format!("these are: {said}")) });
        }
        if known.is_empty() {
            return Err(unknown(&name));
        }
        let servers = if servers.is_empty() { known } else { servers };
        let answers = join_all(servers.iter().map(|server| self.call_at(server, &asked))).await;
        Ok(servers.into_iter().zip(answers).collect())
    }

    /// Calls a skill on one server. That this one refuses is an answer here, as it is of others.
    async fn call_at(&self, server: &str, asked: &SkillAsked) -> CallAnswer {
        let unavailable = |why: String| CallError::new(UNAVAILABLE, why);
        match Name::new(server) {
            Ok(peer) if server != self.instance.as_str() => self.call_peer(peer, asked, PEER_TIMEOUT).await,
            _ => {
                let answer = self.call_skill(SkillAsked { own: true, ..asked.clone() }).await;
                answer.map_err(|refusal| unavailable(refusal.to_string()))?
            }
        }
    }

    async fn call_service(&self, container: &ContainerName, call: &ServiceCall) -> CallAnswer {
        let unavailable = |error: EngineError| CallError::new(UNAVAILABLE, error.message);
        self.engine.call_service(container, call).await.map_err(unavailable)?
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
        Provider::Peers { peers } => {
            Ok(Way::Peers { peers: peers.clone(), timeout: Duration::from_secs(skill.timeout_s) })
        }
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
    Ok(Way::Service { container, call: ServiceCall { way, data: Value::Object(data), timeout } })
}
