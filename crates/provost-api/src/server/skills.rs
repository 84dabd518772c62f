//! Skills: which there are, and calls of them.

use axum::Json;
use axum::extract::{Path, State};

use provost_controller::SkillAsked;

use super::Shared;
use super::access::Access;
use super::extract::{Body, Key};
use super::refused::{Refused, Reply};
use crate::convert;
use crate::wire::*;

/// The skills that whoever asks may call.
pub(super) async fn list(State(shared): State<Shared>, access: Access) -> Reply<Listing<SkillItem>> {
    let items = shared.controller.view(|view| {
        let skills = view.state.desired.skills.values();
        skills.map(|skill| convert::skill_item(skill)).collect::<Vec<SkillItem>>()
    });
    let mut items = items.await?;
    items.retain(|skill| access.skills.holds(&skill.name));
    Ok(Json(Listing::whole(items)))
}

/// Calls the skill, and answers with what came of it.
pub(super) async fn call(
    State(shared): State<Shared>,
    Path(skill): Path<String>,
    access: Access,
    key: Key,
    Body(asked): Body<SkillCall>,
) -> Reply<SkillResult> {
    let SkillCall { data, request, own } = asked;
    let request = key.or(request)?;
    let asked = SkillAsked { skill: skill.clone(), data, request, by: access.by, own };
    match shared.controller.call_skill(asked).await? {
        Ok(result) => Ok(Json(SkillResult { result })),
        Err(error) => {
            let problem = Problem::new(ProblemCode::Failed, format!("{skill}: {}: {}", error.kind, error.message));
            Err(Refused::from(Problem { error: Some(convert::skill_error(error)), ..problem }))
        }
    }
}

/// Calls the skill on several servers, and answers with what came of each.
pub(super) async fn call_on(
    State(shared): State<Shared>,
    Path(skill): Path<String>,
    access: Access,
    key: Key,
    Body(asked): Body<SkillCallOn>,
) -> Reply<SkillResults> {
    let SkillCallOn { data, servers, request } = asked;
    let request = key.or(request)?;
    let asked = SkillAsked { skill, data, request, by: access.by, own: false };
    let answers = shared.controller.call_skill_on(asked, servers).await?.into_iter();
    Ok(Json(SkillResults {
        servers: answers.map(|(server, answer)| (server, convert::skill_answer(answer))).collect(),
    }))
}
