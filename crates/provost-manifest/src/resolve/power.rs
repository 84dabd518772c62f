//! What a container may do beyond the hardened default, and who may say so.

use provost_model::PortMapping;

use crate::facts::Never;
use crate::kinds::{Allow, ScopeSpec, VolumeSpec};
use crate::ports::{PortRule, host_side};
use crate::read::{Document, Spot};
use crate::report::{Code, Diagnostic};
use crate::resolve::layers::{Layers, Setting};
use crate::resolve::policy::Policy;

/// Something beyond the hardened default.
#[derive(Clone, Debug, PartialEq)]
enum Power {
    HostPath(String),
    Network(String),
    Capability(String),
    KeepsCapabilities,
    WritableRoot,
    RootUser,
    Port(PortMapping),
    Scope(ScopeSpec),
}

impl Power {
    fn words(&self) -> String {
        match self {
            Power::HostPath(path) => format!("mounting the server's `{path}`"),
            Power::Network(name) if name == HOST => "the network of the host".to_owned(),
            Power::Network(name) => format!("joining the network `{name}`"),
            Power::Capability(name) => format!("the capability `{name}`"),
            Power::KeepsCapabilities => "keeping capabilities".to_owned(),
            Power::WritableRoot => "a writable root file system".to_owned(),
            Power::RootUser => "running as root".to_owned(),
            Power::Port(port) => format!("listening on `{}` of the server", host_side(port)),
            Power::Scope(scope) => format!("the scope `{scope:?}`"),
        }
    }

    /// How a policy would allow it.
    fn mend(&self) -> String {
        match self {
            Power::HostPath(path) => format!("allow: {{hostPaths: [{path}]}}"),
            Power::Network(name) => format!("allow: {{networks: [{name}]}}"),
            Power::Capability(name) => format!("allow: {{addCapabilities: [{name}]}}"),
            Power::KeepsCapabilities => "allow: {addCapabilities: [ALL]}".to_owned(),
            Power::WritableRoot => "allow: {writableRoot: true}".to_owned(),
            Power::RootUser => "allow: {rootUser: true}".to_owned(),
            Power::Port(port) => format!("allow: {{ports: [\"{}\"]}}", host_side(port)),
            Power::Scope(scope) => format!("allow: {{scope: {scope:?}}}"),
        }
    }

    fn is_allowed_by(&self, allow: &Allow) -> bool {
        let capability = |name: &str| allow.add_capabilities.iter().any(|allowed| allowed == "ALL" || allowed == name);
        match self {
            Power::HostPath(path) => allow.host_paths.iter().any(|prefix| is_below(path, prefix)),
            Power::Network(name) => allow.networks.contains(name),
            Power::Capability(name) => capability(name),
            Power::KeepsCapabilities => capability("ALL"),
            Power::WritableRoot => allow.writable_root,
            Power::RootUser => allow.root_user,
            Power::Port(port) => {
                allow.ports.iter().filter_map(|rule| PortRule::parse(rule)).any(|rule| rule.covers(port))
            }
            Power::Scope(scope) => allow.scope.is_some_and(|most| scope <= &most),
        }
    }

    fn is_forbidden_by(&self, never: &Never) -> bool {
        match self {
            Power::HostPath(path) => {
                never.host_paths.iter().any(|prefix| is_below(path, prefix) || is_below(prefix, path))
            }
            Power::Network(name) => never.networks.iter().any(|never| never == name || is_host(name) && is_host(never)),
            Power::Capability(name) => never.add_capabilities.iter().any(|never| never == "ALL" || never == name),
            Power::KeepsCapabilities => !never.add_capabilities.is_empty(),
            Power::WritableRoot => never.writable_root,
            Power::RootUser => never.root_user,
            Power::Port(port) => never.ports.iter().any(|rule| rule.touches(port)),
            Power::Scope(_) => false,
        }
    }
}

/// The host's own network.
pub(super) const HOST: &str = "Host";

/// Whether a network is the host's, however it is written: who forbids it may write it as engines do.
fn is_host(network: &str) -> bool {
    network.eq_ignore_ascii_case(HOST)
}

/// Whether `path` is `prefix` or below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let parts = |text: &'_ str| -> Vec<String> {
        text.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
    };
    parts(path).starts_with(&parts(prefix))
}

/// A container, as far as its powers go.
pub(crate) struct Subject<'a> {
    pub(crate) document: &'a Document,
    /// Where the container stands in the document: `spec`, `spec/hooks/0`.
    pub(crate) path: &'a str,
    pub(crate) volumes: &'a [VolumeSpec],
    pub(crate) layers: &'a Layers<'a>,
    /// Whether the document is itself a policy, which may say all that the server's configuration does not forbid.
    pub(crate) is_policy: bool,
}

