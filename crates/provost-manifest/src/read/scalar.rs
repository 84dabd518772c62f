//! What a plain scalar means: YAML 1.2, core schema.

use serde_json::{Number, Value};

/// The value of `text` without quotes. What only YAML 1.1 takes for a number or a boolean (`010`, `1_000`, `yes`) is text.
pub(crate) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().filter(|_| is_digits(hex, 16)).map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().filter(|_| is_digits(octal, 8)).map(Number::from);
    }
    if is_digits(unsigned, 10) {
        let ambiguous = unsigned.len() > 1 && unsigned.starts_with('0');
        let whole = text.strip_prefix('+').unwrap_or(text);
        let whole = whole.parse::<i64>().map(Number::from).or_else(|_| whole.parse::<u64>().map(Number::from));
        return whole.ok().filter(|_| !ambiguous);
    }
    let digits_and_point = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !digits_and_point || unsigned.starts_with("00") {
        return None;
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

fn is_digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("null", json!(null)),
            ("True", json!(true)),
            ("5", json!(5)),
            ("-5", json!(-5)),
            ("+5", json!(5)),
            ("0", json!(0)),
            ("0x1f", json!(31)),
            ("0o17", json!(15)),
            ("1.10", json!(1.1)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("18446744073709551615", json!(u64::MAX)),
        ] {
            assert_eq!(plain(text), value, "{text:?}");
        }
    }

    #[test]
    fn what_only_yaml_1_1_knows_is_text() {
        for text in [
            "yes", "no", "on", "off", "y", "010", "1_000", "1:30", "0b1", "nan", ".", "e", "1.2.3", "5e", "-", "--5",
            "0x", "٣",
        ] {
            assert_eq!(plain(text), json!(text), "{text:?}");
        }
    }
}
