//! The published description of the interface, OpenAPI 3.1: made of the table of routes and of the types that go over the
//! wire, so that it says what the server does.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::server::{Answer, ROUTES, Route};
use crate::wire::{PROBLEM_JSON, Problem};

mod parameters;

/// Where the types are described.
const TYPES: &str = "/components/schemas";

/// What every route may answer when it says no, and what a route with a body may answer besides.
const PROBLEMS: [u16; 6] = [400, 401, 403, 404, 500, 503];
const PROBLEMS_OF_BODIES: [u16; 4] = [409, 413, 415, 422];

/// The description, as JSON.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = TYPES.into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths = Map::new();
    let mut queries = Vec::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.to_lowercase()] = operation(route, &mut generator, &mut queries);
    }
    // A query is told as parameters; as a type of its own nobody uses it.
    let mut types = generator.take_definitions(true);
    types.retain(|name, _| !queries.contains(name));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Provost",
            "description": "What people and programs can ask of a Provost server. Nothing changes on a GET.",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "over its Unix socket, or https on port 2719"}],
        "paths": paths,
        "components": {
            "schemas": types,
            "responses": {"Problem": {
                "description": "No, and why (RFC 9457). Nothing has changed.",
                "content": {PROBLEM_JSON: {"schema": problem}},
            }},
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of `provost token create`. Over the Unix socket none is needed.",
            }},
        },
        "tags": tags(),
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator, queries: &mut Vec<String>) -> Value {
    let mut parameters = parameters::of_path(route.path);
    if let Some(query) = route.query {
        let (name, found) = parameters::of_query(query, generator);
        queries.extend(name);
        parameters.extend(found);
    }
    parameters.extend(parameters::of_headers(route));
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [tag(route.path)],
        "responses": responses(route, generator),
        "security": [{"token": [route.scope.word()]}],
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = route.body {
        let schema = body(generator);
        operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let content = |kinds: &[&str], schema: &Schema| -> Value {
        kinds.iter().map(|kind| ((*kind).to_owned(), json!({"schema": schema}))).collect::<Map<_, _>>().into()
    };
    let (status, answer) = match route.answer {
        Answer::Json(schema) => {
            ("200", json!({"description": "Yes.", "content": content(&["application/json"], &schema(generator))}))
        }
        Answer::Accepted(schema) => {
            let content = content(&["application/json"], &schema(generator));
            ("202", json!({"description": "It is accepted, and goes on.", "content": content}))
        }
        Answer::Lines(schema) => {
            let mut kinds = content(&["application/x-ndjson"], &schema(generator));
            let events = "server-sent events, where they are asked for (`Accept: text/event-stream`)";
            kinds["text/event-stream"] = json!({"schema": {"type": "string", "description": events}});
            ("200", json!({"description": "One JSON value a line, as they come.", "content": kinds}))
        }
        Answer::Text(kind) => {
            ("200", json!({"description": "Yes.", "content": {kind: {"schema": {"type": "string"}}}}))
        }
        Answer::Nothing => ("204", json!({"description": "Done."})),
    };
    responses.insert(status.to_owned(), answer);
    let of_bodies = PROBLEMS_OF_BODIES.iter().filter(|_| route.body.is_some());
    for status in PROBLEMS.iter().chain(of_bodies) {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
    }
    responses.into()
}

/// `GET /v1/automations/{name}/logs` as `getAutomationsNameLogs`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "v1");
    words.fold(route.method.to_lowercase(), |id, word| {
        let (first, rest) = word.split_at(1);
        id + &first.to_uppercase() + rest
    })
}

/// The first word of a path, which groups routes.
fn tag(path: &'static str) -> &'static str {
    let word = path.trim_start_matches("/v1").trim_start_matches('/').split('/').next().unwrap_or_default();
    word.split('.').next().unwrap_or_default()
}

fn tags() -> Vec<Value> {
    let mut names: Vec<&str> = ROUTES.iter().map(|route| tag(route.path)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| json!({"name": name})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = include_str!("../../../schema/openapi.json");

    #[test]
    fn b42_the_committed_description_is_that_of_the_server() {
        let written = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
        if std::env::var_os("PROVOST_BLESS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/openapi.json");
            return std::fs::write(path, written).unwrap();
        }
        assert!(written == COMMITTED, "schema/openapi.json is stale: `provost schema --write schema` writes it anew");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, whole: &Value) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(to)) = map.get("$ref") {
                        assert!(whole.pointer(to.trim_start_matches('#')).is_some(), "{to} is nowhere");
                    }
                    map.values().for_each(|value| check(value, whole));
                }
                Value::Array(items) => items.iter().for_each(|value| check(value, whole)),
                _ => {}
            }
        }
        let whole = openapi();
        check(&whole, &whole);
    }

    #[test]
    fn every_route_has_a_name_of_its_own() {
        let mut ids: Vec<String> = ROUTES.iter().map(operation_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ROUTES.len());
        assert!(ids.contains(&"getAutomationsNameLogs".to_owned()));
    }
}
