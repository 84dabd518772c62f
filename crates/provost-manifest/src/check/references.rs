//! Whatever is named is there: channels, automations, services, events.

use std::collections::BTreeSet;

use provost_model::Name;

use crate::kinds::{AutomationSpec, NotifySpec, RequiresSpec};
use crate::read::{Document, Kind, Spec};
use crate::report::{Code, Diagnostic, did_you_mean};
use crate::resolve::{event_name, expression};

/// The names of a kind.
type Names<'a> = BTreeSet<&'a str>;

pub(crate) fn check(documents: &[Document], broken: &[(Kind, String)], out: &mut Vec<Diagnostic>) {
    let names = |kind: Kind| -> Names<'_> {
        let good = documents.iter().filter(|document| document.kind() == kind).map(|document| document.name().as_str());
        good.chain(broken.iter().filter(|(of, _)| *of == kind).map(|(_, name)| name.as_str())).collect()
    };
    let (channels, automations, secrets) = (names(Kind::Channel), names(Kind::Automation), names(Kind::Secret));
    let services = names(Kind::Service);
    for document in documents {
        used_secrets(document, &secrets, out);
        match &document.spec {
            Spec::Automation(spec) => {
                notify(document, spec.notify.as_ref(), &channels, out);
                triggers(document, spec, &automations, &services, out);
                required(document, spec.requires.as_ref(), &services, out);
            }
            Spec::Service(spec) => {
                for key in ["failure", "recovery", "retrying"] {
                    let path = format!("spec/notify/{key}");
                    let items = document.node(&path).map(crate::read::Node::items).unwrap_or_default().iter();
                    let named: Vec<_> = items.filter_map(|item| Name::new(item.as_str()?).ok()).collect();
                    each(document, &path, &named, &channels, out);
                }
                required(document, spec.requires.as_ref(), &services, out);
            }
            Spec::Policy(spec) => notify(document, spec.notify.as_ref(), &channels, out),
            Spec::Channel(spec) => each(document, "spec/failover", &spec.failover, &channels, out),
            Spec::Plugin(_) | Spec::Secret(_) | Spec::Source(_) => {}
        }
    }
}

/// Tells those of the secrets that containers of `document` use that there are not.
fn used_secrets(document: &Document, secrets: &Names<'_>, out: &mut Vec<Diagnostic>) {
    for (path, uses) in document.secret_uses() {
        for (index, used) in uses.iter().enumerate().filter(|(_, used)| !secrets.contains(used.name.as_str())) {
            let spot = document.spot_of(&format!("{path}/secrets/{index}/name"));
            let error = Diagnostic::new(Code::UNKNOWN_SECRET, &spot, format!("there is no secret `{}`", used.name));
            let set = || format!("`provost secret set {}` makes it", used.name);
            out.push(error.hint(did_you_mean(used.name.as_str(), secrets.iter().copied()).unwrap_or_else(set)));
        }
    }
}

/// Tells those of the services that `document` requires that there are not (D40).
fn required(document: &Document, spec: Option<&RequiresSpec>, services: &Names<'_>, out: &mut Vec<Diagnostic>) {
    let named = spec.iter().flat_map(|spec| &spec.services).enumerate();
    for (index, name) in named.filter(|(_, name)| !services.contains(name.as_str())) {
        let spot = document.spot_of(&format!("spec/requires/services/{index}"));
        let error = Diagnostic::new(Code::UNKNOWN_SERVICE, &spot, format!("there is no service `{name}`"));
        let known = || match services.is_empty() {
            true => "there is no service at all; add a document of kind Service".to_owned(),
            false => format!("there are {}", list(services)),
        };
        out.push(error.hint(did_you_mean(name.as_str(), services.iter().copied()).unwrap_or_else(known)));
    }
}

fn notify(document: &Document, spec: Option<&NotifySpec>, channels: &Names<'_>, out: &mut Vec<Diagnostic>) {
    let Some(spec) = spec else { return };
    for entry in document.node("spec/notify").map(crate::read::Node::entries).unwrap_or_default() {
        let named = entry.value.items().iter().filter_map(|item| Name::new(item.as_str()?).ok()).collect::<Vec<_>>();
        each(document, &format!("spec/notify/{}", entry.key), &named, channels, out);
    }
    if let Some(rule) = &spec.no_success_for {
        each(document, "spec/notify/noSuccessFor/channels", &rule.channels, channels, out);
    }
}

/// Tells those of the channels at `path` that there are not.
fn each(document: &Document, path: &str, named: &[Name], channels: &Names<'_>, out: &mut Vec<Diagnostic>) {
    for (index, name) in named.iter().enumerate() {
        if !channels.contains(name.as_str()) {
            let spot = document.spot_of(&format!("{path}/{index}"));
            let error = Diagnostic::new(Code::UNKNOWN_CHANNEL, &spot, format!("there is no channel `{name}`"));
            let none = "there is no channel at all; add a document of kind Channel".to_owned();
            let known = || {
                if channels.is_empty() { none } else { format!("there are {}", list(channels)) }
            };
            out.push(error.hint(did_you_mean(name.as_str(), channels.iter().copied()).unwrap_or_else(known)));
        }
    }
}

fn list(names: &Names<'_>) -> String {
    let shown: Vec<&str> = names.iter().copied().take(8).collect();
    let more = names.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn triggers(
    document: &Document,
    spec: &AutomationSpec,
    automations: &Names<'_>,
    services: &Names<'_>,
    out: &mut Vec<Diagnostic>,
) {
    for (index, trigger) in spec.triggers.iter().enumerate() {
        let path = format!("spec/triggers/{index}");
        let spot = |key: &str| document.spot_of(&format!("{path}/{key}"));
        event_name(document, &format!("{path}/event"), &trigger.event, out);
        let is_of_services = trigger.event.starts_with("service.");
        let (subjects, kind, code) = match is_of_services {
            true => (services, "service", Code::UNKNOWN_SERVICE),
            false => (automations, "automation", Code::UNKNOWN_AUTOMATION),
        };
        match (&trigger.from, is_of_services || trigger.event.starts_with("run.")) {
            (Some(from), true) if !subjects.contains(from.as_str()) => {
                let error = Diagnostic::new(code, &spot("from"), format!("there is no {kind} `{from}`"));
                let known = || format!("there are {}", list(subjects));
                out.push(error.hint(did_you_mean(from.as_str(), subjects.iter().copied()).unwrap_or_else(known)));
            }
            (Some(_), false) => {
                let error = Diagnostic::new(
                    Code::WRONG_EVENT,
                    &spot("from"),
                    format!("`from` goes with events of runs and services only; `{}` is none", trigger.event),
                );
                out.push(error.hint("remove `from`; `when: 'subject == \"…\"'` looks at what the event is about"));
            }
            (None, true) => {
                let error = Diagnostic::new(
                    Code::WRONG_EVENT,
                    &spot("event"),
                    format!("whose `{}`? a trigger on events of runs and services needs `from`", trigger.event),
                );
                let mend = match is_of_services {
                    true => "add `from: NAME` of the service that is meant",
                    false => "add `from: NAME` of the automation whose runs are meant",
                };
                out.push(error.hint(mend));
            }
            _ => {}
        }
        if let Some(when) = &trigger.when {
            expression(document, &format!("{path}/when"), when, &["data", "event", "subject"], out);
        }
    }
}
