//! What is known of a field, for `explain`.

use serde_json::Value;

use crate::read::Kind;
use crate::report::did_you_mean;
use crate::schema::build;

/// What is known of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDoc {
    /// Its path: `automation.spec.timeout`.
    pub path: String,
    /// What may be written: `duration`, `list of text`, `one of Forbid, Queue`.
    pub kind: String,
    /// What holds where nothing is written.
    pub default: Option<Value>,
    /// Whether it has to be written.
    pub required: bool,
    /// What it means, in sentences.
    pub description: String,
    /// How it may be written.
    pub example: Option<Value>,
    /// The fields below it.
    pub fields: Vec<String>,
}

/// The field at `path`: a kind in lower case, then the fields, with dots (`automation.spec.timeout`). Lists and maps add
/// nothing to a path: `policy.spec.hooks.image`.
///
/// Errors: one sentence that says which part is unknown, with the nearest that is known.
pub fn field_docs(path: &str) -> Result<FieldDoc, String> {
    let mut parts = path.split('.').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(first));
    let kinds = Kind::ALL.map(|kind| kind.as_str().to_lowercase());
    let kind = kind.ok_or_else(|| unknown(first, kinds.iter().map(String::as_str)))?;
    let mut schema = build::of(kind);
    let mut required = true;
    for part in parts {
        let above = below(schema);
        let fields = above.get("properties").and_then(Value::as_object);
        let known = || fields.into_iter().flat_map(|fields| fields.keys().map(String::as_str));
        schema = fields.and_then(|fields| fields.get(part)).ok_or_else(|| unknown(part, known()))?;
        let names = above.get("required").and_then(Value::as_array);
        required = names.is_some_and(|names| names.iter().any(|name| name == part));
    }
    let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let fields = below(schema).get("properties").and_then(Value::as_object);
    Ok(FieldDoc {
        path: path.to_owned(),
        kind: kind_of(schema),
        default: schema.get("default").cloned(),
        required,
        description: text("description"),
        example: schema.pointer("/examples/0").cloned(),
        fields: fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default(),
    })
}

fn unknown<'a>(part: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    let hint = did_you_mean(part, known.iter().copied());
    let hint = hint.unwrap_or_else(|| {
        if known.is_empty() { "nothing is below it".to_owned() } else { format!("known are {}", known.join(", ")) }
    });
    format!("there is no field `{part}` here; {hint}")
}

/// The schema of the items of a list or the values of a map; else `schema` itself.
fn below(schema: &Value) -> &Value {
    if schema.get("properties").is_some() {
        return schema;
    }
    let inner = schema.get("items").or_else(|| schema.get("additionalProperties"));
    inner.filter(|inner| inner.is_object()).map_or(schema, below)
}

fn kind_of(schema: &Value) -> String {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> =
            words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
        return format!("one of {}", words.join(", "));
    }
    if let Some(only) = schema.get("const").and_then(Value::as_str) {
        return format!("`{only}`");
    }
    if let Some(form) = schema.get("x-form").and_then(Value::as_str) {
        return form.to_owned();
    }
    match schema.get("type") {
        Some(Value::String(kind)) => one_kind(kind, schema),
        Some(Value::Array(kinds)) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).map(|kind| one_kind(kind, schema)).collect();
            kinds.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn one_kind(kind: &str, schema: &Value) -> String {
    let of = |key: &str| schema.get(key).filter(|inner| inner.is_object()).map(kind_of);
    match kind {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => format!("list of {}", of("items").unwrap_or_else(|| "anything".to_owned())),
        "object" => of("additionalProperties").map_or_else(|| "object".to_owned(), |of| format!("map to {of}")),
        other => other.to_owned(),
    }
}
