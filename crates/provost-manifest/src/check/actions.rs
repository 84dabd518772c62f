//! Actions are unique within their application, and so are the automations that they are.

use std::collections::BTreeMap;

use provost_model::{ActionTerms, Name};

use crate::facts::ServerFacts;
use crate::kinds::{ActionSpec, InstanceSpec};
use crate::read::{Document, Spec, Spot};
use crate::report::{Code, Diagnostic};
use crate::resolve::instance;

/// What has a name already: what it is called in messages, and where it stands.
type Taken = BTreeMap<Name, (String, Spot)>;

pub(crate) fn check(documents: &[Document], facts: &ServerFacts, out: &mut Vec<Diagnostic>) {
    let automations = documents.iter().filter(|document| matches!(document.spec, Spec::Automation(_)));
    let mut taken: Taken =
        automations.map(|document| (document.name.clone(), (document.id(), document.name_spot()))).collect();
    for document in documents {
        let Spec::Plugin(spec) = &document.spec else {
            continue;
        };
        for instance in instance::here(spec, facts) {
            for (index, action) in spec.actions.iter().enumerate() {
                let spot = match instance {
                    Some((name, _)) => document.key_spot(&format!("spec/instances/{name}")),
                    None => document.spot_of(&format!("spec/actions/{index}/name")),
                };
                out.extend(take(&mut taken, action, instance.map(|(_, spec)| spec), &spot));
            }
        }
    }
}

/// Takes the name of `action`, as it is in `instance`, which stands at `spot`; tells if something else has it.
fn take(taken: &mut Taken, action: &ActionSpec, instance: Option<&InstanceSpec>, spot: &Spot) -> Option<Diagnostic> {
    let of_instance = instance.and_then(|instance| instance.application.clone());
    let application = of_instance.or_else(|| Name::new(action.application.clone()).ok())?;
    let Some(name) = ActionTerms::automation_name(&application, &action.name) else {
        let error = Diagnostic::new(Code::BAD_NAME, spot, format!("`{}` cannot be the name of an action", action.name));
        return Some(error.hint("begin and end it with a letter or a digit, like DeleteWidgets"));
    };
    let what = format!("action {} of {application}", action.name);
    let Some((other, first)) = taken.get(&name) else {
        taken.insert(name, (what, spot.clone()));
        return None;
    };
    let message = if *other == what {
        format!("there are two of {what}")
    } else {
        format!("{what} and {other} are both the automation `{name}`")
    };
    let error = Diagnostic::new(Code::SAME_NAME, spot, message);
    let hint = match instance {
        Some(_) => "give each instance an `application` of its own, which its actions are for",
        None => "give one of them another name, or remove it",
    };
    Some(error.related(first, "first here").hint(hint))
}
