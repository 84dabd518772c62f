//! The actions of a plugin, as they take effect: automations without a schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::{ActionTerms, Automation, Name, Origin, Retries};

use crate::kinds::{ActionSpec, AutomationSpec, SubjectKind};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::automation::{self, Around, history, is_of_runs, param, timeout};
use crate::resolve::container::{self, Parts};
use crate::resolve::instance::Instance;
use crate::resolve::layers::{Fields, Layers, leaves};
use crate::resolve::policy::Policy;
use crate::resolve::{limits, notify, placeholder, plugin, power};

/// Resolves the actions of `instance`; what is wrong with them is told, whether it is enabled or not.
pub(crate) fn of_plugin(instance: &Instance<'_>, around: &Around<'_>, out: &mut Vec<Diagnostic>) -> Vec<Automation> {
    let policies: Vec<&Policy<'_>> =
        around.policies.iter().filter(|policy| policy.selects(SubjectKind::Plugin, instance.document)).collect();
    let action = |(index, action): (usize, &ActionSpec)| {
        let place = Place { document: instance.document, instance, action, path: format!("spec/actions/{index}") };
        place.resolve(&policies, around, out)
    };
    let actions: Vec<Automation> = instance.spec.actions.iter().enumerate().filter_map(action).collect();
    if instance.enabled { actions } else { Vec::new() }
}

/// An action, and where it stands.
struct Place<'a> {
    document: &'a Document,
    instance: &'a Instance<'a>,
    action: &'a ActionSpec,
    path: String,
}

impl Place<'_> {
    fn resolve(&self, policies: &[&Policy<'_>], around: &Around<'_>, out: &mut Vec<Diagnostic>) -> Option<Automation> {
        let Self { document, action, path, .. } = self;
        let own = Name::new(action.application.clone()).ok()?;
        let application = self.instance.application(&own);
        let name = ActionTerms::automation_name(application, &action.name)?;
        let own = leaves(document, document.node(path));
        let layers = Layers::new(Fields::All, policies, document, &own, out);
        let subject = power::Subject { document, path, volumes: &action.volumes, layers: &layers, is_policy: false };
        power::check(&subject, policies, &around.given.facts.never, out);
        limits::check_layers(&layers, policies, document, out);
        let parts = Parts {
            image: self.image(out)?,
            command: &action.command,
            args: &action.args,
            working_dir: action.working_dir.as_deref(),
            volumes: &action.volumes,
            secrets: &action.secrets,
            access: plugin::access(self.instance, policies, around.given, out),
        };
        let settings = container::settings(document, &layers, out)?;
        let mut workload = container::from_settings(document, path, &parts, &settings, &layers, around.given, out)?;
        placeholder::fill_in(document, path, &mut workload, &self.instance.config, out);
        let retries = settings.retries?;
        let terms = ActionTerms {
            application: application.clone(),
            name: action.name.clone(),
            plugin: self.instance.name.clone(),
            config: self.instance.config.clone(),
        };
        Some(Automation {
            name,
            labels: document.labels.clone(),
            description: action.description.clone(),
            schedules: Vec::new(),
            triggers: Vec::new(),
            workload,
            params: action.params.iter().map(|(name, spec)| (name.clone(), param(spec))).collect(),
            timeout_s: timeout(document, &layers, settings.timeout?.0, out),
            grace_s: settings.grace_period?.0,
            retries: Retries {
                limit: retries.limit?,
                backoff_s: retries.backoff?.0,
                max_backoff_s: retries.max_backoff?.0,
            },
            concurrency: settings.concurrency_policy?,
            queue_limit: settings.queue_limit?,
            catch_up: settings.catch_up?,
            start_deadline_s: None,
            late_after_s: settings.late_after?.0,
            locks: action.locks.iter().cloned().collect(),
            requires: BTreeSet::new(),
            service: None,
            run_limits: limits::run_limits(policies),
            hooks: automation::around(policies, around.plugin_hooks, is_of_runs, Some(application)).collect(),
            notify: notify::merge(policies, &AutomationSpec::default()),
            freezes: policies.iter().flat_map(|policy| policy.freezes.iter().cloned()).collect(),
            history: history(&layers)?,
            suspend: false,
            action: Some(Arc::new(terms)),
            origins: Arc::new(origins(&layers)),
        })
    }

    fn image(&self, out: &mut Vec<Diagnostic>) -> Option<&str> {
        let image = self.action.image.as_deref().or(self.instance.spec.image.as_deref());
        if image.is_none() {
            let message = format!("action `{}` has no image", self.action.name);
            let error = Diagnostic::new(Code::NO_IMAGE, &self.document.spot_of(&self.path), message);
            out.push(error.hint("give the action an `image`, or the plugin one for all its containers"));
        }
        image
    }
}

fn origins(layers: &Layers<'_>) -> BTreeMap<String, Origin> {
    layers.iter().map(|(path, setting)| (format!("spec.{path}"), setting.origin())).collect()
}
