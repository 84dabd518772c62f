//! A zone as stretches of time in which its offset does not change.

use jiff::Timestamp;

use crate::zone::Zone;

/// Seconds since 1970 in `start..end`, all with the same offset from UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Seconds east of UTC.
    pub(crate) offset: i64,
    /// The offset just before `start`; larger than `offset` if the clocks went back, smaller if forward.
    pub(crate) before: i64,
}

impl Segment {
    /// The local second at `start`.
    pub(crate) fn local_start(&self) -> i64 {
        self.start + self.offset
    }

    /// The local second at `end`, as the clocks show it before they change.
    pub(crate) fn local_end(&self) -> i64 {
        self.end + self.offset
    }

    /// What the clocks would have shown at `start` had they not been changed.
    pub(crate) fn local_expected(&self) -> i64 {
        self.start + self.before
    }
}

/// The segments of `zone` from the one that holds `from` on.
pub(crate) fn segments(zone: &Zone, from: i64) -> impl Iterator<Item = Segment> + '_ {
    let rules = zone.rules();
    let from = instant(from);
    let first = rules.preceding(instant(from.as_second() + 1)).next().map(|change| change.timestamp());
    let mut starts = first.into_iter().chain(rules.following(from).map(|change| change.timestamp())).peekable();
    let mut open = first.is_none();
    std::iter::from_fn(move || {
        let start = if open { Timestamp::MIN } else { starts.next()? };
        open = false;
        let before = start.as_second().saturating_sub(1);
        Some(Segment {
            start: start.as_second(),
            end: starts.peek().map_or(Timestamp::MAX.as_second() + 1, |next| next.as_second()),
            offset: i64::from(rules.to_offset(start).seconds()),
            before: i64::from(rules.to_offset(instant(before)).seconds()),
        })
    })
}

/// The instant, or the nearest that can be told.
fn instant(second: i64) -> Timestamp {
    let second = second.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}
