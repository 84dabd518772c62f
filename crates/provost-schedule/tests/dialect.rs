//! T1: the dialect, as a table of expressions with their due times, their refusals and their warnings.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use jiff::Timestamp;
use provost_schedule::{Cron, CronErrorKind as Kind, OnFold, OnGap, Schedule, Timing, Zone};

/// The next three due times after 2026-01-01T00:00Z, in UTC, without what the expected text leaves out.
fn next_three(text: &str) -> Vec<String> {
    let timing = Timing::Cron {
        cron: Cron::parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.one_line())),
        zone: Zone::utc(),
        on_gap: OnGap::NextValid,
        on_fold: OnFold::First,
    };
    let schedule = Schedule { timing, jitter_s: 0 };
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let times = std::iter::successors(schedule.next_after(start), |time| schedule.next_after(*time));
    times.take(3).map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).collect()
}

#[test]
fn t1_accepted_expressions_have_the_due_times_of_debian_cron() {
    let table = [
        ("*/5 * * * *", ["2026-01-01 00:05", "2026-01-01 00:10", "2026-01-01 00:15"]),
        ("30 2 * * 1-5", ["2026-01-01 02:30", "2026-01-02 02:30", "2026-01-05 02:30"]),
        ("30 2 * * MON-FRI", ["2026-01-01 02:30", "2026-01-02 02:30", "2026-01-05 02:30"]),
        ("0 0 * * 0", ["2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"]),
        ("0 0 * * 7", ["2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"]),
        ("0 0 * * SUN", ["2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"]),
        ("0 0 * * 1", ["2026-01-05 00:00", "2026-01-12 00:00", "2026-01-19 00:00"]),
        ("0 0 13 * 5", ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-13 00:00"]),
        ("0 0 1 * MON", ["2026-01-05 00:00", "2026-01-12 00:00", "2026-01-19 00:00"]),
        ("0 0 */2 * 1", ["2026-01-03 00:00", "2026-01-05 00:00", "2026-01-07 00:00"]),
        ("0 0 * * 5-7", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("0 0 * * 0-7", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("0 0 ? * 1", ["2026-01-05 00:00", "2026-01-12 00:00", "2026-01-19 00:00"]),
        ("5/15 * * * *", ["2026-01-01 00:05", "2026-01-01 00:20", "2026-01-01 00:35"]),
        ("*/90 * * * *", ["2026-01-01 01:00", "2026-01-01 02:00", "2026-01-01 03:00"]),
        ("0,30 8-18/2 * JAN,jul mon", ["2026-01-05 08:00", "2026-01-05 08:30", "2026-01-05 10:00"]),
        ("5   4 * * *", ["2026-01-01 04:05", "2026-01-02 04:05", "2026-01-03 04:05"]),
        ("\t5 4 * * * ", ["2026-01-01 04:05", "2026-01-02 04:05", "2026-01-03 04:05"]),
        ("05 04 * * *", ["2026-01-01 04:05", "2026-01-02 04:05", "2026-01-03 04:05"]),
        ("@hourly", ["2026-01-01 01:00", "2026-01-01 02:00", "2026-01-01 03:00"]),
        ("@daily", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("@midnight", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("@weekly", ["2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"]),
        ("@monthly", ["2026-02-01 00:00", "2026-03-01 00:00", "2026-04-01 00:00"]),
        ("@yearly", ["2027-01-01 00:00", "2028-01-01 00:00", "2029-01-01 00:00"]),
        ("@annually", ["2027-01-01 00:00", "2028-01-01 00:00", "2029-01-01 00:00"]),
        ("0 0 * * 1,3,5-6/2", ["2026-01-02 00:00", "2026-01-05 00:00", "2026-01-07 00:00"]),
        ("0 0 * * 1/2", ["2026-01-02 00:00", "2026-01-05 00:00", "2026-01-07 00:00"]),
        ("0 0 31 * *", ["2026-01-31 00:00", "2026-03-31 00:00", "2026-05-31 00:00"]),
        // A `*` in a list is still a `*`: the other day field decides alone.
        ("0 0 *,5 * mon", ["2026-01-05 00:00", "2026-01-12 00:00", "2026-01-19 00:00"]),
        ("0 0 */1 * mon", ["2026-01-05 00:00", "2026-01-12 00:00", "2026-01-19 00:00"]),
        ("0 0 1-31 * mon", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("0 0 31 2 mon", ["2026-02-02 00:00", "2026-02-09 00:00", "2026-02-16 00:00"]),
    ];
    for (text, expected) in table {
        assert_eq!(next_three(text), expected, "{text}");
    }
}

#[test]
fn t1_refused_expressions_say_where_and_how_to_mend() {
    // Expression, kind, the text under the caret, the mend (a part of it; empty: none).
    let table = [
        ("", Kind::Empty, "", "write five fields"),
        ("  ", Kind::Empty, "  ", "write five fields"),
        ("* * * *", Kind::FieldCount, "* * * *", "perhaps `* * * * *`"),
        ("0 2 *", Kind::FieldCount, "0 2 *", "perhaps `0 2 * * *`"),
        ("noon", Kind::FieldCount, "noon", "such as `0 2 * * *`"),
        ("02:30", Kind::FieldCount, "02:30", "write `30 2 * * *`"),
        ("90s", Kind::FieldCount, "90s", "write `every: 90s` instead"),
        ("0 0 * * * *", Kind::Seconds, "0", "drop the first field: `0 * * * *`"),
        ("*/10 * * * * *", Kind::Seconds, "*/10", "write `every: 10s` instead"),
        ("* * * * * *", Kind::Seconds, "*", "write `every: 1s` instead"),
        ("0 0 0 1 1 * 2030", Kind::Year, "2030", "write `0 0 1 1 *`, or `at:`"),
        ("0 0 1 1 * 2030", Kind::Year, "2030", "write `0 0 1 1 *`, or `at:`"),
        (
            "0 2 * * * /usr/bin/backup --all",
            Kind::Command,
            "/usr/bin/backup --all",
            "write `0 2 * * *`, and the command",
        ),
        ("0 2 * * * * * *", Kind::FieldCount, "0 2 * * * * * *", ""),
        (
            "TZ=Europe/Berlin 0 2 * * *",
            Kind::Zone,
            "TZ=Europe/Berlin",
            "write `timeZone: Europe/Berlin` beside `cron: \"0 2 * * *\"`",
        ),
        ("CRON_TZ=UTC @daily", Kind::Zone, "CRON_TZ=UTC", "write `timeZone: UTC` beside `cron: \"@daily\"`"),
        ("@every 1h30m", Kind::Macro, "@every 1h30m", "write `every: 1h30m` instead"),
        ("@every", Kind::Macro, "@every", "write `every: 90s` instead"),
        ("@reboot", Kind::Macro, "@reboot", "hook to the event `server.startup`"),
        ("@Daily", Kind::Macro, "@Daily", "write `@daily`"),
        ("@daily 5", Kind::Macro, "@daily 5", "write `@daily`, alone"),
        ("@dayly", Kind::Macro, "@dayly", "did you mean `@daily`?"),
        ("@fortnight", Kind::Macro, "@fortnight", "there are @hourly"),
        ("0 0 L * *", Kind::Unsupported, "L", "write `1`: the first day of the next month"),
        ("0 0 L-3 * *", Kind::Unsupported, "L-3", "write `1`"),
        ("0 0 15W * *", Kind::Unsupported, "15W", "write `mon-fri` in the day of week"),
        ("0 0 LW * *", Kind::Unsupported, "LW", "write `mon-fri`"),
        ("0 0 * * 5L", Kind::Unsupported, "5L", "write `5`, and let the job end early"),
        ("0 0 * * friL", Kind::Unsupported, "friL", "write `fri`"),
        ("0 0 * * L", Kind::Unsupported, "L", "write `sat`"),
        ("0 0 * * 5#2", Kind::Unsupported, "5#2", "unless the day of the month is from 8 to 14"),
        ("H H * * *", Kind::Unsupported, "H", "`jitter: 30m`"),
        ("H/15 * * * *", Kind::Unsupported, "H/15", "`jitter: 30m`"),
        ("0~59 * * * *", Kind::Unsupported, "0~59", "`jitter: 30m`"),
        ("30 2 * * MONDAY", Kind::Name, "MONDAY", "use `mon`"),
        ("30 2 * * mon,Tues", Kind::Name, "Tues", "use `tue`"),
        ("0 0 1 january *", Kind::Name, "january", "use `jan`"),
        ("0 0 1 April *", Kind::Name, "April", "use `apr`"),
        ("0 0 1 mon *", Kind::Name, "mon", "it belongs in the day of week field"),
        ("0 0 jan * *", Kind::Name, "jan", "it belongs in the month field"),
        ("0 0 * * xyz", Kind::Name, "xyz", "or sun to sat"),
        ("0 0 * xyz *", Kind::Name, "xyz", "or jan to dec"),
        ("1.5 0 * * *", Kind::Name, "1.5", "write a number from 0 to 59"),
        ("٣ 0 * * *", Kind::Name, "٣", "write a number from 0 to 59"),
        ("0 22-2 * * *", Kind::Wrap, "22-2", "write `22-23,0-2`"),
        ("0 23-0 * * *", Kind::Wrap, "23-0", "write `23,0`"),
        ("0 22-2/2 * * *", Kind::Wrap, "22-2/2", "write `22,0,2`"),
        ("0 0 * * FRI-MON", Kind::Wrap, "FRI-MON", "write `fri-sat,sun-mon`"),
        ("0 0 * * fri-sun", Kind::Wrap, "fri-sun", "write `fri-sat,sun`"),
        ("0 0 * * 6-2", Kind::Wrap, "6-2", "write `6,0-2`"),
        ("0 0 * * 7-2", Kind::Wrap, "7-2", "write `0-2`"),
        ("0 0 * nov-feb *", Kind::Wrap, "nov-feb", "write `nov-dec,jan-feb`"),
        ("1,,2 * * * *", Kind::Syntax, ",", "remove the comma"),
        (",1 * * * *", Kind::Syntax, ",", "remove the comma"),
        ("1, * * * *", Kind::Syntax, ",", "remove the comma"),
        ("*5 * * * *", Kind::Syntax, "*5", "write `*/5` for a step, or `5`"),
        ("** * * * *", Kind::Syntax, "**", "write `*`"),
        ("*-5 * * * *", Kind::Syntax, "*-5", "write `*` alone"),
        ("1- * * * *", Kind::Syntax, "1-", "a range has two ends"),
        ("-5 * * * *", Kind::Syntax, "-5", "a range has two ends"),
        ("1-2-3 * * * *", Kind::Syntax, "1-2-3", "a range has two ends"),
        ("/5 * * * *", Kind::Syntax, "/5", "write `*/5`"),
        ("? * * * *", Kind::Syntax, "?", "write `*`; `?` is for the day"),
        ("0 0 ?/2 * *", Kind::Syntax, "?/2", "with a step, write `*`"),
        ("*/0 * * * *", Kind::Step, "0", "write `*` for every value"),
        ("*/ * * * *", Kind::Step, "*/", "write `*/5`"),
        ("*/x * * * *", Kind::Step, "*/x", "write `*/5`"),
        ("*/5/2 * * * *", Kind::Step, "*/5/2", "write `*/5`"),
        ("60 * * * *", Kind::Value, "60", "write `0`"),
        ("0 24 * * *", Kind::Value, "24", "write `0`"),
        ("0 0 0 * *", Kind::Value, "0", "write `1`"),
        ("0 0 32 * *", Kind::Value, "32", ""),
        ("0 0 * 13 *", Kind::Value, "13", ""),
        ("0 0 * * 8", Kind::Value, "8", ""),
        ("99999999999999999999 * * * *", Kind::Value, "99999999999999999999", ""),
        ("0 0 31 2 *", Kind::Never, "31 2", "the last day that these months have is 29"),
        ("0 0 30 2 *", Kind::Never, "30 2", "the last day that these months have is 29"),
        ("0 0 31 apr,jun *", Kind::Never, "31 apr,jun", "the last day that these months have is 30"),
    ];
    for (text, kind, caret, mend) in table {
        let error = Cron::parse(text).expect_err(text);
        assert_eq!(error.kind, kind, "{text}: {error}");
        assert_eq!(&text[error.span.clone()], caret, "{text}: {error}");
        let hint = error.hint.unwrap_or_default();
        assert!(hint.contains(mend) && (mend.is_empty() == hint.is_empty()), "{text}: {hint}");
    }
}

#[test]
fn t1_mends_in_backticks_are_accepted() {
    for text in ["0 22-2 * * *", "0 23-0 * * *", "0 22-2/2 * * *"] {
        let mended = mend_of(text);
        assert!(Cron::parse(&format!("0 {mended} * * *")).is_ok(), "{text} -> {mended}");
    }
    for text in ["0 0 * * FRI-MON", "0 0 * * fri-sun", "0 0 * * 6-2", "0 0 * * 7-2", "0 0 * * FRIDAY"] {
        let mended = mend_of(text);
        assert!(Cron::parse(&format!("0 0 * * {mended}")).is_ok(), "{text} -> {mended}");
    }
    for text in ["0 0 * * * *", "0 2 * * * /bin/true", "02:30", "0 2 *", "@Daily", "0 0 1 1 * 2030"] {
        let mended = mend_of(text);
        assert!(Cron::parse(&mended).is_ok(), "{text} -> {mended}");
    }
}

/// What stands between the first two backticks of the hint.
fn mend_of(text: &str) -> String {
    let hint = Cron::parse(text).expect_err(text).hint.unwrap();
    hint.split('`').nth(1).unwrap().to_owned()
}

#[test]
fn t1_odd_steps_are_warnings() {
    // Expression, the text under the caret, a part of the message, a part of the mend.
    let table = [
        ("*/90 * * * *", "*/90", "only minute 0 matches", "write `0`, or `every: 90m`"),
        ("*/60 * * * *", "*/60", "only minute 0 matches", "`every: 60m`"),
        ("0 */24 * * *", "*/24", "only hour 0 matches", "`every: 24h`"),
        ("0 5-6/4 * * *", "5-6/4", "only hour 5 matches", "write `5`"),
        ("0 0 * */12 *", "*/12", "only month 1 matches", "write `1`"),
        ("0 0 */31 * *", "*/31", "only day of month 1 matches", "write `1`, or `every: 744h`"),
        ("59/5 * * * *", "59/5", "only minute 59 matches", "write `59`"),
        ("*/99999999999 * * * *", "*/99999999999", "only minute 0 matches", "write `0`"),
        (
            "0 0 */2 * 1",
            "*/2",
            "a day that matches either of them is due; Vixie cron takes `*/2` for a `*` and demands both",
            "write `*`",
        ),
        ("0 0 13 * */2", "*/2", "day of month `13` and day of week `*/2`", "list the days"),
    ];
    for (text, caret, message, mend) in table {
        let cron = Cron::parse(text).unwrap();
        let [warning] = cron.warnings() else { panic!("{text}: {:?}", cron.warnings()) };
        assert_eq!(&text[warning.span.clone()], caret, "{text}");
        assert!(warning.message.contains(message), "{text}: {}", warning.message);
        assert!(warning.hint.as_deref().unwrap().contains(mend), "{text}: {:?}", warning.hint);
    }
    for text in [
        "*/59 * * * *",
        "0 0 */2 * *",
        "0 0 * * */2",
        "0 0 */2 * ?",
        "0 0 */1 * 1",
        "0 0 13 * 5",
        "5/15 * * * *",
        "@daily",
    ] {
        assert_eq!(Cron::parse(text).unwrap().warnings(), [], "{text}");
    }
}

#[test]
fn t2_a_schedule_is_an_interval_if_minute_or_hour_starts_with_a_star() {
    for text in ["* * * * *", "*/30 * * * *", "0 * * * *", "0 */2 * * *", "*,5 2 * * *", "@hourly"] {
        assert!(Cron::parse(text).unwrap().is_interval(), "{text}");
    }
    for text in ["0 2 * * *", "0-59 0-23 * * *", "0,30 2 * * *", "5/15 3 * * *", "@daily", "@yearly"] {
        assert!(!Cron::parse(text).unwrap().is_interval(), "{text}");
    }
}

#[test]
fn an_expression_shows_as_it_was_written() {
    let cron = Cron::parse("5   4 * * MON").unwrap();
    assert_eq!(cron.to_string(), "5   4 * * MON");
    assert_eq!(cron.source(), "5   4 * * MON");
    assert_eq!(format!("{cron:?}"), r#"Cron("5   4 * * MON")"#);
    assert_eq!(cron, "5   4 * * MON".parse().unwrap());
    assert_ne!(cron, "5 4 * * MON".parse().unwrap());
}
