//! Durations as people write them: `90s`, `10m`, `1h30m`, `2w`.

use jiff::SignedDuration;

/// Reads a duration: one or more whole numbers, each with `ms`, `s`, `m`, `h`, `d` (24 hours) or `w`.
///
/// Errors: one sentence with the mend.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let refusal = || format!("{text:?} is not a duration: write it like 90s, 10m, 6h, 2d or 2w");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(refusal());
    }
    let mut millis: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refusal)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = unit_millis(unit).ok_or_else(refusal)?;
        let number: i64 = number.parse().map_err(|_| refusal())?;
        millis = number.checked_mul(unit).and_then(|part| millis.checked_add(part)).ok_or_else(refusal)?;
        rest = tail;
    }
    Ok(SignedDuration::from_millis(millis))
}

fn unit_millis(unit: &str) -> Option<i64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    })
}

/// Reads a moment: a duration before or after `now`, as `direction` says, or an instant in RFC 3339.
pub fn parse_moment(text: &str, now: jiff::Timestamp, direction: Direction) -> Result<jiff::Timestamp, String> {
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let away = parse_duration(text)
        .map_err(|_| format!("{text:?} is no time: write it like 2h, 30m or 2026-11-20T02:00:00+01:00"))?;
    let away = if direction == Direction::Back { -away } else { away };
    now.checked_add(away).map_err(|_| format!("{text:?} is too far away"))
}

/// Which way a duration counts from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `--since`
    Back,
    /// `--until`
    Ahead,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_or_refused_with_the_mend() {
        let check = |text: &str, millis: i64| assert_eq!(parse_duration(text).unwrap().as_millis(), i128::from(millis));
        check("200ms", 200);
        check("90s", 90_000);
        check("1h30m", 5_400_000);
        check("2w", 1_209_600_000);
        for bad in ["", "5", "m", "5 m", "5x", "-5s", "99999999999999999999s", "999999999999999w", "1.5h"] {
            assert!(parse_duration(bad).unwrap_err().contains("write it like"), "{bad}");
        }
    }

    #[test]
    fn moments_are_durations_from_now_or_instants() {
        let now: jiff::Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let check = |text: &str, direction, expected: &str| {
            assert_eq!(parse_moment(text, now, direction).unwrap().to_string(), expected);
        };
        check("2h", Direction::Back, "2026-11-20T10:00:00Z");
        check("2h", Direction::Ahead, "2026-11-20T14:00:00Z");
        check("2026-11-20T02:00:00+01:00", Direction::Back, "2026-11-20T01:00:00Z");
        assert!(parse_moment("soon", now, Direction::Back).is_err());
    }
}
