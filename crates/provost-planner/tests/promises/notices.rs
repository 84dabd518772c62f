//! Who is told of what: R7, A27, A29, A30, A32.

use provost_model::{Automation, CatchUp, Channel, Desired, Fact, Moment, NoSuccessFor, Retries};

use crate::bench::{Bench, exits, hangs, ok};
use crate::sample::{automation, channel, desired, every, hook, name, telling, with_channels, with_hooks};

const MOMENTS: [Moment; 12] = [
    Moment::Starting,
    Moment::Started,
    Moment::Success,
    Moment::Failure,
    Moment::Recovery,
    Moment::Retrying,
    Moment::Cancelled,
    Moment::Finished,
    Moment::Skipped,
    Moment::Missed,
    Moment::Late,
    Moment::StepFailure,
];

/// `ops` hears of every moment.
fn loud(automation: Automation) -> Automation {
    MOMENTS.into_iter().fold(automation, |it, moment| telling(it, moment, "ops"))
}

fn shop(automation: Automation) -> Desired {
    with_channels(desired([automation]), [channel("ops")])
}

/// What was heard, sorted: notices of one instant arrive in any order.
fn words(bench: &Bench) -> Vec<String> {
    let mut words: Vec<String> = bench.heard().iter().map(|it| it.trim_start_matches("ops ").to_owned()).collect();
    words.sort();
    words
}

#[test]
fn a29_each_moment_of_a_good_run_is_told_once() {
    let mut bench = Bench::with(shop(loud(automation("job"))));
    bench.run("job");
    assert_eq!(words(&bench), ["finished", "started", "starting", "success"]);
    assert!(bench.state.outbox.is_empty());
}

#[test]
fn r7_failure_is_told_after_the_last_attempt_and_recovery_with_the_next_success() {
    let job = loud(Automation { retries: Retries { limit: 1, backoff_s: 5, max_backoff_s: 5 }, ..automation("job") });
    let mut bench = Bench::new();
    bench.script("job", [exits(1, 0), exits(1, 0), ok()]).apply(shop(job));
    bench.run("job");
    assert_eq!(words(&bench), ["retrying", "started", "starting", "stepFailure"]);
    bench.told.clear();
    bench.wait(5);
    assert_eq!(words(&bench), ["failure", "finished", "stepFailure"]);
    bench.told.clear();
    bench.run("job");
    assert_eq!(words(&bench).len(), 5);
    assert!(words(&bench).contains(&"recovery".to_owned()), "{:?}", words(&bench));
    bench.told.clear();
    bench.run("job");
    assert!(!words(&bench).contains(&"recovery".to_owned()), "{:?}", words(&bench));
}

#[test]
fn a29_a_retried_success_tells_no_failure_and_no_recovery() {
    let job = loud(Automation { retries: Retries { limit: 1, backoff_s: 0, max_backoff_s: 0 }, ..automation("job") });
    let mut bench = Bench::new();
    bench.script("job", [exits(1, 0), ok()]).apply(shop(job));
    bench.run("job");
    assert_eq!(words(&bench), ["finished", "retrying", "started", "starting", "stepFailure", "success"]);
}

#[test]
fn a29_a_cancelled_run_is_told_whether_it_had_begun_or_not() {
    let mut bench = Bench::new();
    bench.script("job", [hangs()]).apply(shop(loud(automation("job"))));
    let (first, second) = (bench.run("job"), bench.run("job"));
    bench.told.clear();
    bench.stop(&second);
    assert_eq!(words(&bench), ["cancelled", "finished"]);
    bench.told.clear();
    bench.stop(&first);
    assert_eq!(words(&bench).iter().filter(|it| *it == "cancelled").count(), 1);
}

