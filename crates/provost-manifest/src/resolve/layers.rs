//! Who sets what: built-in defaults, policies' defaults, the manifest itself, what policies enforce.

use std::collections::BTreeMap;

use provost_model::{Origin, Scope};
use serde_json::{Map, Value};

use crate::kinds::{Bytes, Millicores, Seconds};
use crate::read::{Content, Document, Node, Spot};
use crate::report::{Code, Diagnostic};
use crate::resolve::built_in;
use crate::resolve::policy::Policy;

/// One value that somebody wrote.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Its path below `spec`: `timeout`, `resources.cpu`, `env.SHOP`.
    pub(crate) path: String,
    pub(crate) value: Value,
    /// Where it stands; of what does not fit a line, its key.
    pub(crate) spot: Spot,
    /// Where its key stands.
    pub(crate) key: Spot,
}

/// The settings that `node` writes, each with its place.
pub(crate) fn leaves(document: &Document, node: Option<&Node>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for entry in node.map(Node::entries).unwrap_or_default() {
        if !built_in::is_setting(&entry.key) {
            continue;
        }
        let mut add = |path: String, key: &std::ops::Range<usize>, value: &Node| {
            let span = if value.is_scalar() && !value.span.is_empty() { &value.span } else { key };
            let (spot, key) = (document.source.spot(span.clone()), document.source.spot(key.clone()));
            leaves.push(Leaf { path, value: value.json(), spot, key });
        };
        match (&entry.value.content, entry.key.as_str()) {
            (Content::Map(below), key) => {
                for inner in below {
                    add(format!("{key}.{}", inner.key), &inner.key_span, &inner.value);
                }
            }
            (_, "retries") => add("retries.limit".to_owned(), &entry.key_span, &entry.value),
            (_, key) => add(key.to_owned(), &entry.key_span, &entry.value),
        }
    }
    leaves
}

/// A value in force, and who said so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) value: &'a Value,
    pub(crate) scope: Scope,
    /// The document, and what it says; none of built-in defaults.
    pub(crate) by: Option<(&'a Document, &'a Leaf)>,
    /// The order of the policy; meaningless of others.
    order: i64,
}

/// All values in force for one container, by path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers<'a> {
    values: BTreeMap<&'a str, Setting<'a>>,
}

/// Which fields are laid over one another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    /// All settings and the history, for an automation.
    All,
    /// Those that every container has, the grace period and the history, for a service.
    Service,
    /// Those that every container has, for hooks and channels.
    Container,
}

impl Fields {
    fn has(self, path: &str) -> bool {
        let is_of_service = || path == "gracePeriod" || path.starts_with("history.");
        match self {
            Fields::All => true,
            Fields::Service => built_in::is_container_field(path) || is_of_service(),
            Fields::Container => built_in::is_container_field(path),
        }
    }
}

impl<'a> Layers<'a> {
    /// Lays `own`, the leaves of `document`, between the defaults and what is enforced by `policies`, which are in their
    /// order. Tells where two policies disagree, and where `own` contradicts what is enforced.
    pub(crate) fn new(
        fields: Fields,
        policies: &[&'a Policy<'a>],
        document: &'a Document,
        own: &'a [Leaf],
        out: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut layers = Layers::default();
        for (path, value) in built_in::values().iter().filter(|(path, _)| fields.has(path)) {
            layers.values.insert(path, Setting { value, scope: Scope::BuiltIn, by: None, order: 0 });
        }
        for policy in policies {
            for leaf in policy.defaults.iter().filter(|leaf| fields.has(&leaf.path)) {
                layers.lay_policy(policy, leaf, Scope::PolicyDefault, out);
            }
        }
        layers.clamp(policies);
        for leaf in own.iter().filter(|leaf| fields.has(&leaf.path)) {
            let by = Some((document, leaf));
            layers.values.insert(&leaf.path, Setting { value: &leaf.value, scope: Scope::Automation, by, order: 0 });
        }
        for policy in policies {
            for leaf in policy.enforced.iter().filter(|leaf| fields.has(&leaf.path)) {
                layers.lay_policy(policy, leaf, Scope::PolicyEnforced, out);
            }
        }
        layers
    }

    fn lay_policy(&mut self, policy: &'a Policy<'a>, leaf: &'a Leaf, scope: Scope, out: &mut Vec<Diagnostic>) {
        let by = Some((policy.document, leaf));
        let new = Setting { value: &leaf.value, scope, by, order: policy.spec.order };
        if let Some(old) = self.values.get(leaf.path.as_str())
            && !same(&leaf.path, old.value, new.value)
            && let Some((document, said)) = old.by
        {
            if old.scope == scope && old.order == new.order {
                out.push(disagree(&leaf.path, (document, &said.spot), (policy.document, &leaf.spot)));
            } else if old.scope == Scope::Automation {
                out.push(enforced(&leaf.path, &said.spot, policy.document, leaf));
            }
        }
        self.values.insert(&leaf.path, new);
    }

