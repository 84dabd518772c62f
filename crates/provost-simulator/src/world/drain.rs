//! The time without faults: everything comes to its end, and then nothing is left to do.

use provost_controller::{EngineFacts, Input};

use super::{Happening, World};
use crate::Time;
use crate::scenario::{DAY, HOUR, MINUTE, SECOND};

/// How long it may take until everything has come to its end.
const DRAIN_MAX: Time = 12 * DAY;

impl World {
    /// Ends all faults, lets everything come to its end, and asks once more.
    pub(super) fn drain(&mut self) {
        self.say(|| "the time without faults begins".to_owned());
        self.is_calm = true;
        (self.is_full, self.lies, self.source.is_away) = (false, false, false);
        self.engine_back();
        if self.process.is_none() {
            self.after(SECOND, Happening::Start);
        }
        self.shop.retire();
        self.publish(self.shop.text());
        let begun = self.time;
        let mut next_apply = self.time + 3 * MINUTE;
        while self.time < begun + DRAIN_MAX && self.queued < super::HAPPENINGS_MAX {
            if self.is_quiet() {
                // It takes in what time alone has brought.
                self.feed(vec![Input::Tick], Vec::new());
                if self.is_quiet() {
                    break;
                }
            }
            if self.time >= next_apply {
                next_apply = self.time + HOUR;
                self.unpin();
            }
            self.next();
        }
        self.finish();
    }

    /// A server that stays at a revision is told to follow its source again.
    fn unpin(&mut self) {
        let is_pinned = self.process.as_ref().is_some_and(|process| process.core.state().pinned.is_some());
        if is_pinned {
            self.apply();
        }
    }

    /// Nothing is going on, and nothing is on its way.
    fn is_quiet(&self) -> bool {
        self.restless().is_none()
    }

    fn restless(&self) -> Option<String> {
        let Some(process) = &self.process else {
            return Some("the reconciler does not run".to_owned());
        };
        let state = process.core.state();
        if process.unrecorded.is_some() {
            return Some("something is not recorded".to_owned());
        }
        if state.desired.revision != self.source.head {
            return Some(format!("{:?} is in force, not {:?}", state.desired.revision, self.source.head));
        }
        if let Some(run) = state.runs.values().next() {
            return Some(format!("run {} is {:?}", run.id, run.phase));
        }
        if let Some(event) = state.events.values().next() {
            return Some(format!("event {} {} is not handled", event.id, event.name));
        }
        if let Some(notice) = state.outbox.values().next() {
            return Some(format!("notice {} is not delivered", notice.id));
        }
        if let Some((name, _)) = self.engine.ours().next() {
            return Some(format!("container {name} is left"));
        }
        let on_its_way = |happening: &Happening| matches!(happening, Happening::Effect(_) | Happening::Arrive { .. });
        self.queue.values().any(on_its_way).then(|| "something is on its way".to_owned())
    }

    fn finish(&mut self) {
        let restless = self.restless();
        self.record.end.is_quiet = restless.is_none();
        self.record.end.restless = restless.unwrap_or_default();
        self.record.end.wall = Some(self.wall());
        self.record.end.wanted.clone_from(&self.source.head);
        self.record.end.left = self.engine.ours().map(|(name, _)| name.clone()).collect();
        self.record.end.foreign_gone = self.engine.foreign_gone();
        self.second_pass();
    }

    /// A listing that shows what is known, and the same instant: nothing follows from it.
    fn second_pass(&mut self) {
        let at = self.wall();
        let containers = self.engine.list();
        let Some(process) = &mut self.process else {
            return;
        };
        let facts = EngineFacts { product: "simulated".to_owned(), version: String::new(), address: String::new() };
        let answer = process.core.handle(at, [Input::EngineUp { facts, containers }, Input::Tick]);
        let recorded = answer.batch.facts.iter().map(|fact| format!("records {:?}", fact.fact));
        let done = answer.actions.iter().map(|action| format!("does {action:?}"));
        self.record.end.second_pass = recorded.chain(done).collect();
    }
}
