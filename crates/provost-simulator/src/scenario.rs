//! What a seed lets happen. Each seed has only some kinds of fault, more or less often, so that they also meet alone and
//! in pairs, and are not all drowned by the loudest.

use jiff::Timestamp;

use crate::shop::Shop;
use crate::{Dice, Time};

/// A second, in milliseconds.
pub const SECOND: Time = 1_000;
/// A minute, in milliseconds.
pub const MINUTE: Time = 60 * SECOND;
/// An hour, in milliseconds.
pub const HOUR: Time = 60 * MINUTE;
/// A day, in milliseconds.
pub const DAY: Time = 24 * HOUR;

/// What a seed lets happen, and how often.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the clock says at the beginning.
    pub start: Timestamp,
    /// How long there are faults.
    pub length: Time,
    /// How likely an action of the reconciler meets a fault.
    pub faulty: f64,
    /// The faults that its actions meet.
    pub faults: Vec<Fault>,
    /// How likely the reconciler is killed while it carries out one answer.
    pub fatal: f64,
    /// From asking to being done, and from being done to the answer: at most.
    pub latency: Time,
    /// Whether containers are made ahead.
    pub prepares: bool,
    /// Whether the engine reports 255 for what ends while it is away (R9).
    pub forgets: bool,
    /// What happens when, soonest first.
    pub troubles: Vec<(Time, Trouble)>,
    /// A defence that is taken out, to see that the checkers see it.
    pub weakness: Option<Weakness>,
}

/// A defence that can be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// A kill loses the last batch: nobody waited for the disk.
    StoreForgets,
    /// Actions begin before the batch that calls for them is durable.
    ActsFirst,
}

/// What an action of the reconciler meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and never will be.
    Refused,
    /// It is not done at the moment.
    Unavailable,
    /// It is done, and the answer is lost: an error comes, up to two minutes later.
    ReplyLost,
    /// It is done twice, the second time up to two minutes later.
    Twice,
    /// It is done late, by up to five minutes.
    Late,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Refused, Self::Unavailable, Self::ReplyLost, Self::Twice, Self::Late];

    /// The word for figures.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused for good",
            Self::Unavailable => "refused for now",
            Self::ReplyLost => "done, reply lost",
            Self::Twice => "done twice",
            Self::Late => "late by minutes",
        }
    }
}

/// What happens by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The engine goes away for so long.
    EngineAway(Time),
    /// The engine goes away for so long, and takes its containers along.
    EngineEnds(Time),
    /// The connection to the engine breaks off, and can be made again at once.
    Blip,
    /// Somebody removes one of our containers.
    HandRemoves,
    /// Somebody makes a container that carries our label and belongs to nothing.
    Stray,
    /// Somebody makes a container that has the name of one that we will need.
    NameTaken,
    /// Nothing can be written for so long.
    StoreFull(Time),
    /// One batch is written, and the answer says otherwise.
    StoreLies,
    /// The reconciler is killed, and started again after so long.
    Kill(Time),
    /// The reconciler is asked to end, and started again after so long.
    Shutdown(Time),
    /// The clock is stepped.
    ClockStep(Time),
    /// The source cannot be read for so long.
    SourceAway(Time),
    /// The shop is edited.
    Edit,
    /// A revision with an error.
    Broken,
    /// A revision without any manifest.
    Empty,
    /// The branch goes back to an earlier revision, or to its text under another id.
    Rewritten,
    /// A person asks for something.
    Person,
}

impl Trouble {
    /// The word for figures; absent for what is no fault.
    pub fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::EngineAway(_) => "engine away",
            Self::EngineEnds(_) => "engine ended with its containers",
            Self::Blip => "connection broken off",
            Self::HandRemoves => "container removed by hand",
            Self::Stray => "stray container",
            Self::NameTaken => "name taken by a stranger",
            Self::StoreFull(_) => "disk full",
            Self::StoreLies => "written, error answered",
            Self::Kill(_) => "killed",
            Self::Shutdown(_) => "shut down",
            Self::ClockStep(_) => "clock stepped",
            Self::SourceAway(_) => "source unreachable",
            Self::Broken => "revision broken",
            Self::Empty => "revision empty",
            Self::Rewritten => "history rewritten",
            Self::Edit | Self::Person => return None,
        })
    }
}

