//! E4, E5: events are handled in the order of their arrival, none is lost, and what they trigger starts once.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::{AcceptedEvent, Automation, Cause, Desired, EventFact, EventId, Fact, Name, Owner, RunFact, RunId};

use super::Case;
use super::case::hook_of;
use crate::record::Promised;
use crate::{Breach, Time};

/// Whether events were handled in order, and none was lost.
pub fn in_order_and_kept(case: &Case<'_>) -> Vec<Breach> {
    let diary = Diary::of(case);
    let mut found = diary.lost(case);
    found.extend(diary.disorder(case));
    found.extend(diary.untriggered(case));
    found.extend(lost_promises(case));
    found.extend(lost_notices(case));
    found
}

/// What the ledger says of events.
#[derive(Default)]
struct Diary<'a> {
    /// In the order of arrival, with the line.
    accepted: Vec<(&'a AcceptedEvent, usize)>,
    /// When each was begun.
    began: BTreeMap<&'a EventId, u64>,
    /// When each was handled, and whether well, with the line.
    handled: BTreeMap<&'a EventId, (u64, bool, usize)>,
    /// Which event started or skipped which automation, and how often.
    answers: BTreeMap<(&'a EventId, &'a Name), usize>,
}

impl<'a> Diary<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut diary = Self::default();
        let mut known = BTreeSet::new();
        for noted in &case.record.ledger {
            let seq = noted.recorded.seq;
            match &noted.recorded.fact {
                Fact::EventAccepted { event } if known.insert(&event.id) => diary.accepted.push((event, noted.line)),
                Fact::Event { id, change: EventFact::Began } => drop(diary.began.insert(id, seq)),
                Fact::Event { id, change: EventFact::Handled { failure } } => {
                    diary.handled.insert(id, (seq, failure.is_none(), noted.line));
                }
                Fact::TriggerSkipped { automation, event, .. } => {
                    *diary.answers.entry((event, automation)).or_default() += 1;
                }
                Fact::RunAccepted { accepted } => {
                    if let Cause::Trigger { id, .. } = &accepted.cause {
                        *diary.answers.entry((id, &accepted.automation)).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
        diary
    }

    /// Events that were accepted and never handled (E5).
    fn lost(&self, case: &Case<'_>) -> Vec<Breach> {
        if !case.record.end.is_quiet {
            return Vec::new();
        }
        let lost = self.accepted.iter().filter(|(event, _)| !self.handled.contains_key(&event.id));
        lost.map(|(event, line)| Breach::new("E5", *line, format!("{} {} was never handled", event.name, event.id)))
            .collect()
    }

    /// Events of one lane whose hooks overlap, or come in another order than they arrived (E4).
    fn disorder(&self, case: &Case<'_>) -> Vec<Breach> {
        let mut lanes: BTreeMap<&str, (Time, &EventId)> = BTreeMap::new();
        let mut found = Vec::new();
        for (event, _) in self.accepted.iter().filter(|(event, _)| !event.name.starts_with("server.")) {
            let Some((from, to, line)) = self.stretch(case, event) else {
                continue;
            };
            let lane = event.subject.as_ref().map(Name::as_str).unwrap_or_default();
            if let Some((end, before)) = lanes.get(lane)
                && *end > from
            {
                let what = format!("{} {} began before {before} had ended, which came first", event.name, event.id);
                found.push(Breach::new("E4", line, what));
            }
            lanes.insert(lane, (to, &event.id));
        }
        found
    }

    /// From the first start to the last end of the foreground hooks of `event`.
    fn stretch(&self, case: &Case<'_>, event: &AcceptedEvent) -> Option<(Time, Time, usize)> {
        let desired = case.in_force_at(*self.began.get(&event.id)?)?;
        let automation = event.subject.as_ref().and_then(|name| desired.automations.get(name));
        let hooks = automation.map_or(&desired.hooks, |automation| &automation.hooks);
        let spans = case.spans.iter().filter(|span| span.tag.owner == Owner::Event(event.id.clone()));
        let foreground =
            spans.filter(|span| hook_of(hooks, span.tag.step.as_str()).is_none_or(|hook| !hook.background));
        foreground.fold(None, |stretch: Option<(Time, Time, usize)>, span| {
            let ended = span.ended.unwrap_or(Time::MAX);
            Some(stretch.map_or((span.started, ended, span.line), |(from, to, line)| {
                (from.min(span.started), to.max(ended), line)
            }))
        })
    }

    /// What an event or the end of a run was to start: it did, or it says why not, once.
    fn untriggered(&self, case: &Case<'_>) -> Vec<Breach> {
        let mut found = Vec::new();
        for (event, _) in &self.accepted {
            let Some((seq, true, line)) = self.handled.get(&event.id) else {
                continue;
            };
            let listeners =
                case.in_force_at(*seq).map(|desired| listening(desired, &event.name, event.subject.as_ref()));
            for automation in listeners.into_iter().flatten() {
                found.extend(self.once(&event.id, automation, &event.name, *line));
            }
        }
        for noted in &case.record.ledger {
            let Fact::Run { run, change: RunFact::Finished { outcome, .. } } = &noted.recorded.fact else {
                continue;
            };
            let (Some(accepted), Some(desired)) = (case.runs.get(run), case.in_force_at(noted.recorded.seq)) else {
                continue;
            };
            for name in [outcome.event(), "run.finished"] {
                let id = EventId::derived(&[name, run.as_str(), ""]);
                for automation in listening(desired, name, Some(&accepted.spec.name)) {
                    found.extend(self.once(&id, automation, name, noted.line));
                }
            }
        }
        found
    }

    fn once(&self, id: &EventId, automation: &Automation, name: &str, line: usize) -> Option<Breach> {
        let answers = self.answers.get(&(id, &automation.name)).copied().unwrap_or_default();
        let what = format!("{name} {id} was to start {}, and has {answers} answers", automation.name);
        (answers != 1).then(|| Breach::new("E5", line, what))
    }
}

/// Automations that `event` starts.
fn listening<'a>(desired: &'a Desired, event: &str, subject: Option<&Name>) -> Vec<&'a Automation> {
    let listens = |automation: &&Automation| {
        automation
            .triggers
            .iter()
            .any(|trigger| trigger.event == event && trigger.from.as_ref().is_none_or(|from| Some(from) == subject))
    };
    desired.automations.values().map(AsRef::as_ref).filter(listens).collect()
}

