//! R5, E3: the order of the containers of a run, by their own evidence: before-hooks in order, then the main container,
//! then the after-hooks in reverse; within one event stage by stage.

use std::sync::Arc;

use provost_model::{Hook, RunId, Step, StepKind, is_after_event};

use super::{Case, Span};
use crate::{Breach, Time};

/// Whether the containers of each run came in their order.
pub fn in_order(case: &Case<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (run, spans) in case.spans_by_run() {
        let Some(accepted) = case.runs.get(run) else {
            continue;
        };
        let mut order = Order { run, spans: &spans, found: &mut found };
        let hooks = &accepted.spec.hooks;
        let before = order.event(hooks, "run.starting");
        let mains = spans.iter().filter(|span| span.tag.is_main());
        let mains = mains.fold(Stretch::default(), |stretch, span| stretch.with(span));
        order.after("the main container", "run.starting", before.to, mains.from, mains.line);
        let Some(outcome) = accepted.outcome else {
            continue;
        };
        let settled = order.event(hooks, outcome.event());
        let finished = order.event(hooks, "run.finished");
        for (name, end) in [("run.starting", before.to), ("the main container", mains.to)] {
            order.after(outcome.event(), name, end, settled.from, settled.line);
            order.after("run.finished", name, end, finished.from, finished.line);
        }
        order.after("run.finished", outcome.event(), settled.to, finished.from, finished.line);
    }
    found
}

/// From the first start to the last end of some containers.
#[derive(Clone, Copy, Default)]
struct Stretch {
    from: Option<Time>,
    to: Option<Time>,
    line: usize,
}

impl Stretch {
    fn with(self, span: &Span<'_>) -> Self {
        let ended = span.ended.unwrap_or(Time::MAX);
        let is_first = self.from.is_none_or(|from| span.started < from);
        Self {
            from: Some(self.from.map_or(span.started, |from| from.min(span.started))),
            to: Some(self.to.map_or(ended, |to| to.max(ended))),
            line: if is_first { span.line } else { self.line },
        }
    }
}

struct Order<'a, 's> {
    run: &'a RunId,
    spans: &'a [&'a Span<'s>],
    found: &'a mut Vec<Breach>,
}

impl Order<'_, '_> {
    /// Checks the order within one event, and returns from when to when its foreground went on.
    fn event(&mut self, hooks: &[Arc<Hook>], event: &str) -> Stretch {
        let mut bound: Vec<Step> =
            hooks.iter().filter(|hook| hook.event == event).map(|hook| step(event, hook)).collect();
        if is_after_event(event) {
            bound.reverse();
        }
        bound.sort_by_key(Step::stage);
        let find = |step: &Step| self.spans.iter().find(|span| span.tag.step == step.id).copied();
        let ran: Vec<(&Step, &Span<'_>)> = bound.iter().filter_map(|step| Some((step, find(step)?))).collect();
        for (index, (later, span)) in ran.iter().enumerate() {
            for (earlier, before) in &ran[..index] {
                let waits = earlier.stage() < later.stage() || !(earlier.is_parallel() || later.is_parallel());
                if waits && !earlier.is_background() && before.ended.is_none_or(|ended| ended > span.started) {
                    let what = format!("{}: {} began before {} had ended", self.run, later.id, earlier.id);
                    self.found.push(Breach::new("R5", span.line, what));
                }
            }
        }
        let foreground = ran.iter().filter(|(step, _)| !step.is_background());
        foreground.fold(Stretch::default(), |stretch, (_, span)| stretch.with(span))
    }

    fn after(&mut self, later: &str, earlier: &str, end: Option<Time>, start: Option<Time>, line: usize) {
        if end.zip(start).is_some_and(|(end, start)| end > start) {
            let what = format!("{}: {later} began before {earlier} had ended", self.run);
            self.found.push(Breach::new("R5", line, what));
        }
    }
}

fn step(event: &str, hook: &Arc<Hook>) -> Step {
    Step::new(provost_model::StepId::hook(event, hook), StepKind::Hook { hook: Arc::clone(hook) })
}
