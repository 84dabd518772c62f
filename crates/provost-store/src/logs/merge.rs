//! The lines of several steps, in the order of time.

use provost_controller::LogLine;

/// Which of `heads`, each the next line of its step, is the earliest; of equal ones the first. Lines of one step stay in
/// their order even where their instants do not.
pub(crate) fn earliest<'a>(heads: impl Iterator<Item = Option<&'a LogLine>>) -> Option<usize> {
    let known = heads.enumerate().filter_map(|(index, head)| Some((head?.at, index)));
    known.min().map(|(_, index)| index)
}
