//! A container engine in which nothing takes time: a model of containers that says what it did, and remembers what the
//! containers did themselves. When things happen, and what goes wrong, is decided outside.

mod container;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::{ContainerName, ContainerRequest, ContainerSeen, Life, StepOutput, StepRef};

pub use container::{Container, Fate};

use crate::{EndedBy, Tag, What};

/// An engine and its containers.
#[derive(Debug, Default)]
pub struct Engine {
    containers: BTreeMap<ContainerName, Container>,
    made: u64,
    /// Set while it does not answer.
    away: Option<Away>,
    /// Those that ended while it was away and that it knows nothing of yet.
    unreported: BTreeSet<ContainerName>,
    /// Names of containers that are not ours and were never to be touched.
    pub foreign: BTreeSet<ContainerName>,
    /// What happened since it was last asked.
    news: Vec<News>,
}

/// How an engine is away.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    /// It reports 255 for whatever ends meanwhile (R9).
    pub forgets: bool,
    /// It says that they ended when it came back; otherwise, when they did.
    pub dates_late: bool,
}

/// Something that happened to a container.
#[derive(Debug)]
pub struct News {
    /// Its name.
    pub name: ContainerName,
    /// Its number.
    pub id: u64,
    /// What it was made for.
    pub tag: Option<Arc<Tag>>,
    /// What happened.
    pub what: What,
}

/// What an engine answers for a container that it knows, or does not.
type Answer<T> = Result<T, EngineError>;

impl Engine {
    /// What happened since the last call.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Whether it answers.
    pub fn is_here(&self) -> bool {
        self.away.is_none()
    }

    /// Its answer to everything while it is away.
    pub fn answers(&self) -> Answer<()> {
        if self.is_here() { Ok(()) } else { Err(unavailable("the engine does not answer")) }
    }

    /// Every container with our label.
    pub fn list(&self) -> Vec<ContainerSeen> {
        self.ours().map(|(name, container)| container.seen(name)).collect()
    }

    /// One container, if it has our label.
    pub fn inspect(&self, name: &ContainerName) -> Option<ContainerSeen> {
        self.containers.get(name).filter(|it| it.is_ours).map(|it| it.seen(name))
    }

    /// The number of the container that has `name` now.
    pub fn id_of(&self, name: &ContainerName) -> Option<u64> {
        self.containers.get(name).map(|container| container.id)
    }

    /// Our containers.
    pub fn ours(&self) -> impl Iterator<Item = (&ContainerName, &Container)> {
        self.containers.iter().filter(|(_, container)| container.is_ours)
    }

    /// The container with `name` and `id`.
    pub fn get(&self, name: &ContainerName, id: u64) -> Option<&Container> {
        self.containers.get(name).filter(|it| it.id == id)
    }

    /// Makes a container, or adopts the one that was made for the same request (R3).
    pub fn create(&mut self, request: &ContainerRequest, fate: Fate) -> Answer<ContainerSeen> {
        let digest = request.digest().to_string();
        if let Some(there) = self.containers.get(&request.name) {
            // One that has run is left as it is, and looked at.
            let is_it = there.is_ours && (there.request.as_deref() == Some(&digest) || there.life != Life::Created);
            let taken = || EngineError::new(EngineErrorKind::Conflict, "the name is taken");
            return if is_it { Ok(there.seen(&request.name)) } else { Err(taken()) };
        }
        self.made += 1;
        let tag = Some(Arc::new(container::tag_of(request)));
        let step = Some(request.step.clone());
        let container = Container::new(self.made, tag, step, Some(digest), fate);
        let seen = container.seen(&request.name);
        self.tell(&request.name, &container, What::Made);
        self.containers.insert(request.name.clone(), container);
        Ok(seen)
    }

    /// Says that making or starting `request`'s container is refused for good.
    pub fn refuse(&mut self, name: &ContainerName, tag: Option<Arc<Tag>>) {
        let tag = tag.or_else(|| self.containers.get(name).and_then(|it| it.tag.clone()));
        let id = self.id_of(name).unwrap_or_default();
        self.news.push(News { name: name.clone(), id, tag, what: What::Refused });
    }

    /// Makes a container as somebody else would: with our label, or without.
    pub fn plant(
        &mut self,
        name: &ContainerName,
        step: Option<StepRef>,
        is_ours: bool,
        is_running: bool,
        at: Timestamp,
    ) {
        if self.containers.contains_key(name) {
            return;
        }
        self.made += 1;
        let mut container = Container::new(self.made, None, step, None, Fate::endless());
        container.is_ours = is_ours;
        if is_running {
            container.life = Life::Running { started_at: Some(at) };
        }
        self.containers.insert(name.clone(), container);
        if !is_ours {
            self.foreign.insert(name.clone());
        }
    }

