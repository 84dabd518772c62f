//! Calling actions, and looking at their jobs.

use provost_testkit::TOOLBOX;
use serde_json::{Value, json};

use crate::common::Server;

/// Where the action of [`widgets`] is.
pub const WIDGETS: &str = "/v1/apps/shop/actions/DeleteWidgets";

/// An action of the toolbox with these arguments, and two parameters.
pub fn widgets(args: &[&str]) -> Value {
    let params = json!({
        "count": {"type": "integer", "description": "how many", "minimum": 1},
        "testing": {"type": "boolean", "description": "do not delete for real", "required": false},
    });
    json!({"name": "DeleteWidgets", "application": "shop", "image": TOOLBOX, "args": args, "params": params})
}

/// The actions of the application `shop`.
#[track_caller]
pub fn actions(server: &Server) -> Vec<Value> {
    let listing = server.process.http().get("/v1/apps/shop/actions").unwrap().json();
    listing["items"].as_array().unwrap().clone()
}

/// Waits until `shop` has so many actions.
#[track_caller]
pub fn until_actions(server: &Server, count: usize) {
    server.until(&format!("{count} actions"), || (actions(server).len() == count).then_some(()));
}

/// Calls an action; returns the id of its job.
#[track_caller]
pub fn call(server: &Server, application: &str, action: &str, params: &Value) -> String {
    let path = format!("/v1/apps/{application}/actions/{action}");
    let answer = server.process.http().post(&path, &json!({"params": params})).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["job"].as_str().unwrap().to_owned()
}

/// What a job says of itself, with or without its entries.
#[track_caller]
pub fn job(server: &Server, job: &str, results: bool) -> Value {
    let answer = server.process.http().get(&format!("/v1/jobs/{job}?results={results}")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The same, with all entries, once it is over.
#[track_caller]
pub fn job_over(server: &Server, id: &str) -> Value {
    server.until(&format!("the end of job {id}"), || Some(job(server, id, true)).filter(|it| !it["endedAt"].is_null()))
}
