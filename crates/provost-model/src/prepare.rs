//! The preparation of plugins: a hook that has to end well before the others of its plugin run (D29).
//!
//! It is the startup hooks' mechanism once more, a plugin at a time: owed after a start of the server and when the hook is
//! new or changed, run as an event of its own, and passed or refused by how that went.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Automation, Desired, Digest, Hook, JsonMap, Occurrence, PluginName, Startup, State};

/// The event that prepares a plugin; its data names the plugin, and what it is prepared for.
pub const PREPARE: &str = "plugin.prepare";

impl Desired {
    /// The hook that prepares each plugin that has one.
    pub fn preparing_hooks(&self) -> BTreeMap<&PluginName, &Arc<Hook>> {
        let hooks = self.hooks.iter().filter(|hook| hook.event == PREPARE);
        hooks.filter_map(|hook| Some((hook.plugin()?, hook))).collect()
    }
}

impl State {
    /// The plugin that `hooks` wait for: one of them is of a plugin that is to be prepared, or is being.
    pub fn waits_for<'a>(&self, hooks: impl IntoIterator<Item = &'a Arc<Hook>>) -> Option<&'a PluginName> {
        if self.prepared.values().all(is_over) {
            return None;
        }
        hooks.into_iter().filter_map(|hook| hook.plugin()).find(|plugin| self.is_to_be_prepared(plugin))
    }

    /// Why runs of `automation` wait: for a plugin that one of its hooks is of; or for the one that brings it, if it is an
    /// action, which runs only once that is prepared.
    pub fn unprepared(&self, automation: &Automation) -> Option<String> {
        let own = automation.action.as_ref().map(|action| &action.plugin);
        if let Some(plugin) = own
            && let Some(Startup::Refused { .. }) = self.prepared.get(plugin)
        {
            return Some(format!("plugin {plugin}, which could not be prepared"));
        }
        let own = own.filter(|plugin| self.is_to_be_prepared(plugin));
        let plugin = own.or_else(|| self.waits_for(&automation.hooks))?;
        Some(format!("plugin {plugin}, which is being prepared"))
    }

    /// Whether no plugin is to be prepared, or is being.
    pub fn is_prepared(&self) -> bool {
        self.prepared.values().all(is_over)
    }

    /// The data of the event that prepares `plugin`, as it is now: with it, how the event went is taken for the hook and the
    /// start of the server that it was for, and for no later one.
    pub fn preparation(&self, plugin: &PluginName) -> Option<JsonMap> {
        let hook = *self.desired.preparing_hooks().get(plugin)?;
        let digest = Digest::of_json(hook);
        let purpose = format!("{}-{}", self.server.boots, &digest.as_str()[..12]);
        Some(JsonMap::from_iter([("plugin".to_owned(), plugin.to_string().into()), ("for".to_owned(), purpose.into())]))
    }

    /// Whether the plugin of `hook` is launched: it needs no preparation, or that ended well.
    pub(crate) fn is_launched(&self, hook: &Hook) -> bool {
        let preparation = hook.plugin().and_then(|plugin| self.prepared.get(plugin));
        preparation.is_none_or(|preparation| *preparation == Startup::Passed)
    }

    /// The automation as it takes effect in a run that begins now: without the hooks of plugins that are not launched.
    pub(crate) fn launched(&self, automation: &Arc<Automation>) -> Option<Arc<Automation>> {
        if automation.hooks.iter().all(|hook| self.is_launched(hook)) {
            return None;
        }
        let mut launched = Automation::clone(automation);
        launched.hooks.retain(|hook| self.is_launched(hook));
        Some(Arc::new(launched))
    }

    /// After a start of the server, every plugin is to be prepared again.
    pub(crate) fn owe_all_preparations(&mut self) {
        self.prepared.values_mut().for_each(|preparation| *preparation = Startup::Owed);
    }

    /// After a revision, a plugin whose preparing hook is new or changed is to be prepared, and others stay as they are.
    pub(crate) fn owe_new_preparations(&mut self, before: &Desired) {
        let (old, new) = (before.preparing_hooks(), self.desired.preparing_hooks());
        let mut prepared = BTreeMap::new();
        for (plugin, hook) in new {
            let same = self.prepared.get(plugin).filter(|_| old.get(plugin) == Some(&hook));
            prepared.insert(plugin.clone(), same.cloned().unwrap_or(Startup::Owed));
        }
        self.prepared = prepared;
    }

    /// The event that prepares a plugin was accepted, or is over.
    pub(crate) fn set_preparation(&mut self, data: &JsonMap, preparation: Startup) {
        let plugin = data.get("plugin").and_then(|plugin| PluginName::parse(plugin.as_str()?).ok());
        let Some(plugin) = plugin.filter(|plugin| self.preparation(plugin).as_ref() == Some(data)) else {
            return; // For what is no longer wanted.
        };
        self.prepared.insert(plugin, preparation);
    }

    /// Whether `hook` runs in `event`, of those that are bound to it.
    pub(crate) fn takes_part(&self, hook: &Hook, event: &Occurrence) -> bool {
        if event.name == PREPARE {
            let prepared = event.data.get("plugin").and_then(serde_json::Value::as_str);
            hook.plugin().map(PluginName::to_string).as_deref() == prepared
        } else {
            self.is_launched(hook)
        }
    }

    fn is_to_be_prepared(&self, plugin: &PluginName) -> bool {
        self.prepared.get(plugin).is_some_and(|preparation| !is_over(preparation))
    }
}

fn is_over(preparation: &Startup) -> bool {
    matches!(preparation, Startup::Passed | Startup::Refused { .. })
}
