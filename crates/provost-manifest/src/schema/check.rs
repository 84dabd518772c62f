//! The shape of a manifest against its schema: all errors at once, in our words.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use jsonschema::error::ValidationErrorKind as Wrong;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::read::{Content, Kind, Node, Source, Spot, nearest};
use crate::report::{Code, Diagnostic, TOLD_MAX, did_you_mean};
use crate::schema::forms::forms;
use crate::schema::{build, pattern};

/// Each is compiled once it is needed.
static VALIDATORS: LazyLock<BTreeMap<Kind, OnceLock<Result<Validator, String>>>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, OnceLock::new())).collect());

/// Fields that Provost will have, and this version has not.
const PLANNED: [&str; 1] = ["protects"];

/// What is wrong with the shape of `json`, which is `root` of `source`.
pub(crate) fn check(kind: Kind, source: &Arc<Source>, root: &Node, json: &Value) -> Vec<Diagnostic> {
    let validator = match VALIDATORS[&kind].get_or_init(|| pattern::compile(build::of(kind))) {
        Ok(validator) => validator,
        Err(why) => {
            let message = format!("the schema of {kind} does not compile: {why}");
            return vec![Diagnostic::new(Code::INTERNAL, &source.start(), message)];
        }
    };
    let shape = Shape { schema: build::of(kind), source, root };
    validator.iter_errors(json).flat_map(|error| shape.tell(&error)).take(TOLD_MAX + 1).collect()
}

struct Shape<'a> {
    schema: &'a Value,
    source: &'a Arc<Source>,
    root: &'a Node,
}

impl Shape<'_> {
    fn tell(&self, error: &ValidationError<'_>) -> Vec<Diagnostic> {
        let path = segments(error.instance_path().as_str());
        let spot = self.source.spot(nearest(self.root, path.iter().map(String::as_str)));
        let node = self.root.at(path.iter().map(String::as_str)).unwrap_or(self.root);
        let schema = self.schema_of(error);
        let field =
            path.iter().rev().find(|part| part.parse::<usize>().is_err()).map_or("the document", String::as_str);
        let one = match error.kind() {
            Wrong::AdditionalProperties { unexpected } => {
                return unexpected
                    .iter()
                    .take(TOLD_MAX + 1)
                    .map(|key| self.unknown_field(&path, node, key, schema))
                    .collect();
            }
            Wrong::Required { property } => missing(&spot, field, property.as_str().unwrap_or_default(), schema),
            Wrong::Type { .. } => wrong_type(&spot, field, node, schema),
            Wrong::Enum { options } => not_one_of(&spot, options),
            Wrong::Custom { .. } | Wrong::MaxLength { .. } => bad_form(&spot, field, node, schema),
            Wrong::Minimum { limit } => {
                out_of_range(&spot, format!("`{field}` is less than {limit}, the least that it may be"))
            }
            Wrong::Maximum { limit } => {
                out_of_range(&spot, format!("`{field}` is more than {limit}, the most that it may be"))
            }
            Wrong::MinItems { .. } => out_of_range(&spot, format!("`{field}` is an empty list"))
                .hint("leave the field out, or put something in it"),
            other => {
                Diagnostic::new(Code::BAD_FORM, &spot, format!("`{field}` is wrong: {error} ({})", other.keyword()))
            }
        };
        vec![one]
    }

    /// The schema that the error is about.
    fn schema_of(&self, error: &ValidationError<'_>) -> &Value {
        let path = error.schema_path().as_str();
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        self.schema.pointer(above).unwrap_or(&Value::Null)
    }

    fn unknown_field(&self, path: &[String], node: &Node, key: &str, schema: &Value) -> Diagnostic {
        let span = node.entry(key).map_or(node.span.clone(), |entry| entry.key_span.clone());
        let error = Diagnostic::new(Code::UNKNOWN_FIELD, &self.source.spot(span), format!("unknown field `{key}`"));
        if PLANNED.contains(&key) {
            return error.hint(format!("`{key}` is not supported yet by this version"));
        }
        if path == ["spec"] && self.schema.pointer(&format!("/properties/metadata/properties/{key}")).is_some() {
            return error.hint(format!("`{key}` belongs into `metadata`"));
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = known.into_iter().flat_map(|fields| fields.keys().map(String::as_str)).collect();
        error.hint(did_you_mean(key, known.iter().copied()).unwrap_or_else(|| self.all_known(path, &known)))
    }

    /// The fields that there are, or how to have them listed.
    fn all_known(&self, path: &[String], known: &[&str]) -> String {
        if known.len() <= LISTED_MAX {
            return format!("known here: {}", known.join(", "));
        }
        let kind =
            self.schema.pointer("/properties/kind/const").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let fields = path.iter().filter(|part| part.parse::<usize>().is_err()).map(|part| format!(".{part}"));
        format!("`provost explain {kind}{}` lists the fields", fields.collect::<String>())
    }
}

