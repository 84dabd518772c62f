//! Calls of skills for which a container is made: each is an event of its own.

use std::sync::Arc;

use provost_model::{Fact, JsonMap, Provider, Skill, State, check_params, check_types};

use super::Core;
use crate::{Done, Refusal, RefusalKind};

impl Core {
    pub(super) fn call_skill(
        &self,
        name: &str,
        data: &JsonMap,
        request: &str,
        by: String,
    ) -> Result<(Vec<Fact>, Done), Refusal> {
        let skill = skill(&self.state, name)?;
        let Provider::Container { plugin } = &skill.provider else {
            return Err(Refusal::new(RefusalKind::Conflict, format!("no container is made for calls of {name}")));
        };
        self.may_start()?;
        self.is_prepared(plugin)?;
        let data = checked(skill, data)?;
        Ok(self.accept_event(skill.event(), data, request, by))
    }
}

/// The skill `name` of the revision in force.
pub(crate) fn skill<'a>(state: &'a State, name: &str) -> Result<&'a Arc<Skill>, Refusal> {
    state.desired.skills.get(name).ok_or_else(|| unknown(name))
}

/// Nobody provides the skill `name`.
pub(crate) fn unknown(name: &str) -> Refusal {
    let refusal = Refusal::new(RefusalKind::NotFound, format!("nobody provides the skill {name}"));
    refusal.hint("`provost skill ls` lists those that can be called")
}

/// `data`, checked against what the skill declares, with its defaults.
pub(crate) fn checked(skill: &Skill, data: &JsonMap) -> Result<JsonMap, Refusal> {
    let invalid = |problems: Vec<String>| Refusal::new(RefusalKind::Invalid, problems.join("; "));
    check_types(&skill.params, data).map_err(invalid)?;
    check_params(&skill.params, data).map_err(invalid)
}
