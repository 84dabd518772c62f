//! Points of a story at which the process may die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use provost_controller::Batch;
use provost_model::{ContainerName, EventFact, EventId, Fact, Owner, RunFact, RunId, StepRef};
use tokio::sync::Notify;

/// On which side of an effect the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It has not taken effect.
    Before,
    /// It has, and its reply is lost.
    After,
    /// It takes effect later, once the next process has looked at what there is.
    Late,
    /// It takes effect later still, just when the next process makes such a call.
    Later,
}

/// Where the process dies, the first time that it comes by.
#[derive(Clone, Debug)]
pub struct Trap {
    pub point: String,
    pub side: Side,
}

/// Watches which points are passed, over all lives of the process, and springs the trap.
#[derive(Default)]
pub struct Watch {
    inner: Mutex<Inner>,
    died: Notify,
    /// What a process that is dead asked for, and what is still to come of it.
    late: Mutex<Option<(Side, BoxFuture<'static, ()>)>>,
}

#[derive(Default)]
struct Inner {
    trap: Option<Trap>,
    /// All points of the effect at which it sprang: a batch is at one point for each of its facts.
    died_at: Vec<String>,
    /// Nothing that this process does has an effect any more.
    is_dead: bool,
    begun: BTreeSet<String>,
    done: BTreeSet<String>,
    /// What containers, events and notices are for: by their names alone, nobody can tell.
    containers: BTreeMap<ContainerName, String>,
    events: BTreeMap<EventId, String>,
}

impl Watch {
    pub fn new(trap: Option<Trap>) -> Self {
        let inner = Inner { trap, ..Inner::default() };
        Self { inner: Mutex::new(inner), ..Self::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `effect` happen at `point`, or dies before or after it.
    pub async fn pass<T>(&self, point: String, effect: impl Future<Output = T>) -> T {
        self.pass_all(&[point], effect).await
    }

    /// The same for an effect that is at several points at once.
    pub async fn pass_all<T>(&self, points: &[String], effect: impl Future<Output = T>) -> T {
        self.inner().begun.extend(points.iter().cloned());
        self.die_if(points, Side::Before).await;
        self.die_if(points, Side::Late).await;
        self.die_if(points, Side::Later).await;
        let result = effect.await;
        self.inner().done.extend(points.iter().cloned());
        self.die_if(points, Side::After).await;
        result
    }

    /// Never returns if the process is dead, or dies here.
    async fn die_if(&self, points: &[String], side: Side) {
        if self.is_end(points, side) {
            std::future::pending::<()>().await;
        }
    }

    fn is_end(&self, points: &[String], side: Side) -> bool {
        let mut inner = self.inner();
        if inner.trap.take_if(|trap| trap.side == side && points.contains(&trap.point)).is_some() {
            inner.died_at = points.to_vec();
            inner.is_dead = true;
            self.died.notify_one();
        }
        inner.is_dead
    }

    /// The same for an effect that may come late.
    pub async fn pass_or_late<T>(
        &self,
        point: String,
        effect: impl Future<Output = T>,
        late: impl FnOnce() -> BoxFuture<'static, ()>,
    ) -> T {
        self.come_true(Side::Later).await;
        let is_late = |trap: &&Trap| [Side::Late, Side::Later].contains(&trap.side) && trap.point == point;
        if let Some(side) = self.inner().trap.as_ref().filter(is_late).map(|trap| trap.side) {
            *self.late.lock().unwrap() = Some((side, late()));
        }
        self.pass(point, effect).await
    }

    /// What a process before asked for comes true, if it was to come so late.
    pub async fn come_true(&self, side: Side) {
        let late = self.late.lock().unwrap().take_if(|(when, _)| *when == side);
        if let Some((_, late)) = late {
            late.await;
        }
    }

    /// Returns when the process has died.
    pub async fn death(&self) {
        self.died.notified().await;
    }

    /// Another process starts.
    pub fn revive(&self) {
        self.inner().is_dead = false;
    }

    /// The points at which a process died; none if none did.
    pub fn died_at(&self) -> Vec<String> {
        self.inner().died_at.clone()
    }

    /// Every point that was come to.
    pub fn points(&self) -> BTreeSet<String> {
        self.inner().begun.clone()
    }

    /// Whether an effect at a point that starts like this has happened.
    pub fn has_done(&self, head: &str) -> bool {
        self.inner().done.iter().any(|point| point.starts_with(head))
    }

    /// What the container of `name` is for.
    pub fn container(&self, name: &ContainerName) -> String {
        self.inner().containers.get(name).cloned().unwrap_or_else(|| "new".to_owned())
    }

    /// Remembers what a container is for.
    pub fn remember(&self, name: &ContainerName, step: &StepRef) -> String {
        let kind = kind_of(step);
        self.inner().containers.insert(name.clone(), kind.clone());
        kind
    }

    /// The points of recording `batch`: one for each fact in it.
    pub fn of_batch(&self, batch: &Batch) -> Vec<String> {
        let mut inner = self.inner();
        batch.facts.iter().map(|recorded| format!("store.append:{}", inner.label(&recorded.fact))).collect()
    }
}

impl Inner {
    fn label(&mut self, fact: &Fact) -> String {
        let word = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let json = serde_json::to_value(fact).unwrap();
        let change = &json["change"];
        match fact {
            Fact::Run { run, change: RunFact::Step { id, .. } } => {
                format!("{}/{id} {}", automation_of(run), word(&change["fact"], "step"))
            }
            Fact::Run { run, .. } => format!("{} {}", automation_of(run), word(change, "change")),
            Fact::RunAccepted { accepted } => format!("{} runAccepted", accepted.automation),
            Fact::EventAccepted { event } => {
                self.events.insert(event.id.clone(), event.name.clone());
                format!("{} eventAccepted", event.name)
            }
            Fact::Event { change: EventFact::Step { id, .. }, .. } => {
                format!("{id} {}", word(&change["fact"], "step"))
            }
            Fact::Event { id, .. } => format!("{} {}", self.event(id), word(change, "change")),
            Fact::NoticeQueued { notice } => {
                self.events.insert(notice.id.clone(), format!("notice {}", notice.channel.name));
                format!("notice {} queued", notice.channel.name)
            }
            Fact::NoticeDelivered { id } => format!("{} delivered", self.event(id)),
            Fact::Armed { automation, .. } => format!("{automation} armed"),
            _ => word(&json, "fact"),
        }
    }

    fn event(&self, id: &EventId) -> String {
        self.events.get(id).cloned().unwrap_or_default()
    }
}

/// What a step is, in the names of points: `nightly/main.1`, `orders.arrived-house.shelf`.
pub fn kind_of(step: &StepRef) -> String {
    match &step.owner {
        Owner::Run(run) => format!("{}/{}", automation_of(run), step.step),
        Owner::Event(_) => step.step.to_string(),
        Owner::Notice(_) => format!("notice/{}", step.step),
    }
}

/// A run's id begins with its automation's name, and names have no dots.
fn automation_of(run: &RunId) -> &str {
    run.as_str().split('.').next().unwrap_or_default()
}