/// The most fields that a hint lists.
const LISTED_MAX: usize = 12;

/// The parts of a JSON pointer.
fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn missing(spot: &Spot, field: &str, property: &str, schema: &Value) -> Diagnostic {
    let example = schema.pointer(&format!("/properties/{property}/examples/0"));
    let hint = match example {
        Some(Value::String(example)) => format!("add `{property}: {example}`"),
        Some(example) => format!("add `{property}: {example}`"),
        None => format!("add `{property}: …`"),
    };
    let message = match field {
        "the document" => format!("`{property}` is missing"),
        _ => format!("`{property}` is missing in `{field}`"),
    };
    Diagnostic::new(Code::MISSING_FIELD, spot, message).hint(hint)
}

fn wrong_type(spot: &Spot, field: &str, node: &Node, schema: &Value) -> Diagnostic {
    let wanted = wanted(schema);
    let (is, hint) = match &node.content {
        Content::Scalar(Value::Null) => {
            let error = Diagnostic::new(Code::NULL, spot, format!("`{field}` has no value; {wanted} is needed"));
            return error.hint("give it a value, or remove the line");
        }
        Content::Scalar(value @ (Value::Bool(_) | Value::Number(_))) if takes(schema, "string") => {
            let is = if value.is_boolean() { "a boolean" } else { "a number" };
            let hint = match schema.get("x-form").and_then(Value::as_str) {
                Some(form @ ("duration" | "size" | "path" | "url")) => forms(form).1.to_owned(),
                _ => format!("put it in quotes: \"{}\"", spot.text()),
            };
            (is, Some(hint))
        }
        Content::Scalar(Value::Bool(_)) => ("a boolean", None),
        Content::Scalar(Value::Number(_)) => ("a number", None),
        Content::Scalar(Value::String(_)) if takes(schema, "boolean") => {
            ("a text", Some("write `true` or `false`, without quotes".to_owned()))
        }
        Content::Scalar(Value::String(text)) if takes(schema, "array") => ("a text", Some(as_list(text))),
        Content::Scalar(Value::String(text)) if takes(schema, "integer") && text.parse::<i64>().is_ok() => {
            ("a text", Some("remove the quotes".to_owned()))
        }
        Content::Scalar(_) => ("a text", None),
        Content::Map(_) => ("an object", None),
        Content::List(_) => ("a list", None),
    };
    let error = Diagnostic::new(Code::WRONG_TYPE, spot, format!("`{field}` is {is}; {wanted} is needed"));
    let example = schema.pointer("/examples/0").map(|example| format!("for example {example}"));
    error.maybe_hint(hint.or(example))
}

/// How a text would be written as a list of its words.
fn as_list(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/' | '.' | '=');
    let words: Vec<&str> = text.split_whitespace().collect();
    if text.chars().all(plain) && !words.is_empty() {
        return format!("write it as a list: [{}]", words.join(", "));
    }
    "write it as a list: [\"one\", \"two\"]".to_owned()
}

fn takes(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|each| each == kind),
        _ => false,
    }
}

/// What is needed, with its article.
fn wanted(schema: &Value) -> String {
    if let Some(form) = schema.get("x-form").and_then(Value::as_str) {
        return forms(form).0.to_owned();
    }
    let words = [
        ("string", "a text"),
        ("integer", "a whole number"),
        ("number", "a number"),
        ("boolean", "`true` or `false`"),
        ("array", "a list"),
        ("object", "an object"),
    ];
    let wanted: Vec<_> = words.into_iter().filter(|(kind, _)| takes(schema, kind)).map(|(_, word)| word).collect();
    wanted.join(" or ")
}

fn not_one_of(spot: &Spot, options: &Value) -> Diagnostic {
    let words: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let text = spot.text();
    let error = Diagnostic::new(Code::NOT_ONE_OF, spot, format!("`{text}` is none of {}", words.join(", ")));
    error.maybe_hint(did_you_mean(text.trim_matches(['"', '\'']), words))
}

fn out_of_range(spot: &Spot, message: String) -> Diagnostic {
    Diagnostic::new(Code::OUT_OF_RANGE, spot, message)
}

fn bad_form(spot: &Spot, field: &str, node: &Node, schema: &Value) -> Diagnostic {
    let form = schema.get("x-form").and_then(Value::as_str).unwrap_or_default();
    let (noun, hint) = forms(form);
    let shown: String = node.as_str().unwrap_or_default().chars().take(60).collect();
    let code = match form {
        "name" => Code::BAD_NAME,
        "image" => Code::IMAGE,
        "path" => Code::PATH,
        _ => Code::BAD_FORM,
    };
    let message = if shown.is_empty() {
        format!("`{field}` is empty; {noun} is needed")
    } else {
        format!("`{shown}` is not {noun}")
    };
    Diagnostic::new(code, spot, message).hint(hint)
}
