//! What happens by itself: to the engine, the disk, the clock, the source, and the reconciler.

use provost_controller::Input;
use provost_model::{ContainerName, Name, RunId};

use super::{Happening, World};
use crate::Time;
use crate::engine::Away;
use crate::scenario::{SECOND, Trouble};

impl World {
    pub(super) fn trouble(&mut self, trouble: Trouble) {
        if self.is_calm {
            return;
        }
        self.say(|| format!("trouble: {trouble:?}"));
        if let Some(word) = trouble.word() {
            self.fault(word);
        }
        match trouble {
            Trouble::EngineAway(span) => self.engine_goes(span, false),
            Trouble::EngineEnds(span) => self.engine_goes(span, true),
            Trouble::Blip => self.disconnect(),
            Trouble::HandRemoves => self.remove_by_hand(),
            Trouble::Stray => self.plant_stray(),
            Trouble::NameTaken => self.take_name(),
            Trouble::StoreFull(span) => {
                self.is_full = true;
                self.after(span, Happening::StoreBack);
            }
            Trouble::StoreLies => self.lies = true,
            Trouble::Kill(down) => self.kill(down),
            Trouble::Shutdown(_) => self.shut_down(),
            Trouble::ClockStep(by) => self.step_clock(by),
            Trouble::SourceAway(span) => {
                self.source.is_away = true;
                self.after(span, Happening::SourceBack);
            }
            Trouble::Edit => {
                self.shop.edit(&mut self.dice);
                self.publish(self.shop.text());
            }
            Trouble::Broken => {
                let text = self.shop.broken_text(&mut self.dice);
                self.publish(text);
            }
            Trouble::Empty => self.publish("# nothing\n".to_owned()),
            Trouble::Rewritten => self.rewrite(),
            Trouble::Person => self.person(),
        }
    }

    fn engine_goes(&mut self, span: Time, takes_along: bool) {
        if !self.engine.is_here() {
            return;
        }
        let away = Away { forgets: self.scenario.forgets, dates_late: self.dice.one_in(2) };
        let at = self.wall();
        self.disconnect();
        self.engine.go(away, takes_along, at);
        self.after(span, Happening::EngineBack);
    }

    pub(super) fn engine_back(&mut self) {
        if !self.engine.is_here() {
            self.say(|| "the engine answers again".to_owned());
            let at = self.wall();
            self.engine.come_back(at);
        }
    }

    fn remove_by_hand(&mut self) {
        let names: Vec<ContainerName> = self.engine.ours().map(|(name, _)| name.clone()).collect();
        if let Some(name) = self.dice.pick_of(names)
            && self.engine.is_here()
        {
            let (at, id) = (self.wall(), self.engine.id_of(&name));
            if let Err(error) = self.engine.remove(&name, None, false, at) {
                self.breach("C6", format!("{name} cannot be removed by hand: {error}"));
            }
            if let Some(id) = id {
                self.end_following(&name, id);
            }
        }
    }

    fn plant_stray(&mut self) {
        if !self.engine.is_here() {
            return;
        }
        let step = if self.dice.one_in(3) { None } else { self.stray_step() };
        let number = self.dice.between(0, 99);
        if let Ok(name) = ContainerName::parse(format!("stray-{number}")) {
            let (at, is_running) = (self.wall(), self.dice.one_in(2));
            self.engine.plant(&name, step, true, is_running, at);
        }
    }

    /// A stranger's container gets the name that the next run of an automation will need, or any other.
    fn take_name(&mut self) {
        let at = self.wall();
        let Some(process) = &self.process else {
            return;
        };
        let due = process
            .core
            .state()
            .desired
            .automations
            .values()
            .filter_map(|automation| Some((automation.name.clone(), provost_planner::next_due(automation, at)?)));
        let names: Vec<(Name, jiff::Timestamp)> = due.collect();
        let taken = match self.dice.pick_of(names) {
            Some((name, due)) if !self.dice.one_in(3) => {
                let run = RunId::scheduled(&name, due);
                ContainerName::of(&self.rules.identity.instance, run.as_str(), "main.1")
            }
            _ => match ContainerName::parse("shop-database") {
                Ok(name) => name,
                Err(_) => return,
            },
        };
        self.engine.plant(&taken, None, false, true, at);
    }

    fn shut_down(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        if process.unrecorded.is_none() && !process.is_stopping {
            process.is_stopping = true;
            self.feed(vec![Input::Shutdown], Vec::new());
        }
    }

    fn step_clock(&mut self, by: Time) {
        self.clock.step(by, self.time);
        let wall = self.wall();
        self.say(|| format!("the clock is stepped by {} s, to {wall}", by / SECOND));
        self.wake_after_clock_step();
    }

    /// The branch is forced back: to an earlier commit, or to one with an earlier text.
    fn rewrite(&mut self) {
        let earlier = self.source.log.clone();
        let Some(id) = self.dice.pick_of(earlier) else {
            return;
        };
        if self.dice.one_in(2) {
            return self.set_head(id);
        }
        if let Some(text) = self.record.manifests.get(&id).map(|manifest| manifest.text.clone()) {
            self.publish(text);
        }
    }
}
