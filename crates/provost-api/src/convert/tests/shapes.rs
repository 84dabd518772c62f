//! Every other published shape.

use provost_controller::{EngineFacts, EngineStatus, LogLine, OutputStream, SourceStatus, View};
use provost_model::*;
use provost_planner::{Change, Verb};
use serde_json::json;

use super::samples::*;
use crate::ServerInfo;
use crate::convert::{self, Glimpse};
use crate::wire::{self, AutomationState};

#[test]
fn shape_of_a_status() {
    let mut facts = a_night();
    facts.push(Fact::RevisionRejected { revision: revision("8be04d7"), errors: 2, report: "error[E0142]".into() });
    let (state, _) = state(facts);
    let engine = EngineStatus {
        facts: Some(EngineFacts {
            product: "Docker Engine".into(),
            version: "20.10.24".into(),
            address: "unix:///var/run/docker.sock (default)".into(),
        }),
        trouble: None,
        containers: 2,
    };
    let source = SourceStatus {
        name: "folder /srv/shop".into(),
        fetched_at: Some(at("2026-11-20T01:09:30Z")),
        trouble: None,
        waiting: Some("8be04d7".into()),
    };
    let view = View {
        copies: Vec::new(),
        now: at("2026-11-20T01:10:00Z"),
        state: &state,
        engine: &engine,
        source: &source,
        wake_at: Some(at("2026-11-20T01:10:30Z")),
        waiting_for: vec!["revision 8be04d7 was rejected; it is looked at again when the source changes".into()],
    };
    let info = ServerInfo {
        version: "1.0.0".into(),
        host: "ber-1".into(),
        recipient: "age1ber".into(),
        listen: None,
        metrics: crate::Metrics::default(),
    };
    let mut status = convert::status(&view, &info, "shop");
    assert!(!status.zone_database.is_empty());
    status.zone_database = "2026b".into();
    insta::assert_json_snapshot!(status);
}

#[test]
fn shape_of_an_automation() {
    let mut facts = a_night();
    facts.extend(a_good_end());
    let (state, closed) = state(facts);
    let record = RunRecord::of(&closed[0]);
    let glimpse = Glimpse::of(&state, at("2026-11-20T12:00:00Z"), &automation());
    insta::assert_json_snapshot!(glimpse.item(Some(&record)));
}

#[test]
fn shape_of_an_automation_that_runs_and_is_paused() {
    let mut facts = a_night();
    facts.push(Fact::Paused { automation: name("nightly"), until: None, reason: "why".into(), by: "root".into() });
    let (state, _) = state(facts);
    let item = Glimpse::of(&state, at("2026-11-20T12:00:00Z"), &automation()).item(None);
    assert_eq!(item.state, AutomationState::Paused);
    insta::assert_json_snapshot!((&item.pause, &item.open_runs, &item.next_reason, item.late_s));
}

#[test]
fn an_automation_is_the_first_state_that_holds() {
    let of = |facts: Vec<Fact>| Glimpse::of(&state(facts).0, at("2026-11-20T12:00:00Z"), &automation()).state();
    let night = a_night();
    let up_to = |count: usize| night[..count].to_vec();
    let failed = |mut facts: Vec<Fact>| {
        facts.extend([
            of_run(RunFact::Concluded { outcome: Outcome::Failed, detail: "exit 3".into() }),
            of_run(RunFact::Finishing),
            of_run(RunFact::Finished { outcome: Outcome::Failed, detail: "exit 3".into() }),
        ]);
        facts
    };
    assert_eq!(of(up_to(3)), AutomationState::New);
    assert_eq!(of(up_to(4)), AutomationState::Queued);
    assert_eq!(of(up_to(5)), AutomationState::Running);
    assert_eq!(of(failed(up_to(12))), AutomationState::Failing);
    assert_eq!(of([night.clone(), a_good_end()].concat()), AutomationState::Ok);
    let mut suspended = (*automation()).clone();
    suspended.suspend = true;
    let glimpse = Glimpse::of(&state(night).0, at("2026-11-20T12:00:00Z"), &suspended.into());
    assert_eq!(glimpse.state(), AutomationState::Suspended);
}

#[test]
fn the_next_due_time_says_why_it_will_start_nothing() {
    let why = |automation: Automation| {
        let (state, _) = state(a_night());
        Glimpse::of(&state, at("2026-11-20T20:59:59Z"), &automation.into()).item(None).next_reason
    };
    let plain = (*automation()).clone();
    let every_90s = vec![plain.schedules[1].clone()];
    let with = |change: &dyn Fn(&mut Automation)| {
        let mut automation = plain.clone();
        change(&mut automation);
        why(automation)
    };
    // Friday 22:00 in Berlin: the freeze of the sample begins.
    assert_eq!(with(&|it| it.schedules.clone_from(&every_90s)).unwrap(), "frozen by Policy/shop: release night");
    assert_eq!(with(&|it| it.schedules.truncate(1)), None);
    assert_eq!(with(&|it| it.suspend = true).unwrap(), "its manifest suspends it");
    let without = with(&|it| it.schedules.clear()).unwrap();
    assert_eq!(without, "it has no schedule: it runs on its triggers and by hand");
}

