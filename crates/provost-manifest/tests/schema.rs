//! The schemas: as committed, and true to the reader.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and read its fixtures")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use provost_manifest::{Kind, field_docs, schemas};
use serde_json::Value;

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema");
    let update = std::env::var_os("UPDATE_SCHEMA").is_some();
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = folder.join(&name);
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "schema/{name} is stale: `UPDATE_SCHEMA=1 cargo test -p provost-manifest --test schema`, or `provost schema --write schema/`"
        );
    }
}

/// Calls `visit` with the path and the schema of each field below `schema`.
fn each(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner).filter(|inner| inner.is_object()) {
            each(path, inner, visit);
        }
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}.{name}");
        visit(&path, field);
        each(&path, field, visit);
    }
}

#[test]
fn every_field_has_a_description_and_can_be_explained() {
    let all = schemas();
    for kind in Kind::ALL {
        let name = kind.as_str().to_lowercase();
        let mut seen = BTreeSet::new();
        each(&name, &all[&format!("{name}.json")], &mut |path, field| {
            assert!(field.get("description").is_some(), "{path} has no description");
            let kinds = field.get("type").map(Value::to_string).unwrap_or_default();
            assert!(!kinds.contains("null"), "{path} takes null");
            let doc = field_docs(path).unwrap();
            assert!(!doc.kind.is_empty() && !doc.description.is_empty(), "{path}: {doc:?}");
            seen.insert(path.to_owned());
        });
        let least = match kind {
            Kind::Secret => 5,
            Kind::Source => 12,
            _ => 20,
        };
        assert!(seen.len() > least, "{kind}: {seen:?}");
    }
}

#[test]
fn fields_are_explained_with_type_default_and_example() {
    let doc = field_docs("automation.spec.timeout").unwrap();
    assert_eq!((doc.kind.as_str(), doc.default, doc.required), ("duration", Some("1h".into()), false));
    assert_eq!(doc.example, Some("10m".into()));
    let doc = field_docs("policy.spec.hooks.onError").unwrap();
    assert_eq!(doc.kind, "one of Fail, Ignore");
    let doc = field_docs("Automation.spec.retries").unwrap();
    assert_eq!(
        (doc.kind.as_str(), doc.fields),
        ("whole number or object", vec!["backoff".to_owned(), "limit".to_owned(), "maxBackoff".to_owned()])
    );
    assert_eq!(field_docs("policy.spec.history.keep").unwrap().default, Some("90d".into()));
    assert!(field_docs("automation.spec.image").unwrap().required);
    assert!(field_docs("automation").unwrap().fields.contains(&"spec".to_owned()));
    assert!(field_docs("automation.spec.tiemout").unwrap_err().contains("did you mean `timeout`"));
    assert!(field_docs("server.spec").unwrap_err().contains("automation"));
}

#[test]
fn the_right_manifests_write_every_field() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/manifests/ok");
    let texts: String =
        fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    for (name, schema) in schemas().iter().filter(|(name, _)| *name != "manifest.json") {
        each(name, schema, &mut |path, _| {
            let field = path.rsplit('.').next().unwrap();
            assert!(texts.contains(&format!("{field}:")), "{path} is in no file of tests/manifests/ok");
        });
    }
}
