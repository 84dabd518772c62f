//! Values by themselves: parameters, pauses between attempts, how a step went.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use provost_model::*;
use serde_json::{Value, json};

fn declared(value: Value) -> BTreeMap<String, Param> {
    let mut value = value;
    for param in value.as_object_mut().unwrap().values_mut() {
        let fields = param.as_object_mut().unwrap();
        fields.entry("required").or_insert(json!(false));
        fields.entry("options").or_insert(json!([]));
    }
    serde_json::from_value(value).unwrap()
}

/// What a run gets, or the problems, joined.
fn checked(param: Value, given: Value) -> Result<Value, String> {
    let given = json!({ "p": given });
    let params = check_params(&declared(json!({ "p": param })), given.as_object().unwrap());
    params.map(|params| params["p"].clone()).map_err(|problems| problems.join("; "))
}

#[test]
fn b09_a_value_is_read_as_its_type_or_refused_with_it() {
    let cases = [
        ("string", json!("a"), Ok(json!("a"))),
        ("string", json!(1), Err("1 is not of type string")),
        ("integer", json!(7), Ok(json!(7))),
        ("integer", json!("7"), Ok(json!(7))),
        ("integer", json!(7.5), Err("7.5 is not of type integer")),
        ("integer", json!("7.5"), Err(r#""7.5" is not of type integer"#)),
        ("number", json!("7.5"), Ok(json!(7.5))),
        ("number", json!(7), Ok(json!(7))),
        ("number", json!("NaN"), Err(r#""NaN" is not of type number"#)),
        ("boolean", json!("true"), Ok(json!(true))),
        ("boolean", json!(false), Ok(json!(false))),
        ("boolean", json!("yes"), Err(r#""yes" is not of type boolean"#)),
        ("boolean", json!(null), Err("null is not of type boolean")),
    ];
    for (kind, given, expected) in cases {
        let expected = expected.map_err(|why| format!("parameter `p`: {why}"));
        assert_eq!(checked(json!({ "type": kind }), given), expected, "{kind}");
    }
}

#[test]
fn bounds_and_options_are_kept() {
    let bounded = json!({"type": "integer", "minimum": 1.0, "maximum": 3.0});
    assert_eq!(checked(bounded.clone(), json!(3)), Ok(json!(3)));
    assert_eq!(checked(bounded.clone(), json!("0")), Err("parameter `p`: 0 is less than 1".to_owned()));
    assert_eq!(checked(bounded, json!(4)), Err("parameter `p`: 4 is more than 3".to_owned()));
    let one_of = json!({"type": "string", "options": ["a", "b"]});
    assert_eq!(checked(one_of.clone(), json!("b")), Ok(json!("b")));
    assert_eq!(checked(one_of, json!("c")), Err(r#"parameter `p`: "c" is none of "a", "b""#.to_owned()));
}

#[test]
fn b06_defaults_fill_in_what_is_missing_and_undeclared_parameters_pass() {
    let declared = declared(json!({
        "day": {"type": "string", "default": "monday"},
        "count": {"type": "integer", "required": true},
        "note": {"type": "string"},
    }));
    let given = json!({"count": 1, "other": [1]});
    let params = check_params(&declared, given.as_object().unwrap()).unwrap();
    assert_eq!(Value::Object(params), json!({"count": 1, "day": "monday", "other": [1]}));
    let problems = check_params(&declared, json!({"day": 1}).as_object().unwrap()).unwrap_err();
    assert_eq!(problems, ["parameter `count` is missing", "parameter `day`: 1 is not of type string"], "all at once");
}

#[test]
fn r7_the_pause_doubles_and_never_overflows() {
    let retries = Retries { limit: u32::MAX, backoff_s: 30, max_backoff_s: 600 };
    assert_eq!([1, 2, 3, 4, 5, 6].map(|attempt| retries.backoff_after(attempt)), [30, 60, 120, 240, 480, 600]);
    assert_eq!([64, 65, 1_000, u32::MAX].map(|attempt| retries.backoff_after(attempt)), [600; 4]);
    let none = Retries { limit: 1, backoff_s: 0, max_backoff_s: 600 };
    assert_eq!([1, 70].map(|attempt| none.backoff_after(attempt)), [0, 0]);
}

fn result(exit: Exit, stopped: Option<StopCause>) -> StepResult {
    StepResult { exit, stopped, started_at: None, finished_at: Timestamp::UNIX_EPOCH, output: StepOutput::default() }
}

#[test]
fn r9_how_a_step_went_is_told_in_one_clause() {
    let code = |code| Exit::Code { code };
    let why = || "why".to_owned();
    let cases = [
        (result(code(0), None), None),
        (result(code(3), None), Some("exit 3")),
        (result(Exit::OutOfMemory, None), Some("out of memory")),
        (result(Exit::NotStarted { why: why() }, None), Some("not started: why")),
        (result(Exit::Lost { why: why() }, None), Some("lost: why")),
        // Whoever was asked to end did not succeed, whatever code it ends with.
        (result(code(0), Some(StopCause::Timeout)), Some("timed out")),
        (result(code(143), Some(StopCause::Cancel { by: "ann".to_owned() })), Some("cancelled by ann")),
        (result(code(143), Some(StopCause::Replaced)), Some("replaced by a newer run")),
        (result(code(143), Some(StopCause::Shutdown)), Some("ended by the server's shutdown")),
    ];
    for (result, failure) in cases {
        assert_eq!(result.failure().as_deref(), failure);
        assert_eq!(result.succeeded(), failure.is_none());
    }
}

#[test]
fn a_digest_is_of_the_value_and_not_of_its_order() {
    let one: Value = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#).unwrap();
    let other: Value = serde_json::from_str(r#"{"b": {"d": 3, "c": 2}, "a": 1}"#).unwrap();
    assert_eq!(Digest::of_json(&one), Digest::of_json(&other));
    assert_ne!(Digest::of_json(&one), Digest::of_json(&json!({"a": 1})));
}

#[test]
fn d1_the_outcome_of_a_due_time_is_told_by_one_fact() {
    let (automation, at) = (Name::new("job").unwrap(), Timestamp::UNIX_EPOCH);
    let outcome = |fact| DueOutcome::of(&Recorded { seq: 1, at, fact });
    let last = at + jiff::SignedDuration::from_secs(60);
    let missed =
        Fact::DueMissed { automation: automation.clone(), first: at, last, count: 2, reason: MissReason::Down };
    let missed = outcome(missed).unwrap();
    assert_eq!((missed.due, missed.last, missed.count), (at, last, 2));
    let accepted = |cause| Fact::RunAccepted {
        accepted: Box::new(AcceptedRun {
            run: RunId::scheduled(&automation, at),
            automation: automation.clone(),
            cause,
            due: at,
            not_before: at,
            params: JsonMap::new(),
            testing: false,
        }),
    };
    assert!(matches!(outcome(accepted(Cause::CatchUp)).unwrap().verdict, DueVerdict::Ran { .. }));
    assert_eq!(outcome(accepted(Cause::Manual { by: "ann".to_owned() })), None, "nobody's due time");
}

#[test]
fn e5_a_snapshot_keeps_whether_an_event_was_handled() {
    let stored = |handled: Option<Option<String>>| {
        let event = Occurrence {
            id: EventId::derived(&["a"]),
            name: "orders.arrived".to_owned(),
            subject: None,
            run: None,
            data: JsonMap::new(),
            at: Timestamp::UNIX_EPOCH,
            locals: JsonMap::new(),
            firing: None,
            handled,
        };
        serde_json::to_value(event).unwrap()
    };
    for handled in [None, Some(None), Some(Some("hook a: exit 1".to_owned()))] {
        let read: Occurrence = serde_json::from_value(stored(handled.clone())).unwrap();
        assert_eq!(read.handled, handled);
    }
    assert_eq!(stored(None)["handled"], json!(null));
    assert_eq!(stored(Some(None))["handled"], json!({ "failure": null }));
}
