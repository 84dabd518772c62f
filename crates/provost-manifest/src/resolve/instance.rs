//! A plugin as often as it is configured: once, or once for each of its instances on this server (C2).

use jsonschema::error::ValidationErrorKind as Wrong;
use jsonschema::{ValidationError, Validator};
use provost_model::{JsonMap, Name, PluginName, deep_merge};
use serde_json::{Map, Value};

use crate::facts::ServerFacts;
use crate::kinds::{InstanceSpec, PluginSpec};
use crate::read::{Document, Spot};
use crate::report::{Code, Diagnostic};
use crate::resolve::Given;
use crate::resolve::here::Here;

/// A plugin as it runs: what all of its containers have in common.
pub(crate) struct Instance<'a> {
    pub(crate) name: PluginName,
    pub(crate) document: &'a Document,
    pub(crate) spec: &'a PluginSpec,
    pub(crate) enabled: bool,
    /// What its containers get: `config` of the plugin, of the instance and of this server, one over the other, and the
    /// `default` of each property of `configSchema` that they leave out (A22).
    pub(crate) config: Value,
    application: Option<&'a Name>,
    is_here: bool,
}

/// One place that says something of the configuration.
struct Layer<'a> {
    config: &'a JsonMap,
    /// Where it stands: in the manifest, or below `plugins` of the server's configuration.
    path: Vec<&'a str>,
    is_of_server: bool,
}

impl<'a> Instance<'a> {
    /// What `document` is on this server; what is wrong with any of its instances is told, whether it is for this server or
    /// not.
    pub(crate) fn all(
        document: &'a Document,
        spec: &'a PluginSpec,
        given: &Given<'a>,
        out: &mut Vec<Diagnostic>,
    ) -> Vec<Instance<'a>> {
        let validator = validator(document, spec, out);
        let written = written(spec).into_iter();
        let all = written.filter_map(|written| Self::new(document, spec, written, given, validator.as_ref(), out));
        let all: Vec<_> = all.collect();
        all.into_iter().filter(|instance| instance.is_here).collect()
    }

    fn new(
        document: &'a Document,
        spec: &'a PluginSpec,
        written: Written<'a>,
        given: &Given<'a>,
        validator: Option<&Validator>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let name = name(document, written, out)?;
        let is_here = written.is_none_or(|(_, spec)| is_for(spec, given.facts));
        let layers = layers(document, spec, written, Some(&given.here).filter(|_| is_here));
        let config = merged(spec, &layers);
        for error in validator.iter().flat_map(|validator| validator.iter_errors(&config)).take(20) {
            out.push(misfit(document, &layers, &given.here, &error));
        }
        let enabled = is_enabled(document, spec, written, &given.here);
        let application = written.and_then(|(_, spec)| spec.application.as_ref());
        Some(Self { name, document, spec, enabled, config, application, is_here })
    }

    /// The application that is meant where `own` is written.
    pub(crate) fn application<'n>(&'n self, own: &'n Name) -> &'n Name {
        self.application.unwrap_or(own)
    }
}

/// An instance as it is written; absent for a plugin that has none.
type Written<'a> = Option<(&'a Name, &'a InstanceSpec)>;

/// The instances that a plugin has on this server, as they are written; one without a name, if it has none at all.
pub(crate) fn here<'a>(spec: &'a PluginSpec, facts: &ServerFacts) -> Vec<Written<'a>> {
    let mut written = written(spec);
    written.retain(|it| it.is_none_or(|(_, instance)| is_for(instance, facts)));
    written
}

fn written(spec: &PluginSpec) -> Vec<Written<'_>> {
    if spec.instances.is_empty() { vec![None] } else { spec.instances.iter().map(Some).collect() }
}

fn is_for(instance: &InstanceSpec, facts: &ServerFacts) -> bool {
    instance.select.servers.iter().all(|(key, value)| facts.labels.get(key) == Some(value))
}

/// What the plugin is called as it runs; two names that are too long together are told.
fn name(document: &Document, written: Written<'_>, out: &mut Vec<Diagnostic>) -> Option<PluginName> {
    let instance = written.map(|(name, _)| name);
    let refuse = |error| {
        let spot = document.key_spot(&instance.map(|name| format!("spec/instances/{name}")).unwrap_or_default());
        let message = format!("the names of the plugin and its instance are too long together: {error}");
        out.push(Diagnostic::new(Code::BAD_NAME, &spot, message).hint("shorten one of them"));
    };
    PluginName::new(document.name.clone(), instance.cloned()).map_err(refuse).ok()
}

/// Whether it runs: the plugin does, and the instance does; of each this server has the last word.
fn is_enabled(document: &Document, spec: &PluginSpec, written: Written<'_>, here: &Here<'_>) -> bool {
    let plugin = here.plugin(&document.name).and_then(|it| it.enabled).unwrap_or(spec.enabled);
    let of_instance = |(name, spec): (&Name, &InstanceSpec)| {
        here.instance(&document.name, name).and_then(|it| it.enabled).unwrap_or(spec.enabled)
    };
    plugin && written.is_none_or(of_instance)
}

