//! Who hears of what: policies and the automation add up.

use provost_model::{Moment, Name, NoSuccessFor, Notify};

use crate::kinds::{AutomationSpec, NotifySpec};
use crate::resolve::policy::Policy;

/// Every channel that hears of a moment: those of `policies` in their order, then the automation's own, each once.
///
/// `noSuccessFor` does not add up: the automation's own decides, else that of the policy with the highest order.
pub(crate) fn merge(policies: &[&Policy<'_>], spec: &AutomationSpec) -> Notify {
    let mut notify = of_policies(policies);
    spec.notify.iter().for_each(|said| add_all(&mut notify, said));
    notify
}

/// What `policies` say, in their order.
pub(crate) fn of_policies(policies: &[&Policy<'_>]) -> Notify {
    let mut notify = Notify::default();
    policies.iter().filter_map(|policy| policy.spec.notify.as_ref()).for_each(|said| add_all(&mut notify, said));
    notify
}

fn add_all(notify: &mut Notify, said: &NotifySpec) {
    for (moment, names) in moments(said) {
        add(notify, moment, names);
    }
    if let Some(rule) = &said.no_success_for {
        notify.no_success_for = Some(NoSuccessFor { after_s: rule.after.0, channels: rule.channels.clone() });
    }
}

/// `names` hear of `moment` too, each once.
pub(crate) fn add(notify: &mut Notify, moment: Moment, names: &[Name]) {
    if names.is_empty() {
        return;
    }
    let channels = notify.channels.entry(moment).or_default();
    for name in names {
        if !channels.contains(name) {
            channels.push(name.clone());
        }
    }
}

fn moments(said: &NotifySpec) -> [(Moment, &[Name]); 12] {
    [
        (Moment::Starting, &said.starting),
        (Moment::Started, &said.started),
        (Moment::Success, &said.success),
        (Moment::Failure, &said.failure),
        (Moment::Recovery, &said.recovery),
        (Moment::Retrying, &said.retrying),
        (Moment::Cancelled, &said.cancelled),
        (Moment::Finished, &said.finished),
        (Moment::Skipped, &said.skipped),
        (Moment::Missed, &said.missed),
        (Moment::Late, &said.late),
        (Moment::StepFailure, &said.step_failure),
    ]
}
