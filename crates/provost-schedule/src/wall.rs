//! Due times of an expression in a zone: the rules for clock changes (T2).
//!
//! A zone is walked segment by segment. Within one, local and elapsed time run alike, and what is due is a matter of the
//! calendar. At its start the clocks have changed, and the rules say what that adds or takes away:
//!
//! * forward: a fixed time in the gap is due at the first instant after it (`NextValid`), or not at all (`Skip`);
//! * back: a fixed time that the previous segment has shown already is not due again (`First`), or is (`Both`);
//! * an interval schedule takes every segment as it is.

use crate::expression::Cron;
use crate::pattern::{DAY, HORIZON};
use crate::schedule::{OnFold, OnGap};
use crate::segment::{Segment, segments};
use crate::zone::Zone;

/// An expression on the wall clock of a zone. All times are seconds since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Wall<'a> {
    pub(crate) cron: &'a Cron,
    pub(crate) zone: &'a Zone,
    pub(crate) on_gap: OnGap,
    pub(crate) on_fold: OnFold,
}

impl Wall<'_> {
    /// The first due time after `after`, `None` if there is none until the end of 2100.
    ///
    /// Bounded (T3): a zone has a few clock changes a year at most, and each costs one look into the calendar.
    pub(crate) fn next_after(&self, after: i64) -> Option<i64> {
        let after = after.max(-2 * DAY);
        for segment in segments(self.zone, after) {
            if segment.start > after && self.gap_is_due(&segment) {
                return Some(segment.start);
            }
            let from = self.local_from(&segment).max(after + 1 + segment.offset);
            let next = self.cron.calendar().next(from - 1)?;
            if next < segment.local_end() {
                return Some(next - segment.offset);
            }
        }
        None
    }

    /// How many due times are in `(after, until]`.
    pub(crate) fn count(&self, after: i64, until: i64) -> u64 {
        let pattern = self.cron.pattern();
        let mut count = 0;
        self.pieces(after, until, |piece| {
            count += u64::from(piece.gap_start.is_some()) + pattern.count(piece.from, piece.to);
        });
        count
    }

    /// Calls `visit` with each due time in `(after, until]`, in order.
    pub(crate) fn each(&self, after: i64, until: i64, visit: &mut impl FnMut(i64)) {
        let pattern = self.cron.pattern();
        self.pieces(after, until, |piece| {
            if let Some(start) = piece.gap_start {
                visit(start);
            }
            pattern.each(piece.from, piece.to, &mut |local| visit(local - piece.offset));
        });
    }

    fn pieces(&self, after: i64, until: i64, mut visit: impl FnMut(Piece)) {
        let (after, until) = (after.max(-2 * DAY), until.min(HORIZON + DAY));
        if after >= until {
            return;
        }
        for segment in segments(self.zone, after).take_while(|segment| segment.start <= until) {
            let gap = segment.start > after && self.gap_is_due(&segment);
            // A gap that ends on a due time makes one start of the two.
            let due_anyway = self.cron.pattern().count(segment.local_start(), segment.local_start() + 1) == 1;
            visit(Piece {
                gap_start: (gap && !due_anyway).then_some(segment.start),
                from: self.local_from(&segment).max(after + 1 + segment.offset),
                to: segment.local_end().min(until + 1 + segment.offset),
                offset: segment.offset,
            });
        }
    }

    /// Whether a fixed time fell into the gap before `segment` and is made good at its start.
    fn gap_is_due(&self, segment: &Segment) -> bool {
        let made_good = !self.cron.is_interval() && self.on_gap == OnGap::NextValid;
        made_good && self.cron.pattern().count(segment.local_expected(), segment.local_start()) > 0
    }

    /// The first local second of `segment` that counts.
    fn local_from(&self, segment: &Segment) -> i64 {
        let once = !self.cron.is_interval() && self.on_fold == OnFold::First;
        if once { segment.local_start().max(segment.local_expected()) } else { segment.local_start() }
    }
}

/// The part of a segment that is asked for: local seconds `from..to`, and its start if a gap is made good there.
struct Piece {
    gap_start: Option<i64>,
    from: i64,
    to: i64,
    offset: i64,
}
