//! Builds the schemas from the types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::API_VERSION;
use crate::kinds::{
    AutomationSpec, ChannelSpec, Metadata, PluginSpec, PolicySpec, SecretSpec, ServiceSpec, SourceSpec,
};
use crate::read::Kind;
use crate::resolve::built_in;
use crate::schema::tidy::tidy;

const DRAFT_07: &str = "http://json-schema.org/draft-07/schema#";

static KINDS: LazyLock<BTreeMap<Kind, Value>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, manifest(kind))).collect());

/// The schema of a kind.
pub(crate) fn of(kind: Kind) -> &'static Value {
    &KINDS[&kind]
}

/// The schemas (draft-07, which editors read) by the name of the file that each belongs into: one for each kind, such as
/// `automation.json`, and `manifest.json` for all of them.
pub fn schemas() -> BTreeMap<String, Value> {
    let file = |kind: &Kind| format!("{}.json", kind.as_str().to_lowercase());
    let mut schemas: BTreeMap<_, _> = KINDS.iter().map(|(kind, schema)| (file(kind), schema.clone())).collect();
    schemas.insert("manifest.json".to_owned(), combined());
    schemas
}

/// Any manifest. By `if`, so that an editor tells what is wrong with the kind at hand.
fn combined() -> Value {
    let case = |(kind, schema): (&Kind, &Value)| {
        let mut schema = schema.clone();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("$schema");
        }
        json!({ "if": { "properties": { "kind": { "const": kind.as_str() } }, "required": ["kind"] }, "then": schema })
    };
    json!({
        "$schema": DRAFT_07,
        "title": "A manifest of Provost",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": { "const": API_VERSION },
            "kind": { "enum": Kind::ALL.map(Kind::as_str) },
        },
        "allOf": KINDS.iter().map(case).collect::<Vec<_>>(),
    })
}

fn manifest(kind: Kind) -> Value {
    let spec = match kind {
        Kind::Automation => generated::<AutomationSpec>(),
        Kind::Channel => generated::<ChannelSpec>(),
        Kind::Plugin => generated::<PluginSpec>(),
        Kind::Policy => generated::<PolicySpec>(),
        Kind::Secret => generated::<SecretSpec>(),
        Kind::Service => generated::<ServiceSpec>(),
        Kind::Source => generated::<SourceSpec>(),
    };
    let description = spec.get("description").cloned().unwrap_or_default();
    let mut schema = json!({
        "$schema": DRAFT_07,
        "title": kind.as_str(),
        "description": description,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": { "type": "string", "const": API_VERSION, "description": "The version of the format." },
            "kind": { "type": "string", "const": kind.as_str(), "description": "The kind of manifest." },
            "metadata": generated::<Metadata>(),
            "spec": spec,
        },
    });
    defaults(kind, &mut schema);
    schema
}

fn generated<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Writes the built-in defaults to the fields that have one.
fn defaults(kind: Kind, schema: &mut Value) {
    let places: &[(&str, bool)] = match kind {
        Kind::Automation => &[("", true), ("/properties/hooks/items", false)],
        Kind::Channel => &[("/properties/command", false)],
        Kind::Plugin => &[
            ("/properties/hooks/items", false),
            ("/properties/prepare", false),
            ("/properties/actions/items", true),
            ("/properties/skills/items", false),
        ],
        Kind::Policy => &[("/properties/hooks/items", false), ("/properties/decide", false), ("", true)],
        Kind::Secret | Kind::Source => &[],
        Kind::Service => &[("", false), ("/properties/hooks/items", false)],
    };
    for (place, all) in places {
        let Some(place) = schema.pointer_mut(&format!("/properties/spec{place}")) else {
            continue;
        };
        for (path, value) in built_in::values() {
            let wanted = *all || built_in::is_container_field(path);
            let policy_itself = kind == Kind::Policy && *all && !path.starts_with("history.");
            if !wanted || policy_itself {
                continue;
            }
            let pointer: String = path.split('.').map(|key| format!("/properties/{key}")).collect();
            if let Some(field) = place.pointer_mut(&pointer).and_then(Value::as_object_mut) {
                field.insert("default".to_owned(), value.clone());
            }
        }
    }
}
