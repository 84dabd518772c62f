//! Who is told of what, once: failure after the last attempt, recovery with the next success, failover, repetition.

use std::sync::Arc;

use jiff::Timestamp;
use provost_model::{
    Automation, Channel, EventId, Fact, JsonMap, Ledger, Moment, Name, Notice, Outcome, Run, RunId, State,
};
use serde_json::json;

use crate::world::later;
use crate::{Moves, World};

/// A notification that nobody took is given up after this long, in seconds.
const GIVEN_UP_AFTER_S: u64 = 86_400;

/// The longest pause between two tries, in seconds.
const PAUSE_MAX_S: u64 = 900;

/// What a notification is about.
pub struct Occasion<'a> {
    /// Whom it concerns.
    pub automation: &'a Automation,
    /// The run, if it is about one.
    pub run: Option<&'a Run>,
    /// What happened.
    pub moment: Moment,
    /// Tells two occasions of one moment apart.
    pub mark: String,
    /// What is told, besides who and what.
    pub data: JsonMap,
}

/// The notifications that `occasion` calls for: one for each channel that listens.
pub fn notices(world: &World<'_>, occasion: &Occasion<'_>) -> Vec<Fact> {
    if occasion.run.is_some_and(|run| run.testing) {
        return Vec::new(); // A flagged run pages nobody (A32).
    }
    let named = occasion.automation.notify.channels.get(&occasion.moment).into_iter().flatten();
    let channels = named.filter_map(|name| world.state.desired.channels.get(name));
    // A channel that replies is asked as a step of the run; it need not be told as well.
    let told = channels.filter(|channel| occasion.moment != Moment::Starting || channel.reply.is_none());
    told.map(|channel| queued(occasion, Arc::clone(channel), world.now, None)).collect()
}

fn queued(occasion: &Occasion<'_>, channel: Arc<Channel>, at: Timestamp, instead_of: Option<Name>) -> Fact {
    let run: Option<RunId> = occasion.run.map(|run| run.id.clone());
    let moment = serde_json::to_value(occasion.moment).unwrap_or_default();
    let mut data = occasion.data.clone();
    data.insert("moment".to_owned(), moment.clone());
    let id = EventId::derived(&[
        "notice",
        channel.name.as_str(),
        occasion.automation.name.as_str(),
        run.as_ref().map(RunId::as_str).unwrap_or_default(),
        moment.as_str().unwrap_or_default(),
        &occasion.mark,
    ]);
    let automation = occasion.automation.name.clone();
    let notice =
        Notice { id, channel, moment: occasion.moment, automation, run, data, at, instead_of, tries: 0, until: None };
    Fact::NoticeQueued { notice: Box::new(notice) }
}

/// What follows from a delivery that failed: whom to tell instead (A30), and when to try again (A27).
pub fn after_failed_delivery(world: &World<'_>, notice: &Notice, why: &str) -> Vec<Fact> {
    let id = notice.id.clone();
    let next = next_in_line(world, notice);
    let is_stand_in = notice.instead_of.is_some();
    let is_too_old = later(notice.at, GIVEN_UP_AFTER_S) < world.now;
    let mut facts = Vec::new();
    if is_too_old || (is_stand_in && next.is_some()) {
        facts.push(Fact::NoticeGivenUp { id, why: why.to_owned() });
    } else {
        let pause = 5u64.saturating_mul(1 << notice.tries.min(10)).min(PAUSE_MAX_S);
        facts.push(Fact::NoticeFailed { id, why: why.to_owned(), until: later(world.now, pause) });
    }
    if notice.tries == 0
        && let Some(channel) = next
    {
        facts.push(stand_in(notice, channel));
    }
    facts
}

/// The channel that is told instead: the first failover of the channel that failed, or the one after a failover that failed.
fn next_in_line<'a>(world: &World<'a>, notice: &Notice) -> Option<&'a Arc<Channel>> {
    let channels = &world.state.desired.channels;
    let line = match &notice.instead_of {
        None => &notice.channel.failover,
        Some(first) => &channels.get(first)?.failover,
    };
    let is_here = |name: &&Name| notice.instead_of.is_some() && **name != notice.channel.name;
    let passed = line.iter().take_while(is_here).count();
    let index = if notice.instead_of.is_some() { passed + 1 } else { 0 };
    channels.get(line.get(index)?)
}

fn stand_in(notice: &Notice, channel: &Arc<Channel>) -> Fact {
    let first = notice.instead_of.clone().unwrap_or_else(|| notice.channel.name.clone());
    let id = EventId::derived(&["stand-in", notice.id.as_str(), channel.name.as_str()]);
    // The receiver gets the original arguments, and who it stands in for.
    let (channel, instead_of) = (Arc::clone(channel), Some(first));
    let notice = Notice { id, channel, instead_of, tries: 0, until: None, ..notice.clone() };
    Fact::NoticeQueued { notice: Box::new(notice) }
}

/// When somebody is to be told of `automation` because of time alone: of a failure again, or of the want of success.
pub fn next_telling(state: &State, automation: &Automation, ledger: &Ledger) -> Option<Timestamp> {
    let again = repeats(state, automation, ledger).map(|(_, again)| again).min();
    [again, want_of_success(automation, ledger)].into_iter().flatten().min()
}

