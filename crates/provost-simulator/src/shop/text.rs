//! Pieces of manifests, by chance.

use super::{EVENTS, Fields, SCHEDULES, Shop};
use crate::Dice;

impl Shop {
    /// Adds an automation of a name that was never there.
    pub(super) fn add_automation(&mut self, dice: &mut Dice) {
        self.names += 1;
        let name = format!("job-{:02}", self.names);
        let others = self.names();
        let mut fields = Fields::from([("image", image("job", self.builds))]);
        for key in KEYS {
            if let Some(value) = value_of(key, dice, &others, 2) {
                fields.insert(key, value);
            }
        }
        self.automations.insert(name, fields);
    }

    pub(super) fn add_policy(&mut self, dice: &mut Dice, name: &str) {
        let order = if name == "shop" { 100 } else { 200 };
        let mut fields = Fields::from([("order", order.to_string())]);
        fields.insert("hooks", format!("[{}]", policy_hooks(dice).join(", ")));
        if dice.one_in(3) {
            fields.insert("limits", format!("{{runsAtOnce: {}}}", dice.between(1, 3)));
        }
        if dice.one_in(3) {
            let minutes = dice.pick(&["* 13 * * *", "0-20 * * * *", "* 22-23 * * fri"]);
            fields.insert("freeze", format!("[{{cron: \"{minutes}\", reason: stocktaking}}]"));
        }
        if dice.one_in(2) {
            let notify =
                "{failure: [ops], recovery: [ops], missed: [boss], noSuccessFor: {after: 26h, channels: [ops]}}";
            fields.insert("notify", notify.to_owned());
        }
        if dice.one_in(3) {
            fields.insert("defaults", "{retries: {limit: 1, backoff: 20s}, timeZone: Europe/Berlin}".to_owned());
        }
        self.policies.insert(name.to_owned(), fields);
    }
}

pub(super) const KEYS: [&str; 14] = [
    "schedule",
    "triggers",
    "timeout",
    "gracePeriod",
    "retries",
    "concurrencyPolicy",
    "queueLimit",
    "catchUp",
    "startDeadline",
    "lateAfter",
    "locks",
    "suspend",
    "hooks",
    "notify",
];

pub(super) fn image(name: &str, build: u32) -> String {
    format!("\"{name}:{build}\"")
}

/// A value for `key`, or none: then its default holds. Most have one once in `rare` throws.
pub(super) fn value_of(key: &str, dice: &mut Dice, others: &[String], rare: u32) -> Option<String> {
    if key == "schedule" {
        return (!dice.one_in(6)).then(|| schedule(dice));
    }
    if !dice.one_in(rare) {
        return None;
    }
    Some(match key {
        "triggers" => trigger(dice, others)?,
        "timeout" => (*dice.pick(&["30s", "2m", "10m", "1h"])).to_owned(),
        "gracePeriod" => (*dice.pick(&["1s", "10s", "30s"])).to_owned(),
        "retries" => {
            (*dice.pick(&["0", "1", "{limit: 2, backoff: 5s}", "{limit: 3, backoff: 1m, maxBackoff: 2m}"])).to_owned()
        }
        "concurrencyPolicy" => (*dice.pick(&["Forbid", "Queue", "Replace", "Allow"])).to_owned(),
        "queueLimit" => dice.between(1, 3).to_string(),
        "catchUp" => (*dice.pick(&["None", "Last", "All"])).to_owned(),
        "startDeadline" => (*dice.pick(&["10s", "25s", "5m", "2h"])).to_owned(),
        "lateAfter" => (*dice.pick(&["5s", "1m"])).to_owned(),
        "locks" => (*dice.pick(&["[warehouse]", "[till]", "[warehouse, till]"])).to_owned(),
        "suspend" => dice.one_in(4).to_string(),
        "hooks" => format!("[{}]", own_hook(dice)),
        "notify" => (*dice.pick(&["{failure: [ops]}", "{starting: [gate]}", "{success: [ops], stepFailure: [boss]}"]))
            .to_owned(),
        _ => return None,
    })
}

fn schedule(dice: &mut Dice) -> String {
    let first = dice.pick(&SCHEDULES).0;
    if dice.one_in(5) { format!("[{first}, {}]", dice.pick(&SCHEDULES[7..]).0) } else { first.to_owned() }
}

fn trigger(dice: &mut Dice, others: &[String]) -> Option<String> {
    if dice.one_in(2) {
        return Some(format!("[{{event: {}}}]", dice.pick(&EVENTS)));
    }
    // Only from those that were there before, so that no circle comes about.
    let from = others.first()?;
    Some(format!("[{{event: {}, from: {from}}}]", dice.pick(&["run.succeeded", "run.failed", "run.finished"])))
}

fn policy_hooks(dice: &mut Dice) -> Vec<String> {
    let mut hooks = Vec::new();
    for (index, event) in [
        "run.starting",
        "run.starting",
        "run.started",
        "run.succeeded",
        "run.failed",
        "run.retrying",
        "run.cancelled",
        "run.lost",
        "run.timedOut",
        "run.finished",
        "run.finished",
        "run.skipped",
        "run.missed",
        "server.startup",
        "server.shutdown",
        "revision.applied",
        EVENTS[0],
        EVENTS[1],
        EVENTS[0],
    ]
    .iter()
    .enumerate()
    {
        // Skips and misses are many: hooks on them would be most of what happens.
        let rare = if event.contains("ss") || event.contains("kipp") { 5 } else { 3 };
        if dice.one_in(rare) {
            hooks.push(hook(&format!("h{index}"), event, dice));
        }
    }
    hooks
}

pub(super) fn plugin_hooks(dice: &mut Dice) -> Vec<String> {
    let mut hooks = vec![hook("index", "run.succeeded", dice)];
    for (name, stage) in [("locate", "Pre"), ("store", "Main"), ("tell", "Post")] {
        if dice.one_in(2) {
            hooks.push(format!("{{name: {name}, event: {}, image: \"hook:1\", stage: {stage}}}", EVENTS[0]));
        }
    }
    hooks
}

fn own_hook(dice: &mut Dice) -> String {
    let event = *dice.pick(&["run.starting", "run.failed", "run.finished"]);
    hook("own", event, dice)
}

fn hook(name: &str, event: &str, dice: &mut Dice) -> String {
    let mut text = format!("{{name: {name}, event: {event}, image: \"hook:{}\", timeout: 40s", dice.between(1, 3));
    let is_background = dice.one_in(5);
    if is_background {
        text += ", background: true, onError: Ignore";
    } else if dice.one_in(5) {
        text += ", parallel: true";
    }
    if event.starts_with("run.") && !is_background && dice.one_in(3) {
        text += if dice.one_in(2) { ", onError: Ignore" } else { ", onError: Fail" };
    }
    if dice.one_in(6) {
        text += &format!(", stage: {}", dice.pick(&["Pre", "Main", "Post"]));
    }
    text + "}"
}
