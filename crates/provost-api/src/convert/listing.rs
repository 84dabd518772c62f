//! Channels, plugins, policies and sources.

use provost_controller::{SourceCopy, View};
use provost_model::{Channel, Name, Notice, PluginName, PluginSummary, PolicySummary, Startup, State, Target, Verdict};

use super::{count, seconds, texts};
use crate::wire::*;

/// A channel, with what is on its way to it.
pub(crate) fn channel_item(state: &State, channel: &Channel) -> ChannelItem {
    let under_way = || state.outbox.values().filter(|notice| notice.channel.name == channel.name);
    let delayed = || under_way().filter(|notice: &&Notice| notice.tries > 0);
    ChannelItem {
        name: channel.name.to_string(),
        kind: match &channel.target {
            Target::Webhook { .. } => ChannelKind::Webhook,
            Target::Command { .. } => ChannelKind::Command,
            Target::File { .. } => ChannelKind::File,
        },
        target: match &channel.target {
            Target::Webhook { url, .. } => address_of(url),
            Target::Command { workload } => workload.image.clone(),
            Target::File { path } => path.clone(),
        },
        signed: matches!(&channel.target, Target::Webhook { secret: Some(_), .. }),
        failover: texts(&channel.failover),
        repeat_every_s: channel.repeat_every_s,
        timeout_s: channel.timeout_s,
        reply_default: channel.reply.map(|rule| {
            match rule.default {
                Verdict::Allow => "Allow",
                Verdict::Deny => "Deny",
            }
            .to_owned()
        }),
        reply_timeout_s: channel.reply.map(|rule| rule.timeout_s),
        undelivered: count(under_way()),
        delayed: count(delayed()),
        next_try_at: delayed().filter_map(|notice| notice.until).min(),
    }
}

/// The scheme, host and port of `url`. What follows, and a name and password before it, may be a secret.
fn address_of(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// A source that manifests refer to.
pub(crate) fn source_copy_item(view: &View<'_>, copy: &SourceCopy) -> SourceCopyItem {
    let in_force = view.state.desired.sources.get(&copy.name);
    SourceCopyItem {
        name: copy.name.to_string(),
        from: copy.from.clone(),
        revision: copy.revision.clone(),
        in_force: in_force.map(|source| source.revision.clone()),
        fetched_at: copy.fetched_at,
        age_s: copy.fetched_at.map(|at| seconds(at, view.now)),
        trouble: copy.trouble.clone(),
    }
}

/// A plugin.
pub(crate) fn plugin_item(state: &State, name: &PluginName, plugin: &PluginSummary) -> PluginItem {
    let unprepared = match state.prepared.get(name) {
        Some(Startup::Refused { why }) => Some(why.clone()),
        _ => None,
    };
    let PluginSummary { order, enabled, hooks, actions, skills, unmet } = plugin.clone();
    PluginItem { name: name.to_string(), order, enabled, hooks, actions, skills, unmet, unprepared }
}

/// A policy.
pub(crate) fn policy_item(name: &Name, policy: &PolicySummary) -> PolicyItem {
    PolicyItem {
        name: name.to_string(),
        order: policy.order,
        automations: policy.automations,
        hooks: policy.hooks,
        rules: policy.rules,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhooks_path_and_password_are_not_shown() {
        for (url, shown) in [
            ("https://hooks.example.org/T0/B1/s3cret", "https://hooks.example.org"),
            ("https://me:s3cret@example.org:8443/x?k=s3cret#s3cret", "https://example.org:8443"),
            ("https://example.org?k=s3cret", "https://example.org"),
            ("example.org/s3cret", "example.org"),
        ] {
            assert_eq!(address_of(url), shown);
        }
    }
}
