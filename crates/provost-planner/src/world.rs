//! What a decision is made from, and what it says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use provost_model::{ContainerName, ContainerSeen, Fact, Instance, Life, Owner, Startup, State};

use crate::Agenda;
use crate::health::Answers;

/// Everything that a decision may depend on: what was recorded, what is seen, what time it is.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// What was recorded.
    pub state: &'a State,
    /// What the engine was seen to have.
    pub seen: &'a Seen,
    /// What time will bring, and what events start: an index over the state.
    pub agenda: &'a Agenda,
    /// What time it is.
    pub now: Timestamp,
    /// Who we are.
    pub identity: &'a Identity,
    /// How much of what containers are asked to be is worked out.
    pub requests: Requests,
}

impl World<'_> {
    /// Whether anything may begin: the startup hooks have ended well (A1), and the server does not shut down.
    pub fn may_begin(&self) -> bool {
        self.state.server.startup == Startup::Passed && !self.state.server.stopping
    }
}

/// How much of what containers are asked to be is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// All of it.
    Whole,
    /// Only which containers they are: nobody makes them, as in a simulation, and no decision needs more.
    Named,
}

/// Who this Provost is; the containers hear of it (A28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name on the engine.
    pub instance: Instance,
    /// The server's name.
    pub host: String,
    /// The user that the reconciler runs as.
    pub user: String,
    /// The reconciler's process id.
    pub pid: u32,
    /// Provost's version.
    pub version: String,
    /// Runs and events are told as traces: their containers learn which span they are.
    pub traces: bool,
}

/// What the engine was seen to have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Whether the engine answers and all of its containers are known. While it is not, nothing is concluded from absence.
    pub is_complete: bool,
    /// This instance's containers.
    pub containers: BTreeMap<ContainerName, ContainerSeen>,
    /// Containers that are being made: whether they are there is known when the engine has answered.
    pub making: BTreeSet<ContainerName>,
    /// Containers that are being removed: nothing begins in them any more.
    pub removing: BTreeSet<ContainerName>,
    /// Containers that this process asked for since anything was recorded that their requests are made from: they are
    /// surely what is wanted.
    pub asked_for: BTreeMap<Owner, BTreeSet<ContainerName>>,
    /// The digests of the images that they were made of, as far as this process made them.
    pub images: BTreeMap<ContainerName, String>,
    /// What health checks of services have answered.
    pub answers: BTreeMap<ContainerName, Answers>,
    /// Since when the engine does not answer.
    pub absent_since: Option<Timestamp>,
    /// When the engine was away, youngest last; an exit code from such a time is not to be trusted (R9).
    pub absences: Vec<(Timestamp, Timestamp)>,
}

impl Seen {
    /// What a container does, if it is there.
    pub fn life(&self, name: &ContainerName) -> Option<&Life> {
        self.containers.get(name).map(|container| &container.life)
    }

    /// Whether the engine was away at `instant`, or within five seconds of it.
    pub fn was_absent(&self, instant: Timestamp) -> bool {
        let margin = jiff::SignedDuration::from_secs(5);
        let within = |(from, to): &(Timestamp, Timestamp)| instant >= *from - margin && instant <= *to + margin;
        self.absences.iter().any(within)
    }
}

/// What follows from a world: facts to record at once, and when time alone will bring the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// In order.
    pub facts: Vec<Fact>,
    /// When to look again, if nothing happens before.
    pub wake_at: Option<Timestamp>,
}

impl Moves {
    /// Adds a fact.
    pub fn push(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// Looks again at `instant`, at the latest. An instant that has passed would never let the caller rest.
    pub fn wake(&mut self, instant: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(instant, |earlier| earlier.min(instant)));
    }
}

/// `instant` and `seconds` later, at most the end of time.
pub(crate) fn later(instant: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    instant.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// `instant` and `seconds` earlier, at least the beginning of time.
pub(crate) fn earlier(instant: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    instant.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN)
}