/// One layer over the other, and then what `configSchema` has for what they leave out.
fn merged(spec: &PluginSpec, layers: &[Layer<'_>]) -> Value {
    let mut config = spec.config.clone();
    layers.iter().skip(1).for_each(|layer| deep_merge(&mut config, layer.config));
    let mut config = Value::Object(config);
    if let Some(schema) = &spec.config_schema {
        fill_in(&mut config, schema);
    }
    config
}

/// What is said of the configuration, the plugin's own first, from the general to the particular; of the same thing this server has the last word.
fn layers<'a>(
    document: &'a Document,
    spec: &'a PluginSpec,
    written: Written<'a>,
    here: Option<&Here<'a>>,
) -> Vec<Layer<'a>> {
    let of_manifest = |config, path| Layer { config, path, is_of_server: false };
    let of_server = |config: &'a JsonMap, path| {
        Some(Layer { config, path, is_of_server: true }).filter(|layer| !layer.config.is_empty())
    };
    let plugin = document.name.as_str();
    let mut layers = vec![of_manifest(&spec.config, vec!["spec", "config"])];
    layers.extend(
        here.and_then(|here| here.plugin(&document.name)).and_then(|it| of_server(&it.config, vec![plugin, "config"])),
    );
    if let Some((name, instance)) = written {
        layers.push(of_manifest(&instance.config, vec!["spec", "instances", name.as_str(), "config"]));
        let path = vec![plugin, "instances", name.as_str(), "config"];
        layers.extend(
            here.and_then(|here| here.instance(&document.name, name)).and_then(|it| of_server(&it.config, path)),
        );
    }
    layers
}

fn fill_in(value: &mut Value, schema: &Map<String, Value>) {
    let (Value::Object(fields), Some(properties)) = (value, schema.get("properties")) else {
        return;
    };
    for (key, property) in properties.as_object().into_iter().flatten() {
        if let (None, Some(default)) = (fields.get(key), property.get("default")) {
            fields.insert(key.clone(), default.clone());
        }
        if let (Some(field), Some(property)) = (fields.get_mut(key), property.as_object()) {
            fill_in(field, property);
        }
    }
}

/// What `config` is checked against; what is wrong with the schema itself is told.
fn validator(document: &Document, spec: &PluginSpec, out: &mut Vec<Diagnostic>) -> Option<Validator> {
    let schema = Value::Object(spec.config_schema.clone()?);
    let refuse = |why: String| Diagnostic::new(Code::CONFIG, &document.key_spot("spec/configSchema"), why);
    if has_foreign_reference(&schema) {
        let error = refuse("`configSchema` refers to another schema".to_owned());
        out.push(error.hint("references may only point into itself: `#/…`"));
        return None;
    }
    let validator = jsonschema::draft7::new(&schema);
    validator.map_err(|error| out.push(refuse(format!("`configSchema` is not a JSON Schema: {error}")))).ok()
}

/// An error of the configuration, at the place that says the last word of what is wrong.
fn misfit(document: &Document, layers: &[Layer<'_>], here: &Here<'_>, error: &ValidationError<'_>) -> Diagnostic {
    let mut keys: Vec<&str> = error.instance_path().as_str().split('/').skip(1).collect();
    let unexpected = match error.kind() {
        Wrong::AdditionalProperties { unexpected } => unexpected.first().map(String::as_str),
        _ => None,
    };
    keys.extend(unexpected);
    let layer = layers.iter().rev().find(|layer| said(layer.config, &keys).is_some()).or(layers.last());
    let spot =
        layer.map_or_else(|| document.name_spot(), |layer| layer.spot(document, here, &keys, unexpected.is_some()));
    let wrong = Diagnostic::new(Code::CONFIG, &spot, format!("the plugin's config is wrong: {error}"));
    wrong.related(&document.key_spot("spec/configSchema"), "asked for here")
}

/// The value at `keys`: names, and places in lists as numbers.
fn said<'a>(config: &'a JsonMap, keys: &[&str]) -> Option<&'a Value> {
    let (first, below) = keys.split_first()?;
    below.iter().try_fold(config.get(*first)?, |at, key| match at {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        at => at.get(*key),
    })
}

impl Layer<'_> {
    /// Where the value at `keys` stands, or its key.
    fn spot(&self, document: &Document, here: &Here<'_>, keys: &[&str], is_key: bool) -> Spot {
        let path: Vec<&str> = self.path.iter().chain(keys).copied().collect();
        match (self.is_of_server, is_key) {
            (true, _) => here.spot(path),
            (false, true) => document.key_spot(&path.join("/")),
            (false, false) => document.spot_of(&path.join("/")),
        }
    }
}

fn has_foreign_reference(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
            ("$ref" | "$dynamicRef", Value::String(target)) => !target.starts_with('#'),
            ("$id" | "$schema", _) => false,
            (_, value) => has_foreign_reference(value),
        }),
        Value::Array(list) => list.iter().any(has_foreign_reference),
        _ => false,
    }
}