/// What people were told is done, and the ledger does not have.
fn lost_promises(case: &Case<'_>) -> Vec<Breach> {
    let mut runs: BTreeSet<&RunId> = BTreeSet::new();
    let mut events: BTreeSet<&EventId> = BTreeSet::new();
    for noted in &case.record.ledger {
        match &noted.recorded.fact {
            Fact::RunAccepted { accepted } => drop(runs.insert(&accepted.run)),
            Fact::EventAccepted { event } => drop(events.insert(&event.id)),
            _ => {}
        }
    }
    let is_lost = |promised: &&Promised| match promised {
        Promised::Run(run) => !runs.contains(run),
        Promised::Event(event) => !events.contains(event),
    };
    let lost = case.record.promised.iter().filter(is_lost);
    lost.map(|promised| Breach::new("E5", 0, format!("{promised:?} was promised, and is not recorded"))).collect()
}

/// Notifications that were queued, and neither arrived nor were given up.
fn lost_notices(case: &Case<'_>) -> Vec<Breach> {
    let mut open: BTreeMap<&EventId, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for noted in &case.record.ledger {
        match &noted.recorded.fact {
            Fact::NoticeQueued { notice } => drop(open.insert(&notice.id, noted.line)),
            Fact::NoticeGivenUp { id, .. } => drop(open.remove(id)),
            Fact::NoticeDelivered { id } => {
                open.remove(id);
                if !case.record.delivered.contains_key(id) {
                    found.push(Breach::new(
                        "E5",
                        noted.line,
                        format!("notice {id} is said to have arrived, and did not"),
                    ));
                }
            }
            _ => {}
        }
    }
    if case.record.end.is_quiet {
        let lost = open.into_iter().map(|(id, line)| Breach::new("E5", line, format!("notice {id} was lost")));
        found.extend(lost);
    }
    found
}
