//! The plan: what follows from a world.

use crate::act::{Action, actions};
use crate::due::{end_pauses, settle_due_times};
use crate::event::{advance_events, begin_startup};
use crate::notice::tell_over_time;
use crate::queue::release_queued_runs;
use crate::run::advance_runs;
use crate::service::keep_services;
use crate::{Moves, World};

/// One subject of decisions.
type Stage = fn(&World<'_>, &mut Moves);

/// In the order in which they are asked.
const STAGES: [Stage; 8] = [
    end_pauses,
    begin_startup,
    advance_events,
    settle_due_times,
    keep_services,
    advance_runs,
    release_queued_runs,
    tell_over_time,
];

/// Decides what is to be recorded now. When it returns no facts, the state has settled: nothing follows from it any more
/// until something is seen, asked, or time passes.
///
/// The facts are those of the first stage that has any, so that each stage decides on a world that holds what the ones
/// before it decided. [`Moves::wake_at`] is complete once there are no facts.
pub fn decide(world: &World<'_>) -> Moves {
    let mut moves = Moves::default();
    for stage in STAGES {
        stage(world, &mut moves);
        if !moves.facts.is_empty() {
            break;
        }
    }
    moves
}

/// Says what is to be done in a world that has settled, and when to look again.
pub fn plan(world: &World<'_>) -> (Vec<Action>, Moves) {
    let mut moves = decide(world);
    debug_assert!(moves.facts.is_empty(), "the state has not settled: {:?}", moves.facts.first());
    let actions = actions(world, &mut moves);
    (actions, moves)
}
