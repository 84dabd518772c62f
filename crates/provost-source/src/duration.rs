//! Durations in the server configuration: text such as `30s`, `5m`, `1h30m`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de::Error};

/// The shortest poll interval and timeout: less would only load the server at the other end.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest: whoever writes more has most likely mistaken the unit.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads a duration between a second and a day.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).map_err(D::Error::custom)
}

fn parse(text: &str) -> Result<Duration, String> {
    let duration = text
        .parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| format!("{text:?} is not a duration; write it like 30s, 5m or 1h30m"))?;
    if (SHORTEST..=LONGEST).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!("{text:?} is not between 1s and 24h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_bounded() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("1h30m", 5400), ("1s", 1), ("24h", 86_400)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "30", "soon", "5 parsecs"] {
            assert!(parse(bad).unwrap_err().contains("is not a duration"), "{bad}");
        }
        for bad in ["0s", "500ms", "25h"] {
            assert!(parse(bad).unwrap_err().contains("is not between"), "{bad}");
        }
        assert!(parse("-5s").is_err());
    }
}
