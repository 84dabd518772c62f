//! Receivers that are asked whether a run may start: A26.

use provost_model::{Channel, Desired, Moment, Outcome, Reply, ReplyRule, Verdict};
use provost_planner::{Action, Moves, actions};

use crate::bench::Bench;
use crate::sample::{automation, channel, desired, hook, name, telling, with_channels, with_hooks};

fn asked(default: Verdict) -> Channel {
    Channel { reply: Some(ReplyRule { timeout_s: 30, default }), ..channel("ops") }
}

/// A job that asks `ops`, and has a before-hook and an after-hook.
fn shop(default: Verdict) -> Desired {
    let job = with_hooks(automation("job"), [hook("before", "run.starting"), hook("after", "run.finished")]);
    with_channels(desired([telling(job, Moment::Starting, "ops")]), [asked(default)])
}

fn answering(allow: bool) -> Reply {
    Reply { allow, reason: "stocktaking".to_owned() }
}

#[test]
fn a26_a_receiver_allows_a_run() {
    let mut bench = Bench::with(shop(Verdict::Deny));
    bench.replies.insert(name("ops"), answering(true));
    let run = bench.run("job");
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
    assert_eq!(bench.steps(), ["run.starting-before", "main.1", "run.finished-after"]);
    assert!(bench.told.is_empty(), "who is asked need not be told as well");
}

#[test]
fn a26_a_receiver_denies_a_run() {
    let mut bench = Bench::with(shop(Verdict::Allow));
    bench.replies.insert(name("ops"), answering(false));
    let run = bench.run("job");
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "denied by run.starting-ask.ops: stocktaking"));
    assert_eq!(bench.steps(), ["run.finished-after"]);
    bench.assert_clean();
}

#[test]
fn a26_the_question_is_asked_until_it_is_answered_and_holds_the_run_back() {
    let mut bench = Bench::with(shop(Verdict::Allow));
    let run = bench.run("job");
    bench.wait(20);
    assert!(bench.steps().is_empty());
    let questions = |bench: &Bench| {
        let found = actions(&bench.world(), &mut Moves::default()).into_iter();
        found.filter(|action| matches!(action, Action::Ask { .. })).collect::<Vec<_>>()
    };
    assert_eq!(questions(&bench).len(), 1);
    let Action::Ask { body, channel, .. } = questions(&bench).remove(0) else { panic!() };
    assert_eq!((body["data"]["run"].as_str(), channel.name.as_str()), (Some(run.as_str()), "ops"));
    bench.down_for(10);
    assert_eq!(questions(&bench).len(), 1, "after a restart it is asked again");
}

#[test]
fn a26_a_stop_does_not_wait_for_the_answer() {
    let mut bench = Bench::with(shop(Verdict::Allow));
    let run = bench.run("job");
    bench.stop(&run).assert_clean();
    assert_eq!(bench.outcome(&run), (Outcome::Cancelled, "stopped by ann"));
}

#[test]
fn a26_a_channel_that_goes_leaves_the_default() {
    for (default, outcome) in [(Verdict::Allow, Outcome::Succeeded), (Verdict::Deny, Outcome::Cancelled)] {
        let mut bench = Bench::with(shop(default));
        let run = bench.run("job");
        bench.apply(desired([automation("job")]));
        assert_eq!(bench.outcome(&run).0, outcome);
        bench.assert_clean();
    }
}

#[test]
fn a32_a_flagged_run_asks_nobody() {
    let mut bench = Bench::with(shop(Verdict::Deny));
    let run = bench.run_with("job", "{}", true);
    assert_eq!(bench.outcome(&run).0, Outcome::Succeeded);
}
