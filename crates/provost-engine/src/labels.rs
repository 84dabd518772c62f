//! What the labels of a container say of it: the same with every engine. They are written by `ContainerRequest::labels`.

use std::collections::BTreeMap;

use provost_controller::{EngineError, EngineErrorKind};
use provost_model::{
    ContainerName, ContainerRequest, ContainerSeen, Instance, LABEL_INSTANCE, LABEL_OWNER, LABEL_OWNER_KIND,
    LABEL_REQUEST, LABEL_STEP, Life, Owner, StepId, StepRef,
};

/// A container with these labels, as an engine shows it.
pub fn seen(name: ContainerName, id: String, labels: &BTreeMap<String, String>, life: Life) -> ContainerSeen {
    ContainerSeen { name, id, step: step(labels), request: labels.get(LABEL_REQUEST).cloned(), life }
}

fn step(labels: &BTreeMap<String, String>) -> Option<StepRef> {
    let owner = Owner::parse(labels.get(LABEL_OWNER_KIND)?, labels.get(LABEL_OWNER)?)?;
    Some(StepRef { owner, step: StepId(labels.get(LABEL_STEP)?.as_str().into()) })
}

/// Takes a container with these labels, which has the name already, for the one that was asked for, if it is that (R3).
///
/// Errors: a conflict, with whose it is.
pub fn adopt(request: &ContainerRequest, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
    if request.labels().iter().all(|(key, value)| labels.get(key) == Some(value)) {
        return Ok(());
    }
    let message = format!(
        "cannot create container {}: the name is taken by one that {} and is not the one that is wanted; remove it, or give \
         this server another instance name",
        request.name,
        whose(labels)
    );
    Err(EngineError::new(EngineErrorKind::Conflict, message))
}

/// The error of being asked to do something with a container that is not `own`'s (C6).
pub fn of_others(doing: &str, name: &ContainerName, labels: &BTreeMap<String, String>, own: &Instance) -> EngineError {
    let message = format!("will not {doing} container {name}: it {}, not to instance {own}", whose(labels));
    EngineError::new(EngineErrorKind::Conflict, message)
}

/// Whose a container with these labels is, for people.
fn whose(labels: &BTreeMap<String, String>) -> String {
    let Some(instance) = labels.get(LABEL_INSTANCE) else {
        return "is not Provost's".to_owned();
    };
    let step = step(labels).map(|step| format!(", {} {}, step {}", step.owner.kind(), step.owner.id(), step.step));
    let digest = labels.get(LABEL_REQUEST).and_then(|digest| digest.get(..12)).unwrap_or("none");
    format!("belongs to instance {instance}{} (request {digest})", step.unwrap_or_default())
}
