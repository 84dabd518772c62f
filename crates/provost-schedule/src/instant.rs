//! Instants as whole seconds since 1970, which is what due times are.

use jiff::Timestamp;

/// The second in which `instant` lies: parts of it are cut off downwards, also before 1970.
pub(crate) fn second_of(instant: Timestamp) -> i64 {
    instant.as_second() - i64::from(instant.subsec_nanosecond() < 0)
}

/// The instant at which a second starts; `None` beyond the years that can be told.
pub(crate) fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}
