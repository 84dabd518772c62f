use jiff::{Timestamp, ToSpan as _};
use provost_schedule::{Cron, Keep, OnFold, OnGap, Schedule, Timing, Zone, clock_changes, describe, due_times};

/// Zones with ordinary, half-hour, midnight and no clock changes.
const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "America/Vancouver",
    "UTC",
];

/// The zone, the year, and an expression: refused with a place in the text, or due in rising order, soon.
pub fn schedule(bytes: &[u8]) {
    let [zone, year, choice, text @ ..] = bytes else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let cron = match Cron::parse(text) {
        Ok(cron) => cron,
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "{:?} of {text:?}", error.span);
            return;
        }
    };
    assert!(!describe(&cron).is_empty());
    let again = Cron::parse(cron.source()).expect("what was accepted is accepted again");
    assert_eq!(again.is_interval(), cron.is_interval());
    let zone = Zone::parse(ZONES[usize::from(zone % 8)]).unwrap();
    let on_gap = if choice & 1 == 0 { OnGap::NextValid } else { OnGap::Skip };
    let on_fold = if choice & 2 == 0 { OnFold::First } else { OnFold::Both };
    let schedule = Schedule { timing: Timing::Cron { cron, zone, on_gap, on_fold }, jitter_s: u64::from(*choice) };
    let from = Timestamp::from_second((i64::from(*year) - 10) * 31_556_952).unwrap();
    due(&schedule, from);
    let until = from.checked_add((24 * 400).hours()).unwrap();
    clock_changes(&schedule, from, until);
    let stored = serde_json::to_string(&schedule).unwrap();
    assert_eq!(serde_json::from_str::<Schedule>(&stored).unwrap(), schedule);
}

/// One by one, all together, and by arithmetic it is due at the same times.
fn due(schedule: &Schedule, from: Timestamp) {
    let mut at = from;
    let mut times = Vec::new();
    while let Some(next) = schedule.next_after(at).filter(|_| times.len() < 40) {
        assert!(next > at, "{next} is not after {at}");
        let start = schedule.start_at("nightly", next);
        assert!(start >= next && start.duration_since(next).as_secs() <= schedule.jitter_s.cast_signed());
        times.push(next);
        at = next;
    }
    let Some(last) = times.last() else {
        return;
    };
    let listed = due_times(std::slice::from_ref(schedule), from, *last, times.len(), Keep::First);
    assert_eq!((listed.times.as_slice(), listed.omitted), (times.as_slice(), 0));
    let half = due_times(std::slice::from_ref(schedule), from, *last, times.len() / 2, Keep::Last);
    assert_eq!(half.times, times[times.len() - times.len() / 2..]);
    assert_eq!(half.omitted, (times.len() - times.len() / 2) as u64);
}
