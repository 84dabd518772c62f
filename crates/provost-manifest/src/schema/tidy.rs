//! Makes a generated schema as strict and as plain as ours are.

use serde_json::{Map, Value, json};

/// Tidies `schema` and everything below it: no nulls (a field is left out, not null), no formats of Rust's, no titles,
/// descriptions on one line.
pub(crate) fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(tidy),
        Value::Object(map) => {
            without_null(map);
            without_rust(map);
            map.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "examples" | "default" | "enum")).for_each(
                |(key, value)| {
                    // Below `properties` the keys are names of fields, not words of the schema.
                    match (key.as_str(), value) {
                        ("properties", Value::Object(fields)) => fields.values_mut().for_each(tidy),
                        (_, value) => tidy(value),
                    }
                },
            );
        }
        _ => {}
    }
}

fn without_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = map.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(ways)) = map.get_mut("anyOf") {
        ways.retain(|way| way != &json!({ "type": "null" }));
        if let [Value::Object(only)] = ways.as_slice() {
            let only = only.clone();
            map.remove("anyOf");
            for (key, value) in only {
                map.entry(key).or_insert(value);
            }
        }
    }
    if map.get("default").is_some_and(is_empty) {
        map.remove("default");
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == &json!([]) || value == &json!({})
}

fn without_rust(map: &mut Map<String, Value>) {
    if map.get("title").is_some_and(Value::is_string) {
        map.remove("title");
    }
    match map.get("format").and_then(Value::as_str) {
        Some("uint32") => {
            map.remove("format");
            map.entry("maximum").or_insert(json!(u32::MAX));
        }
        Some("int64" | "uint64" | "double") => drop(map.remove("format")),
        _ => {}
    }
    if let Some(Value::String(text)) = map.get_mut("description") {
        *text = text.replace("\n\n", "\u{1}").replace('\n', " ").replace('\u{1}', "\n\n");
    }
}
