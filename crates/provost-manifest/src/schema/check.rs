//! The shape of a manifest against its schema: all errors at once, in our words.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jsonschema::error::ValidationErrorKind as Wrong;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::read::{Content, Kind, Node, Source, Spot, nearest};
use crate::report::{Code, Diagnostic, did_you_mean};
use crate::schema::build;

/// Compiled once; a schema of ours that does not compile fails every test.
static VALIDATORS: LazyLock<BTreeMap<Kind, Validator>> = LazyLock::new(|| {
    let compiled = Kind::ALL.into_iter().map(|kind| (kind, jsonschema::draft7::new(build::of(kind))));
    compiled.filter_map(|(kind, validator)| Some((kind, validator.ok()?))).collect()
});

/// Fields that Provost will have, and this version has not.
const PLANNED: [&str; 6] = ["secrets", "requires", "actions", "skills", "protects", "age"];

/// What is wrong with the shape of `json`, which is `root` of `source`.
pub(crate) fn check(kind: Kind, source: &Arc<Source>, root: &Node, json: &Value) -> Vec<Diagnostic> {
    let Some(validator) = VALIDATORS.get(&kind) else {
        return vec![Diagnostic::new(Code::INTERNAL, &source.start(), format!("the schema of {kind} does not compile"))];
    };
    let shape = Shape { schema: build::of(kind), source, root };
    validator.iter_errors(json).flat_map(|error| shape.tell(&error)).collect()
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
        let field = path.iter().rev().find(|part| part.parse::<usize>().is_err()).map_or("the document", String::as_str);
        let one = match error.kind() {
            Wrong::AdditionalProperties { unexpected } => {
                return unexpected.iter().map(|key| self.unknown_field(node, key, schema)).collect();
            }
            Wrong::Required { property } => missing(&spot, field, property.as_str().unwrap_or_default(), schema),
            Wrong::Type { .. } => wrong_type(&spot, field, node, schema),
            Wrong::Enum { options } => not_one_of(&spot, options),
            Wrong::Pattern { .. } | Wrong::MaxLength { .. } => bad_form(&spot, field, node, schema),
            Wrong::Minimum { limit } => out_of_range(&spot, format!("`{field}` is less than {limit}, the least that it may be")),
            Wrong::Maximum { limit } => out_of_range(&spot, format!("`{field}` is more than {limit}, the most that it may be")),
            Wrong::MinItems { .. } => out_of_range(&spot, format!("`{field}` is an empty list")).hint("leave the field out, or put something in it"),
            other => Diagnostic::new(Code::BAD_FORM, &spot, format!("`{field}` is wrong: {error} ({})", other.keyword())),
        };
        vec![one]
    }

    /// The schema that the error is about.
    fn schema_of(&self, error: &ValidationError<'_>) -> &Value {
        let path = error.schema_path().as_str();
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        self.schema.pointer(above).unwrap_or(&Value::Null)
    }

    fn unknown_field(&self, node: &Node, key: &str, schema: &Value) -> Diagnostic {
        let span = node.entry(key).map_or(node.span.clone(), |entry| entry.key_span.clone());
        let error = Diagnostic::new(Code::UNKNOWN_FIELD, &self.source.spot(span), format!("unknown field `{key}`"));
        let known = schema.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = known.into_iter().flat_map(|fields| fields.keys().map(String::as_str)).collect();
        if PLANNED.contains(&key) {
            return error.hint(format!("`{key}` is not supported yet by this version"));
        }
        let all = (!known.is_empty()).then(|| format!("known here: {}", known.join(", ")));
        error.maybe_hint(did_you_mean(key, known.iter().copied()).or(all))
    }
}

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
        Content::Scalar(Value::Bool(_) | Value::Number(_)) if takes(schema, "string") => {
            let is = if matches!(node.content, Content::Scalar(Value::Bool(_))) { "a boolean" } else { "a number" };
            (is, Some(format!("put it in quotes: \"{}\"", spot.text())))
        }
        Content::Scalar(Value::Bool(_)) => ("a boolean", None),
        Content::Scalar(Value::Number(_)) => ("a number", None),
        Content::Scalar(Value::String(_)) if takes(schema, "boolean") => ("a text", Some("write `true` or `false`, without quotes".to_owned())),
        Content::Scalar(Value::String(text)) if takes(schema, "array") => ("a text", Some(format!("write it as a list: [{text}]"))),
        Content::Scalar(Value::String(text)) if takes(schema, "integer") && text.parse::<i64>().is_ok() => ("a text", Some("remove the quotes".to_owned())),
        Content::Scalar(_) => ("a text", None),
        Content::Map(_) => ("an object", None),
        Content::List(_) => ("a list", None),
    };
    let error = Diagnostic::new(Code::WRONG_TYPE, spot, format!("`{field}` is {is}; {wanted} is needed"));
    let example = schema.pointer("/examples/0").map(|example| format!("for example {example}"));
    error.maybe_hint(hint.or(example))
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
    let words = [("string", "a text"), ("integer", "a whole number"), ("number", "a number"), ("boolean", "`true` or `false`"), ("array", "a list"), ("object", "an object")];
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
    let message = if shown.is_empty() { format!("`{field}` is empty; {noun} is needed") } else { format!("`{shown}` is not {noun}") };
    Diagnostic::new(code, spot, message).hint(hint)
}

/// What each form of text is called, and how it is written.
fn forms(form: &str) -> (&'static str, &'static str) {
    match form {
        "duration" => ("a duration", "write it as `90s`, `10m`, `6h`, `1d` or `1h30m`"),
        "size" => ("a size", "write it as `512Mi` or `2Gi`: a whole number with Ki, Mi, Gi or Ti"),
        "cpu" => ("a number of processor cores", "write it as `\"1\"`, `0.5` or `500m`"),
        "name" => ("a name", "a name is made of a-z, 0-9 and `-` (not first or last), at most 52 characters"),
        "image" => ("a reference of an image", "write it as `registry.example.org/path/name:tag`, in lower case; a digest follows as `@sha256:…`"),
        "path" => ("an absolute path", "begin it with `/`"),
        "user" => ("a user", "write it as `uid` or `uid:gid`, such as `1000:1000`"),
        "network" => ("a network", "write `None`, `Shared` or the name of a network"),
        "capability" => ("a capability", "write it in capitals and without `CAP_`, such as `NET_BIND_SERVICE`"),
        "event" => ("the name of an event", "write words with dots between them, such as `run.succeeded` or `orders.arrived`"),
        "url" => ("an http or https address", "write it as `https://host/path`, without a user and a password"),
        "file" => ("a relative path", "write names of letters, digits, `_`, `.` and `-`, with `/` between them, and without `..`"),
        "word" => ("a word", "use letters, digits, `_`, `.` and `-`"),
        _ => ("right", "see `provost explain` of the field"),
    }
}