#[test]
fn a29_skipped_missed_and_late_are_told() {
    let mut bench = Bench::new();
    let tick = loud(Automation { late_after_s: 30, catch_up: CatchUp::Last, ..every("tick", 60) });
    bench.script("tick", [exits(0, 70)]).apply(shop(tick));
    bench.wait(125);
    assert!(words(&bench).contains(&"skipped".to_owned()));
    bench.told.clear();
    bench.down_for(220);
    let heard = words(&bench);
    assert!(heard.contains(&"missed".to_owned()) && heard.contains(&"late".to_owned()), "{heard:?}");
    let missed = bench.told.iter().find(|notice| notice.moment == Moment::Missed).unwrap();
    assert_eq!(
        missed.data["message"],
        "tick missed 2 due times from 2026-11-20T00:03:00Z to 2026-11-20T00:04:00Z (down)"
    );
}

#[test]
fn a29_a_run_on_time_is_not_late() {
    let mut tick = loud(Automation { late_after_s: 0, ..every("tick", 600) });
    tick.schedules[0].jitter_s = 300;
    let mut bench = Bench::with(shop(tick));
    bench.wait(900);
    assert!(!words(&bench).contains(&"late".to_owned()));
}

#[test]
fn a29_a_hook_that_fails_is_told_below_the_run() {
    let job = telling(with_hooks(automation("job"), [hook("after", "run.finished")]), Moment::StepFailure, "ops");
    let mut bench = Bench::new();
    bench.script("after", [exits(7, 0)]).apply(shop(job));
    bench.run("job");
    assert_eq!(words(&bench), ["stepFailure"]);
}

#[test]
fn a32_a_flagged_run_tells_nobody_and_hides_nothing() {
    let mut bench = Bench::new();
    bench.script("job", [exits(1, 0), ok(), exits(1, 0), ok()]).apply(shop(loud(automation("job"))));
    bench.run("job"); // Fails: told.
    bench.told.clear();
    bench.run_with("job", "{}", true); // A flagged success is no recovery.
    assert_eq!(bench.state.ledgers[&name("job")].failures, 1);
    bench.run_with("job", "{}", true); // A flagged failure is no failure.
    assert_eq!((bench.told.len(), bench.state.ledgers[&name("job")].failures), (0, 1));
    bench.run("job");
    assert!(words(&bench).contains(&"recovery".to_owned()));
}

#[test]
fn a27_a_receiver_that_is_offline_hears_of_it_later() {
    let mut bench = Bench::with(shop(telling(automation("job"), Moment::Success, "ops")));
    bench.offline.insert(name("ops"));
    bench.run("job");
    bench.wait(600);
    assert!(bench.told.is_empty());
    assert_eq!(bench.state.outbox.len(), 1);
    bench.down_for(600);
    bench.offline.clear();
    bench.wait(900);
    assert_eq!(words(&bench), ["success"]);
    assert!(bench.state.outbox.is_empty());
}

#[test]
fn a27_tries_are_spread_and_given_up_after_a_day() {
    let mut bench = Bench::with(shop(telling(automation("job"), Moment::Success, "ops")));
    bench.offline.insert(name("ops"));
    bench.run("job");
    bench.wait(2 * 86_400);
    let count = |is: fn(&Fact) -> bool| bench.log.iter().filter(|it| is(&it.fact)).count();
    let tries = count(|fact| matches!(fact, Fact::NoticeFailed { .. }));
    assert!((90..120).contains(&tries), "{tries} tries in a day, at most a quarter of an hour apart");
    assert_eq!(count(|fact| matches!(fact, Fact::NoticeGivenUp { .. })), 1);
    assert!(bench.state.outbox.is_empty());
}

fn failing_over() -> Desired {
    let ops = Channel { failover: vec![name("mail"), name("page")], ..channel("ops") };
    let job = telling(automation("job"), Moment::Failure, "ops");
    with_channels(desired([job]), [ops, channel("mail"), channel("page")])
}

#[test]
fn a30_a_stand_in_gets_the_original_and_who_it_stands_in_for() {
    let mut bench = Bench::new();
    bench.script("job", [exits(3, 0)]).apply(failing_over());
    bench.offline.insert(name("ops"));
    let run = bench.run("job");
    assert_eq!(bench.heard(), ["mail failure"]);
    let notice = &bench.told[0];
    assert_eq!((notice.run.as_ref(), notice.instead_of.as_ref()), (Some(&run), Some(&name("ops"))));
    assert_eq!((&notice.data["message"], &notice.data["exitCode"]), (&"job Failed: exit 3".into(), &3.into()));
    // The one that was missed is delivered later, once.
    bench.offline.clear();
    bench.wait(900);
    assert_eq!(bench.heard(), ["mail failure", "ops failure"]);
}

