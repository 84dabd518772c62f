//! A shop by chance: manifests as people write them, and how people change them.

mod edit;
mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;
use provost_manifest::{ServerFacts, SourceFile, Style, compile};
use provost_model::RevisionId;

use crate::{Dice, Manifest};

/// A shop: what its manifests say, as pieces of YAML.
#[derive(Clone, Debug)]
pub struct Shop {
    /// Automations by name, each with the fields of its `spec`.
    automations: BTreeMap<String, Fields>,
    /// Policies by name, each with the fields of its `spec`.
    policies: BTreeMap<String, Fields>,
    /// Hooks of a plugin; empty: there is no plugin.
    plugin: Vec<String>,
    /// How often each name was given, so that none comes back by chance where it is not meant to.
    names: u32,
    /// How many images were built.
    builds: u32,
}

type Fields = BTreeMap<&'static str, String>;

/// Schedules, and how often each is due in an hour.
const SCHEDULES: [(&str, f64); 15] = [
    ("{every: 50s}", 72.0),
    ("{every: 90s}", 40.0),
    ("{every: 5m, jitter: 40s}", 12.0),
    ("{every: 7m}", 8.6),
    ("{every: 20m}", 3.0),
    ("{every: 1h}", 1.0),
    ("{every: 3h, jitter: 5m}", 0.33),
    (r#""*/10 * * * *""#, 6.0),
    (r#""0 * * * *""#, 1.0),
    (r#""5,35 * * * *""#, 2.0),
    (r#"{cron: "30 2 * * *", timeZone: Europe/Berlin}"#, 0.05),
    (r#"{cron: "30 1,2,3 * * *", timeZone: America/New_York, onFold: Both}"#, 0.13),
    (r#"{cron: "15 */2 * * *", timeZone: Australia/Lord_Howe}"#, 0.5),
    (r#"{cron: "0 4 * * mon-fri", jitter: 10m}"#, 0.04),
    (r#""* 3 * * *""#, 2.5),
];

/// Events that people fire.
pub const EVENTS: [&str; 3] = ["orders.arrived", "stock.low", "till.closed"];

impl Shop {
    /// A shop by chance, with one to eight automations.
    pub fn new(dice: &mut Dice) -> Self {
        let mut shop =
            Self { automations: BTreeMap::new(), policies: BTreeMap::new(), plugin: Vec::new(), names: 0, builds: 1 };
        let most = if dice.one_in(3) { 8 } else { 4 };
        for _ in 0..dice.between(1, most) {
            shop.add_automation(dice);
        }
        shop.add_policy(dice, "shop");
        if dice.one_in(3) {
            shop.add_policy(dice, "team");
        }
        if dice.one_in(3) {
            shop.plugin = text::plugin_hooks(dice);
        }
        shop
    }

    /// A shop that says exactly this about its only automation.
    pub fn of_one(name: &str, fields: &[(&'static str, &str)]) -> Self {
        let fields: Fields = fields.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let automations = BTreeMap::from([(name.to_owned(), fields)]);
        Self { automations, policies: BTreeMap::new(), plugin: Vec::new(), names: 1, builds: 1 }
    }

    /// Names of its automations.
    pub fn names(&self) -> Vec<String> {
        self.automations.keys().cloned().collect()
    }

    /// How many due times it has in an hour, roughly.
    pub fn due_an_hour(&self) -> f64 {
        let of = |fields: &Fields| -> f64 {
            let schedule = fields.get("schedule").map(String::as_str).unwrap_or_default();
            SCHEDULES.iter().filter(|(text, _)| schedule.contains(text)).map(|(_, rate)| rate).sum()
        };
        self.automations.values().map(of).sum()
    }

    /// Its manifests, as one file.
    pub fn text(&self) -> String {
        let document = |kind: &str, name: &str, spec: &str| {
            format!("---\napiVersion: provost/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
        };
        let join = |fields: &Fields| {
            fields.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ")
        };
        let mut text = String::new();
        for (name, fields) in &self.automations {
            text += &document("Automation", name, &join(fields));
        }
        for (name, fields) in &self.policies {
            text += &document("Policy", name, &join(fields));
        }
        if !self.plugin.is_empty() {
            let hooks = self.plugin.join(", ");
            text += &document("Plugin", "stock", &format!("order: 60, image: \"hook:1\", hooks: [{hooks}]"));
        }
        text + &document("Channel", "ops", "file: {path: ops.jsonl}, repeatEvery: 6h, failover: [boss]")
            + &document("Channel", "boss", "webhook: {url: \"https://hooks.example.org/boss\"}")
            + &document(
                "Channel",
                "gate",
                "webhook: {url: \"https://hooks.example.org/gate\"}, reply: {timeout: 20s, default: Allow}",
            )
    }
}

/// Compiles `text` as revision `id`.
pub fn manifest(id: &RevisionId, text: String, now: Timestamp) -> Manifest {
    let files = [SourceFile { path: "shop.yaml".to_owned(), bytes: text.as_bytes().to_vec() }];
    let compiled = compile(&files, &ServerFacts::default(), id.clone(), now);
    let errors = u32::try_from(compiled.count().0).unwrap_or(u32::MAX);
    let report = if errors > 0 { compiled.report(Style::Plain) } else { String::new() };
    Manifest { text, desired: compiled.desired.map(std::sync::Arc::new), report, errors }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn every_shop_is_a_good_revision_however_it_is_edited() {
        let id = RevisionId::parse("r1").unwrap();
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            let mut shop = Shop::new(&mut dice);
            for _ in 0..8 {
                let compiled = manifest(&id, shop.text(), now);
                assert!(compiled.desired.is_some(), "seed {seed}\n{}\n{}", compiled.report, compiled.text);
                shop.edit(&mut dice);
            }
        }
    }
}
