//! D1, D4: every due time of every automation in force has exactly one outcome, and none has one from before it counted.
//!
//! The due times are computed anew from the manifests. Since the clock may be stepped back, what counts is how far the
//! ledger has come: no due time up to there is left out, none comes twice, and at its end it has reached the clock.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use provost_model::{Automation, Desired, DueOutcome, DueVerdict, Fact, Name, RunId};
use provost_schedule::{Keep, Schedule, Timing, due_times};

use super::Case;
use crate::Breach;

/// Whether every due time has exactly one outcome.
pub fn accounted(case: &Case<'_>) -> Vec<Breach> {
    let mut books =
        Books { pages: BTreeMap::new(), closing: BTreeMap::new(), high: BTreeMap::new(), found: Vec::new() };
    let mut in_force: Option<&Desired> = None;
    for noted in &case.record.ledger {
        match &noted.recorded.fact {
            Fact::RevisionApplied { change } => {
                let manifest = case.record.manifests.get(&change.revision);
                let Some(desired) = manifest.and_then(|manifest| manifest.desired.as_deref()) else {
                    continue; // C2 says so.
                };
                books.turn(in_force, desired, noted.recorded.at, noted.line);
                in_force = Some(desired);
            }
            Fact::Armed { automation, .. } => books.close(automation),
            _ => {}
        }
        if let Some(outcome) = DueOutcome::of(&noted.recorded) {
            books.enter(&outcome, noted.line);
        }
    }
    books.finish(case.record.end.wall)
}

/// The outcomes of one automation under one rule.
struct Page<'a> {
    schedules: &'a [Schedule],
    /// Due times after this instant count.
    from: Timestamp,
    /// First, last and count, with the line, in the order of recording.
    entries: Vec<(Timestamp, Timestamp, u64, usize)>,
    /// When the rule ended, and the line.
    until: Option<(Timestamp, usize)>,
}

struct Books<'a> {
    pages: BTreeMap<&'a Name, Page<'a>>,
    /// Pages whose rule has ended, and whose last due times may still be entered.
    closing: BTreeMap<&'a Name, Page<'a>>,
    /// How far each automation has come.
    high: BTreeMap<&'a Name, Timestamp>,
    found: Vec<Breach>,
}

impl<'a> Books<'a> {
    /// Another revision is in force: where the rule of an automation is another one, a new page begins.
    fn turn(&mut self, old: Option<&'a Desired>, new: &'a Desired, at: Timestamp, line: usize) {
        self.close_all();
        let names = old.into_iter().flat_map(|old| old.automations.keys()).chain(new.automations.keys());
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let before = old.and_then(|old| old.automations.get(name));
            let after = new.automations.get(name);
            if before.zip(after).is_some_and(|(before, after)| rules(before).eq(rules(after))) {
                // The same rule, in another place.
                if let (Some(page), Some(after)) = (self.pages.get_mut(name), after) {
                    page.schedules = &after.schedules;
                }
                continue;
            }
            if let Some(mut page) = self.pages.remove(name) {
                page.until = Some((at, line));
                self.closing.insert(name, page);
            }
            if let Some(after) = after {
                let page = Page { schedules: &after.schedules, from: at, entries: Vec::new(), until: None };
                self.pages.insert(&after.name, page);
            }
        }
    }

    fn enter(&mut self, outcome: &DueOutcome, line: usize) {
        let name = &outcome.automation;
        if let DueVerdict::Ran { run } = &outcome.verdict
            && *run != RunId::scheduled(name, outcome.due)
        {
            self.found.push(Breach::new("D2", line, format!("{name} ran for {} as {run}", outcome.due)));
        }
        let page = self.closing.get_mut(name).or_else(|| self.pages.get_mut(name));
        match page {
            Some(page) => page.entries.push((outcome.due, outcome.last, outcome.count, line)),
            None => self.found.push(Breach::new("D1", line, format!("{name} has an outcome and is not in force"))),
        }
    }

    /// The last due times of the old rule are entered: what comes now is for the new one.
    fn close(&mut self, name: &Name) {
        if let Some((name, page)) = self.closing.remove_entry(name) {
            self.audit(name, page, None);
        }
        if let Some((name, page)) = self.pages.get_key_value(name) {
            let high = self.high.get(name).copied().unwrap_or(Timestamp::MIN);
            let from = page.from.max(high);
            if let Some(page) = self.pages.get_mut(*name) {
                page.from = from;
            }
        }
    }

    fn close_all(&mut self) {
        for (name, page) in std::mem::take(&mut self.closing) {
            self.audit(name, page, None);
        }
    }

    fn finish(mut self, wall: Option<Timestamp>) -> Vec<Breach> {
        self.close_all();
        for (name, page) in std::mem::take(&mut self.pages) {
            self.audit(name, page, wall);
        }
        self.found
    }

    /// Compares a page with the due times of its rule.
    fn audit(&mut self, name: &'a Name, mut page: Page<'a>, wall: Option<Timestamp>) {
        page.entries.sort_by_key(|(first, ..)| *first);
        let mut done = page.from;
        let mut say = |line: usize, what: String| self.found.push(Breach::new("D1", line, format!("{name}: {what}")));
        for (first, last, count, line) in &page.entries {
            if *first <= done {
                say(*line, format!("{first} has an outcome, and all up to {done} had theirs or did not count"));
            }
            let left_out = count_between(page.schedules, done, before(*first));
            if left_out > 0 {
                say(*line, format!("{left_out} due times between {done} and {first} have no outcome"));
            }
            let there = count_between(page.schedules, before(*first), *last);
            let ends = is_due(page.schedules, *first) && is_due(page.schedules, *last);
            if there != *count || !ends {
                say(*line, format!("{count} outcomes from {first} to {last}, where it is due {there} times"));
            }
            done = done.max(*last);
        }
        if let Some((until, line)) = page.until.or(wall.map(|wall| (wall, 0))) {
            let left = count_between(page.schedules, done, until);
            if left > 0 {
                say(line, format!("{left} due times between {done} and {until} have no outcome"));
            }
        }
        let high = self.high.entry(name).or_insert(done);
        *high = done.max(*high);
    }
}

fn rules(automation: &Automation) -> impl Iterator<Item = &Timing> {
    automation.schedules.iter().map(|schedule| &schedule.timing)
}

fn before(instant: Timestamp) -> Timestamp {
    instant - SignedDuration::from_secs(1)
}

fn is_due(schedules: &[Schedule], instant: Timestamp) -> bool {
    schedules.iter().any(|schedule| schedule.next_after(before(instant)) == Some(instant))
}

/// How many due times there are in `(after, until]`.
fn count_between(schedules: &[Schedule], after: Timestamp, until: Timestamp) -> u64 {
    if after >= until { 0 } else { due_times(schedules, after, until, 0, Keep::Last).omitted }
}
