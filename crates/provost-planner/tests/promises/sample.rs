//! Small manifests as they take effect, for tests to change.

use std::sync::Arc;

use jiff::Timestamp;
use provost_model::{
    Automation, Channel, ConcurrencyPolicy, Desired, Freeze, HealthCheck, History, Hook, HookOwner, JsonMap, Moment,
    Name, Notify, OnError, Probe, Retries, ServiceTerms, Stage, Target, Trigger, Workload,
};
use provost_schedule::{Cron, OnFold, OnGap, Schedule, Timing, Zone};

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn map(text: &str) -> JsonMap {
    serde_json::from_str(text).unwrap()
}

/// An automation that runs by hand only, in a container of the image that has its name.
pub fn automation(text: &str) -> Automation {
    Automation {
        name: name(text),
        labels: Default::default(),
        description: None,
        schedules: Vec::new(),
        triggers: Vec::new(),
        workload: workload(text),
        params: Default::default(),
        timeout_s: 600,
        grace_s: 10,
        retries: Retries { limit: 0, backoff_s: 30, max_backoff_s: 600 },
        concurrency: ConcurrencyPolicy::Forbid,
        queue_limit: 1,
        catch_up: Default::default(),
        start_deadline_s: None,
        late_after_s: 60,
        locks: Default::default(),
        requires: Default::default(),
        service: None,
        run_limits: Vec::new(),
        hooks: Vec::new(),
        notify: Notify::default(),
        freezes: Vec::new(),
        history: History { keep_s: 86_400, keep_last: 100, logs_s: 86_400, log_bytes: 1 << 20 },
        suspend: false,
        action: None,
        origins: Arc::default(),
    }
}

/// An automation that is due every `seconds`.
pub fn every(text: &str, seconds: u64) -> Automation {
    Automation { schedules: vec![period(seconds)], ..automation(text) }
}

pub fn period(seconds: u64) -> Schedule {
    Schedule { timing: Timing::Every { seconds }, jitter_s: 0 }
}

pub fn cron(expression: &str) -> Schedule {
    let (cron, zone) = (Cron::parse(expression).unwrap(), Zone::parse("UTC").unwrap());
    Schedule { timing: Timing::Cron { cron, zone, on_gap: OnGap::NextValid, on_fold: OnFold::First }, jitter_s: 0 }
}

pub fn workload(image: &str) -> Workload {
    Workload { image: image.to_owned(), network: "None".to_owned(), ..Workload::default() }
}

/// A hook of the automation itself, in a container of the image that has its name.
pub fn hook(text: &str, event: &str) -> Hook {
    Hook {
        name: name(text),
        owner: HookOwner::Automation,
        event: event.to_owned(),
        stage: Stage::Main,
        workload: workload(text),
        config: serde_json::Value::Null,
        takes: None,
        timeout_s: 60,
        grace_s: 5,
        on_error: if event == "run.starting" { OnError::Fail } else { OnError::Ignore },
        background: false,
        parallel: false,
        application: None,
    }
}

pub fn with_hooks(automation: Automation, hooks: impl IntoIterator<Item = Hook>) -> Automation {
    Automation { hooks: hooks.into_iter().map(Arc::new).collect(), ..automation }
}

/// A channel that appends to a file.
pub fn channel(text: &str) -> Channel {
    Channel {
        name: name(text),
        target: Target::File { path: format!("{text}.log") },
        failover: Vec::new(),
        repeat_every_s: None,
        reply: None,
        timeout_s: 30,
    }
}

/// `moment` is told to `channel`.
pub fn telling(mut automation: Automation, moment: Moment, channel: &str) -> Automation {
    automation.notify.channels.entry(moment).or_default().push(name(channel));
    automation
}

pub fn on(event: &str) -> Trigger {
    Trigger { event: event.to_owned(), from: None, when: None }
}

pub fn freeze(expression: &str) -> Arc<Freeze> {
    Arc::new(Freeze { minutes: cron(expression), reason: "release night".to_owned(), policy: name("shop") })
}

pub fn desired(automations: impl IntoIterator<Item = Automation>) -> Desired {
    let automations = automations.into_iter().map(|it| (it.name.clone(), Arc::new(it))).collect();
    Desired { automations, ..Desired::default() }
}

pub fn with_channels(mut desired: Desired, channels: impl IntoIterator<Item = Channel>) -> Desired {
    desired.channels = channels.into_iter().map(|it| (it.name.clone(), Arc::new(it))).collect();
    desired
}

pub fn with_server_hooks(mut desired: Desired, hooks: impl IntoIterator<Item = Hook>) -> Desired {
    desired.hooks = hooks.into_iter().map(Arc::new).collect();
    desired
}

/// A service whose image has its name; tests script that image to hang.
pub fn service(text: &str) -> Automation {
    Automation {
        timeout_s: u64::MAX,
        retries: Retries { limit: 0, backoff_s: 10, max_backoff_s: 600 },
        concurrency: ConcurrencyPolicy::Allow,
        catch_up: provost_model::CatchUp::None,
        service: Some(Arc::default()),
        ..automation(text)
    }
}

/// The same with a health check, asked every 30 s.
pub fn checked(text: &str) -> Automation {
    let probe = Probe::Command { command: vec!["ready".to_owned()] };
    let check = HealthCheck { probe, interval_s: 30, timeout_s: 5, failures: 3, start_timeout_s: 10 };
    Automation {
        service: Some(Arc::new(ServiceTerms { health_check: Some(check), ..ServiceTerms::default() })),
        ..service(text)
    }
}
