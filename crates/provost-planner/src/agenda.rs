//! What time alone will bring, to whom, and when, and what events start: an index over the state, so that ten thousand
//! automations at rest cost nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use provost_model::{Fact, Name, RunFact, State};

use crate::due::next_due;
use crate::notice::next_telling;

/// When each automation is due next, when its pause ends, when somebody is to be told of it again, which of them are
/// services, and what triggers any.
///
/// It is derived from the state: [`Agenda::of`] makes it, [`Agenda::note`] keeps it in step with each fact.
#[derive(Clone, Debug, Default)]
pub struct Agenda {
    dues: Timeline,
    pauses: Timeline,
    tellings: Timeline,
    services: BTreeSet<Name>,
    triggers: BTreeSet<String>,
}

impl Agenda {
    /// The agenda of everything that is in force.
    pub fn of(state: &State) -> Self {
        let mut agenda = Self::default();
        for name in state.desired.automations.keys() {
            agenda.refresh(state, name);
        }
        for name in state.ledgers.keys() {
            agenda.refresh_pause(state, name);
        }
        agenda.refresh_triggers(state);
        agenda
    }

    /// Looks up anew what `fact`, which `state` holds by now, has changed.
    pub fn note(&mut self, state: &State, fact: &Fact) {
        match fact {
            Fact::RunAccepted { accepted } => self.refresh_due(state, &accepted.automation),
            Fact::Armed { automation, .. }
            | Fact::DueSkipped { automation, .. }
            | Fact::DueMissed { automation, .. } => self.refresh(state, automation),
            Fact::Paused { automation, .. } | Fact::Resumed { automation, .. } => self.refresh_pause(state, automation),
            Fact::Run { run, change: RunFact::Finished { .. } } => {
                if let Some((name, _)) = state.ledgers.get_key_value(run.automation()) {
                    self.refresh_telling(state, name);
                }
            }
            Fact::NoticeQueued { notice } => self.refresh_telling(state, &notice.automation),
            Fact::RevisionApplied { change } => {
                let names = change.set.iter().map(|automation| &automation.name).chain(&change.removed);
                names.for_each(|name| self.refresh(state, name));
                self.refresh_triggers(state);
                // Channels say how often a failure is told again.
                state.desired.automations.keys().for_each(|name| self.refresh_telling(state, name));
            }
            _ => {}
        }
    }

    /// What is due next, soonest first.
    pub fn upcoming(&self) -> impl Iterator<Item = (Timestamp, &Name)> {
        self.dues.iter()
    }

    /// When `name` is due next.
    pub fn next_of(&self, name: &Name) -> Option<Timestamp> {
        self.dues.get(name)
    }

    /// Whose pause ends when, soonest first.
    pub(crate) fn pauses(&self) -> impl Iterator<Item = (Timestamp, &Name)> {
        self.pauses.iter()
    }

    /// Of whom somebody is to be told by time alone, soonest first.
    pub(crate) fn tellings(&self) -> impl Iterator<Item = (Timestamp, &Name)> {
        self.tellings.iter()
    }

    /// The services that are wanted.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Name> {
        self.services.iter()
    }

    /// Whether an event of this name triggers anything, perhaps.
    pub(crate) fn is_trigger(&self, event: &str) -> bool {
        self.triggers.contains(event)
    }

    fn refresh_triggers(&mut self, state: &State) {
        let triggers = state.desired.automations.values().flat_map(|automation| &automation.triggers);
        self.triggers = triggers.map(|trigger| trigger.event.clone()).collect();
    }

    fn refresh(&mut self, state: &State, name: &Name) {
        match state.desired.automations.get(name).is_some_and(|automation| automation.service.is_some()) {
            true => drop(self.services.insert(name.clone())),
            false => drop(self.services.remove(name)),
        }
        self.refresh_due(state, name);
        self.refresh_telling(state, name);
    }

    fn refresh_due(&mut self, state: &State, name: &Name) {
        let known = state.desired.automations.get(name).zip(state.ledgers.get(name));
        self.dues.set(name, known.and_then(|(automation, ledger)| next_due(automation, ledger.accounted_until)));
    }

    fn refresh_pause(&mut self, state: &State, name: &Name) {
        let pause = state.ledgers.get(name).and_then(|ledger| ledger.pause.as_ref());
        self.pauses.set(name, pause.and_then(|pause| pause.until));
    }

    fn refresh_telling(&mut self, state: &State, name: &Name) {
        let known = state.desired.automations.get(name).zip(state.ledgers.get(name));
        self.tellings.set(name, known.and_then(|(automation, ledger)| next_telling(state, automation, ledger)));
    }
}

/// One instant a name, in the order of instants.
#[derive(Clone, Debug, Default)]
struct Timeline {
    instants: BTreeMap<Name, Timestamp>,
    order: BTreeSet<(Timestamp, Name)>,
}

impl Timeline {
    fn get(&self, name: &Name) -> Option<Timestamp> {
        self.instants.get(name).copied()
    }

    fn set(&mut self, name: &Name, instant: Option<Timestamp>) {
        let old = self.get(name);
        if old == instant {
            return;
        }
        if let Some(old) = old {
            self.instants.remove(name);
            self.order.remove(&(old, name.clone()));
        }
        if let Some(instant) = instant {
            self.instants.insert(name.clone(), instant);
            self.order.insert((instant, name.clone()));
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Timestamp, &Name)> {
        self.order.iter().map(|(instant, name)| (*instant, name))
    }
}
