//! Decisions: what follows from what is wanted, what was recorded, what is seen, and what time it is.
//!
//! Everything here is a pure function of a [`World`]. [`decide`] says what is to be recorded, [`actions`] says what is to
//! be done about it, [`changes`] compares revisions, [`forecast`] looks ahead. It does not know how anything is done.

mod act;
mod admit;
mod agenda;
mod changes;
mod consequence;
mod due;
mod event;
mod forecast;
mod health;
mod notice;
mod plan;
mod queue;
mod request;
mod run;
mod service;
mod step;
mod world;

pub use act::{AHEAD_MAX, AHEAD_S, Action, OutputOf, actions, made_ahead, notice_of_question, output_of, strays};
pub use admit::{Admission, admit};
pub use agenda::Agenda;
pub use changes::*;
pub use consequence::consequences;
pub use due::{CATCH_UP_MAX, ON_TIME_S, frozen_at, next_due, start_of};
pub use forecast::{Upcoming, forecast};
pub use health::Answers;
pub use notice::after_failed_delivery;
pub use plan::{decide, plan};
pub use request::{event_json, masked_values, request_for, run_data};
pub use step::{Subject, TRIES_MAX, grace_s, timeout_s};
pub use world::{Identity, Moves, Requests, Seen, World};
