//! What a fact is about: the columns by which facts are found again.

use provost_model::{Cause, EventId, Fact, Name, RunId};

/// The run, automation and event that a fact is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub run: Option<RunId>,
    pub automation: Option<Name>,
    pub event: Option<EventId>,
}

/// The kinds of facts that are about revisions.
pub(crate) const REVISION_KINDS: [&str; 4] = ["revisionApplied", "revisionRejected", "pinned", "unpinned"];

/// The kinds of facts that retention keeps besides those about revisions: they are few, and the state cannot do without
/// them.
const KEPT_KINDS: [&str; 5] = ["armed", "paused", "resumed", "serviceStopped", "serviceStarted"];

/// The kinds of facts that retention keeps.
pub(crate) fn kept_kinds() -> impl Iterator<Item = &'static str> {
    REVISION_KINDS.into_iter().chain(KEPT_KINDS)
}

/// Whether retention keeps facts of this kind.
pub(crate) fn is_kept(kind: &str) -> bool {
    kept_kinds().any(|kept| kept == kind)
}

impl About {
    /// What `fact` itself says.
    pub fn of(fact: &Fact) -> Self {
        let none = Self::default();
        match fact {
            Fact::Armed { automation, .. }
            | Fact::DueSkipped { automation, .. }
            | Fact::DueMissed { automation, .. }
            | Fact::Paused { automation, .. }
            | Fact::Resumed { automation, .. } => Self { automation: Some(automation.clone()), ..none },
            Fact::ServiceStopped { service, .. } | Fact::ServiceStarted { service, .. } => {
                Self { automation: Some(service.clone()), ..none }
            }
            Fact::TriggerSkipped { automation, event, .. } => {
                Self { automation: Some(automation.clone()), event: Some(event.clone()), ..none }
            }
            Fact::RunAccepted { accepted } => Self {
                run: Some(accepted.run.clone()),
                automation: Some(accepted.automation.clone()),
                event: match &accepted.cause {
                    Cause::Trigger { id, .. } => Some(id.clone()),
                    // By what its caller has in hand, the run is found again.
                    Cause::Action { job, .. } => EventId::parse(job.as_str()).ok(),
                    Cause::Schedule | Cause::CatchUp | Cause::Manual { .. } | Cause::Retry { .. } | Cause::Service => {
                        None
                    }
                },
            },
            Fact::Run { run, .. } => Self { run: Some(run.clone()), automation: automation_of(run), ..none },
            Fact::EventAccepted { event } => {
                Self { run: event.run.clone(), automation: event.subject.clone(), event: Some(event.id.clone()) }
            }
            Fact::NoticeQueued { notice } => Self {
                run: notice.run.clone(),
                automation: Some(notice.automation.clone()),
                event: Some(notice.id.clone()),
            },
            Fact::Event { id, .. }
            | Fact::NoticeDelivered { id }
            | Fact::NoticeFailed { id, .. }
            | Fact::NoticeGivenUp { id, .. } => Self { event: Some(id.clone()), ..none },
            Fact::ServerStarted { .. }
            | Fact::ServerStopping
            | Fact::RevisionApplied { .. }
            | Fact::RevisionRejected { .. }
            | Fact::Pinned { .. }
            | Fact::Unpinned { .. }
            | Fact::DriftFound { .. }
            | Fact::DriftCorrected { .. }
            | Fact::TokenMade { .. }
            | Fact::TokenRevoked { .. }
            | Fact::DocumentWritten { .. }
            | Fact::DocumentRemoved { .. } => none,
        }
    }

    /// Whether it names an event alone: what that is about, only the first fact of the event says.
    pub fn follows(&self) -> bool {
        self.event.is_some() && self.run.is_none() && self.automation.is_none()
    }
}

/// The automation of `run`: a run's id begins with it, and names have no dots.
fn automation_of(run: &RunId) -> Option<Name> {
    let (name, _) = run.as_str().split_once('.')?;
    Name::new(name).ok()
}

