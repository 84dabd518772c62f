//! What requests may say, and problems.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn is_read<T: DeserializeOwned>(body: Value) -> bool {
    serde_json::from_value::<T>(body).is_ok()
}

#[test]
fn requests_may_be_empty_where_nothing_has_to_be_said() {
    assert!(is_read::<RunRequest>(json!({})));
    assert!(is_read::<RetryRequest>(json!({})));
    assert!(is_read::<PauseRequest>(json!({})));
    assert!(is_read::<ApplyRequest>(json!({})));
    assert!(is_read::<RollbackRequest>(json!({})));
    assert!(is_read::<Empty>(json!({})));
    assert!(!is_read::<FireRequest>(json!({})), "an event has a name");
    assert!(is_read::<FireRequest>(json!({"name": "orders.arrived"})));
}

#[test]
fn requests_refuse_what_they_do_not_know() {
    let odd = || json!({"tesing": true});
    assert!(!is_read::<RunRequest>(odd()));
    assert!(!is_read::<RetryRequest>(odd()));
    assert!(!is_read::<PauseRequest>(odd()));
    assert!(!is_read::<ApplyRequest>(odd()));
    assert!(!is_read::<RollbackRequest>(odd()));
    assert!(!is_read::<Empty>(odd()));
    assert!(!is_read::<FireRequest>(json!({"name": "a.b", "dat": {}})));
}

#[test]
fn shape_of_requests() {
    let until = "2026-12-01T00:00:00Z".parse().unwrap();
    let params = JsonMap::from_iter([("limit".to_owned(), json!(5))]);
    let run = RunRequest { params: params.clone(), testing: true, request: Some("r1".into()) };
    let fire = FireRequest { name: "orders.arrived".into(), data: params, request: Some("r1".into()) };
    insta::assert_json_snapshot!(json!({
        "run": run,
        "retry": RetryRequest { request: Some("r1".into()) },
        "pause": PauseRequest { until: Some(until), reason: "stocktaking".into() },
        "fire": fire,
        "apply": ApplyRequest { plan: Some("8be04d7-a1".into()) },
        "rollback": RollbackRequest { revision: Some("3f2a9c1".into()) },
        "runAccepted": RunAccepted { run: "nightly.0123456789ab".into() },
        "eventAccepted": EventAccepted { event: "e0123456789abcdef".into() },
    }));
}

#[test]
fn shape_of_queries() {
    let since = Some("2026-11-20T00:00:00Z".parse().unwrap());
    let automation = Some("nightly".to_owned());
    let text = |query: Result<String, serde_urlencoded::ser::Error>| query.unwrap();
    let queries = [
        text(serde_urlencoded::to_string(AutomationsQuery { selector: Some("team=finance,!test".into()) })),
        text(serde_urlencoded::to_string(RunsQuery {
            automation: automation.clone(),
            outcome: Some(Outcome::TimedOut),
            since,
            until: since,
            limit: Some(5),
            cursor: Some("c".into()),
        })),
        text(serde_urlencoded::to_string(OutcomesQuery {
            automation: automation.clone(),
            since,
            limit: Some(5),
            cursor: None,
        })),
        text(serde_urlencoded::to_string(LogsQuery {
            follow: true,
            tail: Some(10),
            since,
            until: since,
            step: Some("main.1".into()),
        })),
        text(serde_urlencoded::to_string(EventsQuery {
            follow: true,
            after: Some(7),
            since,
            automation,
            run: None,
            limit: Some(5),
        })),
        text(serde_urlencoded::to_string(UpcomingQuery { until: since, limit: None })),
        text(serde_urlencoded::to_string(WaitQuery { wait: Some(30) })),
        text(serde_urlencoded::to_string(HistoryQuery { limit: Some(5), cursor: None })),
    ];
    insta::assert_snapshot!(queries.join("\n"));
}

#[test]
fn shape_of_a_problem() {
    let problem = Problem::new(ProblemCode::NotFound, "there is no automation nightli").hint("did you mean nightly?");
    insta::assert_json_snapshot!(problem);
    let read: Problem = serde_json::from_value(json!({
        "title": "Conflict", "status": 409, "detail": "the run is over", "code": "conflict", "later": true
    }))
    .unwrap();
    assert_eq!(read, Problem::new(ProblemCode::Conflict, "the run is over"));
}