    /// Lowers built-in defaults to the policies' limits: only what somebody wrote can exceed one.
    fn clamp(&mut self, policies: &[&'a Policy<'a>]) {
        for policy in policies {
            for limit in &policy.limits {
                let Some(path) = limit_path(&limit.path) else {
                    continue;
                };
                if let Some(setting) = self.values.get_mut(path)
                    && by_limit_or_built_in(setting)
                    && amount(path, setting.value) > amount(path, &limit.value)
                {
                    let by = Some((policy.document, limit));
                    *setting = Setting { value: &limit.value, scope: Scope::PolicyDefault, by, order: i64::MIN };
                }
            }
        }
    }

    /// The value at `path`.
    pub(crate) fn get(&self, path: &str) -> Option<&Setting<'a>> {
        self.values.get(path)
    }

    /// All paths and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, &Setting<'a>)> {
        self.values.iter().map(|(path, setting)| (*path, setting))
    }

    /// Writes the values into `spec`, an object, without the history, which no manifest but a policy has.
    pub(crate) fn write(&self, spec: &mut Map<String, Value>) {
        for (path, setting) in self.values.iter().filter(|(path, _)| !path.starts_with("history.")) {
            match path.split_once('.') {
                None => drop(spec.insert((*path).to_owned(), setting.value.clone())),
                Some((key, below)) => {
                    let object = spec.entry(key).or_insert_with(|| Value::Object(Map::new()));
                    if !object.is_object() {
                        *object = Value::Object(Map::new());
                    }
                    if let Some(object) = object.as_object_mut() {
                        object.insert(below.to_owned(), setting.value.clone());
                    }
                }
            }
        }
    }

    /// The values below `key`, as an object: `history`.
    pub(crate) fn object(&self, key: &str) -> Map<String, Value> {
        let below = |path: &str| Some(path.strip_prefix(key)?.strip_prefix('.')?.to_owned());
        self.values.iter().filter_map(|(path, setting)| Some((below(path)?, setting.value.clone()))).collect()
    }
}

impl Setting<'_> {
    /// Who said so, as the model tells it.
    pub(crate) fn origin(&self) -> Origin {
        let document = self.by.map_or_else(|| "built-in default".to_owned(), |(document, _)| document.id());
        let (file, line) = self.by.map(|(_, leaf)| (leaf.spot.path().to_owned(), leaf.spot.line())).unzip();
        Origin { document, scope: self.scope, file, line }
    }

    /// Where it is said; of built-in defaults, the name of the document that they hold for.
    pub(crate) fn spot_or_name(&self, document: &Document) -> Spot {
        self.by.map_or_else(|| document.name_spot(), |(_, leaf)| leaf.spot.clone())
    }

    /// Whether a policy said so.
    pub(crate) fn is_by_policy(&self) -> bool {
        matches!(self.scope, Scope::PolicyDefault | Scope::PolicyEnforced)
    }
}

fn by_limit_or_built_in(setting: &Setting<'_>) -> bool {
    setting.scope == Scope::BuiltIn || setting.order == i64::MIN
}

/// The setting that the limit of this name is about.
pub(crate) fn limit_path(limit: &str) -> Option<&'static str> {
    match limit {
        "timeout" => Some("timeout"),
        "memory" => Some("resources.memory"),
        "cpu" => Some("resources.cpu"),
        "pids" => Some("resources.pids"),
        "retries" => Some("retries.limit"),
        _ => None,
    }
}

/// The number that a value of a path stands for, in the smallest unit.
pub(crate) fn amount(path: &str, value: &Value) -> Option<u64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match path {
        "timeout" | "gracePeriod" | "startDeadline" | "lateAfter" | "retries.backoff" | "retries.maxBackoff"
        | "history.keep" | "history.logs" => Seconds::parse(&text).map(|seconds| seconds.0),
        "resources.memory" | "history.logSize" => Bytes::parse(&text).map(|bytes| bytes.0),
        "resources.cpu" => Millicores::parse(&text).map(|cores| cores.0),
        _ => value.as_u64(),
    }
}

/// Whether two values of a path mean the same: `60m` is `1h`.
fn same(path: &str, a: &Value, b: &Value) -> bool {
    a == b || amount(path, a).is_some_and(|amount_a| amount(path, b) == Some(amount_a))
}

fn disagree(path: &str, first: (&Document, &Spot), second: (&Document, &Spot)) -> Diagnostic {
    let (first, second) = if first.0.name <= second.0.name { (first, second) } else { (second, first) };
    let message = format!("{} and {} have the same order and set `{path}` differently", first.0.id(), second.0.id());
    let error =
        Diagnostic::new(Code::POLICIES_DISAGREE, second.1, message).label(format!("{} says this", second.0.id()));
    error
        .related(first.1, format!("{} says this", first.0.id()))
        .hint("give one of them another `order`; the higher one decides")
}

/// Tells that the manifest says otherwise, at `spot`, than `policy` enforces.
pub(crate) fn enforced(path: &str, spot: &Spot, policy: &Document, leaf: &Leaf) -> Diagnostic {
    let id = policy.id();
    let error = Diagnostic::new(
        Code::ENFORCED,
        spot,
        format!("`{path}` is not this manifest's to say: {id} enforces {}", leaf.value),
    );
    error
        .label("says otherwise")
        .related(&leaf.spot, format!("enforced here by {id}"))
        .hint("remove it, or ask whoever keeps the policy")
}
