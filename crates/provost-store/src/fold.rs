//! Folding facts into the state.

use provost_model::{Recorded, State};

/// Folds `recorded` into `state`. A fact that the state cannot take is logged and left out: one bad fact must not keep
/// the server from starting, and the state is as it was before it.
pub(crate) fn fold(state: &mut State, recorded: &Recorded) {
    if let Err(error) = state.apply(recorded) {
        tracing::warn!(seq = recorded.seq, %error, "a recorded fact does not fit the state and is left out");
    }
}