/// The kind of `fact`: its tag in JSON.
pub(crate) fn kind_of(fact: &Fact) -> &'static str {
    match fact {
        Fact::ServerStarted { .. } => "serverStarted",
        Fact::ServerStopping => "serverStopping",
        Fact::RevisionApplied { .. } => "revisionApplied",
        Fact::RevisionRejected { .. } => "revisionRejected",
        Fact::Pinned { .. } => "pinned",
        Fact::Unpinned { .. } => "unpinned",
        Fact::Armed { .. } => "armed",
        Fact::DueSkipped { .. } => "dueSkipped",
        Fact::TriggerSkipped { .. } => "triggerSkipped",
        Fact::DueMissed { .. } => "dueMissed",
        Fact::RunAccepted { .. } => "runAccepted",
        Fact::Run { .. } => "run",
        Fact::EventAccepted { .. } => "eventAccepted",
        Fact::Event { .. } => "event",
        Fact::NoticeQueued { .. } => "noticeQueued",
        Fact::NoticeDelivered { .. } => "noticeDelivered",
        Fact::NoticeFailed { .. } => "noticeFailed",
        Fact::NoticeGivenUp { .. } => "noticeGivenUp",
        Fact::Paused { .. } => "paused",
        Fact::Resumed { .. } => "resumed",
        Fact::ServiceStopped { .. } => "serviceStopped",
        Fact::ServiceStarted { .. } => "serviceStarted",
        Fact::DriftFound { .. } => "driftFound",
        Fact::DriftCorrected { .. } => "driftCorrected",
        Fact::TokenMade { .. } => "tokenMade",
        Fact::TokenRevoked { .. } => "tokenRevoked",
        Fact::DocumentWritten { .. } => "documentWritten",
        Fact::DocumentRemoved { .. } => "documentRemoved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use provost_model::{MissReason, RevisionId, RunFact, SkipReason};

    fn name() -> Name {
        Name::new("nightly").unwrap()
    }

    fn revision() -> RevisionId {
        RevisionId::parse("abc").unwrap()
    }

    fn event() -> EventId {
        EventId::parse("e1").unwrap()
    }

    #[test]
    fn a_kind_is_the_tag_in_json() {
        let at = Timestamp::UNIX_EPOCH;
        let (text, by) = (String::new, String::new);
        let facts = [
            Fact::ServerStarted { version: text() },
            Fact::ServerStopping,
            Fact::RevisionRejected { revision: revision(), errors: 1, report: text() },
            Fact::Pinned { revision: revision(), by: by() },
            Fact::Unpinned { by: by() },
            Fact::Armed { automation: name(), from: at },
            Fact::DueSkipped { automation: name(), due: at, reason: SkipReason::Overlap, detail: text() },
            Fact::TriggerSkipped { automation: name(), event: event(), reason: SkipReason::Overlap, detail: text() },
            Fact::DueMissed { automation: name(), first: at, last: at, count: 1, reason: MissReason::Down },
            Fact::Run { run: RunId::scheduled(&name(), at), change: RunFact::Finishing },
            Fact::Event { id: event(), change: provost_model::EventFact::Began },
            Fact::NoticeDelivered { id: event() },
            Fact::NoticeFailed { id: event(), why: text(), until: at },
            Fact::NoticeGivenUp { id: event(), why: text() },
            Fact::Paused { automation: name(), until: None, reason: text(), by: by() },
            Fact::Resumed { automation: name(), by: by() },
            Fact::DriftFound { container: text(), what: text() },
            Fact::DriftCorrected { container: text(), what: text() },
            Fact::TokenRevoked { name: name(), by: by() },
            Fact::DocumentWritten { name: text(), value: serde_json::Value::Null, by: by() },
            Fact::DocumentRemoved { name: text(), by: by() },
        ];
        for fact in &facts {
            let json = serde_json::to_value(fact).unwrap();
            assert_eq!(json["fact"], kind_of(fact), "{fact:?}");
        }
    }

    #[test]
    fn a_change_of_a_run_is_about_its_automation() {
        let run = RunId::scheduled(&name(), Timestamp::UNIX_EPOCH);
        let about = About::of(&Fact::Run { run: run.clone(), change: RunFact::Finishing });
        assert_eq!(about, About { run: Some(run), automation: Some(name()), event: None });
        assert!(!about.follows());
        assert!(About::of(&Fact::NoticeDelivered { id: event() }).follows());
    }
}
