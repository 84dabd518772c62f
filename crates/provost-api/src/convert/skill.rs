//! Skills and documents.

use provost_model as model;

use super::spec::param;
use crate::wire::*;

pub(crate) fn skill_item(skill: &model::Skill) -> SkillItem {
    SkillItem {
        name: skill.name.clone(),
        description: skill.description.clone(),
        provider: skill.provider.document(),
        kind: match skill.provider {
            model::Provider::Container { .. } => SkillKind::Container,
            model::Provider::Constant { .. } => SkillKind::Constant,
            model::Provider::Http { .. } => SkillKind::Http,
            model::Provider::Program { .. } => SkillKind::Program,
            model::Provider::Peers { .. } => SkillKind::Peer,
        },
        timeout_s: skill.timeout_s,
        params: skill.params.iter().map(|(name, spec)| (name.clone(), param(spec))).collect(),
    }
}

pub(crate) fn skill_answer(answer: Result<serde_json::Value, model::CallError>) -> SkillAnswer {
    answer.map_or_else(|error| SkillAnswer::Error(skill_error(error)), SkillAnswer::Result)
}

pub(crate) fn skill_error(error: model::CallError) -> SkillError {
    SkillError { kind: error.kind, message: error.message }
}

pub(crate) fn document_item(name: &str, document: &model::Document) -> DocumentItem {
    DocumentItem {
        name: name.to_owned(),
        bytes: document.value.to_string().len() as u64,
        at: document.at,
        by: document.by.clone(),
    }
}
