//! Expressions and schedules in words.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use provost_schedule::{Cron, OnFold, OnGap, Schedule, Timing, Zone, describe, describe_schedule};

#[test]
fn expressions_in_words() {
    let table = [
        ("30 2 * * *", "at 02:30 every day"),
        ("30 2 * * mon-fri", "at 02:30 on every weekday (Monday to Friday)"),
        ("*/5 * * * *", "every 5 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour"),
        ("30 * * * *", "every hour at minute 30"),
        ("0,30 * * * *", "every 30 minutes"),
        ("5/15 * * * *", "every 15 minutes from minute 5 of each hour"),
        ("*/7 * * * *", "every hour at minutes 0, 7, 14 … 56"),
        ("1,4 * * * *", "every hour at minutes 1 and 4"),
        ("0 */2 * * *", "every 2 hours"),
        ("15 */6 * * *", "every 6 hours at minute 15"),
        ("0 8-18 * * *", "every hour from 08:00 to 18:00"),
        ("30 1-23/2 * * *", "every 2 hours from 01:30 to 23:30"),
        ("0 8,12,18 * * *", "at 08:00, 12:00 and 18:00 every day"),
        ("0,30 8,12 * * *", "at 08:00, 08:30, 12:00 and 12:30 every day"),
        ("0 0,1,5,6,7,11,20 * * *", "at minute 0 of the hours 0, 1, 5 to 7, 11 and 20 every day"),
        ("*/5 8-18 * * mon", "every 5 minutes from 08:00 to 18:55 on Monday"),
        ("* 2 * * *", "every minute from 02:00 to 02:59"),
        ("*/10 1,5 * * *", "every 10 minutes of the hours 1 and 5"),
        ("1,4,9 1-5 * * *", "at minutes 1, 4 and 9 of the hours 1 to 5 every day"),
        ("1-10 5 * * *", "at minutes 1 to 10 of hour 5 every day"),
        ("0 0 13 * 5", "at 00:00 on day 13 of the month or on Friday"),
        ("0 0 13 jan 5", "at 00:00 on day 13 of the month or on Friday, in January"),
        ("0 0 1,15 * *", "at 00:00 on days 1 and 15 of the month"),
        ("0 0 1-3,9 * *", "at 00:00 on days 1 to 3 and 9 of the month"),
        ("0 0 */2 * *", "at 00:00 on days 1, 3, 5 … 31 of the month"),
        ("0 0 1 1 *", "at 00:00 on 1 January"),
        ("0 0 1 1,7 *", "at 00:00 on day 1 of January and July"),
        ("0 0 1 * *", "at 00:00 on day 1 of the month"),
        ("0 0 * 4-6 *", "at 00:00 every day in April to June"),
        ("0 9 * 1 mon", "at 09:00 on Monday in January"),
        ("0 0 * * sat,sun", "at 00:00 on Saturday and Sunday"),
        ("0 0 * * 5-7", "at 00:00 from Friday to Sunday"),
        ("0 0 * * 0-7", "at 00:00 on every day of the week"),
        ("0 0 * * 1,3", "at 00:00 on Monday and Wednesday"),
        ("@weekly", "at 00:00 on Sunday"),
        ("@hourly", "every hour"),
    ];
    for (text, expected) in table {
        assert_eq!(describe(&Cron::parse(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn schedules_in_words() {
    let cron = Timing::Cron {
        cron: Cron::parse("0 2 * * *").unwrap(),
        zone: Zone::parse("Europe/Berlin").unwrap(),
        on_gap: OnGap::NextValid,
        on_fold: OnFold::First,
    };
    let at = Timing::At { instant: "2027-01-01T00:00:00Z".parse().unwrap() };
    let table = [
        (cron.clone(), 0, "at 02:00 every day (Europe/Berlin)"),
        (cron, 300, "at 02:00 every day (Europe/Berlin), up to 5 minutes later"),
        (Timing::Every { seconds: 90 }, 0, "every 90 seconds"),
        (Timing::Every { seconds: 3600 }, 1, "every 1 hour, up to 1 second later"),
        (Timing::Every { seconds: 172_800 }, 0, "every 2 days"),
        (at, 0, "once, at 2027-01-01T00:00:00Z"),
    ];
    for (timing, jitter_s, expected) in table {
        assert_eq!(describe_schedule(&Schedule { timing, jitter_s }), expected);
    }
}
