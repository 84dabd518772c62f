//! What the core can say of itself: how the engine is, and why the server is not as it should be (C7).

use jiff::Timestamp;
use provost_model::{Name, Phase, Standing, Startup, Step, StepPhase};

use super::Core;
use crate::EngineStatus;

/// How many delayed steps are told of at most.
const DELAYED_MAX: usize = 10;

/// How many services that are down are told of at most.
const SERVICES_MAX: usize = 20;

impl Core {
    /// How the engine is.
    pub fn engine(&self) -> &EngineStatus {
        &self.engine
    }

    /// Why the server is not as it should be: one sentence each, with when it is tried again. Empty: all is well.
    pub fn waiting_for(&self, now: Timestamp) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(trouble) = &self.engine.trouble {
            reasons.push(format!("The engine does not answer ({trouble}); it is tried again within 30 s."));
        }
        match &self.state.server.startup {
            Startup::Refused { why } => reasons.push(format!(
                "Nothing starts: the startup hooks refused ({why}); they run again with the next revision or start."
            )),
            Startup::Running => reasons.push("Nothing starts before the startup hooks have ended.".to_owned()),
            Startup::Owed if self.state.applied.is_none() => {
                reasons.push("No revision has been applied yet.".to_owned());
            }
            Startup::Owed | Startup::Passed => {}
        }
        if let Some(rejected) = &self.state.rejected {
            let (revision, s) = (&rejected.revision, if rejected.errors == 1 { "" } else { "s" });
            let errors = format!("{} error{s}", rejected.errors);
            reasons.push(format!(
                "Revision {revision} is refused ({errors}); the one before stays in force until a good one comes."
            ));
        }
        if let Some(pinned) = &self.state.pinned {
            reasons.push(format!("The server stays at revision {pinned} until `provost apply`."));
        }
        for (name, plugin) in self.state.desired.plugins.iter().filter(|(_, plugin)| plugin.enabled) {
            let unmet = plugin.unmet.iter();
            reasons.extend(unmet.map(|unmet| format!("Plugin {name} does not run here: it requires {unmet}.")));
        }
        for (name, preparation) in &self.state.prepared {
            match preparation {
                Startup::Refused { why } => reasons.push(format!(
                    "Plugin {name} is not launched: its prepare step failed ({why}); it runs again when it changes or the server starts."
                )),
                Startup::Running => reasons.push(format!("Plugin {name} is being prepared.")),
                Startup::Owed | Startup::Passed => {}
            }
        }
        reasons.extend(self.delayed_steps(now));
        reasons.extend(self.services_down());
        reasons
    }

    /// The services that are not up and are not about to be.
    fn services_down(&self) -> Vec<String> {
        let services = self.state.desired.automations.values().filter(|it| it.service.is_some());
        let sentence = |name: &Name| {
            let view = self.state.service(name)?;
            let detail = &view.detail;
            Some(match view.standing {
                Standing::Waiting => format!("Service {name} waits {detail}."),
                Standing::Restarting => format!("Service {name} is started again: {detail}."),
                Standing::Unhealthy => format!("Service {name} is unhealthy: {detail}."),
                Standing::Stopped => {
                    format!("Service {name} was stopped {detail} and stays so until `provost start {name}`.")
                }
                Standing::Dead => format!("Service {name} is dead: {detail}; `provost start {name}` tries it again."),
                Standing::Up if !detail.is_empty() => format!("Service {name} runs {detail}."),
                Standing::Up | Standing::Starting | Standing::Stopping | Standing::Ended => return None,
            })
        };
        services.filter_map(|service| sentence(&service.name)).take(SERVICES_MAX).collect()
    }

    fn delayed_steps(&self, now: Timestamp) -> Vec<String> {
        let until = |step: &Step| match step.phase {
            StepPhase::Waiting { until: Some(until) } if until > now => Some(until),
            _ => None,
        };
        let sentence =
            |what: String, until| format!("{what} waits for the engine or its image; it is tried again at {until}.");
        let runs = self.state.runs.values().filter(|run| !matches!(run.phase, Phase::Finished { .. }));
        let runs = runs.filter_map(|run| Some(sentence(format!("Run {}", run.id), run.steps().find_map(until)?)));
        let events = self.state.events.values().filter_map(|event| {
            let step = event.firing.as_ref()?.steps.iter().find_map(|step| Some((&step.id, until(step)?)))?;
            Some(sentence(format!("Hook {}", step.0), step.1))
        });
        runs.chain(events).take(DELAYED_MAX).collect()
    }
}
