//! A container, what it was made for, and what it will do.

use std::sync::Arc;

use provost_model::{ContainerName, ContainerRequest, ContainerSeen, JsonMap, Life, Reply, RunId, StepOutput, StepRef};
use serde_json::json;

use crate::scenario::{HOUR, MINUTE, SECOND};
use crate::{Dice, Tag};

/// A container.
#[derive(Debug)]
pub struct Container {
    /// Its number: the engine's id.
    pub id: u64,
    /// What it was made for.
    pub tag: Option<Arc<Tag>>,
    /// What its labels say that it is for.
    pub step: Option<StepRef>,
    /// The digest of its request.
    pub request: Option<String>,
    /// What the engine says that it does.
    pub life: Life,
    /// What it will do.
    pub fate: Fate,
    /// It was asked to end.
    pub is_asked: bool,
    /// It carries our label.
    pub is_ours: bool,
}

impl Container {
    pub(super) fn new(
        id: u64,
        tag: Option<Arc<Tag>>,
        step: Option<StepRef>,
        request: Option<String>,
        fate: Fate,
    ) -> Self {
        Self { id, tag, step, request, life: Life::Created, fate, is_asked: false, is_ours: true }
    }

    pub(super) fn seen(&self, name: &ContainerName) -> ContainerSeen {
        ContainerSeen {
            name: name.clone(),
            id: format!("c{}", self.id),
            step: self.step.clone(),
            request: self.request.clone(),
            life: self.life.clone(),
        }
    }
}

/// What a container will do, all of it decided when it is made.
#[derive(Clone, Debug)]
pub struct Fate {
    /// How long it runs by itself, in milliseconds; absent: for ever.
    pub runs_for: Option<i64>,
    /// How it exits then.
    pub code: i64,
    /// What it leaves behind then.
    pub output: StepOutput,
    /// How long after SIGTERM it ends, in milliseconds; absent: it does not care.
    pub obeys_after: Option<i64>,
}

impl Fate {
    /// It runs for ever, until it is asked.
    pub fn endless() -> Self {
        Self { runs_for: None, code: 0, output: StepOutput::default(), obeys_after: Some(0) }
    }

    /// It does what it is for, soon.
    pub fn good(dice: &mut Dice) -> Self {
        let runs_for = Some(dice.between(10, 10 * SECOND));
        Self { runs_for, code: 0, output: StepOutput::default(), obeys_after: Some(dice.between(0, SECOND)) }
    }

    /// A fate by chance for the container of `request`.
    pub fn of(request: &ContainerRequest, dice: &mut Dice) -> Self {
        let is_main = request.step.step.is_main();
        let runs_for = match dice.between(0, 39) {
            0 => None,
            1 if is_main => Some(dice.between(5 * MINUTE, HOUR)),
            2..=5 => Some(dice.between(0, 30)),
            _ if is_main => Some(dice.between(SECOND, 2 * MINUTE)),
            _ => Some(dice.between(100, 5 * SECOND)),
        };
        let fails = dice.one_in(if is_main { 5 } else { 15 });
        let code = if fails { *dice.pick(&[1, 1, 2, 137, 255]) } else { 0 };
        let obeys_after = (!dice.one_in(5)).then(|| dice.between(0, 12 * SECOND));
        Self { runs_for, code, output: output(dice), obeys_after }
    }
}

fn output(dice: &mut Dice) -> StepOutput {
    let mut output = StepOutput { tail: "the end of the output".to_owned(), ..StepOutput::default() };
    let map = |dice: &mut Dice| -> JsonMap {
        json!({ *dice.pick(&["ticket", "shelf"]): dice.between(0, 3) }).as_object().cloned().unwrap_or_default()
    };
    match dice.between(0, 29) {
        0 => output.reply = Some(Reply { allow: false, reason: "not today".to_owned() }),
        1 => output.reply = Some(Reply { allow: true, reason: String::new() }),
        2 | 3 => output.locals = map(dice),
        4 => output.globals = map(dice),
        5 => output.problems = vec!["locals.json is not JSON".to_owned()],
        6 => output.progress = vec![json!({"done": 1})],
        _ => {}
    }
    output
}

/// What `request` says that its container is for, as the container itself can know it.
pub(super) fn tag_of(request: &ContainerRequest) -> Tag {
    let variable = |key: &str| request.workload.env.get(&format!("PROVOST_{key}")).cloned();
    Tag {
        owner: request.step.owner.clone(),
        step: request.step.step.clone(),
        run: variable("RUN").and_then(|run| RunId::parse(run).ok()),
        attempt: variable("ATTEMPT").and_then(|attempt| attempt.parse().ok()),
        due: variable("DUE").and_then(|due| due.parse().ok()),
        event: variable("EVENT").unwrap_or_default(),
        automation: variable("AUTOMATION"),
        image: request.workload.image.clone(),
    }
}
