//! Revisions: fetched, compiled, and given to the core.

use std::sync::Arc;
use std::time::Duration;

use provost_model::{Fact, Name, RevisionId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{ApplyMode, Held, Ports, RECORD_AGAIN, Shell};
use crate::handle::Message;
use crate::{Compiled, Done, FactQuery, Input, Pin, Proposal, Refusal, RefusalKind, Revision, SourceError, StoreError};

type Answer = oneshot::Sender<Result<Done, Refusal>>;

/// What a fetched revision is for.
#[derive(Debug)]
pub(crate) enum Intent {
    /// The source has a new one.
    Follow,
    /// Somebody wants to know what it would change.
    Plan(Answer),
    /// Somebody wants it to take effect.
    Apply {
        /// Only if this is still the plan.
        plan: Option<String>,
        /// Who.
        by: String,
        answer: Answer,
    },
    /// Somebody wants the server to go back to it.
    RollBack {
        /// Who.
        by: String,
        answer: Answer,
    },
}

/// A revision with what came of compiling it.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// It is the one that was fetched before.
    Same,
    /// It is another one.
    New(Box<(Revision, Compiled)>),
    /// It could not be read.
    Trouble(SourceError),
    /// It is not kept.
    Unknown(String),
}

/// Fetches whenever it is worth it, for as long as the controller lives.
pub(super) async fn follow(ports: Ports, messages: mpsc::UnboundedSender<Message>) {
    let mut last: Option<RevisionId> = None;
    loop {
        let fetched = match ports.source.fetch().await {
            Ok(revision) if last.as_ref() == Some(&revision.id) => Fetched::Same,
            Ok(revision) => {
                last = Some(revision.id.clone());
                compile(&ports, revision).await
            }
            Err(error) => {
                last = None;
                troubled(error)
            }
        };
        if messages.send(Message::Fetched { fetched, intent: Intent::Follow }).is_err() {
            return;
        }
        ports.source.changed().await;
        // A source that is always worth another look must not take the machine.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A revision that no signer vouches for is refused and recorded like one that is wrong, without a look at its files;
/// any other trouble is the source's own.
fn troubled(error: SourceError) -> Fetched {
    let id = match &error {
        SourceError::Unsigned { revision, .. } => RevisionId::parse(revision).ok(),
        SourceError::Unreachable(_) | SourceError::Refused(_) => None,
    };
    let Some(id) = id else {
        return Fetched::Trouble(error);
    };
    let (author, subject, files) = (String::new(), String::new(), Vec::new());
    let revision = Revision { id, author, subject, at: None, signer: None, files };
    let compiled = Compiled { desired: None, report: format!("error: {error}\n"), errors: 1, warnings: 0 };
    Fetched::New(Box::new((revision, compiled)))
}

async fn compile(ports: &Ports, revision: Revision) -> Fetched {
    let (compiler, now) = (Arc::clone(&ports.compiler), ports.clock.now());
    let compiling = tokio::task::spawn_blocking(move || {
        let compiled = compiler.compile(&revision, now);
        (revision, compiled)
    });
    match compiling.await {
        Ok(result) => Fetched::New(Box::new(result)),
        Err(error) => Fetched::Trouble(SourceError::Refused(format!("its manifests could not be compiled: {error}"))),
    }
}

impl Shell {
    /// Fetches at once, for somebody who waits.
    pub(super) fn fetch_for(&self, intent: Intent) {
        let (ports, messages) = (self.ports.clone(), self.messages.clone());
        tokio::spawn(async move {
            let fetched = match ports.source.fetch().await {
                Ok(revision) => compile(&ports, revision).await,
                Err(error) => troubled(error),
            };
            let _ = messages.send(Message::Fetched { fetched, intent }); // The asker is told by the closed channel.
        });
    }

    /// Has the copy of a source thrown away; the source itself says then that it is worth fetching again.
    pub(super) fn reset(&self, name: Name, by: String, answer: Answer) {
        let source = Arc::clone(&self.ports.source);
        tokio::spawn(async move {
            let done = match source.reset(&name).await {
                Ok(true) => {
                    tracing::info!(source = %name, by, "the copy of the source is made anew");
                    Ok(Done::Noted)
                }
                Ok(false) => {
                    Err(Refusal::new(RefusalKind::NotFound, format!("no manifest refers to a source `{name}`"))
                        .hint("provost get sources lists them"))
                }
                Err(error) => Err(Refusal::new(RefusalKind::Unavailable, error.to_string())),
            };
            let _ = answer.send(done); // Nobody may be waiting any more.
        });
    }

    pub(super) fn roll_back(&self, revision: Option<String>, by: String, answer: Answer) {
        let (ports, messages) = (self.ports.clone(), self.messages.clone());
        let in_force = self.core.state().desired.revision.clone();
        tokio::spawn(async move {
            let fetched = match kept(&ports, revision, in_force.as_ref()).await {
                Ok(Some(revision)) => compile(&ports, revision).await,
                Ok(None) => Fetched::Unknown("that is wanted".to_owned()),
                Err(error) => Fetched::Unknown(error.to_string()),
            };
            let _ = messages.send(Message::Fetched { fetched, intent: Intent::RollBack { by, answer } });
        });
    }

    pub(crate) async fn on_fetched(&mut self, fetched: Fetched, intent: Intent) -> bool {
        let now = self.ports.clock.now();
        let is_from_source = !matches!(intent, Intent::RollBack { .. });
        let (revision, compiled) = match fetched {
            Fetched::Same => {
                self.source.fetched_at = Some(now);
                self.source.trouble = None;
                return false;
            }
            Fetched::New(new) => *new,
            Fetched::Trouble(error) => return self.on_trouble(&error, intent),
            Fetched::Unknown(what) => {
                let refusal =
                    Refusal::new(RefusalKind::NotFound, format!("revision {what} is not kept on this server"));
                return answer_with(intent, refusal.hint("provost history lists revisions"));
            }
        };
        if is_from_source {
            self.source.fetched_at = Some(now);
            self.source.trouble = None;
        }
        if let Some(refusal) = self.refuse_while_unrecorded() {
            if matches!(intent, Intent::Follow) {
                self.held = Some(Held { fetched: Box::new((revision, compiled)), why: refusal.message.clone() });
            }
            return answer_with(intent, refusal);
        }
        match intent {
            Intent::Follow => self.follow_to(revision, compiled).await,
            Intent::Plan(answer) => {
                let _ =
                    answer.send(self.proposal(&revision, &compiled).map(|it| Done::Planned { proposal: Box::new(it) }));
                false
            }
            Intent::Apply { plan, by, answer } => {
                let proposal = self.proposal(&revision, &compiled).and_then(|it| still(it, plan.as_deref()));
                self.apply_for(revision, compiled, proposal, by, Pin::Clear, answer).await
            }
            Intent::RollBack { by, answer } => {
                let proposal = self.proposal(&revision, &compiled);
                self.apply_for(revision, compiled, proposal, by, Pin::Set, answer).await
            }
        }
    }

    fn on_trouble(&mut self, error: &SourceError, intent: Intent) -> bool {
        let why = error.to_string();
        if self.source.trouble.as_ref() != Some(&why) {
            tracing::warn!(%error, "the revision in force stays");
        }
        self.source.trouble = Some(why.clone());
        answer_with(intent, Refusal::new(RefusalKind::Unavailable, why))
    }

    /// The source has brought a revision: it takes effect, unless somebody has to say so first.
    pub(super) async fn follow_to(&mut self, revision: Revision, compiled: Compiled) -> bool {
        let is_held = self.settings.apply == ApplyMode::Manual || self.core.state().pinned.is_some();
        let is_in_force = compiled.desired.as_ref().is_some_and(|desired| self.core.is_in_force(&revision.id, desired));
        let is_good = compiled.desired.is_some();
        self.source.waiting = (is_held && is_good && !is_in_force).then(|| revision.id.to_string());
        self.held = None;
        // Back at what is in force, the source has mended what was rejected.
        let is_news = !is_in_force || self.core.state().rejected.is_some();
        if self.source.waiting.is_some() || !is_news {
            return false;
        }
        self.give_to_core(revision, compiled, "source".to_owned(), Pin::Leave, Vec::new()).await
    }

    fn proposal(&self, revision: &Revision, compiled: &Compiled) -> Result<Proposal, Refusal> {
        let rejected = |report: &str| Refusal::new(RefusalKind::Rejected, report.to_owned());
        let desired = compiled.desired.as_ref().ok_or_else(|| rejected(&compiled.report))?;
        if let Some(objection) = self.core.objection(desired) {
            return Err(rejected(&objection));
        }
        Ok(self.core.propose(self.ports.clock.now(), &revision.id, &about(revision), desired, &compiled.report))
    }

    async fn apply_for(
        &mut self,
        revision: Revision,
        compiled: Compiled,
        proposal: Result<Proposal, Refusal>,
        by: String,
        pin: Pin,
        answer: Answer,
    ) -> bool {
        match proposal {
            Ok(proposal) => {
                let done = Done::Applied { proposal: Box::new(proposal) };
                self.source.waiting = None;
                self.give_to_core(revision, compiled, by, pin, vec![(answer, Ok(done))]).await
            }
            Err(refusal) => {
                let _ = answer.send(Err(refusal));
                false
            }
        }
    }

    /// Keeps the revision's files, so that it can be gone back to, and lets the core take it.
    async fn give_to_core(
        &mut self,
        revision: Revision,
        compiled: Compiled,
        by: String,
        pin: Pin,
        replies: Vec<super::Reply>,
    ) -> bool {
        if compiled.desired.is_some()
            && let Err(error) = self.ports.store.keep_revision(&revision, self.ports.clock.now()).await
        {
            self.hold(revision, compiled, error.to_string(), replies);
            return false;
        }
        let about = about(&revision);
        let input = Input::Revision { revision: revision.id, about, by, compiled: Box::new(compiled), pin };
        self.feed(vec![input], replies).await
    }

    /// The store does not take a revision: whoever asked is told, and what the source brought is tried again.
    fn hold(&mut self, revision: Revision, compiled: Compiled, why: String, replies: Vec<super::Reply>) {
        if replies.is_empty() {
            self.again_at = Instant::now() + RECORD_AGAIN;
            self.held = Some(Held { fetched: Box::new((revision, compiled)), why });
            return;
        }
        for (waiting, _) in replies {
            let _ = waiting.send(Err(Refusal::new(RefusalKind::Unavailable, why.clone())));
        }
    }
}

/// How far back the revision before the one in force is looked for.
const HISTORY_LIMIT: usize = 200;

/// The revision `wanted`, or else the last one that was applied before the one in force.
async fn kept(
    ports: &Ports,
    wanted: Option<String>,
    in_force: Option<&RevisionId>,
) -> Result<Option<Revision>, StoreError> {
    if let Some(wanted) = wanted {
        return ports.store.revision(&wanted).await;
    }
    let query = FactQuery { revisions_only: true, tail: true, limit: HISTORY_LIMIT, ..FactQuery::default() };
    let earlier = ports.store.facts(&query).await?.into_iter().rev().find_map(|recorded| match recorded.fact {
        Fact::RevisionApplied { change } if Some(&change.revision) != in_force => Some(change.revision),
        _ => None,
    });
    match earlier {
        Some(earlier) => ports.store.revision(earlier.as_str()).await,
        None => Ok(None),
    }
}

fn about(revision: &Revision) -> String {
    match (revision.author.as_str(), revision.subject.as_str()) {
        ("", subject) => subject.to_owned(),
        (author, subject) => format!("{author}: {subject}"),
    }
}

fn still(proposal: Proposal, plan: Option<&str>) -> Result<Proposal, Refusal> {
    match plan {
        Some(plan) if plan != proposal.id => {
            let message = format!("plan {plan} is out of date: the plan is {} now", proposal.id);
            Err(Refusal::new(RefusalKind::Conflict, message).hint("look at it with provost plan"))
        }
        _ => Ok(proposal),
    }
}

fn answer_with(intent: Intent, refusal: Refusal) -> bool {
    match intent {
        Intent::Follow => {}
        Intent::Plan(answer) | Intent::Apply { answer, .. } | Intent::RollBack { answer, .. } => {
            let _ = answer.send(Err(refusal));
        }
    }
    false
}