#[test]
fn shape_of_an_effective_manifest() {
    let automation = automation();
    insta::assert_json_snapshot!(convert::effective(&automation));
    insta::assert_json_snapshot!(convert::hook_item(&automation.hooks[0]));
    insta::assert_json_snapshot!(convert::origin_item(&automation.origins["spec.timeout"]));
}

#[test]
fn shape_of_a_run() {
    let mut facts = a_night();
    facts.extend(a_good_end());
    let (_, closed) = state(facts);
    insta::assert_json_snapshot!(convert::run_detail(&RunRecord::of(&closed[0])));
}

#[test]
fn the_exit_code_is_that_of_the_last_attempt() {
    let (state, _) = state(a_night()[..13].to_vec());
    let item = convert::run_item(&RunRecord::of(&state.runs[&run_id()]));
    assert_eq!((item.exit, item.attempts), (Some(3), 1));
}

#[test]
fn shape_of_outcomes() {
    let outcome = |verdict: DueVerdict| DueOutcome {
        automation: name("nightly"),
        due: at("2026-11-20T01:00:00Z"),
        last: at("2026-11-20T01:00:00Z"),
        count: 1,
        verdict,
        at: at("2026-11-20T01:00:01Z"),
    };
    let outcomes = [
        outcome(DueVerdict::Ran { run: run_id() }),
        outcome(DueVerdict::Skipped { reason: SkipReason::Frozen, detail: "release night".into() }),
        outcome(DueVerdict::Missed { reason: MissReason::Deadline }),
    ];
    insta::assert_json_snapshot!(outcomes.map(|outcome| convert::outcome_item(&outcome)));
}

#[test]
fn shape_of_channels_plugins_and_policies() {
    let mut facts = a_night();
    facts.extend([
        Fact::NoticeQueued { notice: Box::new(notice()) },
        Fact::NoticeFailed { id: event_id(), why: "status 503".into(), until: at("2026-11-20T01:10:00Z") },
    ]);
    let (state, _) = state(facts);
    let file = channel(json!({"kind": "file", "path": "ops.jsonl"}));
    insta::assert_json_snapshot!([webhook(), file].map(|channel| convert::channel_item(&state, &channel)));
    let desired = &state.desired;
    let plugins = desired.plugins.iter().map(|(name, plugin)| convert::plugin_item(&state, name, plugin));
    let policies = desired.policies.iter().map(|(name, policy)| convert::policy_item(name, policy));
    insta::assert_json_snapshot!((plugins.collect::<Vec<_>>(), policies.collect::<Vec<_>>()));
}

#[test]
fn shape_of_a_history() {
    let facts = recorded(vec![
        Fact::RevisionApplied { change: Box::new(change()) },
        Fact::RevisionRejected { revision: revision("8be04d7"), errors: 2, report: "error[E0142]".into() },
        Fact::Pinned { revision: revision("3f2a9c1"), by: "root".into() },
        Fact::Unpinned { by: "root".into() },
        Fact::ServerStopping,
    ]);
    let items: Vec<_> = facts.iter().filter_map(|fact| convert::history_item(fact, Some(1))).collect();
    insta::assert_json_snapshot!(items);
}

#[test]
fn shape_of_a_proposal() {
    let proposal = provost_controller::Proposal {
        id: "8be04d7-a1".into(),
        from: Some(revision("3f2a9c1")),
        to: revision("8be04d7"),
        about: "Alice: more time".into(),
        changes: vec![Change {
            verb: Verb::Change,
            subject: "Automation/nightly".into(),
            field: Some("spec.timeout".into()),
            before: Some("10m".into()),
            after: Some("20m".into()),
            origin: Some("automations/nightly.yaml:8".into()),
            effect: None,
        }],
        report: String::new(),
    };
    insta::assert_json_snapshot!(convert::proposal(proposal));
}

#[test]
fn shape_of_a_line_of_output() {
    let line = LogLine {
        at: at("2026-11-20T01:02:03.004Z"),
        step: "main.1".into(),
        stream: OutputStream::Stderr,
        text: "wrote 1204 rows".into(),
        continued: true,
    };
    insta::assert_json_snapshot!(convert::log_line(run_id().as_str(), line));
}

#[test]
fn what_is_written_is_what_is_read() {
    let mut facts = a_night();
    facts.extend(a_good_end());
    let (state, closed) = state(facts);
    let run = convert::run_detail(&RunRecord::of(&closed[0]));
    let glimpse = Glimpse::of(&state, at("2026-11-20T12:00:00Z"), &automation());
    let detail = wire::AutomationDetail {
        next: Vec::new(),
        effective: convert::effective(&automation()),
        origins: Default::default(),
        hooks: vec![convert::hook_item(&automation().hooks[0])],
        runs: vec![run.item.clone()],
        outcomes: Vec::new(),
        item: glimpse.item(None),
    };
    assert_eq!(again(&run), run);
    assert_eq!(again(&detail), detail);
}

fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}
