//! What the reader has to be told, besides the files.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::Name;

use crate::ports::PortRule;
use crate::settings::ServerPlugins;

/// A file of a source. Only `.yaml` and `.yml` files outside of hidden folders are manifests; the source sees to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, relative to the source; diagnostics name it so.
    pub path: String,
    /// Its content, as it is: that it is text is checked here.
    pub bytes: Vec<u8>,
}

/// What a server's own configuration says about the manifests that it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// The server's name, for messages.
    pub name: String,
    /// Its labels, which `select.servers` of policies is about.
    pub labels: BTreeMap<String, String>,
    /// Where `Policy` documents may be: files, folders (with all below them), or patterns with `*` (within one name) and
    /// `**`. Empty: anywhere.
    pub policy_paths: Vec<String>,
    /// What even a policy may not give.
    pub never: Never,
    /// What it says of plugins.
    pub plugins: ServerPlugins,
    /// The skills that other servers provide, each with the names of those servers.
    pub peers: BTreeMap<String, BTreeSet<Name>>,
    /// What the machine is; absent where the manifests are for another one: then nothing is said of what they require of it.
    pub machine: Option<Machine>,
}

/// What a server's machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its architecture, as images call it: `amd64`.
    pub architecture: String,
    /// Its memory, in bytes.
    pub memory_bytes: u64,
}

/// What even a policy may not give, by a server's own configuration. By default nothing is forbidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Never {
    /// Paths of the server that are never mounted, nor anything below or above them.
    pub host_paths: Vec<String>,
    /// Networks that are never joined.
    pub networks: Vec<String>,
    /// Capabilities that are never given; `ALL` for any.
    pub add_capabilities: Vec<String>,
    /// No container has a writable root file system.
    pub writable_root: bool,
    /// No container names `root` as its user.
    pub root_user: bool,
    /// Ports of the server that never lead to a container.
    pub ports: Vec<PortRule>,
}

impl ServerFacts {
    /// Whether a `Policy` document may be in the file `path`.
    pub(crate) fn may_hold_policies(&self, path: &str) -> bool {
        self.policy_paths.is_empty() || self.policy_paths.iter().any(|pattern| matches(pattern, path))
    }
}

/// Whether `path` is `pattern`, or below it.
fn matches(pattern: &str, path: &str) -> bool {
    fn parts(text: &str) -> Vec<&str> {
        text.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
    }
    all(&parts(pattern), &parts(path))
}

fn all(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], _) => true,
        (["**", rest @ ..], path) => {
            (0..=path.len()).any(|skip| !rest.is_empty() && all(rest, &path[skip..])) || rest.is_empty()
        }
        ([first, rest @ ..], [name, below @ ..]) => one(first, name) && all(rest, below),
        _ => false,
    }
}

fn one(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            let Some(rest) = name.strip_prefix(head) else {
                return false;
            };
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| one(tail, &rest[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_paths() {
        for (pattern, path, fits) in [
            ("policies", "policies/shop.yaml", true),
            ("policies/", "policies/a/b.yaml", true),
            ("policies", "policies.yaml", false),
            ("policies", "x/policies/shop.yaml", false),
            ("shop.yaml", "shop.yaml", true),
            ("*.policy.yaml", "shop.policy.yaml", true),
            ("*.policy.yaml", "x/shop.policy.yaml", false),
            ("**/policies", "x/y/policies/a.yaml", true),
            ("**/policies", "policies/a.yaml", true),
            ("**/policies", "x/y.yaml", false),
            ("teams/*/policy.yaml", "teams/a/policy.yaml", true),
            ("teams/*/policy.yaml", "teams/a/b/policy.yaml", false),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
        assert!(ServerFacts::default().may_hold_policies("anywhere.yaml"));
    }
}
