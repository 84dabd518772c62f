//! What this server's own configuration says of plugins, with the place of everything in it.

use std::sync::Arc;

use provost_model::{Desired, Name, PluginName, PluginSummary};

use crate::kinds::PluginSpec;
use crate::read::{Document, Node, Source, Spec, Spot, nearest, scan};
use crate::report::{Code, Diagnostic, did_you_mean};
use crate::settings::{InstanceSetting, PluginSetting, ServerPlugins};

/// The settings of this server, and where they stand.
pub(crate) struct Here<'a> {
    settings: &'a ServerPlugins,
    source: Arc<Source>,
    root: Option<Node>,
}

impl<'a> Here<'a> {
    pub(crate) fn new(settings: &'a ServerPlugins) -> Self {
        let (path, bytes) = match &settings.file {
            Some(file) => (file.path.as_str(), file.bytes.as_slice()),
            None => ("server configuration", &[][..]),
        };
        // It was read by others already: here only places are looked for.
        let source = Source::new(path, bytes).unwrap_or_else(|_| Source::of(path, String::new()));
        let root = scan(&source).documents.into_iter().next();
        Self { settings, source, root }
    }

    /// What is said of a plugin.
    pub(crate) fn plugin(&self, name: &Name) -> Option<&'a PluginSetting> {
        self.settings.by_name.get(name)
    }

    /// What is said of an instance.
    pub(crate) fn instance(&self, plugin: &Name, instance: &Name) -> Option<&'a InstanceSetting> {
        self.plugin(plugin)?.instances.get(instance)
    }

    /// Where the value at `path` below `plugins` stands, or the nearest thing above it that is there.
    pub(crate) fn spot<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Spot {
        match &self.root {
            Some(root) => self.source.spot(nearest(root, std::iter::once("plugins").chain(path))),
            None => self.source.start(),
        }
    }

    /// Tells of what is set for plugins and instances that no manifest declares: that is of no effect, and everything else
    /// goes on (C28).
    pub(crate) fn tell_unknown(&self, documents: &[Document], desired: &mut Desired, out: &mut Vec<Diagnostic>) {
        let plugins: Vec<(&Name, &PluginSpec)> = documents
            .iter()
            .filter_map(|document| match &document.spec {
                Spec::Plugin(spec) => Some((&document.name, spec.as_ref())),
                _ => None,
            })
            .collect();
        for (name, setting) in &self.settings.by_name {
            let Some((_, spec)) = plugins.iter().find(|(known, _)| *known == name) else {
                let near = did_you_mean(name.as_str(), plugins.iter().map(|(known, _)| known.as_str()));
                let message = format!("this server sets up a plugin `{name}`, and no manifest declares it");
                out.push(unknown(&self.spot([name.as_str()]), message, near));
                note(desired, Some(name.clone().into()), "a manifest of kind Plugin of that name, and there is none");
                continue;
            };
            for instance in setting.instances.keys().filter(|instance| !spec.instances.contains_key(*instance)) {
                let near = did_you_mean(instance.as_str(), spec.instances.keys().map(Name::as_str));
                let message = format!("this server sets up an instance `{instance}` that Plugin/{name} has not");
                out.push(unknown(&self.spot([name.as_str(), "instances", instance.as_str()]), message, near));
                let requires = format!("an instance of that name in Plugin/{name}, and there is none");
                note(desired, PluginName::new(name.clone(), Some(instance.clone())).ok(), &requires);
            }
        }
    }
}

fn unknown(spot: &Spot, message: String, near: Option<String>) -> Diagnostic {
    let otherwise =
        || "everything else goes on; declare it in a manifest, or remove it from the configuration".to_owned();
    Diagnostic::new(Code::NO_SUCH_PLUGIN, spot, message).hint(near.unwrap_or_else(otherwise))
}

/// Lets people see it where they look for plugins.
fn note(desired: &mut Desired, name: Option<PluginName>, requires: &str) {
    let summary =
        PluginSummary { order: 0, enabled: true, hooks: 0, actions: 0, skills: 0, unmet: vec![requires.to_owned()] };
    if let Some(name) = name {
        desired.plugins.insert(name, summary);
    }
}