    /// Starts a container that was made; one that has started is left as it is. Returns how long it will run, if it
    /// started now and ever ends.
    pub fn start(&mut self, name: &ContainerName, at: Timestamp) -> Answer<Option<i64>> {
        let container = self.own(name)?.ok_or_else(|| EngineError::new(EngineErrorKind::NotFound, "there is none"))?;
        if container.life != Life::Created {
            return Ok(None);
        }
        container.life = Life::Running { started_at: Some(at) };
        let runs_for = container.fate.runs_for;
        self.tell_of(name, What::Started);
        Ok(runs_for)
    }

    /// Asks a running container to end. Returns its number, and after how long it obeys, if it does.
    pub fn ask(&mut self, name: &ContainerName) -> Answer<Option<(u64, Option<i64>)>> {
        let container = self.own(name)?;
        let running = container.filter(|it| matches!(it.life, Life::Running { .. }));
        Ok(running.map(|it| {
            it.is_asked = true;
            (it.id, it.fate.obeys_after)
        }))
    }

    /// A container ends, with its true exit code. While the engine is away it may report another one afterwards.
    pub fn end(&mut self, name: &ContainerName, id: u64, code: i64, by: EndedBy, at: Timestamp) {
        let away = self.away;
        let Some(container) = self.containers.get_mut(name).filter(|it| it.id == id) else {
            return;
        };
        let Life::Running { started_at } = container.life else {
            return;
        };
        let reported = if away.is_some_and(|away| away.forgets) { 255 } else { code };
        container.life =
            Life::Exited { code: reported, out_of_memory: false, started_at, finished_at: Some(at), error: None };
        if by != EndedBy::Itself {
            container.fate.output = StepOutput::default();
        }
        let denied = container.fate.output.reply.as_ref().is_some_and(|reply| !reply.allow);
        if away.is_some_and(|away| away.dates_late) {
            self.unreported.insert(name.clone());
        }
        self.tell_of(name, What::Ended { code, denied, by });
    }

    /// What an ended container left behind.
    pub fn collect(&self, name: &ContainerName) -> Answer<(ContainerSeen, StepOutput)> {
        let gone = || EngineError::new(EngineErrorKind::NotFound, "it is gone");
        let container = self.containers.get(name).filter(|it| it.is_ours).ok_or_else(gone)?;
        let output = if container.life.is_over() { container.fate.output.clone() } else { StepOutput::default() };
        Ok((container.seen(name), output))
    }

    /// Removes a container, by force if it runs. With `id`, only if it is that one.
    pub fn remove(&mut self, name: &ContainerName, id: Option<u64>, by_us: bool, at: Timestamp) -> Answer<()> {
        let Some((found, was_running)) = self.own(name)?.map(|it| (it.id, matches!(it.life, Life::Running { .. })))
        else {
            return Ok(());
        };
        if id.is_some_and(|id| id != found) {
            return Ok(());
        }
        if was_running {
            self.end(name, found, 137, EndedBy::Removal, at);
        }
        self.tell_of(name, What::Removed { by_us, was_running });
        self.containers.remove(name);
        Ok(())
    }

    /// It does not answer any more. Where it takes its containers along, they end.
    pub fn go(&mut self, away: Away, takes_along: bool, at: Timestamp) {
        self.away = Some(away);
        let running = self.containers.iter().filter(|(_, it)| matches!(it.life, Life::Running { .. }));
        let running: Vec<_> = running.map(|(name, it)| (name.clone(), it.id)).collect();
        for (name, id) in running.into_iter().filter(|_| takes_along) {
            self.end(&name, id, 137, EndedBy::Engine, at);
        }
    }

    /// It answers again.
    pub fn come_back(&mut self, at: Timestamp) {
        self.away = None;
        for name in std::mem::take(&mut self.unreported) {
            if let Some(Container { life: Life::Exited { finished_at, .. }, .. }) = self.containers.get_mut(&name) {
                *finished_at = Some(at);
            }
        }
    }

    /// Names of strangers' containers that are gone.
    pub fn foreign_gone(&self) -> BTreeSet<ContainerName> {
        self.foreign.iter().filter(|name| self.containers.get(*name).is_none_or(|it| it.is_ours)).cloned().collect()
    }

    fn own(&mut self, name: &ContainerName) -> Answer<Option<&mut Container>> {
        match self.containers.get_mut(name) {
            Some(container) if !container.is_ours => {
                Err(EngineError::new(EngineErrorKind::Conflict, "will not touch what is not ours"))
            }
            found => Ok(found),
        }
    }

    fn tell_of(&mut self, name: &ContainerName, what: What) {
        if let Some(container) = self.containers.get(name) {
            let (id, tag) = (container.id, container.tag.clone());
            self.news.push(News { name: name.clone(), id, tag, what });
        }
    }

    fn tell(&mut self, name: &ContainerName, container: &Container, what: What) {
        self.news.push(News { name: name.clone(), id: container.id, tag: container.tag.clone(), what });
    }
}

/// An error that may pass.
pub fn unavailable(why: &str) -> EngineError {
    EngineError::new(EngineErrorKind::Unavailable, why)
}

/// An error that will not pass.
pub fn refused(why: &str) -> EngineError {
    EngineError::new(EngineErrorKind::Refused, why)
}
