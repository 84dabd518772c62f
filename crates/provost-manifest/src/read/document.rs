//! One document of a file: a manifest, read and of the right shape.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use provost_model::Name;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::API_VERSION;
use crate::kinds::{
    ActionSpec, AutomationSpec, ChannelSpec, HookSpec, Metadata, PluginSpec, PolicySpec, SecretSpec, SecretUseSpec,
    ServiceSpec, SkillSpec, SourceSpec,
};
use crate::read::{Kind, Node, Source, Spot, scan};
use crate::report::{Code, Diagnostic, did_you_mean};
use crate::schema;

/// A manifest that was read: its values, and where each of them stands.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) source: Arc<Source>,
    pub(crate) root: Node,
    pub(crate) name: Name,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) description: Option<String>,
    pub(crate) spec: Spec,
}

/// What a manifest says, by kind.
#[derive(Clone, Debug)]
pub(crate) enum Spec {
    Automation(Box<AutomationSpec>),
    Channel(Box<ChannelSpec>),
    Plugin(Box<PluginSpec>),
    Policy(Box<PolicySpec>),
    Secret(SecretSpec),
    Service(Box<ServiceSpec>),
    Source(Box<SourceSpec>),
}

/// What was read of a file.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) documents: Vec<Document>,
    /// Kinds and names of documents with errors; others may refer to them, and that is no further error.
    pub(crate) broken: Vec<(Kind, String)>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads a file: bytes to text to trees to manifests, with all errors.
pub(crate) fn read(path: &str, bytes: &[u8]) -> Read {
    let mut read = Read::default();
    let source = match Source::new(path, bytes) {
        Ok(source) => source,
        Err(error) => {
            read.diagnostics.push(error);
            return read;
        }
    };
    let scanned = scan::scan(&source);
    read.diagnostics = scanned.diagnostics;
    for root in scanned.documents {
        match identify(&source, &root) {
            Err(error) => read.diagnostics.push(error),
            Ok(kind) => match typed(&source, root, kind) {
                Ok(document) => read.documents.push(document),
                Err((name, errors)) => {
                    read.broken.extend(name.map(|name| (kind, name)));
                    // What was refused as YAML has no value to judge.
                    let told: Vec<_> = read.diagnostics.iter().map(|diagnostic| diagnostic.place.clone()).collect();
                    read.diagnostics.extend(errors.into_iter().filter(|error| !told.contains(&error.place)));
                }
            },
        }
    }
    read
}

/// Which kind of manifest `root` is.
fn identify(source: &Arc<Source>, root: &Node) -> Result<Kind, Diagnostic> {
    let at = |node: &Node| source.spot(node.span.clone());
    let foreign = |spot: &Spot, message: String| {
        let error = Diagnostic::new(Code::NOT_A_MANIFEST, spot, message);
        Err(error.hint(format!("a manifest begins with `apiVersion: {API_VERSION}` and `kind: …`; keep other YAML out of the manifests' folder")))
    };
    let start = source.spot(root.span.start..root.span.start + 1);
    let Some(version) = root.get("apiVersion") else {
        return foreign(&start, "this is no manifest: `apiVersion` is missing".to_owned());
    };
    match version.as_str() {
        Some(API_VERSION) => {}
        Some(other) if other.starts_with("provost/") => {
            let error = Diagnostic::new(
                Code::API_VERSION,
                &at(version),
                format!("`{other}` is not known to this version of Provost"),
            );
            return Err(error.hint(format!("write `apiVersion: {API_VERSION}`")));
        }
        _ => return foreign(&at(version), "this is no manifest of Provost".to_owned()),
    }
    let Some(kind) = root.get("kind") else {
        let error = Diagnostic::new(Code::MISSING_FIELD, &start, "`kind` is missing");
        return Err(error.hint(format!("one of {}", Kind::ALL.map(Kind::as_str).join(", "))));
    };
    let text = kind.as_str().unwrap_or_default();
    Kind::parse(text).ok_or_else(|| {
        if Kind::PLANNED.contains(&text) {
            let error = Diagnostic::new(
                Code::KIND_NOT_YET,
                &at(kind),
                format!("kind {text} is not supported yet by this version"),
            );
            return error.hint("leave the document out until it is");
        }
        let error = Diagnostic::new(Code::UNKNOWN_KIND, &at(kind), format!("there is no kind `{}`", at(kind).text()));
        let all = format!("one of {}", Kind::ALL.map(Kind::as_str).join(", "));
        error.hint(did_you_mean(text, Kind::ALL.map(Kind::as_str)).unwrap_or(all))
    })
}

/// Checks the shape of `root`, then reads it into the types of its kind.
fn typed(source: &Arc<Source>, root: Node, kind: Kind) -> Result<Document, (Option<String>, Vec<Diagnostic>)> {
    let json = root.json();
    let name = root.at(["metadata", "name"]).and_then(Node::as_str).map(str::to_owned);
    let errors = schema::check(kind, source, &root, &json);
    if !errors.is_empty() {
        return Err((name, errors));
    }
    let mut json = json;
    let mut take = |key: &str| json.get_mut(key).map(Value::take).unwrap_or_default();
    let (metadata, spec) = (take("metadata"), take("spec"));
    let read = || {
        let metadata: Metadata = value(source, &root, "metadata", metadata)?;
        let spec = match kind {
            Kind::Automation => Spec::Automation(value(source, &root, "spec", spec)?),
            Kind::Channel => Spec::Channel(value(source, &root, "spec", spec)?),
            Kind::Plugin => Spec::Plugin(value(source, &root, "spec", spec)?),
            Kind::Policy => Spec::Policy(value(source, &root, "spec", spec)?),
            Kind::Secret => Spec::Secret(value(source, &root, "spec", spec)?),
            Kind::Service => Spec::Service(value(source, &root, "spec", spec)?),
            Kind::Source => Spec::Source(value(source, &root, "spec", spec)?),
        };
        Ok((metadata, spec))
    };
    match read() {
        Err(error) => Err((name, vec![error])),
        Ok((Metadata { name, labels, description }, spec)) => {
            Ok(Document { source: Arc::clone(source), root, name, labels, description, spec })
        }
    }
}

