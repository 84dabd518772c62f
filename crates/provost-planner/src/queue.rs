//! Which queued runs may begin: overlap, locks, limits, freezes, deadlines.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use provost_model::{Cause, ConcurrencyPolicy, Fact, Name, Outcome, Phase, Run, RunFact, Startup};

use crate::due::frozen_at;
use crate::service::required;
use crate::world::later;
use crate::{Moves, World};

/// Lets queued runs begin whose time has come and whom nothing holds back, earliest first.
pub fn release_queued_runs(world: &World<'_>, moves: &mut Moves) {
    let mut queued: Vec<&Run> = world.state.runs.values().filter(|run| run.is_queued()).collect();
    if queued.is_empty() {
        return;
    }
    queued.sort_by_key(|run| (run.not_before, run.due, run.accepted_at));
    let mut claims = Claims::of_those_going_on(world);
    for run in queued {
        match verdict(world, run, &claims) {
            Verdict::Begin => {
                claims.add(run);
                moves.push(Fact::Run { run: run.id.clone(), change: began(world, run) });
            }
            Verdict::End(detail) => moves.push(ended(run, detail)),
            Verdict::Wait { why, until } => {
                claims.add_waiting(run);
                if let Some(until) = until {
                    moves.wake(until);
                }
                if !matches!(&run.phase, Phase::Queued { why: before } if *before == why) {
                    moves.push(Fact::Run { run: run.id.clone(), change: RunFact::Queued { why } });
                }
            }
        }
    }
}

enum Verdict {
    Begin,
    End(String),
    Wait { why: String, until: Option<Timestamp> },
}

fn verdict(world: &World<'_>, run: &Run, claims: &Claims) -> Verdict {
    if let Some(cause) = &run.cancel {
        return Verdict::End(crate::run::cancel_detail(cause));
    }
    let deadline = deadline(run);
    if deadline.is_some_and(|deadline| deadline < world.now) {
        return Verdict::End("waited longer than startDeadline".to_owned());
    }
    // It is over a second after its deadline, if nothing lets it begin before.
    let wait = |why: String| Verdict::Wait { why, until: deadline.map(|deadline| later(deadline, 1)) };
    if world.now < run.not_before {
        return Verdict::Wait { why: "its time".to_owned(), until: Some(run.not_before) };
    }
    match &world.state.server.startup {
        _ if world.state.server.stopping => return wait("the server's next start".to_owned()),
        Startup::Refused { .. } => {
            return wait("the server's startup hooks, which refused".to_owned());
        }
        Startup::Owed | Startup::Running => return wait("the server's startup hooks".to_owned()),
        Startup::Passed => {}
    }
    if let Some(plugin) = world.state.unprepared(&run.spec) {
        return wait(plugin);
    }
    if let Some(reason) = frozen_at(&run.spec, world.now) {
        let next_minute = later(world.now, 60 - world.now.as_second().rem_euclid(60).unsigned_abs());
        return Verdict::Wait { why: reason, until: Some(next_minute) };
    }
    required(world, run).or_else(|| claims.hold_back(run)).map_or(Verdict::Begin, wait)
}

/// When `run` was to begin: at its due time with its jitter. Runs that nobody's clock asked for are never late.
pub(crate) fn expected_start(run: &Run) -> Option<Timestamp> {
    match run.cause {
        Cause::Schedule => Some(run.not_before),
        Cause::CatchUp => Some(run.due),
        Cause::Trigger { .. } | Cause::Manual { .. } | Cause::Action { .. } | Cause::Retry { .. } | Cause::Service => {
            None
        }
    }
}

/// Until when `run` may begin at the latest, where its automation has a `startDeadline`.
fn deadline(run: &Run) -> Option<Timestamp> {
    expected_start(run).zip(run.spec.start_deadline_s).map(|(start, deadline)| later(start, deadline))
}

/// The change that lets `run` begin: channels that reply are asked first (A26).
fn began(world: &World<'_>, run: &Run) -> RunFact {
    let channels = &world.state.desired.channels;
    let named = run.spec.notify.channels.get(&provost_model::Moment::Starting).into_iter().flatten();
    let asked = named.filter_map(|name| channels.get(name)).filter(|channel| channel.reply.is_some());
    RunFact::Began { ask: if run.testing { Vec::new() } else { asked.cloned().collect() } }
}

fn ended(run: &Run, detail: String) -> Fact {
    Fact::Run { run: run.id.clone(), change: RunFact::Finished { outcome: Outcome::Cancelled, detail } }
}

/// What runs hold: their automation, their locks, their places in limits.
struct Claims<'a> {
    automations: BTreeSet<&'a Name>,
    locks: BTreeSet<&'a str>,
    at_once: BTreeMap<&'a Name, u32>,
}

impl<'a> Claims<'a> {
    fn of_those_going_on(world: &World<'a>) -> Self {
        let mut claims = Self { automations: BTreeSet::new(), locks: BTreeSet::new(), at_once: BTreeMap::new() };
        for run in world.state.runs.values().filter(|run| run.is_going_on()) {
            claims.add(run);
        }
        claims
    }

    fn add(&mut self, run: &'a Run) {
        self.add_waiting(run);
        self.locks.extend(run.spec.locks.iter().map(String::as_str));
        for limit in &run.spec.run_limits {
            *self.at_once.entry(&limit.policy).or_default() += 1;
        }
    }

    /// One that waits keeps its place before later runs of its automation, and holds nothing else.
    fn add_waiting(&mut self, run: &'a Run) {
        if run.spec.concurrency != ConcurrencyPolicy::Allow {
            self.automations.insert(&run.spec.name);
        }
    }

    /// What `run` has to wait for, if anything. The words stay the same while the wait does.
    fn hold_back(&self, run: &Run) -> Option<String> {
        if run.spec.concurrency != ConcurrencyPolicy::Allow && self.automations.contains(&run.spec.name) {
            return Some("an earlier run of the automation".to_owned());
        }
        if let Some(lock) = run.spec.locks.iter().find(|lock| self.locks.contains(lock.as_str())) {
            return Some(format!("lock {lock}"));
        }
        let full = |limit: &&provost_model::RunLimit| {
            self.at_once.get(&limit.policy).copied().unwrap_or_default() >= limit.runs_at_once
        };
        let limit = run.spec.run_limits.iter().find(full)?;
        Some(format!("the limit of Policy/{} ({} runs at once)", limit.policy, limit.runs_at_once))
    }
}
