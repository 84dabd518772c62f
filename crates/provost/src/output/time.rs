//! Instants and durations for people: the zone by its name, and how far away.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// What time it is, and in which zone times are told.
#[derive(Clone, Debug)]
pub struct Times {
    /// The instant that it is now.
    pub now: Timestamp,
    /// The zone that times are told in.
    pub zone: TimeZone,
}

impl Times {
    /// `Fri 20 Nov 2026 18:35 CET`
    pub fn full(&self, instant: Timestamp) -> String {
        let local = self.local(instant);
        format!("{} {}", local.strftime("%a %-d %b %Y"), clock(&local))
    }

    /// As short as is clear now: `18:35 CET`, `Sat 02:00 CET`, `20 Dec 02:00 CET`, `20 Nov 2027 02:00 CET`.
    pub fn short(&self, instant: Timestamp) -> String {
        let (local, today) = (self.local(instant), self.local(self.now));
        let days = (local.date() - today.date()).get_days();
        let day = match days {
            0 => return clock(&local),
            -6..=6 => "%a",
            _ if local.year() == today.year() || days.abs() < 180 => "%-d %b",
            _ => "%-d %b %Y",
        };
        format!("{} {}", local.strftime(day), clock(&local))
    }

    /// `in 7h 25m`, `3m 12s ago`, `now`.
    pub fn relative(&self, instant: Timestamp) -> String {
        let away = instant.duration_since(self.now);
        match away.as_secs() {
            0 => "now".to_owned(),
            1.. => format!("in {}", duration(away)),
            _ => format!("{} ago", duration(-away)),
        }
    }

    /// `Sat 02:00 CET, in 7h 25m`
    pub fn when(&self, instant: Timestamp) -> String {
        format!("{}, {}", self.short(instant), self.relative(instant))
    }

    /// The time of day alone, with seconds, for lists that grow: `18:35:02`.
    pub fn of_day(&self, instant: Timestamp) -> String {
        self.local(instant).strftime("%H:%M:%S").to_string()
    }

    fn local(&self, instant: Timestamp) -> Zoned {
        instant.to_zoned(self.zone.clone())
    }
}

/// `02:00 CET`; with seconds if it has any.
fn clock(local: &Zoned) -> String {
    let format = if local.second() == 0 { "%H:%M %Z" } else { "%H:%M:%S %Z" };
    local.strftime(format).to_string()
}

/// The two largest units: `3d 4h`, `7h 25m`, `3m 12s`, `41s`, `1.2s`, `340ms`.
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().unsigned_abs();
    let two = |large: u64, large_unit: char, small: u64, small_unit: char| {
        if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit} {small}{small_unit}") }
    };
    match seconds {
        0 if length.as_millis() != 0 => format!("{}ms", length.as_millis().unsigned_abs()),
        0..10 => {
            let tenths = length.as_millis().unsigned_abs() / 100;
            if tenths.is_multiple_of(10) {
                format!("{}s", tenths / 10)
            } else {
                format!("{}.{}s", tenths / 10, tenths % 10)
            }
        }
        10..60 => format!("{seconds}s"),
        60..3_600 => two(seconds / 60, 'm', seconds % 60, 's'),
        3_600..86_400 => two(seconds / 3_600, 'h', seconds / 60 % 60, 'm'),
        _ => two(seconds / 86_400, 'd', seconds / 3_600 % 24, 'h'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Times {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Times { now: "2026-11-20T17:35:00Z".parse().unwrap(), zone }
    }

    #[test]
    fn instants_are_told_with_their_zone_and_how_far_away_they_are() {
        let times = berlin();
        let check = |instant: &str, expected: &str| assert_eq!(times.when(instant.parse().unwrap()), expected);
        check("2026-11-20T17:45:00Z", "18:45 CET, in 10m");
        check("2026-11-21T01:00:00Z", "Sat 02:00 CET, in 7h 25m");
        check("2026-11-20T17:34:18Z", "18:34:18 CET, 42s ago");
        check("2027-03-28T00:00:00Z", "28 Mar 01:00 CET, in 127d 6h");
        check("2027-12-20T01:00:00Z", "20 Dec 2027 02:00 CET, in 394d 7h");
        check("2026-11-20T17:35:00Z", "18:35 CET, now");
        assert_eq!(times.full(times.now), "Fri 20 Nov 2026 18:35 CET");
    }

    #[test]
    fn durations_have_two_units() {
        let check = |millis: i64, expected: &str| assert_eq!(duration(SignedDuration::from_millis(millis)), expected);
        check(0, "0s");
        check(340, "340ms");
        check(1_200, "1.2s");
        check(3_000, "3s");
        check(41_900, "41s");
        check(192_000, "3m 12s");
        check(3_600_000, "1h");
        check(273_600_000, "3d 4h");
    }
}
