//! Doctored ends: C1, C4, C6, E4.

use std::collections::BTreeMap;

use provost_model::{ContainerName, Owner};
use provost_simulator::{Record, What};

use crate::{deed, is_seen, is_started_main};

#[test]
fn c1_a_second_pass_that_still_has_something_to_do() {
    is_seen("C1", |record| {
        record.end.second_pass.push("removes a container".to_owned());
        Some(())
    });
}

#[test]
fn c1_a_world_that_never_comes_to_rest() {
    is_seen("C1", |record| {
        record.end.is_quiet = false;
        Some(())
    });
}

#[test]
fn c4_a_job_that_we_remove_while_it_runs() {
    is_seen("C4", |record| {
        let index = deed(record, is_started_main)?;
        let mut removed = record.evidence[index].clone();
        removed.what = What::Removed { by_us: true, was_running: true };
        record.evidence.insert(index + 1, removed);
        Some(())
    });
}

#[test]
fn c6_a_container_that_is_left() {
    is_seen("C6", |record| {
        record.end.left.insert(ContainerName::parse("provost-sim-left").ok()?);
        Some(())
    });
}

#[test]
fn c6_a_strangers_container_that_is_gone() {
    is_seen("C6", |record| {
        record.end.foreign_gone.insert(ContainerName::parse("shop-database").ok()?);
        Some(())
    });
}

#[test]
fn e4_events_of_one_lane_out_of_order() {
    is_seen("E4", |record| {
        let (first, second) = two_events(record)?;
        // The later one runs when the earlier one does.
        let delay = record.evidence[second].at - record.evidence[first].at;
        let id = record.evidence[second].id;
        for deed in record.evidence.iter_mut().filter(|deed| deed.id == id) {
            deed.at -= delay;
        }
        record.evidence.sort_by_key(|deed| deed.at);
        Some(())
    });
}

/// The starts of the hooks of two events that nobody has a lane of their own for.
fn two_events(record: &Record) -> Option<(usize, usize)> {
    let mut seen: BTreeMap<&Owner, usize> = BTreeMap::new();
    for (index, deed) in record.evidence.iter().enumerate() {
        let Some(tag) =
            deed.tag.as_deref().filter(|tag| deed.what == What::Started && tag.event.starts_with("orders."))
        else {
            continue;
        };
        seen.entry(&tag.owner).or_insert(index);
        if seen.len() == 2 {
            let mut places = seen.values().copied();
            let (one, other) = (places.next()?, places.next()?);
            return Some((one.min(other), one.max(other)));
        }
    }
    None
}
