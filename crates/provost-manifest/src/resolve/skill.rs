//! Skills, as they take effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::{Hook, Name, PEER_TIMEOUT_S, Param, Provider, Skill};

use crate::ServerFacts;
use crate::kinds::{ParamSpec, ProvideSpec, ServiceSpec, SkillSpec};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::Given;
use crate::resolve::automation::param;
use crate::resolve::hook::{self, Trust};
use crate::resolve::instance::Instance;

/// The longest that a service may take to answer, where nobody says it, in seconds.
const ANSWER_TIMEOUT_S: u64 = 30;

/// What the skills of a plugin come to.
#[derive(Default)]
pub(crate) struct OfPlugin {
    pub(crate) skills: Vec<Skill>,
    /// The containers that are made for calls.
    pub(crate) hooks: Vec<Arc<Hook>>,
}

/// Resolves the skills of `instance`; what is wrong with them is told, whether it is enabled or not.
pub(crate) fn of_plugin(
    instance: &Instance<'_>,
    trust: &Trust<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> OfPlugin {
    let Instance { document, spec, .. } = *instance;
    let mut found = OfPlugin::default();
    for (index, skill) in spec.skills.iter().enumerate() {
        let path = format!("spec/skills/{index}");
        let plugin = instance.name.clone();
        let (provider, timeout_s) = match &skill.value {
            Some(value) => {
                out.extend(beside_value(document, &path));
                (Provider::Constant { plugin, value: value.clone() }, ANSWER_TIMEOUT_S)
            }
            None => {
                let Some(hook) = container(document, &path, skill, trust, given, out) else { continue };
                let timeout_s = hook.timeout_s;
                found.hooks.push(hook);
                (Provider::Container { plugin }, timeout_s)
            }
        };
        let (name, description) = (skill.name.clone(), skill.description.clone());
        found.skills.push(Skill { name, description, params: params(&skill.params), provider, timeout_s });
    }
    found
}

/// The container that is made for each call.
fn container(
    document: &Document,
    path: &str,
    skill: &SkillSpec,
    trust: &Trust<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Arc<Hook>> {
    let label = skill.name.to_lowercase().replace(['.', '_'], "-");
    let name = Name::new(label.trim_matches('-').chars().take(40).collect::<String>().trim_end_matches('-')).ok()?;
    let event = format!("{}{}", provost_model::SKILL, skill.name);
    hook::one(document, path, name, &skill.hook(event), trust, given, out)
}

/// Tells what stands beside a value, which needs no container.
fn beside_value(document: &Document, path: &str) -> Option<Diagnostic> {
    let entries = document.node(path).map(crate::read::Node::entries).unwrap_or_default();
    let other = entries.iter().find(|entry| !matches!(entry.key.as_str(), "name" | "description" | "value"))?;
    let spot = document.key_spot(&format!("{path}/{}", other.key));
    let message = format!("`{}` means nothing for a skill that is a `value`: no container is made", other.key);
    Some(Diagnostic::new(Code::TOGETHER, &spot, message).hint("remove one of the two"))
}

/// The skills that other servers provide; one that this server provides too is its own. What may be handed in, they know.
pub(crate) fn of_peers(facts: &ServerFacts) -> BTreeMap<String, Arc<Skill>> {
    let one = |(name, peers): (&String, &BTreeSet<Name>)| {
        let provider = Provider::Peers { peers: peers.clone() };
        let skill = Skill {
            name: name.clone(),
            description: None,
            params: BTreeMap::new(),
            provider,
            timeout_s: PEER_TIMEOUT_S,
        };
        (name.clone(), Arc::new(skill))
    };
    facts.peers.iter().map(one).collect()
}

/// Resolves what a service provides; what is wrong with it is told.
pub(crate) fn of_service(document: &Document, spec: &ServiceSpec, out: &mut Vec<Diagnostic>) -> Vec<Skill> {
    let one = |(index, provided): (usize, &ProvideSpec)| {
        let path = format!("spec/provides/{index}");
        let service = document.name.clone();
        let provider = match (&provided.http, &provided.command) {
            (Some(http), None) => {
                Provider::Http { service, port: http.port, path: http.path.clone().unwrap_or_else(|| "/".to_owned()) }
            }
            (None, Some(command)) => Provider::Program { service, command: command.clone() },
            _ => {
                let message = format!("skill `{}` is provided in exactly one way", provided.skill);
                let error = Diagnostic::new(Code::TOGETHER, &document.spot_of(&path), message);
                out.push(error.hint("write exactly one of `http` and `command`"));
                return None;
            }
        };
        let timeout_s = provided.timeout.map_or(ANSWER_TIMEOUT_S, |timeout| timeout.0);
        if timeout_s == 0 {
            let spot = document.spot_of(&format!("{path}/timeout"));
            let error = Diagnostic::new(Code::OUT_OF_RANGE, &spot, "a `timeout` of 0s leaves no time");
            out.push(error.hint("the least is 1s"));
        }
        let (name, description) = (provided.skill.clone(), provided.description.clone());
        Some(Skill { name, description, params: params(&provided.params), provider, timeout_s })
    };
    spec.provides.iter().enumerate().filter_map(one).collect()
}

fn params(specs: &BTreeMap<String, ParamSpec>) -> BTreeMap<String, Param> {
    specs.iter().map(|(name, spec)| (name.clone(), param(spec))).collect()
}
