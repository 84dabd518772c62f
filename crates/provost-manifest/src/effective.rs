//! The effective manifest: each value in force, as it would be written, and who said so (A8).

use provost_model::{Automation, HookOwner, Origin, Trigger};
use provost_schedule::{Schedule, Timing};
use serde::Serialize;
use serde_json::Value;

use crate::kinds::{Bytes, Millicores, Seconds};

/// One value in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EffectiveValue {
    /// Its path: `spec.timeout`.
    pub path: String,
    /// The value, as it would be written: `10m`.
    pub value: String,
    /// Who said so. Absent where several add up (`hooks`, `notify`, `freeze`, limits): the value names them.
    pub origin: Option<Origin>,
}

/// Everything in force for `automation`, in the order in which manifests are written. What is empty is left out.
pub fn effective(automation: &Automation) -> Vec<EffectiveValue> {
    let mut lines = Lines {
        automation,
        values: Vec::new(),
    };
    lines.when();
    lines.container();
    lines.life();
    lines.around();
    lines.values
}

struct Lines<'a> {
    automation: &'a Automation,
    values: Vec<EffectiveValue>,
}

impl Lines<'_> {
    fn add(&mut self, path: &str, value: impl ToString) {
        let path = format!("spec.{path}");
        let value = value.to_string();
        // A field that was written short has its origin under its own name, a part of it under the whole.
        let whole = path.rsplit_once('.').map(|(whole, _)| whole);
        let origins = &self.automation.origins;
        let origin = origins.get(&path).or_else(|| origins.get(whole?)).cloned();
        self.values.push(EffectiveValue {
            path,
            value,
            origin,
        });
    }

    fn list(&mut self, path: &str, values: &[impl AsRef<str>]) {
        if !values.is_empty() {
            let quoted: Vec<String> = values.iter().map(|value| word(value.as_ref())).collect();
            self.add(path, format!("[{}]", quoted.join(", ")));
        }
    }

    fn when(&mut self) {
        let automation = self.automation;
        self.list_plain(
            "schedule",
            automation.schedules.iter().map(schedule).collect(),
        );
        self.list_plain(
            "triggers",
            automation.triggers.iter().map(trigger).collect(),
        );
    }

    fn list_plain(&mut self, path: &str, values: Vec<String>) {
        match values.as_slice() {
            [] => {}
            [only] => self.add(path, only),
            several => self.add(path, several.join("; ")),
        }
    }

    fn container(&mut self) {
        let workload = &self.automation.workload;
        self.add("image", &workload.image);
        self.add("pullPolicy", name(&workload.pull));
        self.list("command", &workload.command);
        self.list("args", &workload.args);
        for (key, value) in &workload.env {
            self.add(&format!("env.{key}"), word(value));
        }
        if let Some(folder) = &workload.working_dir {
            self.add("workingDir", folder);
        }
        if let Some(user) = &workload.user {
            self.add("user", user);
        }
        self.add("readOnlyRoot", workload.read_only_root);
        self.list("dropCapabilities", &workload.drop_capabilities);
        self.list("addCapabilities", &workload.add_capabilities);
        self.add("network", &workload.network);
        let volumes = workload.volumes.iter().map(|volume| {
            let from = volume.host_path.as_ref().unwrap_or(&volume.name);
            format!(
                "{from} at {}{}",
                volume.path,
                if volume.read_only { ", read-only" } else { "" }
            )
        });
        self.list_plain("volumes", volumes.collect());
        self.add(
            "resources.cpu",
            Millicores(workload.resources.cpu_millis).text(),
        );
        self.add(
            "resources.memory",
            Bytes(workload.resources.memory_bytes).text(),
        );
        self.add("resources.pids", workload.resources.pids);
        let params = self
            .automation
            .params
            .iter()
            .map(|(name, param)| format!("{name}: {}", param.kind.word()));
        self.list_plain("params", params.collect());
    }

    fn life(&mut self) {
        let automation = self.automation;
        self.add("timeout", Seconds(automation.timeout_s).text());
        self.add("gracePeriod", Seconds(automation.grace_s).text());
        self.add("retries.limit", automation.retries.limit);
        self.add(
            "retries.backoff",
            Seconds(automation.retries.backoff_s).text(),
        );
        self.add(
            "retries.maxBackoff",
            Seconds(automation.retries.max_backoff_s).text(),
        );
        self.add("concurrencyPolicy", name(&automation.concurrency));
        self.add("queueLimit", automation.queue_limit);
        self.add("catchUp", name(&automation.catch_up));
        if let Some(deadline) = automation.start_deadline_s {
            self.add("startDeadline", Seconds(deadline).text());
        }
        self.add("lateAfter", Seconds(automation.late_after_s).text());
        self.list("locks", &automation.locks.iter().collect::<Vec<_>>());
        if automation.suspend {
            self.add("suspend", true);
        }
    }

    fn around(&mut self) {
        let automation = self.automation;
        for hook in &automation.hooks {
            let owner = match &hook.owner {
                HookOwner::Policy { name, .. } => format!("Policy/{name}"),
                HookOwner::Plugin { name, .. } => format!("Plugin/{name}"),
                HookOwner::Automation => format!("Automation/{}", automation.name),
            };
            self.sum(
                "hooks",
                format!("{} on {}, of {owner}", hook.name, hook.event),
            );
        }
        for (moment, channels) in &automation.notify.channels {
            let channels: Vec<&str> = channels.iter().map(provost_model::Name::as_str).collect();
            self.sum(
                "notify",
                format!("{}: {}", name(moment), channels.join(", ")),
            );
        }
        if let Some(rule) = &automation.notify.no_success_for {
            let channels: Vec<&str> = rule
                .channels
                .iter()
                .map(provost_model::Name::as_str)
                .collect();
            self.sum(
                "notify",
                format!(
                    "noSuccessFor {}: {}",
                    Seconds(rule.after_s).text(),
                    channels.join(", ")
                ),
            );
        }
        for limit in &automation.run_limits {
            self.sum(
                "runsAtOnce",
                format!("{}, of Policy/{}", limit.runs_at_once, limit.policy),
            );
        }
        for freeze in &automation.freezes {
            self.sum(
                "freeze",
                format!(
                    "{} ({}), of Policy/{}",
                    schedule(&freeze.minutes),
                    freeze.reason,
                    freeze.policy
                ),
            );
        }
        self.add("history.keep", Seconds(automation.history.keep_s).text());
        self.add("history.keepLast", automation.history.keep_last);
        self.add("history.logs", Seconds(automation.history.logs_s).text());
        self.add(
            "history.logSize",
            Bytes(automation.history.log_bytes).text(),
        );
    }

    /// One of several that add up.
    fn sum(&mut self, path: &str, value: String) {
        self.values.push(EffectiveValue {
            path: format!("spec.{path}"),
            value,
            origin: None,
        });
    }
}

/// The word that a value without fields is written as.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        other => other.unwrap_or_default().to_string(),
    }
}

/// A text as YAML would have it: with quotes where it needs them.
fn word(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.' | '=' | '$' | '(' | ')')
    };
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    if starts && text.chars().all(plain) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

fn schedule(schedule: &Schedule) -> String {
    let text = match &schedule.timing {
        Timing::Cron { cron, zone, .. } => format!("\"{cron}\" {zone}"),
        Timing::Every { seconds } => format!("every {}", Seconds(*seconds).text()),
        Timing::At { instant } => format!("at {instant}"),
    };
    if schedule.jitter_s == 0 {
        text
    } else {
        format!("{text}, jitter {}", Seconds(schedule.jitter_s).text())
    }
}

fn trigger(trigger: &Trigger) -> String {
    let from = trigger
        .from
        .as_ref()
        .map_or(String::new(), |from| format!(" of {from}"));
    let when = trigger
        .when
        .as_ref()
        .map_or(String::new(), |when| format!(" when {when}"));
    format!("{}{from}{when}", trigger.event)
}
