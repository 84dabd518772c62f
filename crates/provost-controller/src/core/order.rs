//! Commands of people and programs: checked here, against the state, without changing it.

use jiff::Timestamp;
use provost_model::{
    AcceptedEvent, AcceptedRun, ActionTerms, Automation, Cause, EventId, Fact, JsonMap, Name, OWN_EVENT_FAMILIES,
    PluginName, Run, RunFact, RunId, RunRecord as Earlier, ServiceView, Standing, Startup, StopCause, Token,
    check_params, check_types,
};

use super::Core;
use crate::{Command, Done, Refusal, RefusalKind};

impl Core {
    /// Returns the facts that `command` calls for, and what it answers once they are durable. `earlier` is the run that a
    /// [`Command::Retry`] names, from the history.
    ///
    /// Errors: a [`Refusal`] that names what is wrong and how to mend it; nothing has changed. Commands about revisions
    /// are for the shell, which asks the source first; they are refused here.
    pub fn order(
        &self,
        now: Timestamp,
        command: Command,
        earlier: Option<&Earlier>,
    ) -> Result<(Vec<Fact>, Done), Refusal> {
        match command {
            Command::Run { automation, params, testing, request, by } => {
                let spec = self.automation(&automation)?;
                self.may_start()?;
                let cause = Cause::Manual { by };
                self.accept(now, spec, cause, &params, testing, &request)
            }
            Command::Call { application, action, params, testing, job, by } => {
                let spec = self.action(&application, &action)?;
                self.may_start()?;
                self.is_launched(spec)?;
                check_types(&spec.params, &params).map_err(|problems| invalid(problems.join("; ")))?;
                let request = job.to_string();
                let cause = Cause::Action { by, job, application, action };
                self.accept(now, spec, cause, &params, testing, &request)
            }
            Command::Retry { run, request, by } => {
                let earlier = earlier
                    .filter(|earlier| earlier.run == run)
                    .ok_or_else(|| Refusal::new(RefusalKind::NotFound, format!("there is no run {run}")))?;
                self.retry(now, earlier, &request, by)
            }
            Command::Stop { run, by } => self.stop(&run, by),
            Command::StopService { service, by } => self.stop_service(service, by),
            Command::StartService { service, by } => self.start_service(service, by),
            Command::Pause { automation, until, reason, by } => {
                self.automation(&automation)?;
                if until.is_some_and(|until| until <= now) {
                    return Err(invalid("the end of the pause has passed already"));
                }
                Ok((vec![Fact::Paused { automation, until, reason, by }], Done::Noted))
            }
            Command::Resume { automation, by } => {
                self.automation(&automation)?;
                let is_paused = self.state.ledgers.get(&automation).is_some_and(|ledger| ledger.pause.is_some());
                if !is_paused {
                    return Err(Refusal::new(RefusalKind::Conflict, format!("{automation} is not paused")));
                }
                Ok((vec![Fact::Resumed { automation, by }], Done::Noted))
            }
            Command::Fire { name, data, request, by } => self.fire(name, data, &request, by),
            Command::CallSkill { skill, data, request, by } => self.call_skill(&skill, &data, &request, by),
            Command::WriteDocument { name, value, by } => self.write_document(name, value, by),
            Command::PatchDocument { name, patch, by } => self.patch_document(name, &patch, by),
            Command::RemoveDocument { name, by } => self.remove_document(name, by),
            Command::MakeToken { token } => self.make_token(*token),
            Command::RevokeToken { name, by } => self.revoke_token(name, by),
            Command::Plan | Command::Apply { .. } | Command::Rollback { .. } | Command::Reset { .. } => {
                Err(Refusal::new(RefusalKind::Conflict, "revisions are for the shell"))
            }
        }
    }

    fn automation(&self, name: &Name) -> Result<&Automation, Refusal> {
        match self.state.desired.automations.get(name).map(AsRef::as_ref) {
            Some(service) if service.service.is_some() => {
                let refusal =
                    Refusal::new(RefusalKind::Conflict, format!("{name} is a service: it has no runs to ask for"));
                Err(refusal.hint(format!("`provost start {name}` and `provost stop {name}` are for services")))
            }
            Some(automation) => Ok(automation),
            None => {
                let refusal = Refusal::new(RefusalKind::NotFound, format!("there is no automation {name}"));
                Err(refusal.hint("provost get automations lists those that are in force"))
            }
        }
    }

