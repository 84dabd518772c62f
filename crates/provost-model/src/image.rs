//! Which images are needed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{Automation, Channel, Desired, Hook, State, Step, StepKind, Target, Workload};

impl Desired {
    /// All that containers are made of.
    fn workloads(&self) -> impl Iterator<Item = &Workload> {
        let channels = self.channels.values().filter_map(|channel| of_channel(channel));
        self.automations.values().flat_map(of_automation).chain(of_hooks(&self.hooks)).chain(channels)
    }
}

impl State {
    /// The images that are needed: of all that the revision in force wants and of all that goes on, by their names
    /// (`provost/toolbox:0.1.0`), and those of containers that have begun also by their digests (`sha256:…`).
    pub fn images(&self) -> BTreeSet<String> {
        let runs = self.runs.values().flat_map(|run| of_automation(&run.spec).chain(of_steps(run.steps())));
        let firings = self.events.values().filter_map(|event| event.firing.as_ref());
        let events = firings.flat_map(|firing| of_steps(firing.steps.iter()));
        let notices = self.outbox.values().filter_map(|notice| of_channel(&notice.channel));
        let workloads = self.desired.workloads().chain(runs).chain(events).chain(notices);
        let digests = self.runs.values().filter_map(|run| run.image.clone());
        workloads.map(|workload| workload.image.clone()).chain(digests).collect()
    }
}

fn of_automation(automation: &Arc<Automation>) -> impl Iterator<Item = &Workload> {
    std::iter::once(&automation.workload).chain(of_hooks(&automation.hooks))
}

fn of_hooks(hooks: &[Arc<Hook>]) -> impl Iterator<Item = &Workload> {
    hooks.iter().map(|hook| &hook.workload)
}

fn of_steps<'a>(steps: impl Iterator<Item = &'a Step>) -> impl Iterator<Item = &'a Workload> {
    steps.filter_map(|step| match &step.what {
        StepKind::Hook { hook } => Some(&hook.workload),
        StepKind::Main { .. } | StepKind::Ask { .. } => None,
    })
}

fn of_channel(channel: &Channel) -> Option<&Workload> {
    match &channel.target {
        Target::Command { workload } => Some(workload.as_ref()),
        _ => None,
    }
}
