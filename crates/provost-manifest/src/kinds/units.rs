//! Durations, sizes and shares of a processor, as people write them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// A duration in whole seconds: `90s`, `10m`, `6h`, `1d`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seconds(pub u64);

/// A size in bytes: `512Mi`, `2Gi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub u64);

/// Thousandths of a processor core: `"1"`, `0.5`, `500m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millicores(pub u64);

impl Seconds {
    /// Reads `1d2h3m4s`, each part at most once and in this order.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut units = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)].into_iter();
        let mut total = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let (number, after) = rest.split_at_checked(digits)?;
            let unit = after.chars().next()?;
            let (_, seconds) = units.find(|(name, _)| *name == unit)?;
            total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
            rest = &after[unit.len_utf8()..];
        }
        (!text.is_empty() && total <= MAX_SECONDS).then_some(Self(total))
    }

    /// As short as it can be written.
    pub(crate) fn text(self) -> String {
        let units = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
        let mut rest = self.0;
        let mut text = String::new();
        for (name, seconds) in units {
            if rest >= seconds {
                text += &format!("{}{name}", rest / seconds);
                rest %= seconds;
            }
        }
        if text.is_empty() { "0s".to_owned() } else { text }
    }
}

/// A thousand years: beyond it, instants do not fit the calendar.
const MAX_SECONDS: u64 = 1_000 * 366 * 86_400;

impl Bytes {
    /// Reads a whole number with `Ki`, `Mi`, `Gi` or `Ti`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(2)?)?;
        let shift = match unit {
            "Ki" => 10,
            "Mi" => 20,
            "Gi" => 30,
            "Ti" => 40,
            _ => return None,
        };
        let whole = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse::<u64>().ok().filter(|number| whole && *number < 1 << 20)?;
        Some(Self(number << shift))
    }
}

impl Millicores {
    /// Reads `2`, `0.5` or `500m`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(milli) = text.strip_suffix('m') {
            let whole = !milli.is_empty() && milli.bytes().all(|byte| byte.is_ascii_digit());
            return milli.parse().ok().filter(|milli| whole && *milli <= MAX_MILLICORES).map(Self);
        }
        let plain =
            text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let millis = (text.parse::<f64>().ok().filter(|_| plain)? * 1000.0).round();
        (millis <= MAX_MILLICORES as f64).then_some(Self(millis as u64))
    }
}

const MAX_MILLICORES: u64 = 10_000_000;

macro_rules! written_as_text {
    ($type:ident, $form:literal, $json_type:expr, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(deserializer)?;
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Self::parse(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is not a {}", $form)))
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $form.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": $json_type, "pattern": $pattern, "x-form": $form })
            }
        }
    };
}

written_as_text!(Seconds, "duration", "string", "^(?=[0-9])([0-9]{1,6}d)?([0-9]{1,7}h)?([0-9]{1,8}m)?([0-9]{1,10}s)?$");
written_as_text!(Bytes, "size", "string", "^[0-9]{1,6}(Ki|Mi|Gi|Ti)$");
written_as_text!(Millicores, "cpu", ["string", "number"], "^([0-9]{1,6}m|[0-9]{1,4}(\\.[0-9]{1,3})?)$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("90s", 90), ("10m", 600), ("6h", 21_600), ("1d", 86_400), ("1h30m", 5_400), ("0s", 0), ("1d1s", 86_401)]
        {
            assert_eq!(Seconds::parse(text), Some(Seconds(seconds)), "{text}");
        }
        for text in
            ["", "10", "m", "10 m", "1m1h", "1h1h", "-1s", "1.5h", "10min", "1w", "99999999999999999999s", "400000d"]
        {
            assert_eq!(Seconds::parse(text), None, "{text:?}");
        }
        for (seconds, text) in [(0, "0s"), (5_400, "1h30m"), (86_400, "1d"), (59, "59s")] {
            assert_eq!(Seconds(seconds).text(), text);
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("512Mi", 512 << 20), ("2Gi", 2 << 30), ("1Ki", 1024), ("0Mi", 0)] {
            assert_eq!(Bytes::parse(text), Some(Bytes(bytes)), "{text}");
        }
        for text in ["", "Mi", "512", "512MB", "512M", "1.5Gi", "-1Mi", "+1Mi", "9999999Ti", "ä"] {
            assert_eq!(Bytes::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn cores() {
        for (text, millis) in [("1", 1000), ("0.5", 500), ("500m", 500), ("2.25", 2250)] {
            assert_eq!(Millicores::parse(text), Some(Millicores(millis)), "{text}");
        }
        for text in ["", "m", "-1", "+1", "1e3", "inf", ".5", "0x1"] {
            assert_eq!(Millicores::parse(text), None, "{text:?}");
        }
    }
}
