//! People, who ask for things at any time.

use jiff::SignedDuration;
use provost_controller::{Command, Done, Input, Pin, Store as _};
use provost_model::{EventId, JsonMap, Name, RunId};

use super::{World, now};
use crate::record::Promised;
use crate::shop::EVENTS;

impl World {
    /// Somebody asks for something.
    pub(super) fn person(&mut self) {
        if self.is_calm || self.process.as_ref().is_none_or(|process| process.unrecorded.is_some()) {
            return;
        }
        match self.dice.between(0, 11) {
            0 => self.roll_back(),
            1 => self.apply(),
            _ => {
                if let Some(command) = self.command() {
                    self.order(command);
                }
            }
        }
    }

    fn command(&mut self) -> Option<Command> {
        let names: Vec<String> = self.automations.iter().cloned().collect();
        let automation = Name::new(self.dice.pick_of(names)?).ok()?;
        let by = "ann".to_owned();
        // Now and then somebody asks the same twice.
        let request = format!("request-{}", self.dice.between(0, 40));
        let run = self.dice.pick_of(self.runs.clone());
        let until = self.dice.one_in(2).then(|| self.wall() + SignedDuration::from_mins(self.dice.between(1, 90)));
        Some(match self.dice.between(0, 8) {
            0..=2 => {
                let testing = self.dice.one_in(5);
                Command::Run { automation, params: JsonMap::new(), testing, request, by }
            }
            3 => Command::Stop { run: self.open_run()?, by },
            4 => Command::Retry { run: run?, request, by },
            5 => Command::Pause { automation, until, reason: "the warehouse moves".to_owned(), by },
            6 => Command::Resume { automation, by },
            _ => {
                let name = (*self.dice.pick(&EVENTS)).to_owned();
                Command::Fire { name, data: JsonMap::new(), request, by }
            }
        })
    }

    fn open_run(&mut self) -> Option<RunId> {
        let process = self.process.as_ref()?;
        let open = process.core.state().runs.values().filter(|run| !run.is_finished());
        let open = open.map(|run| run.id.clone()).collect();
        self.dice.pick_of(open)
    }

    /// The shell looks whether it was asked before, the core checks, and the asker is told once it is durable.
    fn order(&mut self, command: Command) {
        self.say(|| format!("person: {command:?}"));
        if self.is_known(&command) {
            return;
        }
        let at = self.wall();
        let earlier = match &command {
            Command::Retry { run, .. } => now(self.store.run(run)).ok().flatten(),
            _ => None,
        };
        let Some(process) = &self.process else {
            return;
        };
        match process.core.order(at, command, earlier.as_ref()) {
            Ok((facts, done)) => {
                let promised = match done {
                    Done::Accepted { run } => vec![Promised::Run(run)],
                    Done::Fired { event } => vec![Promised::Event(event)],
                    _ => Vec::new(),
                };
                self.feed(vec![Input::Ordered { facts }], promised);
            }
            Err(refusal) => drop(self.say(|| format!("refused: {refusal}"))),
        }
    }

    fn is_known(&self, command: &Command) -> bool {
        let run = match command {
            Command::Run { automation, request, .. } => RunId::caused(automation, request),
            Command::Retry { run, request, .. } => match now(self.store.run(run)) {
                Ok(Some(earlier)) => RunId::caused(&earlier.automation, request),
                _ => return false,
            },
            Command::Fire { name, request, .. } => {
                let event = EventId::derived(&["fired", name, request]);
                let query = provost_controller::FactQuery { event: Some(event), limit: 1, ..Default::default() };
                return now(self.store.facts(&query)).is_ok_and(|facts| !facts.is_empty());
            }
            _ => return false,
        };
        now(self.store.run(&run)).is_ok_and(|run| run.is_some())
    }

    /// Back to an earlier revision, and staying there.
    fn roll_back(&mut self) {
        let kept = self.source.log.clone();
        let Some(fetched) = self.dice.pick_of(kept).and_then(|id| self.fetched(&id)) else {
            return;
        };
        if self.is_acceptable(&fetched) {
            self.say(|| format!("person: roll back to {}", fetched.revision.id));
            self.give_to_core(fetched, "ann", Pin::Set);
        }
    }

    /// To the newest revision, and following the source again.
    pub(super) fn apply(&mut self) {
        if self.source.is_away {
            return;
        }
        let Some(fetched) = self.source.head.clone().and_then(|id| self.fetched(&id)) else {
            return;
        };
        if self.is_acceptable(&fetched) {
            self.say(|| format!("person: apply {}", fetched.revision.id));
            self.give_to_core(fetched, "ann", Pin::Clear);
        }
    }

    fn is_acceptable(&self, fetched: &super::source::Fetched) -> bool {
        let core = self.process.as_ref().map(|process| &process.core);
        core.zip(fetched.compiled.desired.as_ref()).is_some_and(|(core, desired)| core.objection(desired).is_none())
    }
}
