//! What entries of newer tar files say beyond the fields of their headers.

use std::collections::BTreeMap;

use crate::Refusal;

/// `LENGTH KEY=VALUE\n`, again and again; the length is that of the whole record.
/// Source: POSIX.1-2024, pax, "pax Extended Header".
pub(super) fn records(mut rest: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Refusal> {
    let mut records = BTreeMap::new();
    while !rest.is_empty() {
        let wrong = || Refusal::Header("its pax records make no sense".to_owned());
        let (key, value, after) = record(rest).ok_or_else(wrong)?;
        records.insert(key.to_vec(), value.to_vec());
        rest = after;
    }
    Ok(records)
}

/// Key and value of the first record, and what follows it.
fn record(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = rest.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(number(&rest[..digits])?).ok()?;
    let record = rest.get(digits + 1..length)?.strip_suffix(b"\n")?;
    let key = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..key], &record[key + 1..], &rest[length..]))
}

pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `1700000000.25`, `-1`
pub(super) fn time(text: &[u8]) -> Option<(i64, u32)> {
    let text = str::from_utf8(text).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos = u32::try_from(number(digits.as_bytes())?).ok()?;
    let seconds: i64 = seconds.parse().ok()?;
    if text.starts_with('-') && nanos > 0 {
        Some((seconds.checked_sub(1)?, 1_000_000_000 - nanos))
    } else {
        Some((seconds, nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_fractions_and_may_be_before_the_epoch() {
        for (text, expected) in [("0", (0, 0)), ("1.000000001", (1, 1)), ("1.5", (1, 500_000_000)), ("-1", (-1, 0))] {
            assert_eq!(time(text.as_bytes()), Some(expected), "{text}");
        }
        assert_eq!(time(b"-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time(b"1.0000000019"), Some((1, 1)));
        for bad in ["", ".", "x", "1.x", "99999999999999999999"] {
            assert_eq!(time(bad.as_bytes()), None, "{bad}");
        }
    }
}