    fn service(&self, name: &Name) -> Result<ServiceView<'_>, Refusal> {
        self.state.service(name).ok_or_else(|| {
            let refusal = Refusal::new(RefusalKind::NotFound, format!("there is no service {name}"));
            refusal.hint("provost get services lists those that are in force")
        })
    }

    fn stop_service(&self, name: Name, by: String) -> Result<(Vec<Fact>, Done), Refusal> {
        let view = self.service(&name)?;
        if matches!(view.standing, Standing::Stopped) {
            return Err(Refusal::new(RefusalKind::Conflict, format!("{name} is stopped already, {}", view.detail)));
        }
        let runs = self.state.runs_of(&name).filter(|run| run.spec.service.is_some());
        let live = runs.filter(|run| run.cancel.is_none() && run.outcome().is_none());
        let cancelling = live.map(|run| {
            let change = RunFact::Cancelling { why: StopCause::Cancel { by: by.clone() } };
            Fact::Run { run: run.id.clone(), change }
        });
        let cancelling: Vec<Fact> = cancelling.collect();
        let stopped = Fact::ServiceStopped { service: name, by };
        Ok(([stopped].into_iter().chain(cancelling).collect(), Done::Noted))
    }

    fn start_service(&self, name: Name, by: String) -> Result<(Vec<Fact>, Done), Refusal> {
        let view = self.service(&name)?;
        self.may_start()?;
        let is_stopped = self.state.ledgers.get(&name).is_some_and(|ledger| ledger.stopped.is_some());
        let is_down = matches!(view.standing, Standing::Stopped | Standing::Ended | Standing::Dead);
        if !is_stopped && !is_down {
            return Err(Refusal::new(RefusalKind::Conflict, format!("{name} is {} already", view.standing.word())));
        }
        Ok((vec![Fact::ServiceStarted { service: name, by }], Done::Noted))
    }

    fn action(&self, application: &Name, action: &str) -> Result<&Automation, Refusal> {
        let named = ActionTerms::automation_name(application, action);
        let found = named.and_then(|name| self.state.desired.automations.get(&name)).filter(|automation| {
            automation.action.as_ref().is_some_and(|it| it.application == *application && it.name == action)
        });
        found.map(AsRef::as_ref).ok_or_else(|| {
            let refusal =
                Refusal::new(RefusalKind::NotFound, format!("application {application} has no action {action}"));
            refusal.hint(format!("provost action ls {application} lists those that it has"))
        })
    }

    /// An action of a plugin that could not be prepared is refused at once; one that is being prepared is waited for.
    fn is_launched(&self, spec: &Automation) -> Result<(), Refusal> {
        spec.action.as_ref().map_or(Ok(()), |action| self.is_prepared(&action.plugin))
    }

    pub(super) fn is_prepared(&self, plugin: &PluginName) -> Result<(), Refusal> {
        match self.state.prepared.get(plugin) {
            Some(Startup::Refused { why }) => {
                let refusal = Refusal::new(RefusalKind::Conflict, format!("plugin {plugin} was not prepared: {why}"));
                Err(refusal.hint(
                    "mend its `prepare`, or what that needs; it is tried again when it changes, and at the next start",
                ))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn may_start(&self) -> Result<(), Refusal> {
        if self.state.server.stopping {
            return Err(Refusal::new(RefusalKind::Unavailable, "the reconciler is shutting down"));
        }
        match &self.state.server.startup {
            Startup::Refused { why } => {
                let message = format!("nothing starts on this server: its startup hooks refused: {why}");
                let refusal = Refusal::new(RefusalKind::Conflict, message);
                Err(refusal.hint("mend what the hook checks, then apply a revision or restart the reconciler"))
            }
            Startup::Owed | Startup::Running | Startup::Passed => Ok(()),
        }
    }

    fn accept(
        &self,
        now: Timestamp,
        spec: &Automation,
        cause: Cause,
        params: &JsonMap,
        testing: bool,
        request: &str,
    ) -> Result<(Vec<Fact>, Done), Refusal> {
        let params = check_params(&spec.params, params).map_err(|problems| invalid(problems.join("; ")))?;
        let run = RunId::caused(&spec.name, request);
        let done = Done::Accepted { run: run.clone() };
        if self.state.runs.contains_key(&run) {
            return Ok((Vec::new(), done)); // Asked twice, started once (D2).
        }
        let automation = spec.name.clone();
        // To the millisecond: history lists runs by it, and of two that were asked for in one second one is younger.
        let due = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let accepted = AcceptedRun { run, automation, cause, due, not_before: now, params, testing };
        Ok((vec![Fact::RunAccepted { accepted: Box::new(accepted) }], done))
    }

    fn retry(
        &self,
        now: Timestamp,
        earlier: &Earlier,
        request: &str,
        by: String,
    ) -> Result<(Vec<Fact>, Done), Refusal> {
        let spec = self.automation(&earlier.automation)?;
        self.may_start()?;
        let cause = Cause::Retry { by, of: earlier.run.clone() };
        self.accept(now, spec, cause, &earlier.params, earlier.testing, request)
    }

    fn fire(&self, name: String, data: JsonMap, request: &str, by: String) -> Result<(Vec<Fact>, Done), Refusal> {
        let family = name.split('.').next().unwrap_or_default();
        if OWN_EVENT_FAMILIES.contains(&family) {
            let refusal = invalid(format!("{name} is an event of Provost's own, which nobody else can fire"));
            return Err(refusal.hint("choose a name whose first word is another one, like orders.arrived"));
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_name) {
            return Err(invalid(format!(
                "{name:?} is not an event's name: letters, digits, `.`, `-` and `_`, at most 128"
            )));
        }
        Ok(self.accept_event(name, data, request, by))
    }

    /// The fact that an event was fired, unless it was already, and its id.
    pub(super) fn accept_event(&self, name: String, data: JsonMap, request: &str, by: String) -> (Vec<Fact>, Done) {
        let id = fired_event(&name, request);
        let done = Done::Fired { event: id.clone() };
        if self.state.events.values().any(|event| event.id == id) {
            return (Vec::new(), done);
        }
        let event = AcceptedEvent { id, name, subject: None, run: None, data, by };
        (vec![Fact::EventAccepted { event: Box::new(event) }], done)
    }

    fn make_token(&self, token: Token) -> Result<(Vec<Fact>, Done), Refusal> {
        if self.state.tokens.contains_key(&token.name) {
            let refusal = Refusal::new(RefusalKind::Conflict, format!("there is a token {} already", token.name));
            return Err(refusal.hint("choose another name, or revoke that one first: provost token revoke"));
        }
        Ok((vec![Fact::TokenMade { token }], Done::Noted))
    }

    fn revoke_token(&self, name: Name, by: String) -> Result<(Vec<Fact>, Done), Refusal> {
        if !self.state.tokens.contains_key(&name) {
            let refusal = Refusal::new(RefusalKind::NotFound, format!("there is no token {name}"));
            return Err(refusal.hint("provost token ls lists them"));
        }
        Ok((vec![Fact::TokenRevoked { name, by }], Done::Noted))
    }

    fn stop(&self, id: &RunId, by: String) -> Result<(Vec<Fact>, Done), Refusal> {
        let run: &Run = self.state.runs.get(id).ok_or_else(|| {
            let refusal = Refusal::new(RefusalKind::NotFound, format!("run {id} is not going on"));
            refusal.hint("provost get runs lists runs")
        })?;
        if run.spec.service.is_some() {
            let name = &run.spec.name;
            let refusal = Refusal::new(RefusalKind::Conflict, format!("{id} is of the service {name}"));
            return Err(refusal.hint(format!("`provost stop {name}` takes it down until it is started")));
        }
        if run.is_finished() || run.cancel.is_some() {
            return Err(Refusal::new(RefusalKind::Conflict, format!("run {id} is ending already")));
        }
        let change = RunFact::Cancelling { why: StopCause::Cancel { by } };
        Ok((vec![Fact::Run { run: id.clone(), change }], Done::Noted))
    }
}

/// The id of the event that `request` fires: asking twice is one event.
pub(crate) fn fired_event(name: &str, request: &str) -> EventId {
    EventId::derived(&["fired", name, request])
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::Invalid, message)
}
