//! What is told.

use provost_hook::Event;
use serde_json::{Value, json};

/// The body of the request: `text` for people, which Slack, Mattermost and others show as it is, and what happened as
/// data. Locals, globals and the tail of the log are left out, because they may hold what is not for a chat room.
pub fn message(event: &Event, text: Option<&str>) -> Value {
    let mut data = event.at("data").clone();
    if let Some(data) = data.as_object_mut() {
        data.remove("logTail");
        data.remove("params");
    }
    json!({
        "text": text.map_or_else(|| sentence(event), str::to_owned),
        "event": event.at("event"),
        "id": event.at("id"),
        "time": event.at("time"),
        "subject": event.at("subject"),
        "host": event.at("standard.host"),
        "data": data,
    })
}

/// `ber-1: nightly Failed: exit code 3 (run.failed)`
fn sentence(event: &Event) -> String {
    let host = event.text("standard.host").map(|host| format!("{host}: ")).unwrap_or_default();
    let name = match event.name() {
        "" => "a message without an event",
        name => name,
    };
    match event.text("standard.message") {
        Some(message) => format!("{host}{message} ({name})"),
        None => format!("{host}{name} {}", event.subject()).trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_a_sentence_and_programs_get_data() {
        let event = Event::from(json!({
            "event": "run.failed", "id": "r1", "time": "2026-01-01T00:00:00Z", "subject": "nightly",
            "data": {"exitCode": 3, "logTail": "password: x", "params": {"token": "y"}},
            "locals": {"secret": 1}, "standard": {"host": "ber-1", "message": "nightly Failed: exit code 3"},
        }));
        let expected = json!({
            "text": "ber-1: nightly Failed: exit code 3 (run.failed)",
            "event": "run.failed", "id": "r1", "time": "2026-01-01T00:00:00Z", "subject": "nightly", "host": "ber-1",
            "data": {"exitCode": 3},
        });
        assert_eq!(message(&event, None), expected);
        assert_eq!(message(&event, Some("my words"))["text"], "my words");
    }

    #[test]
    fn what_is_missing_is_left_out_of_the_sentence() {
        let check = |event: Value, expected: &str| assert_eq!(message(&Event::from(event), None)["text"], expected);
        check(json!({"event": "orders.arrived"}), "orders.arrived");
        check(json!({"event": "run.late", "subject": "nightly"}), "run.late nightly");
        check(json!({}), "a message without an event");
    }
}
