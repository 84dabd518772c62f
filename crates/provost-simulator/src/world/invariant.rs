//! What holds after every step, cheap enough to be looked at each time.

use provost_controller::{Answer, Core, Input, Store as _};
use provost_model::{Owner, State, Step, StepPhase, StepRef};
use provost_planner::Action;

use super::{World, now};

/// The core is asked a second time once in so many steps.
const ASK_AGAIN: u32 = 24;

impl World {
    /// The core rests until the instant that it names, and has nothing more to say until then.
    pub(super) fn check_rest(&mut self, answer: &Answer) {
        let at = self.wall();
        if let Some(wake_at) = answer.wake_at.filter(|wake_at| *wake_at <= at) {
            self.breach("C8", format!("it would never rest: it wants to be woken at {wake_at}"));
        }
        if self.dice.one_in(ASK_AGAIN) {
            self.ask_again();
        }
    }

    /// Every action has its fact in what is durable (R2), and nothing is made after the intent to start it (D2).
    pub(super) fn check_answer(&mut self, answer: &Answer) {
        let Some(process) = &self.process else {
            return;
        };
        let state = process.core.state();
        let bad: Vec<String> = answer.actions.iter().filter_map(|action| without_intent(state, action)).collect();
        for what in bad {
            self.breach("R2", what);
        }
    }

    /// The same question again: nothing is left to record, and nothing to do (C1).
    fn ask_again(&mut self) {
        let at = self.wall();
        let Some(process) = &mut self.process else {
            return;
        };
        let again = process.core.handle(at, [Input::Tick]);
        if !again.batch.facts.is_empty() || !again.actions.is_empty() {
            let what = format!("asked again, it records {:?} and does {:?}", again.batch.facts, again.actions);
            self.breach("C1", what);
        }
    }

    /// The core's state is the fold of what is durable (R2).
    pub(super) fn check_fold(&mut self, core: &Core) {
        match now(self.store.load()) {
            Ok(state) if state == *core.state() => {}
            Ok(_) => self.breach("R2", "the core's state is not the fold of the durable facts"),
            Err(error) => self.breach("R2", format!("the state cannot be loaded: {error}")),
        }
    }

    /// What is stored is read back as it was.
    pub(super) fn check_stored_form(&mut self, state: &State) {
        if !self.dice.one_in(8) {
            return;
        }
        let text = serde_json::to_string(state).unwrap_or_default();
        match serde_json::from_str::<State>(&text) {
            Ok(read) if read == *state => {}
            Ok(read) => {
                let (wrote, read) = (format!("{state:?}"), format!("{read:?}"));
                let same = wrote.bytes().zip(read.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(80);
                let part = |text: &str| text.get(same..).unwrap_or_default().chars().take(240).collect::<String>();
                let what = format!("a snapshot is not read back as it was written: {} / {}", part(&wrote), part(&read));
                self.breach("R2", what);
            }
            Err(error) => self.breach("R2", format!("a snapshot cannot be read back: {error}")),
        }
    }
}

fn without_intent(state: &State, action: &Action) -> Option<String> {
    match action {
        Action::Create { request } => {
            let phase = step(state, &request.step).map(|step| &step.phase);
            let may = phase.is_none_or(|phase| matches!(phase, StepPhase::Waiting { .. }));
            (!may).then(|| format!("{} is made although its step is {phase:?}", request.name))
        }
        Action::Start { step: of, name, .. } => {
            let phase = step(state, of).map(|step| &step.phase);
            let may = matches!(phase, Some(StepPhase::Starting { .. }));
            (!may).then(|| format!("{name} is started although its step is {phase:?}"))
        }
        Action::Ask { step: of, .. } => {
            let phase = step(state, of).map(|step| &step.phase);
            let may = matches!(phase, Some(StepPhase::Starting { .. }));
            (!may).then(|| format!("{of:?} is asked although it is {phase:?}"))
        }
        Action::Deliver { notice, .. } => {
            (!state.outbox.contains_key(&notice.id)).then(|| format!("{} is delivered and not queued", notice.id))
        }
        Action::Follow { .. }
        | Action::Stop { .. }
        | Action::Collect { .. }
        | Action::Probe { .. }
        | Action::Remove { .. } => None,
    }
}

fn step<'a>(state: &'a State, of: &StepRef) -> Option<&'a Step> {
    match &of.owner {
        Owner::Run(id) => state.runs.get(id)?.steps().find(|it| it.id == of.step),
        Owner::Event(id) => {
            let event = state.events.values().find(|event| event.id == *id)?;
            event.firing.as_ref()?.step(&of.step)
        }
        Owner::Notice(_) => None,
    }
}
