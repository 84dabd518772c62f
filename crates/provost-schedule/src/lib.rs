//! When things are due: cron expressions, periods and instants, and what clock changes do to them.
//!
//! Everything here is a function of its arguments. There is no clock, no file and no environment in it, and the time
//! zones are compiled in, so that a schedule means the same on every machine.
//!
//! * [`Cron`] is an expression in the five-field dialect, with errors and warnings that say where and how to mend.
//! * [`Schedule`] is a [`Timing`] and a jitter; [`Schedule::next_after`] finds the next due time.
//! * [`due_times`] lists and counts those of a stretch of time, [`clock_changes`] says which of them a change of the
//!   clocks touches, [`describe`] tells an expression in words.
//!
//! ```
//! use provost_schedule::{Cron, OnFold, OnGap, Schedule, Timing, Zone, describe};
//!
//! let cron = Cron::parse("30 2 * * mon-fri").expect("five fields");
//! assert_eq!(describe(&cron), "at 02:30 on every weekday (Monday to Friday)");
//! let zone = Zone::parse("Europe/Berlin").expect("an IANA name");
//! let timing = Timing::Cron { cron, zone, on_gap: OnGap::NextValid, on_fold: OnFold::First };
//! let schedule = Schedule { timing, jitter_s: 0 };
//! let sunday = "2026-01-04T12:00:00Z".parse().expect("an instant");
//! assert_eq!(schedule.next_after(sunday).map(|due| due.to_string()).as_deref(), Some("2026-01-05T01:30:00Z"));
//! ```

mod calendar;
mod change;
mod describe;
mod due;
mod error;
mod expression;
mod field;
mod instant;
mod item;
mod parse;
mod pattern;
mod refuse;
mod schedule;
mod segment;
mod set;
mod stored;
mod wall;
mod word;
mod zone;

pub use change::{ChangeKind, ClockChange, clock_changes};
pub use describe::{describe, describe_schedule};
pub use due::{Due, Keep, due_times};
pub use error::{CronError, CronErrorKind, CronWarning};
pub use expression::Cron;
pub use schedule::{OnFold, OnGap, Schedule, Timing};
pub use zone::{Zone, ZoneError, zone_database_version};