/// What is told because of time alone: a failure again, and the want of success.
pub fn tell_over_time(world: &World<'_>, moves: &mut Moves) {
    for (instant, name) in world.agenda.tellings() {
        if instant > world.now {
            return moves.wake(instant);
        }
        if let Some((automation, ledger)) = world.state.desired.automations.get(name).zip(world.state.ledgers.get(name))
        {
            repeat_failure(world, automation, ledger, moves);
            tell_want_of_success(world, automation, ledger, moves);
        }
    }
}

/// The channels that are told again that `automation` fails, and when.
fn repeats<'a>(
    state: &'a State,
    automation: &'a Automation,
    ledger: &'a Ledger,
) -> impl Iterator<Item = (&'a Arc<Channel>, Timestamp)> {
    let told = automation.notify.channels.get(&Moment::Failure).filter(|_| ledger.failures > 0).into_iter().flatten();
    told.filter_map(|name| state.desired.channels.get(name)).filter_map(|channel| {
        let (every, told_at) = channel.repeat_every_s.zip(ledger.told_failure.get(&channel.name))?;
        Some((channel, later(*told_at, every)))
    })
}

fn repeat_failure(world: &World<'_>, automation: &Automation, ledger: &Ledger, moves: &mut Moves) {
    for (channel, again) in repeats(world.state, automation, ledger).filter(|(_, again)| *again <= world.now) {
        let data = about(automation, &format!("{} still fails: {} runs in a row", automation.name, ledger.failures));
        let mark = format!("again {again}");
        let occasion = Occasion { automation, run: None, moment: Moment::Failure, mark, data };
        moves.push(queued(&occasion, Arc::clone(channel), world.now, None));
    }
}

/// When the want of success is told of, if it is.
fn want_of_success(automation: &Automation, ledger: &Ledger) -> Option<Timestamp> {
    let rule = automation.notify.no_success_for.as_ref()?;
    let since = ledger.last_success.unwrap_or(ledger.known_since);
    Some(later(since.max(ledger.told_no_success.unwrap_or(since)), rule.after_s))
}

fn tell_want_of_success(world: &World<'_>, automation: &Automation, ledger: &Ledger, moves: &mut Moves) {
    let limit = want_of_success(automation, ledger).filter(|limit| *limit <= world.now);
    let Some((rule, limit)) = automation.notify.no_success_for.as_ref().zip(limit) else {
        return;
    };
    let since = ledger.last_success.unwrap_or(ledger.known_since);
    let data = about(automation, &format!("{} had no success since {since}", automation.name));
    for channel in rule.channels.iter().filter_map(|name| world.state.desired.channels.get(name)) {
        let (data, mark) = (data.clone(), format!("no success {limit}"));
        let occasion = Occasion { automation, run: None, moment: Moment::NoSuccess, mark, data };
        moves.push(queued(&occasion, Arc::clone(channel), world.now, None));
    }
}

fn about(automation: &Automation, message: &str) -> JsonMap {
    let data = json!({ "automation": automation.name, "labels": automation.labels, "message": message });
    data.as_object().cloned().unwrap_or_default()
}

/// What is told of a run.
pub fn run_notices(world: &World<'_>, run: &Run, moment: Moment, mark: &str) -> Vec<Fact> {
    if !run.spec.notify.channels.contains_key(&moment) {
        return Vec::new();
    }
    let mut data = crate::request::run_data(run, None);
    data.insert("message".to_owned(), json!(sentence(run, moment)));
    let mark = mark.to_owned();
    notices(world, &Occasion { automation: &run.spec, run: Some(run), moment, mark, data })
}

/// What is told of an automation without a run.
pub fn automation_notices(
    world: &World<'_>,
    automation: &Automation,
    moment: Moment,
    mark: &str,
    message: &str,
) -> Vec<Fact> {
    let (data, mark) = (about(automation, message), mark.to_owned());
    notices(world, &Occasion { automation, run: None, moment, mark, data })
}

fn sentence(run: &Run, moment: Moment) -> String {
    let name = &run.spec.name;
    match (moment, run.outcome()) {
        (Moment::Starting, _) => format!("{name} is about to start"),
        (Moment::Started, _) => format!("{name} has started"),
        (Moment::Retrying, _) => format!("an attempt of {name} failed, another one follows"),
        (Moment::Late, _) => format!("{name} began late: it was due {}", run.due),
        (Moment::Recovery, _) if run.spec.service.is_some() => format!("{name} is up again"),
        (Moment::Recovery, _) => format!("{name} succeeded again"),
        (Moment::Failure, None) if run.health.is_some() => {
            format!(
                "{name} is unhealthy: {}",
                run.health.as_ref().map(|health| health.why.as_str()).unwrap_or_default()
            )
        }
        (_, Some((Outcome::Succeeded, _))) => format!("{name} succeeded"),
        (_, Some((outcome, detail))) => format!("{name} {}: {detail}", outcome.word()),
        (_, None) => format!("{name}: a step failed"),
    }
}