#[test]
fn a30_the_chain_ends_with_the_first_that_takes_it() {
    let mut bench = Bench::new();
    bench.script("job", [exits(3, 0)]).apply(failing_over());
    bench.offline.extend([name("ops"), name("mail")]);
    bench.run("job");
    assert_eq!(bench.heard(), ["page failure"]);
    bench.wait(7_200);
    assert_eq!(bench.heard(), ["page failure"], "each further try of the first one calls nobody again");
    assert_eq!(bench.state.outbox.len(), 1);
}

#[test]
fn a30_the_last_of_the_chain_is_tried_again() {
    let mut bench = Bench::new();
    bench.script("job", [exits(3, 0)]).apply(failing_over());
    bench.offline.extend([name("ops"), name("mail"), name("page")]);
    bench.run("job");
    bench.wait(100);
    bench.offline.remove(&name("page"));
    bench.wait(900);
    assert_eq!(bench.heard(), ["page failure"]);
}

#[test]
fn while_it_keeps_failing_each_channel_hears_of_it_at_its_own_pace() {
    let mut bench = Bench::new();
    let fast = Channel { repeat_every_s: Some(3_600), ..channel("fast") };
    let slow = Channel { repeat_every_s: Some(10_000), ..channel("slow") };
    let job = ["fast", "slow", "once"].into_iter().fold(automation("job"), |it, to| telling(it, Moment::Failure, to));
    bench.script("job", [exits(1, 0), ok()]).apply(with_channels(desired([job]), [fast, slow, channel("once")]));
    bench.run("job");
    bench.wait(20_500);
    let count = |bench: &Bench, channel: &str| {
        bench.told.iter().filter(|notice| notice.channel.name.as_str() == channel).count()
    };
    assert_eq!(["fast", "slow", "once"].map(|channel| count(&bench, channel)), [1 + 5, 1 + 2, 1]);
    bench.run("job");
    bench.wait(20_500);
    assert_eq!(["fast", "slow", "once"].map(|channel| count(&bench, channel)), [6, 3, 1], "a success ends it");
}

#[test]
fn no_success_for_too_long_is_told_though_failures_are_told_too() {
    let mut daily = telling(every("daily", 86_400), Moment::Failure, "chat");
    daily.notify.no_success_for = Some(NoSuccessFor { after_s: 26 * 3_600, channels: vec![name("pager")] });
    let mut bench = Bench::new();
    bench.script("daily", [ok(), exits(1, 0)]);
    bench.apply(with_channels(desired([daily]), [channel("chat"), channel("pager")]));
    bench.wait(4 * 86_400 + 3_600);
    // Succeeded after a day; 26 hours later, and again after as long.
    assert_eq!(bench.heard(), ["chat failure", "pager noSuccess", "chat failure", "pager noSuccess", "chat failure"]);
}

#[test]
fn no_success_is_told_of_an_automation_that_never_ran() {
    let mut job = automation("job");
    job.notify.no_success_for = Some(NoSuccessFor { after_s: 3_600, channels: vec![name("ops")] });
    let mut bench = Bench::with(shop(job));
    bench.wait(3_599);
    assert!(bench.told.is_empty());
    bench.wait(1);
    assert_eq!(words(&bench), ["noSuccess"]);
    assert_eq!(bench.told[0].data["message"], "job had no success since 2026-11-20T00:00:00Z");
    bench.run("job");
    bench.wait(3_599);
    assert_eq!(words(&bench).len(), 1);
}

#[test]
fn a_notice_survives_a_crash_before_its_delivery_and_is_delivered_once() {
    let mut bench = Bench::with(shop(telling(automation("job"), Moment::Success, "ops")));
    bench.offline.insert(name("ops"));
    bench.run("job");
    bench.offline.clear();
    bench.down_for(3_600);
    bench.down_for(3_600);
    assert_eq!(words(&bench), ["success"]);
}