/// Tells what `subject` may not do: what no policy among those that select it allows, and what the server never allows.
pub(crate) fn check(subject: &Subject<'_>, policies: &[&Policy<'_>], never: &Never, out: &mut Vec<Diagnostic>) {
    judge(powers(subject), subject.document, policies, never, out);
}

/// Tells which ports of the server a service may not have. Those of the loopback address need no policy.
pub(crate) fn check_ports(
    document: &Document,
    ports: &[PortMapping],
    policies: &[&Policy<'_>],
    never: &Never,
    out: &mut Vec<Diagnostic>,
) {
    let spot = |index: usize| document.spot_of(&format!("spec/ports/{index}"));
    let ports = ports.iter().enumerate();
    let powers = ports.map(|(index, port)| (Power::Port(*port), port.address.is_loopback(), spot(index)));
    judge(powers.collect(), document, policies, never, out);
}

/// Tells if no policy allows a document's containers that much.
pub(crate) fn check_scope(
    document: &Document,
    scope: ScopeSpec,
    policies: &[&Policy<'_>],
    never: &Never,
    out: &mut Vec<Diagnostic>,
) {
    judge(vec![(Power::Scope(scope), false, document.spot_of("spec/access/scope"))], document, policies, never, out);
}

/// Tells which of `powers` nobody gives. The second value of each: it needs no policy, or one has given it.
fn judge(
    powers: Vec<(Power, bool, Spot)>,
    document: &Document,
    policies: &[&Policy<'_>],
    never: &Never,
    out: &mut Vec<Diagnostic>,
) {
    for (power, is_given, spot) in powers {
        if power.is_forbidden_by(never) {
            let message = format!("{} is never allowed on this server", power.words());
            out.push(
                Diagnostic::new(Code::NEVER, &spot, message)
                    .hint("the server's own configuration says so; policies cannot give it"),
            );
        } else if !is_given
            && !policies.iter().any(|policy| policy.spec.allow.as_ref().is_some_and(|allow| power.is_allowed_by(allow)))
        {
            let message = format!("{} is not allowed: no policy gives it to {}", power.words(), document.id());
            let hint = format!("a policy that selects it by name or label can: {}", power.mend());
            out.push(Diagnostic::new(Code::NOT_ALLOWED, &spot, message).hint(hint));
        }
    }
}

/// All powers of a container, whether a policy gave each of them, and where they are written.
fn powers(subject: &Subject<'_>) -> Vec<(Power, bool, Spot)> {
    let mut powers = Vec::new();
    for (index, volume) in subject.volumes.iter().enumerate() {
        if let Some(path) = &volume.host_path {
            let spot = subject.document.spot_of(&format!("{}/volumes/{index}/hostPath", subject.path));
            powers.push((Power::HostPath(path.clone()), subject.is_policy, spot));
        }
    }
    for (path, setting) in subject.layers.iter() {
        let Some((_, leaf)) = setting.by else {
            continue;
        };
        for power in of_setting(path, setting) {
            powers.push((power, subject.is_policy || setting.is_by_policy(), leaf.spot.clone()));
        }
    }
    powers
}

fn of_setting(path: &str, setting: &Setting<'_>) -> Vec<Power> {
    let text = || setting.value.as_str().unwrap_or_default();
    let names = || setting.value.as_array().into_iter().flatten().filter_map(|name| name.as_str());
    match path {
        "network" if !matches!(text(), "None" | "Shared") => {
            vec![Power::Network(text().to_owned())]
        }
        "addCapabilities" => names().map(|name| Power::Capability(name.to_owned())).collect(),
        "dropCapabilities" if !names().any(|name| name == "ALL") => vec![Power::KeepsCapabilities],
        "readOnlyRoot" if setting.value.as_bool() == Some(false) => vec![Power::WritableRoot],
        "user" if is_root(text()) => vec![Power::RootUser],
        _ => Vec::new(),
    }
}

/// Whether a user is root: by name, or by a number that is 0 however it is written.
fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or(user);
    name == "root" || (!name.is_empty() && name.bytes().all(|byte| byte == b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_of_whole_names() {
        assert!(is_below("/srv/reports/a", "/srv/reports"));
        assert!(is_below("/srv/reports", "/srv/reports/"));
        assert!(is_below("/srv//reports/./a", "/srv/reports"));
        assert!(!is_below("/srv/reports-secret", "/srv/reports"));
        assert!(is_below("/anything", "/"));
    }

    #[test]
    fn root_by_any_name() {
        for root in ["0", "00", "root", "0:0", "root:wheel"] {
            assert!(is_root(root), "{root}");
        }
        for other in ["1000", "1000:0", "10", "nobody"] {
            assert!(!is_root(other), "{other}");
        }
    }
}
