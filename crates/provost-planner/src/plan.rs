//! The plan: what follows from a world.

use provost_model::Fact;

use crate::act::{Action, actions};
use crate::due::{Agenda, keep_ledgers, settle_due_times};
use crate::event::{advance_events, begin_startup};
use crate::notice::tell_over_time;
use crate::queue::release_queued_runs;
use crate::{Moves, World};

/// Decides what is to be recorded now. When it returns no facts, the state has settled: nothing follows from it any more
/// until something is seen, asked, or time passes.
pub fn decide(world: &World<'_>, agenda: &Agenda) -> Moves {
    let mut moves = Moves::default();
    keep_ledgers(world, &mut moves);
    begin_startup(world, &mut moves);
    advance_events(world, &mut moves);
    settle_due_times(world, agenda, &mut moves);
    for run in world.state.runs.values() {
        crate::run::advance(world, run, &mut moves);
    }
    release_queued_runs(world, &mut moves);
    tell_over_time(world, &mut moves);
    moves
}

/// Says what is to be done in a world that has settled, and when to look again.
pub fn plan(world: &World<'_>, agenda: &Agenda) -> (Vec<Action>, Moves) {
    let mut moves = decide(world, agenda);
    debug_assert!(moves.facts.is_empty(), "the state has not settled: {:?}", first(&moves.facts));
    let actions = actions(world, agenda, &mut moves);
    (actions, moves)
}

fn first(facts: &[Fact]) -> Option<&Fact> {
    facts.first()
}
