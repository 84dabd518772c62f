//! The source of manifests, and how the shell follows it.

use std::sync::Arc;

use provost_controller::{Compiled, Input, Pin, Revision, Store as _};
use provost_model::{Desired, RevisionId};

use super::{Happening, World, now};
use crate::Time;
use crate::record::Manifest;
use crate::scenario::SECOND;
use crate::shop::manifest;

/// Where manifests come from.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The newest revision.
    pub head: Option<RevisionId>,
    /// It cannot be read.
    pub is_away: bool,
    /// Revisions that it had, oldest first.
    pub log: Vec<RevisionId>,
}

/// A revision with what came of compiling it.
pub(super) struct Fetched {
    pub revision: Revision,
    pub compiled: Compiled,
}

/// How often the source is looked at.
const POLL: Time = 30 * SECOND;

impl World {
    /// The source gets a new revision with `text`.
    pub(super) fn publish(&mut self, text: String) {
        let number = self.record.manifests.len() + 1;
        let Ok(id) = RevisionId::parse(format!("r{number:04}")) else {
            return;
        };
        let manifest = manifest(&id, text, self.wall());
        self.say(|| format!("the source has {id}, {} errors", manifest.errors));
        self.automations.extend(self.shop.names());
        self.record.manifests.insert(id.clone(), manifest);
        self.set_head(id);
    }

    /// The source goes to a revision that it had before, or to a new one.
    pub(super) fn set_head(&mut self, id: RevisionId) {
        self.say(|| format!("the source is at {id}"));
        self.source.log.push(id.clone());
        self.source.head = Some(id);
        let delay = self.dice.between(1, POLL);
        if let Some(process) = &self.process {
            let boot = process.boot;
            self.after(delay, Happening::Poll { boot });
        }
    }

    pub(super) fn source_back(&mut self) {
        self.source.is_away = false;
        let delay = self.dice.between(1, POLL);
        if let Some(process) = &self.process {
            let boot = process.boot;
            self.after(delay, Happening::Poll { boot });
        }
    }

    /// The shell fetches, and follows what is new.
    pub(super) fn poll(&mut self, boot: u32) {
        if self.source.is_away {
            // An unreadable source changes nothing, but the next that is read is new.
            if let Some(process) = self.process_of(boot) {
                process.fetched = None;
            }
            return;
        }
        let head = self.source.head.clone();
        let Some(process) = self.process_of(boot).filter(|process| process.fetched != head) else {
            return;
        };
        process.fetched.clone_from(&head);
        let Some(fetched) = head.and_then(|id| self.fetched(&id)) else {
            return;
        };
        let Some(process) = self.process_of(boot) else {
            return;
        };
        if process.unrecorded.is_some() {
            process.held = Some(fetched);
            return;
        }
        self.follow_to(fetched);
    }

    pub(super) fn fetched(&self, id: &RevisionId) -> Option<Fetched> {
        let Manifest { desired, report, errors, .. } = self.record.manifests.get(id)?;
        let desired: Option<Desired> = desired
            .as_ref()
            .map(|desired| Desired { revision: Some(id.clone()), ..Desired::clone(Arc::as_ref(desired)) });
        let compiled = Compiled { desired, report: report.clone(), errors: *errors, warnings: 0 };
        let (author, subject) = ("ann".to_owned(), "a change".to_owned());
        let revision = Revision { id: id.clone(), author, subject, at: None, signer: None, files: Vec::new() };
        Some(Fetched { revision, compiled })
    }

    /// The source has brought a revision: it takes effect, unless the server stays at another one.
    pub(super) fn follow_to(&mut self, fetched: Fetched) {
        let Some(process) = &self.process else {
            return;
        };
        let (core, desired) = (&process.core, fetched.compiled.desired.as_ref());
        let is_in_force = desired.is_some_and(|desired| core.is_in_force(&fetched.revision.id, desired));
        let waits = core.state().pinned.is_some() && desired.is_some() && !is_in_force;
        let is_news = !is_in_force || core.state().rejected.is_some();
        if !waits && is_news {
            self.give_to_core(fetched, "source", Pin::Leave);
        }
    }

    /// Keeps the revision's files, and lets the core take it.
    pub(super) fn give_to_core(&mut self, fetched: Fetched, by: &str, pin: Pin) {
        let Fetched { revision, compiled } = fetched;
        if compiled.desired.is_some() {
            if self.is_full {
                return self.hold(Fetched { revision, compiled }, by);
            }
            if let Err(error) = now(self.store.keep_revision(&revision, self.wall())) {
                return self.breach("C2", format!("a revision cannot be kept: {error}"));
            }
        }
        let (about, by) = ("ann: a change".to_owned(), by.to_owned());
        let input = Input::Revision { revision: revision.id, about, by, compiled: Box::new(compiled), pin };
        self.feed(vec![input], Vec::new());
    }

    /// What the source brought is tried again; a person is told no.
    fn hold(&mut self, fetched: Fetched, by: &str) {
        if by != "source" {
            return;
        }
        if let Some(process) = &mut self.process {
            process.held = Some(fetched);
            let boot = process.boot;
            self.after(SECOND, Happening::TryAgain { boot });
        }
    }
}
