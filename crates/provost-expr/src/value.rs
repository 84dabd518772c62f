//! JSON to CEL.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value as Cel;
use cel::objects::{Key, Map};
use serde_json::Value;

/// How deep a value may nest.
const VALUE_DEPTH_MAX: usize = 128;

/// Converts `value`. Whole numbers become `int`: as `uint`, which the library would make of them, `x + 1` is an error.
///
/// Errors: one sentence, if it is nested too deeply.
pub(crate) fn to_cel(value: &Value) -> Result<Cel, String> {
    convert(value, 0)
}

fn convert(value: &Value, depth: usize) -> Result<Cel, String> {
    if depth > VALUE_DEPTH_MAX {
        return Err(format!("the data is nested deeper than {VALUE_DEPTH_MAX} levels"));
    }
    Ok(match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cel::Int(whole),
            None => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(list) => {
            Cel::List(Arc::new(list.iter().map(|value| convert(value, depth + 1)).collect::<Result<_, _>>()?))
        }
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| Ok((Key::from(key.as_str()), convert(value, depth + 1)?));
            Cel::Map(Map { map: Arc::new(map.iter().map(pair).collect::<Result<HashMap<_, _>, String>>()?) })
        }
    })
}

/// A value's type, for people.
pub(crate) fn describe(value: &Cel) -> &'static str {
    match value {
        Cel::Null => "null",
        Cel::Bool(_) => "true or false",
        Cel::Int(_) | Cel::UInt(_) | Cel::Float(_) => "a number",
        Cel::String(_) => "text",
        Cel::List(_) => "a list",
        Cel::Map(_) => "a map",
        _ => "something else",
    }
}
