//! One channel, as it takes effect.

use provost_model::{Access, Channel, ReplyRule, Target};

use crate::kinds::{ChannelSpec, SubjectKind};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::Given;
use crate::resolve::built_in::CHANNEL_TIMEOUT_S;
use crate::resolve::container::{self, Parts};
use crate::resolve::layers::{Fields, Layers, leaves};
use crate::resolve::policy::Policy;
use crate::resolve::{limits, power, rules};

/// Resolves `document`; nothing, if something is wrong with it, which is told.
pub(crate) fn resolve(
    document: &Document,
    spec: &ChannelSpec,
    all: &[Policy<'_>],
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Channel> {
    let policies: Vec<&Policy<'_>> =
        all.iter().filter(|policy| policy.selects(SubjectKind::Channel, document)).collect();
    let json = document.node("spec").map(crate::read::Node::json).unwrap_or_default();
    policies
        .iter()
        .filter(|policy| policy.rules_for(SubjectKind::Channel))
        .for_each(|policy| rules::check(policy, document, &json, out));
    Some(Channel {
        name: document.name.clone(),
        target: target(document, spec, &policies, given, out)?,
        failover: spec.failover.clone(),
        repeat_every_s: spec.repeat_every.map(|every| every.0),
        reply: spec.reply.as_ref().map(|reply| ReplyRule { timeout_s: reply.timeout.0, default: reply.default }),
        timeout_s: spec.timeout.map_or(CHANNEL_TIMEOUT_S, |timeout| timeout.0),
    })
}

fn target(
    document: &Document,
    spec: &ChannelSpec,
    policies: &[&Policy<'_>],
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Target> {
    match (&spec.webhook, &spec.command, &spec.file) {
        (Some(webhook), None, None) => {
            Some(Target::Webhook { url: webhook.url.clone(), secret: webhook.secret.clone() })
        }
        (None, Some(command), None) => {
            let path = "spec/command";
            let own = leaves(document, document.node(path));
            let layers = Layers::new(Fields::Container, policies, document, &own, out);
            let subject =
                power::Subject { document, path, volumes: &command.volumes, layers: &layers, is_policy: false };
            power::check(&subject, policies, &given.facts.never, out);
            limits::check_layers(&layers, policies, document, out);
            container::check_scopes(document, path, &command.volumes, "a channel is of no run", out);
            let parts = Parts {
                image: &command.image,
                command: &command.command,
                args: &command.args,
                working_dir: command.working_dir.as_deref(),
                volumes: &command.volumes,
                secrets: &command.secrets,
                access: Access::default(),
            };
            let workload = container::workload(document, path, &parts, &layers, given, out)?;
            Some(Target::Command { workload: Box::new(workload) })
        }
        (None, None, Some(file)) => Some(Target::File { path: file.path.clone() }),
        _ => {
            let hint = "give exactly one of `webhook`, `command` and `file`; for several, make several channels";
            out.push(
                Diagnostic::new(Code::TOGETHER, &document.spot_of("spec"), "a channel delivers in one way").hint(hint),
            );
            None
        }
    }
}
