//! What a request says besides its body: in its path, behind `?`, and in headers.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use crate::server::{Answer, Route, SchemaOf};

/// The parts of `path` that vary.
pub(super) fn of_path(path: &str) -> Vec<Value> {
    let parts = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name| {
        let pattern = match name {
            "name" => "^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$",
            _ => "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$",
        };
        json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "pattern": pattern}})
    };
    parts.map(parameter).collect()
}

/// What may follow `?`, one parameter for each field of the type that `query` describes, and the type's name.
pub(super) fn of_query(query: SchemaOf, generator: &mut SchemaGenerator) -> (Option<String>, Vec<Value>) {
    let schema = query(generator);
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next()).map(str::to_owned);
    let whole = name.as_ref().and_then(|name| generator.definitions().get(name));
    let whole = whole.cloned().unwrap_or_else(|| schema.to_value());
    let fields = whole["properties"].as_object().cloned().unwrap_or_default();
    (name, fields.into_iter().map(|(field, schema)| of_field(&field, schema)).collect())
}

fn of_field(name: &str, mut schema: Value) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({"name": name, "in": "query", "schema": without_null(schema)});
    if let Some(description) = description {
        parameter["description"] = description;
    }
    parameter
}

/// A field that may be absent may be null in JSON; behind `?` there is no null.
fn without_null(mut schema: Value) -> Value {
    let is_null = |it: &Value| *it == json!("null") || *it == json!({"type": "null"});
    for key in ["type", "anyOf"] {
        if let Some(Value::Array(choices)) = schema.get_mut(key) {
            choices.retain(|it| !is_null(it));
            if let [only] = choices.as_slice() {
                let only = only.clone();
                match key {
                    "type" => schema["type"] = only,
                    _ => return only,
                }
            }
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.retain(|key, value| key != "default" || !value.is_null());
    }
    schema
}

/// The headers that mean something to `route`.
pub(super) fn of_headers(route: &Route) -> Vec<Value> {
    let header = |name: &str, description: &str, most: usize| {
        json!({
            "name": name,
            "in": "header",
            "description": description,
            "schema": {"type": "string", "minLength": 1, "maxLength": most, "pattern": "^[!-~]+$"},
        })
    };
    let mut headers = Vec::new();
    if route.starts {
        let what = "The same as `request` in the body: asking twice with one key starts once, and answers the same.";
        headers.push(header("Idempotency-Key", what, 128));
    }
    if matches!(route.answer, Answer::Lines(_)) {
        let what = "The id of the last event that was read, of a stream that broke off: it goes on behind that.";
        headers.push(header("Last-Event-ID", what, 128));
    }
    headers
}
