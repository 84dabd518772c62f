//! `provost schedule`

use crate::support::{provost, snapshot};

#[test]
fn json_is_exactly_the_times_after_from() {
    let args = [
        "schedule",
        "--time-zone",
        "Europe/Berlin",
        "--from",
        "2026-11-20T01:00:00Z",
        "--count",
        "3",
        "-o",
        "json",
        "--",
        "0 2 * * *",
    ];
    let ran = provost(&args).exits(0);
    assert_eq!(
        ran.out,
        "{\"times\": [\"2026-11-21T01:00:00Z\", \"2026-11-22T01:00:00Z\", \"2026-11-23T01:00:00Z\"]}\n"
    );
    assert_eq!(ran.err, "");
}

#[test]
fn an_expression_may_come_as_five_words() {
    let words = provost(&["schedule", "--count", "1", "-o", "name", "--", "0", "2", "*", "*", "*"]).exits(0);
    assert_eq!(words.out, "2026-11-21T02:00:00Z\n");
}

#[test]
fn people_get_words_times_and_clock_changes() {
    let told = provost(&["schedule", "--time-zone", "Europe/Berlin", "30 2 * * *"]).exits(0);
    snapshot("schedule-daily", &told.text());
    let told = provost(&["schedule", "--time-zone", "America/New_York", "--count", "3", "*/30 * * * *"]).exits(0);
    snapshot("schedule-interval", &told.text());
    let told = provost(&["schedule", "--count", "2", "0 3 */2 * mon"]).exits(0);
    snapshot("schedule-warning", &told.text());
}

#[test]
fn what_is_refused_exits_with_1_and_says_why() {
    let check = |expression: &str, why: &str| {
        let ran = provost(&["schedule", "-o", "json", "--", expression]).exits(1);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains(why), "{expression}: {}", ran.err);
    };
    check("0 0 31 2 *", "never fires");
    check("0 0 * * * *", "seconds");
    check("@every 5m", "every");
    check("@reboot", "server.startup");
    check("TZ=Europe/Berlin 0 2 * * *", "timeZone");
    check("30 2 * * MONDAY", "mon");
    check("60 * * * *", "60");
    let ran = provost(&["schedule", "--time-zone", "Europe/Berln", "0 2 * * *"]).exits(1);
    assert!(ran.err.contains("Europe/Berlin"), "{}", ran.err);
}

#[test]
fn the_mark_is_under_what_is_to_blame() {
    snapshot("schedule-refused", &provost(&["schedule", "30 2 * * MONDAY"]).exits(1).text());
}