/// Reads the value of `key` of the document; what the schema let pass and the types refuse is told with its place.
fn value<T: DeserializeOwned>(source: &Arc<Source>, root: &Node, key: &str, json: Value) -> Result<T, Diagnostic> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let mut node = root.get(key).unwrap_or(root);
        for segment in error.path().iter() {
            let step = segment.to_string();
            match node.step(step.trim_matches(['[', ']'])) {
                Some(below) => node = below,
                None => break,
            }
        }
        Diagnostic::new(Code::BAD_FORM, &source.spot(node.span.clone()), error.inner().to_string())
    })
}

impl Document {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match &self.spec {
            Spec::Automation(_) => Kind::Automation,
            Spec::Channel(_) => Kind::Channel,
            Spec::Plugin(_) => Kind::Plugin,
            Spec::Policy(_) => Kind::Policy,
            Spec::Secret(_) => Kind::Secret,
            Spec::Service(_) => Kind::Service,
            Spec::Source(_) => Kind::Source,
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The file that it is in, as the caller named it.
    pub fn file(&self) -> &str {
        self.source.path()
    }

    /// What it is called in messages: `Policy/shop`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.kind(), self.name)
    }

    /// The names of the secrets that its containers use, each once.
    pub fn secrets(&self) -> BTreeSet<&Name> {
        self.secret_uses().into_iter().flat_map(|(_, uses)| uses).map(|used| &used.name).collect()
    }

    /// The secrets that its containers use, by where each container stands.
    pub(crate) fn secret_uses(&self) -> Vec<(String, &[SecretUseSpec])> {
        let hooks: &[HookSpec] = match &self.spec {
            Spec::Automation(spec) => &spec.hooks,
            Spec::Plugin(spec) => &spec.hooks,
            Spec::Policy(spec) => &spec.hooks,
            Spec::Service(spec) => &spec.hooks,
            Spec::Channel(_) | Spec::Secret(_) | Spec::Source(_) => &[],
        };
        let own: Option<(&str, &[SecretUseSpec])> = match &self.spec {
            Spec::Automation(spec) => Some(("spec", &spec.secrets)),
            Spec::Service(spec) => Some(("spec", &spec.secrets)),
            Spec::Channel(spec) => spec.command.as_ref().map(|command| ("spec/command", command.secrets.as_slice())),
            Spec::Plugin(spec) => spec.prepare.as_ref().map(|prepare| ("spec/prepare", prepare.secrets.as_slice())),
            Spec::Policy(spec) => spec.decide.as_ref().map(|decide| ("spec/decide", decide.secrets.as_slice())),
            Spec::Secret(_) | Spec::Source(_) => None,
        };
        let own = own.map(|(path, secrets)| (path.to_owned(), secrets));
        let actions: &[ActionSpec] = match &self.spec {
            Spec::Plugin(spec) => &spec.actions,
            _ => &[],
        };
        let actions =
            actions.iter().enumerate().map(|(index, it)| (format!("spec/actions/{index}"), it.secrets.as_slice()));
        let skills: &[SkillSpec] = match &self.spec {
            Spec::Plugin(spec) => &spec.skills,
            _ => &[],
        };
        let skills =
            skills.iter().enumerate().map(|(index, it)| (format!("spec/skills/{index}"), it.secrets.as_slice()));
        let hooks =
            hooks.iter().enumerate().map(|(index, hook)| (format!("spec/hooks/{index}"), hook.secrets.as_slice()));
        own.into_iter().chain(hooks).chain(actions).chain(skills).collect()
    }

    /// Where its name stands.
    pub(crate) fn name_spot(&self) -> Spot {
        self.spot_of("metadata/name")
    }

    /// Where the value at `path` (`spec/hooks/0/image`) stands, or the nearest thing above it that is there: of a value
    /// that fits a line, the value; else its key.
    pub(crate) fn spot_of(&self, path: &str) -> Spot {
        self.source.spot(nearest(&self.root, path.split('/')))
    }

    /// Where the key at `path` stands, or the nearest thing above it that is there.
    pub(crate) fn key_spot(&self, path: &str) -> Spot {
        let (above, key) = path.rsplit_once('/').unwrap_or(("", path));
        let entry = self.root.at(above.split('/').filter(|key| !key.is_empty())).and_then(|node| node.entry(key));
        entry.map_or_else(|| self.spot_of(path), |entry| self.source.spot(entry.key_span.clone()))
    }

    /// The node at `path`.
    pub(crate) fn node(&self, path: &str) -> Option<&Node> {
        self.root.at(path.split('/'))
    }
}

/// The span of the value at `path` or of what is nearest above it.
pub(crate) fn nearest<'a>(root: &Node, path: impl IntoIterator<Item = &'a str>) -> Range<usize> {
    let mut node = root;
    let mut span = root.span.start..root.span.start + 1;
    for key in path {
        let Some(below) = node.step(key) else { break };
        // A map or list may go over many lines: its key stands for it.
        span = match node.entry(key) {
            Some(entry) if !below.is_scalar() || below.span.is_empty() => entry.key_span.clone(),
            _ => below.span.clone(),
        };
        node = below;
    }
    span
}