impl Scenario {
    /// A scenario by chance for `shop`.
    pub fn new(dice: &mut Dice, shop: &Shop) -> Self {
        let length = length(dice, shop);
        let starts_in_1970 = dice.one_in(12);
        let mut troubles = Vec::new();
        if starts_in_1970 {
            let years = Timestamp::from_second(1_800_000_000).map_or(0, Timestamp::as_millisecond);
            troubles.push((dice.between(0, length / 3), Trouble::ClockStep(years)));
        }
        let kinds: Vec<u8> = (0..KINDS).filter(|_| dice.one_in(3)).collect();
        for kind in kinds {
            for _ in 0..dice.between(1, 4) {
                troubles.push((dice.between(0, length), trouble(kind, dice)));
            }
        }
        for _ in 0..dice.between(0, 6) {
            troubles.push((dice.between(0, length), Trouble::Edit));
        }
        troubles.sort_by_key(|(at, _)| *at);
        let start = if starts_in_1970 { dice.between(0, 600) } else { dice.between(1_767_225_600, 1_830_297_600) };
        Self {
            start: Timestamp::from_second(start).unwrap_or(Timestamp::UNIX_EPOCH),
            length,
            faulty: *dice.pick(&[0.0, 0.02, 0.1, 0.3]),
            faults: Fault::ALL.into_iter().filter(|_| dice.one_in(2)).collect(),
            fatal: *dice.pick(&[0.0, 0.0, 0.005, 0.03]),
            latency: *dice.pick(&[20, 300, 3 * SECOND]),
            prepares: !dice.one_in(4),
            forgets: dice.one_in(2),
            troubles,
            weakness: None,
        }
    }

    /// A scenario without any fault, for `length`.
    pub fn calm(start: Timestamp, length: Time) -> Self {
        Self {
            start,
            length,
            faulty: 0.0,
            faults: Vec::new(),
            fatal: 0.0,
            latency: 300,
            prepares: true,
            forgets: true,
            troubles: Vec::new(),
            weakness: None,
        }
    }
}

/// As long as it takes for some or some dozens of due times, at most two weeks.
fn length(dice: &mut Dice, shop: &Shop) -> Time {
    let wanted = dice.between(5, 45) as f64 / shop.due_an_hour().max(0.05);
    ((wanted * HOUR as f64) as Time).clamp(HOUR, 14 * DAY)
}

const KINDS: u8 = 16;

fn trouble(kind: u8, dice: &mut Dice) -> Trouble {
    match kind {
        0 => Trouble::EngineAway(span(dice, &[3 * SECOND, MINUTE, HOUR])),
        1 => Trouble::EngineEnds(span(dice, &[3 * SECOND, MINUTE, HOUR])),
        2 => Trouble::Blip,
        3 => Trouble::HandRemoves,
        4 => Trouble::Stray,
        5 => Trouble::NameTaken,
        6 => Trouble::StoreFull(span(dice, &[2 * SECOND, MINUTE, HOUR])),
        7 => Trouble::StoreLies,
        8 => Trouble::Kill(span(dice, &[2 * SECOND, MINUTE, 6 * HOUR, 3 * DAY])),
        9 => Trouble::Shutdown(span(dice, &[2 * SECOND, MINUTE, 6 * HOUR])),
        10 => Trouble::ClockStep(step(dice)),
        11 => Trouble::SourceAway(span(dice, &[MINUTE, HOUR])),
        12 => Trouble::Broken,
        13 => Trouble::Empty,
        14 => Trouble::Rewritten,
        _ => Trouble::Person,
    }
}

/// Up to one of `scales`.
fn span(dice: &mut Dice, scales: &[Time]) -> Time {
    let scale = *dice.pick(scales);
    dice.between(scale / 20, scale)
}

fn step(dice: &mut Dice) -> Time {
    let sign = if dice.one_in(2) { 1 } else { -1 };
    match dice.between(0, 9) {
        0 => 3653 * DAY,
        1..=3 => sign * DAY,
        4..=7 => sign * HOUR,
        _ => sign * dice.between(SECOND, 2 * MINUTE),
    }
}
